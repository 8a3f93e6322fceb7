"""What of a line is text, by the numbers: lines and readings as they were met on phantoms and real images."""

from __future__ import annotations

import pytest

from curator.adapters.text_lines import Line
from curator.adapters.text_models import Reading
from curator.adapters.text_words import Sureness, Words

SHORT, BOUND = 500, 60.0
WORDS = Words(short=SHORT, area=SHORT * SHORT, bound=BOUND, sureness=Sureness())


def line(length: float, thickness: float, score: float = 0.5) -> Line:
    return Line(SHORT / 2, SHORT / 2, length, thickness, 0.0, score)


@pytest.mark.parametrize(
    ("found", "text", "confidence", "is_word"),
    [
        (line(170, 24, 0.85), ",", 0.96, True),
        (line(170, 24, 0.85), "", 0.0, True),
        (line(170, 24, 0.79), "", 0.0, False),
        (line(40, 24, 0.85), "", 0.0, False),
        (line(60, 7.5, 0.85), "", 0.0, False),
        (line(170, 24, 0.65), "rnovav", 0.4, True),
        (line(170, 24, 0.55), "rnovav", 0.4, False),
        (line(170, 24, 0.65), "rr", 0.4, False),
    ],
    ids=["mark", "nothing read", "hardly seen", "as high as long", "grain", "plain", "less plain", "one letter"],
)
def test_what_the_detector_is_sure_of_is_a_word_whatever_it_says(
    found: Line, text: str, confidence: float, is_word: bool
) -> None:
    assert WORDS.is_plain_word(found, Reading(text, confidence)) is is_word


@pytest.mark.parametrize(
    ("found", "text", "confidence", "is_word"),
    [
        (line(410, 100, 0.75), "HyB", 0.67, True),
        (line(450, 64, 0.81), "HO", 0.67, True),
        (line(450, 64, 0.75), "HO", 0.67, False),
        (line(330, 84, 0.82), "cbbbb", 0.7, False),
        (line(300, 84, 0.82), "bbb", 0.7, False),
        (line(410, 100, 0.65), "HyB", 0.67, False),
        (line(410, 100, 0.75), "HyB", 0.4, False),
        (line(330, 230, 0.94), "CXEXD", 0.65, False),
    ],
    ids=["medley", "pair", "doubtful pair", "scribble", "beads", "hardly seen", "hardly read", "as high as an organ"],
)
def test_a_tall_word_is_half_read_and_lower_than_an_organ(
    found: Line, text: str, confidence: float, is_word: bool
) -> None:
    assert WORDS.is_tall(found)
    assert WORDS.is_plain_word(found, Reading(text, confidence)) is is_word


@pytest.mark.parametrize(
    ("found", "text", "confidence", "is_read"),
    [
        (line(400, 75), "13/09/2919 DRDukridedon", 0.83, True),
        (line(200, 20), "Knoedel", 0.81, True),
        (line(200, 20), "Kno", 0.79, False),
        (line(200, 20), "Knoe", 0.59, True),
        (line(450, 80), "cbbbb", 0.85, False),
        (line(450, 80), "abab", 0.85, False),
        (line(300, 200), "end", 0.84, False),
        (line(300, 200), "end", 0.95, True),
        (line(300, 200), "NO", 0.99, False),
        (line(20, 16), "R", 0.95, True),
        (line(20, 16), "O", 0.99, False),
        (line(30, 6), "Kno", 0.9, False),
        (line(40, 20), "十一", 0.99, False),
    ],
    ids=[
        "two lines in one", "a name", "doubtful", "medley", "beads", "two letters over and over", "folds of a brain",
        "a large word", "a cut", "a letter", "a ring", "grain", "calipers",
    ],
)  # fmt: skip
def test_what_reads_as_letters_is_read(found: Line, text: str, confidence: float, is_read: bool) -> None:
    assert WORDS.is_read(found, Reading(text, confidence)) is is_read


def test_what_is_tall_or_a_scribble_ends_no_text() -> None:
    assert WORDS.may_end_a_text(line(20, 16), Reading("", 0.0))
    assert WORDS.may_end_a_text(line(200, 16), Reading("Kn", 0.3))
    assert not WORDS.may_end_a_text(line(200, 16), Reading("", 0.0))
    assert not WORDS.may_end_a_text(line(200, 90), Reading("Kn", 0.3))
    assert not WORDS.may_end_a_text(line(100, 16), Reading("bbbbb", 0.3))
