"""Real ultrasounds: nothing that a person listed as identifying can be read in them after they were cleaned.

What is read afterwards is read by tesseract and by rapidocr's own pipeline, in what pydicom makes of the cleaned file.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut, pixel_array

from curator.bundled import bundled_folder
from curator.deid.pixels.clean import PixelCleaner
from curator.jobs.release.looking import load_pixel_cleaner
from curator.model.pixels import Verdict
from curator.policy.gates import Handling
from curator.ports.pixels import Picture
from curator.testing.read_back import count_read, has_tesseract, lines_by_rapidocr, lines_by_tesseract, strings_listed

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "burned_in"
# How many strings are listed for each, and how many of them rapidocr reads before.
LISTED = {
    "us_pydicom_data/OBXXXX1A.dcm": (5, 5),
    "us_pydicom_data/US1_J2KI.dcm": (1, 1),
    "us_pydicom_data/gdcm-US-ALOKA-16.dcm": (3, 3),
    "us_pydicom_data/JPGLosslessP14SV1_1s_1f_8b.dcm": (0, 0),
    "us_cornerstone/no-pixel-spacing.dcm": (5, 5),
}
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the ultrasounds lie beside the project, not in it")


@pytest.fixture(scope="module")
def cleaner() -> PixelCleaner:
    return load_pixel_cleaner(bundled_folder("rules"))


def shown(data: bytes) -> Picture:
    """The first frame in colour, as pydicom gives it."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = pixel_array(dataset, index=0)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)
    if values.dtype != np.uint8:
        values = np.asarray(values >> 8, np.uint8)
    return np.ascontiguousarray(values)


def read_in(picture: Picture, strings: tuple[str, ...]) -> tuple[int, int]:
    """How many of the strings rapidocr reads, and tesseract; 0 for one that is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_rapidocr = count_read(strings, lines_by_rapidocr(picture))
    return by_rapidocr, count_read(strings, lines_by_tesseract(picture)) if has_tesseract() else 0


@pytest.mark.parametrize("name", LISTED)
def test_nothing_that_identifies_anybody_can_be_read_in_a_real_ultrasound(cleaner: PixelCleaner, name: str) -> None:
    strings = strings_listed((SHARED / "READING_BY_EYE.md").read_text(encoding="utf-8"))[name]
    data = (SHARED / name).read_bytes()
    before = read_in(shown(data), strings)
    assert (len(strings), before[0]) == LISTED[name]
    cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers=())
    assert cleaned.is_proven
    assert cleaned.evidence is not None
    assert cleaned.evidence.count(Verdict.REDACT) > 0
    assert read_in(shown(bytes(cleaned.data)), strings) == (0, 0)
