"""Every real file at hand: read as pydicom reads it or refused, and scrubbed without harm."""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pixel_samples import BUNDLED, scrubbed_file
from pydicom.pixels import pixel_array

from curator.adapters.rapid_text import RapidText
from curator.deid.pixels.compare import differences
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import pixel_module
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
PLACES = {"pydicom": BUNDLED, "vendors": SHARED / "vendors", "burned_in": SHARED / "burned_in"}
# Larger ones cost seconds and say nothing more.
LARGEST = 3_000_000

# What is refused although it has pixels, and why that is right.
REFUSED = {
    "MR_truncated.dcm": "pixel data shorter than its length says",
    "SC_rgb_jpeg.dcm": "the syntax says explicit VR, the data set is implicit",
    "badVR.dcm": "the number of frames is no number",
    "JPEG2000-embedded-sequence-delimiter.dcm": "a codestream whose size is not the image's",
    "meta_missing_tsyntax.dcm": "no rows and columns",
    "nested_priv_SQ.dcm": "no rows and columns",
}
# Their pixels are read by us and not by pydicom with the decoders at hand.
ONLY_BY_US = {"JPEG-lossy.dcm", "JPGExtended.dcm"}


@cache
def files(place: str) -> tuple[Path, ...]:
    """The files of a place, the largest left out."""
    found = sorted(path for path in PLACES[place].rglob("*") if path.is_file())
    return tuple(path for path in found if path.stat().st_size <= LARGEST)


def frames_of(path: Path) -> Frames | None:
    """The frames of a file; None for what is no image."""
    try:
        data_set = parse(path.read_bytes())
        return Frames(data_set, pixel_module(data_set))
    except ItemError as error:
        is_image = error.reason not in (Reason.NOT_DICOM, Reason.UNSUPPORTED_OBJECT, Reason.DICOMDIR)
        assert not is_image or path.name in REFUSED or "DICOMDIR" in path.name or "rtplan" in path.name
        return None


@pytest.mark.parametrize("place", PLACES)
def test_frames_of_real_files_are_as_pydicom_reads_them(place):
    if not files(place):
        pytest.skip("the shared data are not here")
    read = 0
    for path in files(place):
        frames = frames_of(path)
        if frames is None:
            continue
        last = len(frames) - 1
        try:
            values = frames.decode(last)
        except ItemError:
            assert path.name in REFUSED
            continue
        read += 1
        if path.name in ONLY_BY_US:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, force=True)
            judged = pixel_array(dataset, index=last, raw=True)
        np.testing.assert_array_equal(values, judged)
    assert read >= {"pydicom": 85, "vendors": 90, "burned_in": 4}[place]


@pytest.mark.parametrize("place", PLACES)
def test_a_box_in_a_real_file_changes_nothing_else(place):
    if not files(place):
        pytest.skip("the shared data are not here")
    scrubbed_files = 0
    for path in files(place):
        frames = frames_of(path)
        if frames is None or path.name in REFUSED:
            continue
        rows, columns, last = frames.module.rows, frames.module.columns, len(frames) - 1
        box = Box(rows // 3, columns // 3, rows // 3 + max(1, rows // 5), columns // 3 + max(1, columns // 5))
        source = path.read_bytes()
        assert scrubbed_file(source, lambda _: ())[0] == source

        def boxes(index: int, last: int = last, box: Box = box) -> tuple[Box, ...]:
            return (box,) if index == last else ()

        new, scrubbed = scrubbed_file(source, boxes)
        assert scrubbed.changed == (last,)
        data_set = parse(new)
        assert not list(differences(frames, Frames(data_set, pixel_module(data_set)), boxes))
        assert pydicom.dcmread(io.BytesIO(new), force=True).Rows == rows
        scrubbed_files += 1
    assert scrubbed_files >= {"pydicom": 85, "vendors": 90, "burned_in": 4}[place]


def test_a_slice_of_a_body_shows_no_letter() -> None:
    """Part of it reads as a tall Y for certain, but not in any other cut."""
    found = sorted((SHARED / "vendors" / "siemens_biograph40_ct_jp2k").glob("017_*"))
    if not found:
        pytest.skip("the shared data are not here")
    frames = frames_of(found[0])
    assert frames is not None
    assert find(frames, RapidText()).sightings == ()
