"""A box whose edge cuts through a stroke is grown until it holds it, and otherwise left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.adapters.text_strokes import with_whole_strokes
from curator.model.pixels import Box
from curator.ports.pixels import Picture

ROWS, COLUMNS = 80, 200
WORD = Box(30, 40, 50, 140)
GROUNDS = {
    "bright on dark": ((10, 10, 10), (230, 230, 230)),
    "dark on bright": ((235, 235, 235), (20, 20, 20)),
    "red on white": ((255, 255, 255), (255, 0, 0)),
    "faint": ((100, 100, 100), (125, 125, 125)),
}


def bars(ground: tuple[int, ...] = (10, 10, 10), ink: tuple[int, ...] = (230, 230, 230)) -> Picture:
    """Upright bars, four pixels wide and twelve apart, where a word's letters would stand."""
    picture = np.full((ROWS, COLUMNS, 3), ground, np.uint8)
    for left in range(WORD.left + 4, WORD.right - 4, 12):
        picture[WORD.top + 3 : WORD.bottom - 3, left : left + 4] = ink
    return picture


@pytest.mark.parametrize(("ground", "ink"), GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize(
    ("stroke", "grown"),
    [
        (Box(44, 80, 54, 84), Box(30, 40, 54, 140)),
        (Box(27, 80, 40, 84), Box(27, 40, 50, 140)),
        (Box(35, 136, 45, 145), Box(30, 40, 50, 145)),
        (Box(35, 36, 45, 43), Box(30, 36, 50, 140)),
    ],
    ids=["descender", "accent", "last letter", "first letter"],
)
def test_a_cut_stroke_is_held_whole(ground: tuple[int, ...], ink: tuple[int, ...], stroke: Box, grown: Box) -> None:
    picture = bars(ground, ink)
    picture[stroke.top : stroke.bottom, stroke.left : stroke.right] = ink
    assert with_whole_strokes(picture, WORD) == grown


@pytest.mark.parametrize(
    "stroke",
    [Box(46, 80, 70, 84), Box(49, 80, 56, 84), Box(52, 80, 56, 84), Box(0, 138, 80, 141)],
    ids=["runs on", "hardly inside", "beside it", "an edge of the body"],
)
def test_what_is_no_cut_letter_changes_nothing(stroke: Box) -> None:
    picture = bars()
    picture[stroke.top : stroke.bottom, stroke.left : stroke.right] = 230
    assert with_whole_strokes(picture, WORD) == WORD


def test_the_frame_ends_a_stroke() -> None:
    picture = np.full((ROWS, COLUMNS, 3), 10, np.uint8)
    picture[ROWS - 10 :, 60:64] = picture[ROWS - 14 : ROWS - 4, 80:84] = 230
    assert with_whole_strokes(picture, Box(ROWS - 16, 50, ROWS - 4, 100)) == Box(ROWS - 16, 50, ROWS, 100)


@pytest.mark.parametrize("box", [Box(10, 300, 20, 320), Box(10, 10, 10, 40)], ids=["beside the frame", "empty"])
def test_a_box_that_meets_nothing_stays(box: Box) -> None:
    assert with_whole_strokes(bars(), box) == box


def test_one_shade_has_no_strokes() -> None:
    assert with_whole_strokes(np.full((ROWS, COLUMNS, 3), 77, np.uint8), WORD) == WORD


@given(
    seed=st.integers(0, 2**32 - 1),
    top=st.integers(-10, ROWS - 2),
    left=st.integers(-10, COLUMNS - 2),
    height=st.integers(1, 60),
    width=st.integers(1, 150),
)
def test_no_box_shrinks_or_grows_by_more_than_part_of_its_letters(
    seed: int, top: int, left: int, height: int, width: int
) -> None:
    random = np.random.default_rng(seed)
    blurred = cv2.GaussianBlur(random.integers(0, 256, (ROWS, COLUMNS, 3), np.uint8), (0, 0), 1.5)
    box = Box(top, left, top + height, left + width)
    inner = box.clipped(ROWS, COLUMNS)
    grown = with_whole_strokes(np.ascontiguousarray(blurred, np.uint8), box)
    reach = max(2, min(12, round(0.35 * min(inner.height, inner.width))))
    assert grown.clipped(ROWS, COLUMNS) == grown or grown == box
    if inner.area:
        outer = inner.padded(reach)
        assert grown.top <= inner.top and grown.left <= inner.left
        assert grown.bottom >= inner.bottom and grown.right >= inner.right
        assert grown == box or (outer.top <= grown.top and grown.bottom <= outer.bottom)
        assert grown == box or (outer.left <= grown.left and grown.right <= outer.right)
