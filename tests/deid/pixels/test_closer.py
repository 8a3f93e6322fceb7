"""What was read doubtfully is looked at again from near, by a reader that says what it is told and by the real one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from pixel_samples import file_of, frames_in, image
from pydicom.uid import ExplicitVRLittleEndian

from curator.adapters.rapid_text import RapidText
from curator.bundled import bundled_folder
from curator.deid.pixels.closer import is_seen_from_near
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.verify import Proof
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Route, Sighting
from curator.policy.pixels.rules import load_pixel_rules
from curator.ports.pixels import Picture

RULES = load_pixel_rules(bundled_folder("rules"))
OWN = OwnValues((Identifier(IdentifierKind.PERSON_NAME, "Zwetschge^Knoedel"),), Folding(RULES.confusables))
ROWS, COLUMNS = 300, 400
PLACE = Box(140, 200, 152, 260)


class FromAfar:
    """A reader that sees one thing in a whole picture, and what `near` says in a part of it."""

    def __init__(self, one: Sighting, near: Callable[[Picture], tuple[Sighting, ...]]) -> None:
        self.one, self.near = one, near

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        return (self.one,) if picture.shape[:2] == (ROWS, COLUMNS) else self.near(picture)


def pictures(count: int = 1, values: np.ndarray | None = None) -> Frames:
    made = np.random.default_rng(3).integers(1, 255, (count, ROWS, COLUMNS), dtype=np.uint8)
    frames = {"NumberOfFrames": count} if count > 1 else {}
    stored = made if values is None else values
    return frames_in(file_of(image(stored.tobytes(), ExplicitVRLittleEndian, rows=ROWS, columns=COLUMNS, **frames)))


def seen(text: str, confidence: float, box: Box = PLACE) -> Sighting:
    return Sighting(box, text, confidence, Route.DETECTED)


def nothing(_picture: Picture) -> tuple[Sighting, ...]:
    return ()


def in_the_middle(picture: Picture) -> tuple[Sighting, ...]:
    y, x = picture.shape[0] // 2, picture.shape[1] // 2
    return (seen("O47Y", 0.7, Box(y - 4, x - 20, y + 4, x + 20)),)


def in_a_corner(_picture: Picture) -> tuple[Sighting, ...]:
    return (seen("O47Y", 0.9, Box(0, 0, 8, 12)),)


@pytest.mark.parametrize(
    ("text", "confidence", "near", "counts"),
    [
        ("O47Y", 0.7, nothing, False),
        ("O47Y", 0.7, in_a_corner, False),
        ("O47Y", 0.7, in_the_middle, True),
        ("O47Y", 0.8, nothing, True),
        ("Knoedel", 0.1, nothing, True),
    ],
    ids=["grain", "something else near", "text", "read surely", "own value"],
)
def test_what_is_not_seen_from_near_is_no_text_unless_it_is_sure_or_the_patients(
    text: str, confidence: float, near: Callable[[Picture], tuple[Sighting, ...]], counts: bool
) -> None:
    proof = Proof(FromAfar(seen(text, confidence), near), RULES, OWN)
    assert len(proof.left(pictures())) == counts


def test_what_cannot_be_seen_otherwise_counts() -> None:
    anything: Callable[[Sighting], bool] = lambda _: True  # noqa: E731  # one line says it
    one = seen("O47Y", 0.7)
    assert is_seen_from_near(pictures(2), one, FromAfar(one, nothing), anything)
    wide = seen("O47Y", 0.7, Box(100, 40, 130, 360))
    assert is_seen_from_near(pictures(), wide, FromAfar(wide, nothing), anything)


def test_faint_text_is_seen_from_near_and_grain_is_not() -> None:
    picture = np.random.default_rng(5).normal(90, 14, (ROWS, COLUMNS))
    ink = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.putText(ink, "ZWETSCHGE", (180, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1, 1)
    frames = pictures(values=(picture + 70 * ink).clip(0, 255).astype(np.uint8)[np.newaxis])
    is_text: Callable[[Sighting], bool] = lambda one: len(one.text) > 2  # noqa: E731  # one line says it
    assert is_seen_from_near(frames, seen("ZWETSCHGE", 0.7, Box(136, 178, 154, 290)), RapidText(), is_text)
    assert not is_seen_from_near(frames, seen("ZWETSCHGE", 0.7, Box(236, 178, 254, 290)), RapidText(), is_text)
