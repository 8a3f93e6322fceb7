"""What becomes of texts found in pixels: allowed ones stay, everything else goes, and values of the patient always."""

import dataclasses
import random
import string
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.deid.pixels.areas import covered
from curator.deid.pixels.judge import judge
from curator.deid.pixels.likeness import Likeness, similarity_percent
from curator.deid.pixels.lines import lines_of, rows_of
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Judged, Route, Sighting, Verdict
from curator.policy.pixels.rules import load_pixel_rules

RULES = load_pixel_rules(bundled_folder("rules"))
FOLDING = Folding(RULES.confusables)
ROWS, COLUMNS = 480, 640
NOBODY = OwnValues((), FOLDING)


def person(*values: str, kind: IdentifierKind = IdentifierKind.PERSON_NAME) -> OwnValues:
    return OwnValues([Identifier(kind, value) for value in values], FOLDING)


def seen(
    text: str,
    left: int = 100,
    top: int = 100,
    *,
    confidence: float = 0.95,
    size: int = 16,
    frames: tuple[int, ...] | None = None,
) -> Sighting:
    width = max(size * len(text) * 6 // 10, 4)
    return Sighting(Box(top, left, top + size, left + width), text, confidence, Route.DETECTED, frames)


def judged(*sightings: Sighting, own: OwnValues = NOBODY) -> tuple[Judged, ...]:
    return judge(sightings, own=own, rules=RULES, rows=ROWS, columns=COLUMNS)


def verdicts(*sightings: Sighting, own: OwnValues = NOBODY) -> list[Verdict]:
    return [one.verdict for one in judged(*sightings, own=own)]


def beside(texts: Sequence[str], *, gap: int = 4, size: int = 16) -> list[Sighting]:
    """Texts in one line, `gap` pixels apart."""
    found: list[Sighting] = []
    left = 20
    for text in texts:
        found.append(seen(text, left, size=size))
        left = found[-1].box.right + gap
    return found


STAYS = [
    *("L", "R", "LT", "rt", "RIGHT", "AP", "PA", "LAT", "LMLO", "R CC", "AP/LAT", "PA ERECT", "L AP"),
    *("kV 120", "120 kV", "mA 250", "mAs: 3.2", "MI 1.2", "TIS 0.4", "TIB<0.4", "MI 1.2 TIS 0.4", "CTDIvol 12.3 mGy"),
    *("10 cm", "10cm", "15.0 cm", "60 fps", "25 Hz", "5.0 MHz", "-60 dB", "100%", "cm/s", "HU", "2D", "5", "15", "-40"),
    *("H", " R. ", "Depth 16.0 cm", "FR 60Hz"),
]
GOES = [
    *("", " ", "?", "--", "Anna", "MUELLER", "Lang", "PAUL", "ALI", "A L I", "RAL", "LEE", "Dr. R", "Mr. L", "L. Rose"),
    *("12.03.1945", "12/03/45", "1945", "12 03 45", "05", "007", "93", "12:30", "12h30", "12 30", "12-03", "20240312"),
    *("12:30:05", "03.12.", "Mar 12", "12 MAR 2024", "4711", "123456", "ID 12", "MRN 4711", "45 y", "45Y", "70 kg"),
    *("45 M", "M 45", "1945 cm", "12 min", "2 h", "1.2.3", "10.1.2.30", "SW1A 1AA", "L1", "R2D2", "10 cm Anna"),
    *("General Hospital", "kV 120 Meier", "\u212aV 120", "\u0661\u0662 cm", "L\u0301", "A+B", "#12", "1O cm Li"),
]


@pytest.mark.parametrize("text", STAYS)
def test_what_says_how_an_image_was_made_stays(text: str) -> None:
    assert verdicts(seen(text)) == [Verdict.KEEP]


@pytest.mark.parametrize("text", GOES)
def test_everything_else_goes(text: str) -> None:
    assert verdicts(seen(text)) == [Verdict.REDACT]


@settings(deadline=None)
@given(st.text(alphabet=string.digits + " .:/-", min_size=1, max_size=12))
def test_digits_stay_only_as_marks_of_a_scale(text: str) -> None:
    if verdicts(seen(text)) == [Verdict.KEEP]:
        assert int(text.strip(" .,:;|")) in {*range(-29, 30), *range(-80, 90, 10)}


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_stays_consists_of_known_words_and_short_numbers(text: str) -> None:
    if verdicts(seen(text)) == [Verdict.KEEP]:
        assert text.isascii() or text.strip().isascii()
        assert max(map(len, "".join(c if c.isdigit() else " " for c in text).split()), default=0) <= 3


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.79, float("nan")])
def test_what_is_not_surely_read_goes(confidence: float) -> None:
    assert verdicts(seen("L", confidence=confidence), seen("R", 400)) == [Verdict.REDACT, Verdict.KEEP]
