"""The bench's scores by closed form: letters of known ink under known boxes."""

from __future__ import annotations

import numpy as np
import pytest
from pixel_scores import COVERED, chosen, looks_of, mask_of, misses, recall, score

from curator.model.pixels import Box
from curator.testing.captioned import Captioned
from curator.testing.captions import Caption, Legibility, Letter

ROWS, COLUMNS = 100, 200
EASY = 9.0


def letter(box: Box, caption: Caption, *, contrast: float = EASY) -> Letter:
    """A letter whose ink fills its box."""
    return Letter("A", box, np.ones((box.height, box.width), np.bool_), caption, contrast)


def picture(*letters: Letter) -> Captioned:
    blank = np.zeros((ROWS, COLUMNS), np.uint8)
    return Captioned("A", 0, "theme", "flat", 8, blank, blank, letters, None)


NAME = Caption("AA", "sans", 20)
FIRST, SECOND = letter(Box(40, 40, 60, 50), NAME), letter(Box(40, 60, 60, 70), NAME)
SIDE = Caption("L", "sans", 20, identifies=False)
THIRD = letter(Box(70, 150, 90, 160), SIDE)


def test_a_picture_without_text_and_without_boxes_scores_nothing():
    nothing = score(picture(), ())
    assert (nothing.fates, nothing.black, nothing.outside, nothing.strictly_outside) == ((), 0, 0, 0)
    assert recall(nothing.fates) == (0, 0)


def test_all_black_of_a_picture_without_text_is_outside():
    everything = score(picture(), [Box(0, 0, ROWS, COLUMNS)])
    assert (everything.black, everything.outside, everything.strictly_outside) == (1, 1, 1)


@pytest.mark.parametrize(("columns", "is_covered"), [(10, True), (9, False)])
def test_a_letter_is_covered_from_95_percent_of_its_ink_on(columns, is_covered):
    fates = score(picture(FIRST), [Box(40, 40, 60, 40 + columns)]).fates
    assert [fate.is_covered for fate in fates] == [is_covered]


def test_exactly_95_percent_of_the_ink_is_enough():
    assert COVERED == 0.95
    assert score(picture(FIRST), [Box(41, 40, 60, 50)]).fates[0].is_covered
    assert not score(picture(FIRST), [Box(42, 40, 60, 50)]).fates[0].is_covered


def test_several_boxes_cover_a_letter_together():
    assert score(picture(FIRST), [Box(40, 40, 50, 50), Box(50, 40, 60, 50)]).fates[0].is_covered


def test_only_ink_counts_not_the_box_of_the_letter():
    ink = np.zeros((20, 10), np.bool_)
    ink[:10] = True
    half = Letter("A", FIRST.box, ink, NAME, EASY)
    assert score(picture(half), [Box(40, 40, 50, 50)]).fates[0].is_covered
    assert not score(picture(half), [Box(50, 40, 60, 50)]).fates[0].is_covered


def test_the_caption_and_half_a_capital_around_it_are_not_outside():
    # The caption reaches over the gap between its letters; its room is half of 20 pixels on each side.
    roomy = score(picture(FIRST, SECOND), [Box(30, 30, 70, 80)])
    assert roomy.outside == 0
    assert roomy.black == pytest.approx(40 * 50 / (ROWS * COLUMNS))
    assert roomy.strictly_outside == pytest.approx((40 * 50 - 20 * 30) / (ROWS * COLUMNS))
    beyond = score(picture(FIRST, SECOND), [Box(29, 30, 70, 80)])
    assert beyond.outside == pytest.approx(50 / (ROWS * COLUMNS))


def test_tiny_captions_have_four_pixels_of_room():
    tiny = Caption("A", "sans", 4)
    small = picture(letter(Box(40, 40, 44, 44), tiny))
    assert score(small, [Box(36, 36, 48, 48)]).outside == 0
    assert score(small, [Box(35, 36, 48, 48)]).outside == pytest.approx(12 / (ROWS * COLUMNS))


def test_equal_captions_at_two_places_are_two():
    # What lies between two captions of the same words is outside both.
    left, right = letter(Box(40, 10, 60, 20), Caption("A", "sans", 20)), letter(Box(40, 180, 60, 190), NAME)
    assert score(picture(left, right), [Box(45, 100, 55, 110)]).outside == pytest.approx(100 / (ROWS * COLUMNS))


def test_boxes_are_clipped_to_the_picture_and_overlaps_count_once():
    mask = mask_of(
        [Box(-5, -5, 5, 5), Box(0, 0, 5, 5), Box(ROWS - 1, COLUMNS - 1, ROWS + 9, COLUMNS + 9)], (ROWS, COLUMNS)
    )
    assert np.count_nonzero(mask) == 26


def test_recall_counts_the_letters_of_the_classes_that_were_asked_for():
    faint = letter(Box(10, 10, 20, 20), NAME, contrast=3.5)
    hard = letter(Box(10, 100, 20, 110), NAME, contrast=1.0)
    fates = score(picture(FIRST, SECOND, THIRD, faint, hard), [FIRST.box, faint.box]).fates
    easy, legible = (Legibility.EASY,), (Legibility.EASY, Legibility.LEGIBLE)
    assert recall(chosen(fates, easy)) == (1, 3)
    assert recall(chosen(fates, easy, identifying=True)) == (1, 2)
    assert recall(chosen(fates, legible)) == (2, 4)
    assert recall(chosen(fates, (Legibility.HARD,))) == (0, 1)


def test_misses_are_counted_by_look_the_most_first():
    upright = Caption("A", "sans", 60, degrees=90)
    tall = letter(Box(0, 100, 60, 140), upright)
    fates = score(picture(FIRST, SECOND, tall), [FIRST.box]).fates
    found = {look: (lost, seen) for look, lost, seen in misses(fates)}
    assert found["size small"] == (1, 2)
    assert found["size tall"] == found["turn 90 degrees"] == (1, 1)
    assert misses(fates)[0][1] == 2
    assert misses(score(picture(FIRST), [FIRST.box]).fates) == []


@pytest.mark.parametrize(
    ("caption", "look"),
    [
        (Caption("A", "sans", 9), "size tiny"),
        (Caption("A", "sans", 10), "size small"),
        (Caption("A", "sans", 25), "size large"),
        (Caption("A", "sans", 50), "size tall"),
        (Caption("A", "sans", 20, degrees=7.0), "turn skewed"),
        (Caption("A", "sans", 20, is_stacked=True), "turn stacked"),
    ],
)
def test_looks_say_what_may_be_hard(caption, look):
    assert look in looks_of(caption, picture())
