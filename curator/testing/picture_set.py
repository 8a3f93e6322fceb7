"""A set of pictures with their truth on disk, small enough for a repository.

The law: what is read back equals what was written, pixel for pixel and letter for letter. Two zip files hold the
pictures (WebP without loss for 8 bits, PNG for more) beside their ink marks; two Parquet files hold what is true of the
pictures and of the letters.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from curator.model.pixels import Box
from curator.testing.captioned import HALVES, Captioned, Hints
from curator.testing.captions import Caption, Letter, Style, mark_of

PICTURES_FILE, LETTERS_FILE, DIGESTS_FILE = "pictures.parquet", "letters.parquet", "SHA256SUMS"
_TIME = (2020, 1, 1, 0, 0, 0)


def write_set(folder: Path, pictures: Iterable[Captioned]) -> None:
    """Write all pictures, their truth and the digests of the files; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    letters: list[dict[str, Any]] = []
    archives = {half: zipfile.ZipFile(folder / archive_of(half), "w", zipfile.ZIP_STORED) for half in HALVES}
    for picture in pictures:
        archive = archives[picture.half]
        _add(archive, _member(picture.number, picture.bits_stored), _packed(picture.pixels))
        if picture.letters:
            _add(archive, _ink_member(picture.number), _packed(picture.marks))
        rows.append(_picture_row(picture))
        letters += _letter_rows(picture)
    for archive in archives.values():
        archive.close()
    for name, table in ((PICTURES_FILE, rows), (LETTERS_FILE, letters)):
        pq.write_table(pa.Table.from_pylist(table), folder / name, compression="zstd", compression_level=19)
    names = sorted([PICTURES_FILE, LETTERS_FILE, *map(archive_of, HALVES)])
    lines = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / DIGESTS_FILE).write_text("".join(lines))


def read_set(folder: Path, half: str, *, numbers: Iterable[int] | None = None) -> Iterator[Captioned]:
    """The pictures of one half in order of their numbers, or those of `numbers`.

    Raises:
        OSError, KeyError: the set is not there, or lacks a number.
    """
    rows = {row["number"]: row for row in truth_of(folder / PICTURES_FILE, half)}
    letters: dict[int, list[dict[str, Any]]] = {}
    for row in truth_of(folder / LETTERS_FILE, half):
        letters.setdefault(row["number"], []).append(row)
    with zipfile.ZipFile(folder / archive_of(half)) as archive:
        for number in sorted(rows) if numbers is None else numbers:
            yield _read(archive, rows[number], letters.get(number, []))


def truth_of(file: Path, half: str) -> list[dict[str, Any]]:
    """The rows of one truth file that concern a half."""
    table = pq.read_table(file)
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["half"], half)).to_pylist()
    return rows


def archive_of(half: str) -> str:
    """The name of the zip file of one half."""
    return f"half_{half.lower()}.zip"


def digest(pixels: NDArray[Any]) -> str:
    """SHA-256 of a picture's shape and little-endian pixels."""
    plain = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False))
    return hashlib.sha256(repr(plain.shape).encode() + plain.tobytes()).hexdigest()


def _member(number: int, bits: int) -> str:
    return f"{number:03d}.{'webp' if bits <= 8 else 'png'}"


def _ink_member(number: int) -> str:
    return f"{number:03d}.ink.webp"


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _TIME), content)


def _packed(pixels: NDArray[Any]) -> bytes:
    coded = io.BytesIO()
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels).save(coded, "WEBP", lossless=True, quality=80, method=4)
    else:
        Image.fromarray(pixels).save(coded, "PNG", optimize=True)
    return coded.getvalue()


def _unpacked(content: bytes, *, is_colour: bool) -> NDArray[Any]:
    """WebP knows colour only, so grey comes back as three equal channels."""
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.array(image)
    if pixels.ndim == 3 and not is_colour:
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint16))


def _picture_row(picture: Captioned) -> dict[str, Any]:
    rows, columns = picture.marks.shape
    empty = dict.fromkeys(Hints.__dataclass_fields__)
    return {
        "half": picture.half,
        "number": picture.number,
        "theme": picture.theme,
        "kind": picture.kind,
        "rows": rows,
        "columns": columns,
        "is_colour": picture.pixels.ndim == 3,
        "bits_stored": picture.bits_stored,
        "letters": len(picture.letters),
        "sha256": digest(picture.pixels),
        **(empty if picture.hints is None else asdict(picture.hints)),
    }


def _letter_rows(picture: Captioned) -> Iterator[dict[str, Any]]:
    captions = {id(caption): index for index, caption in enumerate({id(c): c for c in _captions(picture)}.values())}
    for index, letter in enumerate(picture.letters):
        caption, box = letter.caption, letter.box
        yield {
            "half": picture.half,
            "number": picture.number,
            "mark": mark_of(index),
            "caption": captions[id(caption)],
            "character": letter.character,
            "top": box.top,
            "left": box.left,
            "bottom": box.bottom,
            "right": box.right,
            "ink_pixels": int(letter.ink.sum()),
            "ink_share": float(np.float32(letter.ink.mean())),
            "contrast": letter.contrast,
            "legibility": letter.legibility.value,
            "height": caption.height,
            "degrees": caption.degrees,
            "style": caption.style.value,
            "is_stacked": caption.is_stacked,
            "face": caption.face,
            "identifies": caption.identifies,
        }


def _captions(picture: Captioned) -> list[Caption]:
    return [letter.caption for letter in picture.letters]


def _read(archive: zipfile.ZipFile, row: Mapping[str, Any], letters: list[dict[str, Any]]) -> Captioned:
    number, bits = row["number"], row["bits_stored"]
    pixels = _unpacked(archive.read(_member(number, bits)), is_colour=row["is_colour"])
    if digest(pixels) != row["sha256"]:
        raise OSError(f"picture {number} of half {row['half']} is not the one that was frozen")
    marks = np.zeros((row["rows"], row["columns"]), np.uint8)
    if letters:
        marks = _unpacked(archive.read(_ink_member(number)), is_colour=False)
    captions: dict[int, Caption] = {}
    hints = {name: row[name] for name in Hints.__dataclass_fields__}
    return Captioned(
        half=row["half"],
        number=number,
        theme=row["theme"],
        kind=row["kind"],
        bits_stored=bits,
        pixels=pixels,
        marks=marks,
        letters=tuple(_letter(one, marks, captions) for one in letters),
        hints=None if hints["name"] is None else Hints(**hints),
    )


def _letter(row: Mapping[str, Any], marks: NDArray[np.uint8], captions: dict[int, Caption]) -> Letter:
    box = Box(row["top"], row["left"], row["bottom"], row["right"])
    caption = captions.setdefault(
        row["caption"],
        Caption(
            text="",
            face=row["face"],
            height=row["height"],
            degrees=row["degrees"],
            style=Style(row["style"]),
            is_stacked=row["is_stacked"],
            identifies=row["identifies"],
        ),
    )
    ink = marks[box.top : box.bottom, box.left : box.right] == row["mark"]
    return Letter(row["character"], box, ink, caption, row["contrast"])
