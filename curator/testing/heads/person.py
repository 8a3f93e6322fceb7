"""Who a head belongs to: the sizes that make a person, and the skin made of them.

The law: a person is a pure function of seed and number; the frame has x to the left, y to the back and z up, mm, with
its origin at the cranium's centre at the height of the pupils.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curator.testing.heads.shapes import Capsule, Ellipsoid, Field, Point, Space, Step
from curator.testing.invented import random_stream

_MOST_DEVIATIONS = 1.8
_LIP_BEND = 0.010
Draw = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Eye:
    """An eyeball under a lid with a slit and a crease above it."""

    apart: float

    def distance(self, space: Space) -> Field:
        """About the distance to its surface, mm."""
        slit = ((space.x - np.float32(self.apart)) / 14.5) ** 2 + (space.z / 5.5) ** 2
        lid = 1.6 * np.clip((slit - 0.8) / 0.4, 0.0, 1.0)
        crease = 1.2 * np.exp(-(((space.z - 9.0) / 2.0) ** 2))
        return np.asarray(Ellipsoid((self.apart, -70, 0), (12, 12, 12)).distance(space) - lid + crease, np.float32)

    def bounds(self) -> tuple[Point, Point]:
        """The corners of its box."""
        return (self.apart - 14, -84, -14), (self.apart + 14, -56, 14)


@dataclass(frozen=True, slots=True)
class Ear:
    """A scooped disc at one side of the head; `tilt` leans its top to the back."""

    side: int
    size: float

    def distance(self, space: Space) -> Field:
        """About the distance to its surface, mm."""
        size = self.size
        disc = Step(Ellipsoid((80 * self.side, 7, -8), (4, 10 * size, 20 * size)), 3, is_carved=True)
        return disc.applied(Ellipsoid((75 * self.side, 10, -10), (6, 17 * size, 31 * size)).distance(space), space)

    def bounds(self) -> tuple[Point, Point]:
        """The corners of its box."""
        wide, tall = 17 * self.size, 31 * self.size
        return (75 * self.side - 6, 10 - wide, -10 - tall), (75 * self.side + 6, 10 + wide, -10 + tall)


@dataclass(frozen=True, slots=True)
class Person:
    """The sizes of one person, mm in the head's own frame; `cranium` holds the brain, `skin` is joined to it."""

    cranium: Ellipsoid
    skin: tuple[Step, ...]
    eyes_apart: float
    nose_tip: Point
    mouth_half_width: float
    folds: tuple[float, float, float, float]


def draw_person(seed: int, number: int, *, strength: float = 1.0, is_child: bool = False) -> Person:
    """One person: normal draws clipped at 1.8 standard deviations, times `strength`; at 1.7 people differ clearly."""
    rng = random_stream(seed, "head", number)

    def vary(size: float) -> float:
        return float(np.clip(rng.normal(), -_MOST_DEVIATIONS, _MOST_DEVIATIONS)) * size * strength

    round_ = 1.0 if is_child else 0.0
    cranium = Ellipsoid((0, 2, 30), _sizes((75 + 3 * round_, 96, 85), vary, 2.5))
    steps = [
        Step(Ellipsoid((0, -31, -38), _sizes((59, 57, 78), vary, 2.0)), 20),
        Step(Ellipsoid((0, -42, -76), _sizes((47, 46, 36), vary, 2.5)), 14),
        Step(Capsule((0, 12, -50), (0, 30, -150), (55 - 11 * round_, 55 - 11 * round_)), 12),
    ]
    brow, cheek, lean = vary(1.5), vary(2.0) + 3 * round_, vary(0.7)
    for side in (-1, 1):
        steps.append(Step(Capsule((9 * side, -88 - brow, 17), (46 * side, -74 - brow, 14), (7, 3.9)), 10))
        steps.append(Step(Ellipsoid((42 * side, -60, -27), (17 + cheek, 17, 12)), 16))
    apart = 32 + vary(1.2)
    for side in (-1, 1):
        steps.append(Step(Ellipsoid((apart * side, -92, 0), (18, 13, 13)), 8, is_carved=True))
        steps.append(Step(Eye(apart * side), 3))
    nose, tip = _nose(vary, lean, shorter=4 * round_)
    mouth, half_width = _mouth(vary)
    ear = 1.0 + float(np.clip(vary(0.04), -0.12, 0.12))
    ears = tuple(Step(Ear(side, ear), 3) for side in (-1, 1))
    skin = (*steps, *nose, *mouth, *ears)
    a, b, c, d = rng.uniform(0, 2 * np.pi, 4)
    return Person(cranium, skin, apart, tip, half_width, (float(a), float(b), float(c), float(d)))


def _sizes(radii: Point, vary: Draw, by: float) -> Point:
    return (radii[0] + vary(by), radii[1] + vary(by), radii[2] + vary(by))


def _nose(vary: Draw, lean: float, *, shorter: float) -> tuple[list[Step], Point]:
    """The nose, and where its tip's foremost point is before the skin is smoothed."""
    length, width = vary(2.0) - shorter, vary(1.0)
    tip = (lean, -104 - length, -36 - vary(2.0))
    steps = [
        Step(Capsule((0, -82, 3), tip, (6, 8)), 4),
        Step(Ellipsoid((tip[0], tip[1], tip[2] - 2), (9 + width / 2, 9, 9)), 4),
    ]
    for side in (-1, 1):
        alae = ((11.5 + width) * side + lean, -95 - length / 2, -42.0)
        steps.append(Step(Ellipsoid(alae, (6.3, 9.8, 6)), 5))
    for side in (-1, 1):
        nostril = (6.0 * side + lean, -101 - length / 2, -48.0)
        steps.append(Step(Ellipsoid(nostril, (3.5, 5.5, 5)), 2, is_carved=True))
    return steps, (tip[0], tip[1], tip[2] - 2)


def _mouth(vary: Draw) -> tuple[list[Step], float]:
    """The mouth and the chin, and half the mouth's width."""
    width, full = vary(1.8), vary(0.6)
    upper = Ellipsoid((0, -92, -66), (24 + width, 7.5, 5 + full), _LIP_BEND)
    lower = Ellipsoid((0, -92, -74.8), (20.4 + width, 7.5, 6 + full), _LIP_BEND)
    groove = Ellipsoid((0, -99.5, -70), (24 + width, 6, 2.2), _LIP_BEND)
    chin = Ellipsoid((0, -81 - vary(2.0), -97), (18.8 + vary(1.5), 15, 15))
    under_lip = Ellipsoid((0, -101, -86), (21.6, 8, 5), _LIP_BEND)
    steps = [
        Step(upper, 4),
        Step(lower, 4),
        Step(groove, 2, is_carved=True),
        Step(chin, 12),
        Step(under_lip, 6, is_carved=True),
    ]
    return steps, 24 + width
