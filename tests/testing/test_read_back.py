"""Strings that can still be read are counted, those that cannot are not."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest

from curator.testing.read_back import count_read, has_tesseract, lines_by_rapidocr, lines_by_tesseract, strings_listed

LIST = """Burned-in strings seen by eye.
- us/A-1.dcm (PALETTE, some device): "AB", "11-05-25"; harmless: "MI 1.1"
- us/B.dcm (a device): no identity; only measurements: control
- presidio/*: see elsewhere
"""


def written(text: str, *, colour: tuple[int, int, int] = (230, 230, 230)) -> np.ndarray:
    picture = np.full((90, 460, 3), 15, np.uint8)
    cv2.putText(picture, text, (16, 55), cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, 2, cv2.LINE_AA)
    return picture


def test_a_list_gives_what_identifies_and_not_what_is_harmless():
    assert strings_listed(LIST) == {"us/A-1.dcm": ("AB", "11-05-25"), "us/B.dcm": ()}
    assert strings_listed("") == {}


@pytest.mark.parametrize(
    ("wanted", "line", "is_read"),
    [
        ("Quendolyn", "xx QUENDOLYN 4711", True),
        ("Quendolyn", "QUEND0LYN", True),
        ("Quendolyn", "Que", False),
        ("5/25/2011", "5 25.2011", True),
        ("AB", "ab.", True),
        ("AB", "crab", False),
        ("Quendolyn", "", False),
    ],
)
def test_a_string_is_read_also_with_a_letter_wrong(wanted, line, is_read):
    assert count_read([wanted], [line]) == is_read
    assert count_read([wanted], []) == 0


def test_rapidocr_itself_reads():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = lines_by_rapidocr(written("QUENDOLYN 4711", colour=(60, 60, 230)))
    assert count_read(["Quendolyn 4711"], said) == 1
    assert count_read(["Zwackelmann"], said) == 0
    assert count_read(["Quendolyn"], lines_by_rapidocr(written(""))) == 0


@pytest.mark.skipif(not has_tesseract(), reason="tesseract is not installed")
def test_tesseract_reads():
    assert count_read(["Quendolyn 4711"], lines_by_tesseract(written("QUENDOLYN 4711"))) == 1
    assert count_read(["Quendolyn"], lines_by_tesseract(written(""))) == 0
