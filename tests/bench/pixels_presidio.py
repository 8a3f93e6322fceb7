"""Burned-in text in files of others: presidio's own ground truth, and five real ultrasounds.

    uv run python tests/bench/pixels_presidio.py [--data FOLDER] [--peers FOLDER] [--truth 0123] [--no-ultrasounds]

presidio's truth is a box a word, with the 25 pixels that presidio pads by; what counts here is how much of the ink in
the box is black. Its own measure matches boxes whose sides differ by no more than a tolerance; our boxes are lines, so
they are cut into words by the share of letters that each has. `bare` headers have nothing but the pixels' attributes.
Of the ultrasounds it prints how many of the strings that a person listed as identifying are read before and after, by
whom; never a string.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pixel_scores import COVERED, mask_of
from pixels_peer import presidio_looks, presidio_measures, presidio_python
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from curator.adapters.rapid_text import RapidText
from curator.bundled import bundled_folder
from curator.deid.pixels.appearance import appearance
from curator.deid.pixels.decide import decide
from curator.deid.pixels.evidence import PixelsHeldError
from curator.deid.pixels.file_image import stored
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import pixel_module
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.render import views
from curator.deid.pixels.scrub import scrub
from curator.deid.pixels.verify import boxes_by_frame
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.parse import parse
from curator.jobs.release.pixel_tools import make_pixel_cleaner
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Judged, Sighting, Verdict
from curator.policy.gates import Handling
from curator.policy.pixels.rules import load_pixel_rules
from curator.testing.read_back import count_read, has_tesseract, lines_by_rapidocr, lines_by_tesseract, strings_listed

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "burned_in"
_PADDING = 25
_TOLERANCES = (50, 5)
_FILES = ("0_ORIGINAL_compressed.dcm", "1_ORIGINAL.png", "2_ORIGINAL.dcm", "3_ORIGINAL.png")
_HEADER = {"PN": IdentifierKind.PERSON_NAME, "DA": IdentifierKind.DATE, "LO": IdentifierKind.TEXT,
           "SH": IdentifierKind.TEXT}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One file of presidio's truth as it is given to both: `words` are unpadded boxes, `truth` presidio's rows."""

    name: str
    file: Path
    has_hints: bool
    words: tuple[Box, ...]
    truth: list[dict[str, object]]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    if not arguments.data.is_dir():
        raise SystemExit("the data are not here")
    reader = RapidText()
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as scratch:
        cases = list(_cases(arguments.data / "presidio_pseudo_phi", Path(scratch), arguments.truth))
        _print_truth(cases, reader, presidio_python(arguments.peers))
    if not arguments.no_ultrasounds:
        _print_ultrasounds(arguments.data, reader)


def _cases(folder: Path, scratch: Path, wanted: str) -> Iterator[Case]:
    rows = json.loads((folder / "ground_truth.json").read_text())
    for name in _FILES:
        if name[0] not in wanted:
            continue
        truth = rows[f"sample_data/{name[0]}_ORIGINAL.dcm"]
        words = tuple(_unpadded(row) for row in truth)
        source = folder / name
        bare = scratch / f"{name[0]}.bare.dcm"
        if source.suffix == ".png":
            _of_picture(np.array(Image.open(source).convert("L"))).save_as(bare, enforce_file_format=True)
        else:
            data = pydicom.dcmread(source)
            yield Case(name, source, True, words, truth)
            _bare(data).save_as(bare, enforce_file_format=True)
        yield Case(name, bare, False, words, truth)


def _unpadded(row: dict[str, int]) -> Box:
    top, left = row["top"] - _PADDING, row["left"] - _PADDING
    return Box(top, left, top + row["height"], left + row["width"])


_KEPT = ("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "Rows", "Columns", "BitsAllocated",
         "BitsStored", "HighBit", "PixelRepresentation", "WindowCenter", "WindowWidth", "RescaleSlope",
         "RescaleIntercept", "SOPClassUID", "Modality", "PixelData")  # fmt: skip


def _bare(data: Dataset) -> Dataset:
    """The same pixels with nothing else in the header."""
    plain = Dataset()
    plain.file_meta = data.file_meta
    for keyword in _KEPT:
        if keyword in data:
            plain[keyword] = data[keyword]
    uid = generate_uid(entropy_srcs=["curator bench", str(data.Rows)])
    plain.SOPInstanceUID = plain.file_meta.MediaStorageSOPInstanceUID = uid
    plain.StudyInstanceUID, plain.SeriesInstanceUID = f"{uid[:60]}.1", f"{uid[:60]}.2"
    plain.PatientName, plain.PatientID = "", "X"
    return plain


def _of_picture(pixels: NDArray[np.uint8]) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.Rows, data.Columns, data.SamplesPerPixel = *pixels.shape, 1
    data.PhotometricInterpretation, data.PixelRepresentation, data.Modality = "MONOCHROME2", 0, "OT"
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    data.add_new(0x7FE00010, "OB", pixels.tobytes() + b"\0" * (pixels.size % 2))
    return _bare(data)


def _print_truth(cases: Sequence[Case], reader: RapidText, python: Path | None) -> None:
    _say("presidio's ground truth: words whose ink is black to 95 %, the mean share of ink; then its own measure")
    _say("| file | header | words | curator | presidio | at 50: curator | presidio | at 5: curator | presidio |")
    _say("|---" * 9 + "|")
    for case in cases:
        found, judged = _our_boxes(case.file.read_bytes(), reader, with_hints=case.has_hints)
        gone = [one.box for one in judged if one.verdict is not Verdict.KEEP]
        frame = _shown(case.file.read_bytes())
        cells = [_covered(case.words, gone, frame)]
        if python is not None:
            (look,) = presidio_looks(python, [(case.file, case.has_hints)])
            cells.append(_covered(case.words, look.redacted, frame) if not look.error else look.error)
            words = [box for one in _gone(found, judged) for box in _words_of(one)]
            given = (case.file, case.has_hints)
            for pair in presidio_measures(python, given, case.truth, _TOLERANCES, [_padded(box) for box in words]):
                cells += [f"P {precision:.2f} R {recall:.2f}" for precision, recall in pair]
        hints = "full" if case.has_hints else "bare"
        _say(f"| {case.name} | {hints} | {len(case.words)} | " + " | ".join(cells) + " |")


def _gone(found: Sequence[Sighting], judged: Sequence[Judged]) -> list[Sighting]:
    """The sightings that do not stay; all lie in the frame, so they are judged in their order, behind known places."""
    last = judged[len(judged) - len(found) :]
    return [one for one, verdict in zip(found, last, strict=True) if verdict.verdict is not Verdict.KEEP]


def _our_boxes(data: bytes, reader: RapidText, *, with_hints: bool) -> tuple[tuple[Sighting, ...], tuple[Judged, ...]]:
    """What is sighted and how it is judged, with the header's own values or none."""
    rules = load_pixel_rules(bundled_folder("rules"))
    data_set = parse(data)
    frames = Frames(data_set, pixel_module(data_set))
    own = OwnValues(_identifiers(data) if with_hints else (), Folding(rules.confusables))
    sightings = find(frames, reader).sightings
    return sightings, decide(sightings, data_set=data_set, module=frames.module, own=own, rules=rules)


def _identifiers(data: bytes) -> frozenset[Identifier]:
    """Every name, date and short text at the top of the header."""
    elements = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), stop_before_pixels=True)
    values = ((_HEADER[element.VR], str(element.value)) for element in elements if element.VR in _HEADER)
    return frozenset(Identifier(kind, value) for kind, value in values if value)


def _shown(data: bytes) -> NDArray[np.uint8]:
    """The first frame as 8-bit grey."""
    data_set = parse(data)
    frames = Frames(data_set, pixel_module(data_set))
    shown = views(frames.decode(0), appearance(data_set, frames.module, frames.photometric))[0]
    return shown if shown.ndim == 2 else np.asarray(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), np.uint8)


def _covered(words: Sequence[Box], boxes: Sequence[Box], frame: NDArray[np.uint8]) -> str:
    """How many words are black to 95 % of their ink, and the mean share."""
    black = mask_of(boxes, (frame.shape[0], frame.shape[1]))
    shares = []
    for word in words:
        box = word.clipped(*black.shape)
        inside = frame[box.top : box.bottom, box.left : box.right]
        level, _ = cv2.threshold(inside, 0, 255, cv2.THRESH_OTSU)
        ink = inside > level
        ink = ink if ink.mean() < 0.5 else ~ink
        shares.append(float(black[box.top : box.bottom, box.left : box.right][ink].mean()))
    return f"{sum(share >= COVERED for share in shares)} of {len(words)}, {np.mean(shares):.1%}"


def _words_of(sighting: Sighting) -> list[Box]:
    """A line's box cut at its blanks by the share of letters."""
    box, text = sighting.box, sighting.text
    if box.height > box.width or not text:
        return [box]
    pitch = box.width / len(text)
    return [
        Box(box.top, box.left + round(word.start() * pitch), box.bottom, box.left + round(word.end() * pitch))
        for word in re.finditer(r"\S+", text)
    ]


def _padded(box: Box) -> Box:
    return Box(box.top + _PADDING, box.left + _PADDING, box.bottom + _PADDING, box.right + _PADDING)


def _print_ultrasounds(folder: Path, reader: RapidText) -> None:
    _say("\nReal ultrasounds: identifying strings read by tesseract / rapidocr, before and after cleaning")
    _say("| file | strings | before | after | how it went |")
    _say("|---|---|---|---|---|")
    listed = strings_listed((folder / "READING_BY_EYE.md").read_text(encoding="utf-8"))
    for path, strings in listed.items():
        data = (folder / path).read_bytes()
        after, story = _cleaned(data, reader)
        counts = [
            f"{_read_by_tesseract(frame, strings)} / {count_read(strings, _lines_by_rapidocr(frame, reader))}"
            for frame in (_first_colour(data), _first_colour(after))
        ]
        _say(f"| {path} | {len(strings)} | {counts[0]} | {counts[1]} | {story} |")


def _cleaned(data: bytes, reader: RapidText) -> tuple[bytes, str]:
    cleaner = make_pixel_cleaner(bundled_folder("rules"), scratch=tempfile.TemporaryFile)
    identifiers = _identifiers(data)
    try:
        cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers=identifiers)
    except PixelsHeldError as held:
        return _as_far_as_found(data, reader), f"held: {held.reason.value}"
    return bytes(cleaned.data), "proven" if cleaned.is_proven else "unproven"


def _as_far_as_found(data: bytes, reader: RapidText) -> bytes:
    """What the file would be if nobody held it."""
    data_set = parse(data)
    frames = Frames(data_set, pixel_module(data_set))
    _, judged = _our_boxes(data, reader, with_hints=True)
    scrubbed = scrub(frames, boxes_by_frame(judged), scratch=tempfile.TemporaryFile)
    return bytes(stored(rebuilt(data_set, scrubbed), tempfile.TemporaryFile)) if scrubbed.changed else data


def _first_colour(data: bytes) -> NDArray[np.uint8]:
    data_set = parse(data)
    frames = Frames(data_set, pixel_module(data_set))
    return views(frames.decode(0), appearance(data_set, frames.module, frames.photometric))[0]


def _read_by_tesseract(frame: NDArray[np.uint8], strings: Sequence[str]) -> str:
    return str(count_read(strings, lines_by_tesseract(frame))) if has_tesseract() else "-"


def _lines_by_rapidocr(frame: NDArray[np.uint8], reader: RapidText) -> list[str]:
    """What its own pipeline reads, and what our watchful reader makes of its networks."""
    ours = [sighting.text for sighting in reader.read(np.ascontiguousarray(frame), watchful=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [*lines_by_rapidocr(frame), *ours, " ".join(ours)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "curator-bench-peers")
    parser.add_argument("--truth", default="0123", help="which files of presidio's truth, by their first digit")
    parser.add_argument("--no-ultrasounds", action="store_true")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
