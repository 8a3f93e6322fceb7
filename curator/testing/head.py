"""A head made of shapes, with a face that a face detector believes.

The law: a head is a pure function of a seed and a person; distances are millimetres in a frame with x to the left, y to
the back and z up, whose origin is the centre of the cranium at the height of the pupils.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.testing.invented import random_stream

SPACING_MM = (4.0, 2.0, 2.0)
ORIGIN_MM = (-130.0, -135.0, -97.5)
SHAPE = (62, 123, 98)
# Skull and brain are shells at these depths under the cranium's skin, mm.
_BONE_DEPTH, _FLUID_DEPTH, _GREY_DEPTH, _WHITE_DEPTH = 7.0, 14.0, 17.0, 22.0

Field = NDArray[np.float32]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Levels:
    """What each tissue measures, in the order air, skin, muscle, bone, fluid, grey, white, eye; and the noise."""

    tissues: tuple[float, float, float, float, float, float, float, float]
    sigma: float
    is_magnitude: bool


MR_LEVELS = Levels((0, 320, 200, 45, 90, 220, 290, 100), 6.0, True)
CT_LEVELS = Levels((-1000, 30, 55, 900, 5, 38, 28, 10), 12.0, False)
_AIR, _SKIN, _MUSCLE, _BONE, _FLUID, _GREY, _WHITE, _EYE = range(8)


@dataclass(frozen=True, slots=True)
class _Space:
    """Coordinates of all voxels, broadcastable to `(Z, Y, X)`."""

    x: Field = field(repr=False)
    y: Field = field(repr=False)
    z: Field = field(repr=False)

    def ellipsoid(self, centre: Point, radii: Point) -> Field:
        """About the distance to its surface, negative inside."""
        shifted = (self.x - centre[0], self.y - centre[1], self.z - centre[2])
        near = np.sqrt(sum((axis / r) ** 2 for axis, r in zip(shifted, radii, strict=True)))
        slope = np.sqrt(sum((axis / r**2) ** 2 for axis, r in zip(shifted, radii, strict=True)))
        return np.asarray(near * (near - 1.0) / np.maximum(slope, 1e-6), np.float32)

    def capsule(self, start: Point, end: Point, radii: tuple[float, float]) -> Field:
        """A rod whose radius runs from the first to the second of `radii`."""
        axis = np.subtract(end, start)
        shifted = (self.x - start[0], self.y - start[1], self.z - start[2])
        along = sum(part * float(step) for part, step in zip(shifted, axis, strict=True)) / float(axis @ axis)
        along = np.clip(np.asarray(along), 0.0, 1.0)
        gap = np.sqrt(sum((part - along * float(step)) ** 2 for part, step in zip(shifted, axis, strict=True)))
        return np.asarray(gap - (radii[0] + along * (radii[1] - radii[0])), np.float32)

    def bent(self, curvature: float) -> _Space:
        """The space in which what is straight here runs back to both sides."""
        return _Space(self.x, np.asarray(self.y - curvature * self.x**2, np.float32), self.z)


def _join(a: Field, b: Field, width: float) -> Field:
    """The union of two shapes with a fillet."""
    share = np.clip(0.5 + 0.5 * (b - a) / width, 0.0, 1.0)
    return np.asarray(b + (a - b) * share - width * share * (1.0 - share), np.float32)


def _carve(a: Field, b: Field, width: float) -> Field:
    """The first shape without the second, with a fillet."""
    return -_join(-a, b, width)


def make_head(seed: int, person: int, *, levels: Levels) -> NDArray[np.int16]:
    """The head of one person, `(Z, Y, X)` int16 at `SPACING_MM` from `ORIGIN_MM`, both `(z, y, x)`; slice 0 is low."""
    space = _space()
    vary = _variation(seed, person)
    cranium = space.ellipsoid((0, 2, 30), _sizes((75, 96, 85), vary, 2.5))
    surface = _skin(space, cranium, vary)
    tissues = _tissues(space, cranium, surface)
    image = np.asarray(levels.tissues, np.float32)[tissues]
    image = ndimage.gaussian_filter(image, 0.5)
    rng = random_stream(seed, "head noise", person)
    noise = rng.normal(0.0, levels.sigma, (2, *SHAPE)).astype(np.float32)
    image = np.hypot(image + noise[0], noise[1]) if levels.is_magnitude else image + noise[0]
    return np.asarray(np.clip(np.rint(image), -1024, 3000), np.int16)


def _space() -> _Space:
    z, y, x = (
        origin + step * np.arange(count, dtype=np.float32)
        for origin, step, count in zip(ORIGIN_MM, SPACING_MM, SHAPE, strict=True)
    )
    return _Space(x[None, None, :], y[None, :, None], z[:, None, None])


def _variation(seed: int, person: int) -> Callable[[float], float]:
    """Draws that make this person: normal, clipped at 1.8 standard deviations, of the size asked for in mm."""
    rng = random_stream(seed, "head", person)
    return lambda size: float(np.clip(rng.normal(), -1.8, 1.8)) * size


def _sizes(radii: Point, vary: Callable[[float], float], by: float) -> Point:
    return (radii[0] + vary(by), radii[1] + vary(by), radii[2] + vary(by))


def _skin(space: _Space, cranium: Field, vary: Callable[[float], float]) -> Field:
    """The distance to the skin."""
    skin = _join(cranium, space.ellipsoid((0, -31, -38), _sizes((59, 57, 78), vary, 2.0)), 20)
    skin = _join(skin, space.ellipsoid((0, -42, -76), _sizes((47, 46, 36), vary, 2.5)), 14)
    skin = _join(skin, space.capsule((0, 12, -50), (0, 30, -150), (55, 55)), 12)
    brow, cheek, lean = vary(1.5), vary(2.0), vary(0.7)
    for side in (-1, 1):
        skin = _join(skin, space.capsule((9 * side, -88 - brow, 17), (46 * side, -74 - brow, 14), (7, 3.9)), 10)
        skin = _join(skin, space.ellipsoid((42 * side, -60, -27), (17 + cheek, 17, 12)), 16)
    skin = _eyes(space, skin, vary)
    skin = _nose(space, skin, vary, lean)
    skin = _mouth(space, skin, vary)
    for side in (-1, 1):
        ear = space.ellipsoid((75 * side, 10, -10), (6, 17, 31))
        skin = _join(skin, _carve(ear, space.ellipsoid((80 * side, 7, -8), (4, 10, 20)), 3), 3)
    return skin


def _eyes(space: _Space, skin: Field, vary: Callable[[float], float]) -> Field:
    apart = 32 + vary(1.2)
    for side in (-1, 1):
        skin = _carve(skin, space.ellipsoid((apart * side, -92, 0), (18, 13, 13)), 8)
        slit = ((space.x - apart * side) / 14.5) ** 2 + (space.z / 5.5) ** 2
        lid = 1.6 * np.clip((slit - 0.8) / 0.4, 0.0, 1.0)
        crease = 1.2 * np.exp(-(((space.z - 9.0) / 2.0) ** 2))
        ball = space.ellipsoid((apart * side, -70, 0), (12, 12, 12)) - lid + crease
        skin = _join(skin, np.asarray(ball, np.float32), 3)
    return skin


def _nose(space: _Space, skin: Field, vary: Callable[[float], float], lean: float) -> Field:
    length, width = vary(2.0), vary(1.0)
    tip = (lean, -104 - length, -36 - vary(2.0))
    skin = _join(skin, space.capsule((0, -82, 3), tip, (6, 8)), 4)
    skin = _join(skin, space.ellipsoid((tip[0], tip[1], tip[2] - 2), (9 + width / 2, 9, 9)), 4)
    for side in (-1, 1):
        alae = ((11.5 + width) * side + lean, -95 - length / 2, -42.0)
        skin = _join(skin, space.ellipsoid(alae, (6.3, 9.8, 6)), 5)
    for side in (-1, 1):
        nostril = (6.0 * side + lean, -101 - length / 2, -48.0)
        skin = _carve(skin, space.ellipsoid(nostril, (3.5, 5.5, 5)), 2)
    return skin


def _mouth(space: _Space, skin: Field, vary: Callable[[float], float]) -> Field:
    bent = space.bent(0.010)
    width, full = vary(1.8), vary(0.6)
    skin = _join(skin, bent.ellipsoid((0, -92, -66), (24 + width, 7.5, 5 + full)), 4)
    skin = _join(skin, bent.ellipsoid((0, -92, -74.8), (20.4 + width, 7.5, 6 + full)), 4)
    skin = _carve(skin, bent.ellipsoid((0, -99.5, -70), (24 + width, 6, 2.2)), 2)
    skin = _join(skin, space.ellipsoid((0, -81 - vary(2.0), -97), (18.8 + vary(1.5), 15, 15)), 12)
    return _carve(skin, bent.ellipsoid((0, -101, -86), (21.6, 8, 5)), 6)


def _tissues(space: _Space, cranium: Field, surface: Field) -> NDArray[np.uint8]:
    """Which tissue fills each voxel, as an index into `Levels.tissues`."""
    kind = np.zeros(SHAPE, np.uint8)
    kind[surface < 0] = _SKIN
    kind[surface < -4.0] = _MUSCLE
    face = np.broadcast_to(space.z < 5.0, SHAPE) & np.broadcast_to(space.y < 10.0, SHAPE)
    kind[(surface < -_BONE_DEPTH) & (surface > -_BONE_DEPTH - 4.0) & face & (space.z > -108.0)] = _BONE
    kind[(cranium < -_BONE_DEPTH) & (surface < -_BONE_DEPTH)] = _BONE
    for depth, tissue in ((_FLUID_DEPTH, _FLUID), (_GREY_DEPTH, _GREY), (_WHITE_DEPTH, _WHITE)):
        kind[(cranium < -depth) & (surface < -depth)] = tissue
    kind[space.ellipsoid((0, 0, 34), (14, 30, 12)) < 0] = _FLUID
    kind[(space.ellipsoid((0, -78, -24), (11, 22, 15)) < 0) & (surface < -5.0)] = _AIR
    for side in (-1, 1):
        kind[(space.ellipsoid((32 * side, -62, 0), (18, 26, 16)) < 0) & (surface < -2.0)] = _SKIN
        kind[(space.ellipsoid((32 * side, -70, 0), (12, 12, 12)) < 0) & (surface < 0)] = _EYE
    return kind
