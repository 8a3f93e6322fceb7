"""What is called plain has nothing to be taken out, on real files and on planted ones (rows B06, G01)."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cache
from pathlib import Path

import pydicom
import pytest
from pixel_samples import file_of, frames_in, image
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless
from stream_samples import (
    PLANTED_IN_JPEG,
    comment_of_2000,
    commented_tile,
    encapsulated,
    jpeg,
    jpeg_2000,
    run_length,
    scratch,
    with_planted,
)

from curator.bundled import bundled_folder
from curator.deid.pixels.beside import bare_file, is_plain, taken_out
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import pixel_module
from curator.deid.pixels.overlays import declared_planes
from curator.deid.pixels.quick import NOTED, is_plainly_pixels, may_declare_overlay
from curator.deid.pixels.rebuilt import rebuilt
from curator.dicom.elements import DataSet
from curator.dicom.parse import PIXEL_DATA, parse
from curator.errors import ItemError
from curator.policy.pixels.rules import load_pixel_rules

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@cache
def comments():
    return load_pixel_rules(bundled_folder("rules")).encoder_comments


def images_in(folder: Path) -> list[tuple[str, DataSet]]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size < 2_000_000:
            try:
                data_set = parse(path.read_bytes())
                pixel_module(data_set)
            except ItemError:
                continue
            found.append((path.name, data_set))
    return found


def quick(data_set: DataSet) -> bool:
    """The answer of who knows no more than a few elements and the value."""
    noted = data_set._replace(elements=tuple(one for one in data_set.elements if one.tag in NOTED))
    pixels = data_set.first(PIXEL_DATA)
    assert pixels is not None
    return is_plainly_pixels(noted, memoryview(data_set.data)[pixels.value : pixels.end], allowed=comments())


@pytest.mark.parametrize("folder", [BUNDLED, SHARED / "vendors"], ids=["pydicom", "vendors"])
def test_B06_real_files_are_plain_or_lose_only_what_stands_beside_their_pixels(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip("no shared data here")
    images = images_in(folder)
    assert len(images) > 50
    plain, changed = 0, []
    for name, data_set in images:
        frames = Frames(data_set, pixel_module(data_set))
        outcome = taken_out(frames, may_clear=False, scratch=scratch, allowed=comments())
        assert quick(data_set) is (is_plain(data_set, allowed=comments()) or bool(declared_planes(data_set)))
        if is_plain(data_set, allowed=comments()):
            plain += 1
            assert outcome.scrubbed.changed == (), name
        elif outcome.scrubbed.changed:
            changed.append(name)
            again = parse(b"".join(rebuilt(data_set, outcome.scrubbed)))
            for index in range(len(frames)):
                assert (Frames(again, pixel_module(again)).decode(index) == frames.decode(index)).all(), name
    assert plain > 0.7 * len(images)
    # One is a whole file with boxes of its own, the other has the comment of an archive in each frame.
    assert set(changed) <= {"GDCMJ2K_TextGBR.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"}


DIRTY = {
    "comment in JPEG": lambda: encapsulated([with_planted(jpeg(), (2, PLANTED_IN_JPEG["COM"]))], JPEGBaseline8Bit),
    "comment in JPEG 2000": lambda: encapsulated(
        [commented_tile(jpeg_2000(), comment_of_2000(b"Q"))], JPEG2000Lossless
    ),
    "behind RLE": lambda: encapsulated([run_length() + b"Quen"], RLELossless),
    "pad byte": lambda: native(b"\1" * 9 + b"Q", 3),
    "bits": lambda: native(bytes((1, 2, 3, 64)), 2, BitsStored=5, HighBit=4),
    "single bits": lambda: native(b"\xff\xff", 3, BitsAllocated=1, BitsStored=1, HighBit=0),
}


def native(value: bytes, side: int, *, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> bytes:
    return file_of(image(value, syntax=syntax, rows=side, columns=side, **attributes))


@pytest.mark.parametrize("kind", DIRTY)
def test_B06_what_has_something_beside_its_pixels_is_not_plain(kind: str) -> None:
    data = DIRTY[kind]()
    assert not is_plain(parse(data), allowed=comments())
    frames = frames_in(data)
    outcome = taken_out(frames, may_clear=True, scratch=scratch, allowed=comments())
    assert outcome.scrubbed.changed != ()
    assert outcome.counts != {}
    again = frames_in(b"".join(rebuilt(frames.data_set, outcome.scrubbed)))
    assert taken_out(again, may_clear=False, scratch=scratch, allowed=comments()).scrubbed.changed == ()


@pytest.mark.parametrize("kind", DIRTY)
def test_B06_a_file_that_nobody_looks_at_loses_it_or_is_held(kind: str) -> None:
    data = DIRTY[kind]()
    bare = bare_file(data, may_clear=True, scratch=scratch, allowed=comments())
    assert bare != data
    assert bare_file(bare, may_clear=False, scratch=scratch, allowed=comments()) is bare
    if kind == "bits":
        with pytest.raises(ItemError, match="burned_in_text_possible"):
            bare_file(data, may_clear=False, scratch=scratch, allowed=comments())
    else:
        assert bare_file(data, may_clear=False, scratch=scratch, allowed=comments()) == bare


def test_a_file_without_pixels_stays_as_it_is() -> None:
    dataset = pydicom.dcmread(io.BytesIO(native(bytes(64), 8)))
    del dataset.PixelData
    data = file_of(dataset)
    assert bare_file(data, may_clear=False, scratch=scratch) is data


def test_frames_too_many_or_too_few_are_not_plain() -> None:
    assert is_plain(parse(native(bytes(64), 8)))
    for value, attributes in (
        (bytes(64), {"NumberOfFrames": 2}),
        (bytes(128), {}),
        (bytes(66), {}),
        (bytes(64), {"SamplesPerPixel": 3}),
    ):
        assert not is_plain(parse(native(value, 8, **attributes)))
    assert is_plain(parse(native(bytes(128), 8, NumberOfFrames=2)))
    assert is_plain(parse(native(bytes(128), 8, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")))
    assert not is_plain(parse(native(bytes(10), 3, syntax=ExplicitVRBigEndian)))


def test_a_header_that_may_declare_an_overlay_is_told_by_its_bytes() -> None:
    plain = native(bytes(64), 8)
    dataset = pydicom.dcmread(io.BytesIO(plain))
    dataset.add_new(0x60060102, "US", 12)
    assert may_declare_overlay(file_of(dataset))
    assert not may_declare_overlay(plain)


def test_the_quick_check_loads_no_codec() -> None:
    script = (
        "import sys, curator.deid.pixels.quick; "
        "sys.exit(bool({'jpeg_ls', 'openjpeg', 'gdcm', 'jpeglib', 'cv2', 'pydicom'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
