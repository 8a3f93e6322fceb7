"""The heads of the make-believe hospital: those of `curator.testing.heads` on one coarse grid, with plainer insides.

The law: a head is a pure function of a seed and a person, and its bytes are those that the hospital and the frozen
pictures were made of; distances are millimetres in the frame of `heads.person`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.testing.heads.person import Ear, draw_person
from curator.testing.heads.shapes import Ellipsoid, Field, Index, Point, Space, Step, fold
from curator.testing.invented import random_stream

SPACING_MM = (4.0, 2.0, 2.0)
ORIGIN_MM = (-130.0, -135.0, -97.5)
SHAPE = (62, 123, 98)
# Skull and brain are shells at these depths under the cranium's skin, mm.
_BONE_DEPTH, _FLUID_DEPTH, _GREY_DEPTH, _WHITE_DEPTH = 7.0, 14.0, 17.0, 22.0


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
class _Everywhere:
    """All voxels, whatever the box: what lies deep under a bounded shape counts too."""

    @property
    def whole(self) -> Space:
        """All of them."""
        z, y, x = (
            origin + step * np.arange(count, dtype=np.float32)
            for origin, step, count in zip(ORIGIN_MM, SPACING_MM, SHAPE, strict=True)
        )
        return Space(x[None, None, :], y[None, :, None], z[:, None, None])

    def within(self, _low: Point, _high: Point) -> tuple[Index, Space]:
        """All of them."""
        return (slice(None), slice(None), slice(None)), self.whole


def make_head(seed: int, person: int, *, levels: Levels) -> NDArray[np.int16]:
    """The head of one person, `(Z, Y, X)` int16 at `SPACING_MM` from `ORIGIN_MM`, both `(z, y, x)`; slice 0 is low."""
    shapes = draw_person(seed, person)
    region = _Everywhere()
    cranium = np.broadcast_to(shapes.cranium.distance(region.whole), SHAPE)
    # Here all ears are of one size: the bytes of the hospital and of the frozen pictures hang on it.
    ears = tuple(Step(Ear(side, 1.0), 3) for side in (-1, 1))
    surface = fold(cranium.copy(), (*shapes.skin[: -len(ears)], *ears), region)
    image = np.asarray(levels.tissues, np.float32)[_tissues(region.whole, cranium, surface)]
    image = ndimage.gaussian_filter(image, 0.5)
    rng = random_stream(seed, "head noise", person)
    noise = rng.normal(0.0, levels.sigma, (2, *SHAPE)).astype(np.float32)
    image = np.hypot(image + noise[0], noise[1]) if levels.is_magnitude else image + noise[0]
    return np.asarray(np.clip(np.rint(image), -1024, 3000), np.int16)


def _tissues(space: Space, cranium: Field, surface: Field) -> NDArray[np.uint8]:
    """Which tissue fills each voxel, as an index into `Levels.tissues`."""
    kind = np.zeros(SHAPE, np.uint8)
    kind[surface < 0] = _SKIN
    kind[surface < -4.0] = _MUSCLE
    face = np.broadcast_to(space.z < 5.0, SHAPE) & np.broadcast_to(space.y < 10.0, SHAPE)
    kind[(surface < -_BONE_DEPTH) & (surface > -_BONE_DEPTH - 4.0) & face & (space.z > -108.0)] = _BONE
    kind[(cranium < -_BONE_DEPTH) & (surface < -_BONE_DEPTH)] = _BONE
    for depth, tissue in ((_FLUID_DEPTH, _FLUID), (_GREY_DEPTH, _GREY), (_WHITE_DEPTH, _WHITE)):
        kind[(cranium < -depth) & (surface < -depth)] = tissue
    kind[Ellipsoid((0, 0, 34), (14, 30, 12)).distance(space) < 0] = _FLUID
    kind[(Ellipsoid((0, -78, -24), (11, 22, 15)).distance(space) < 0) & (surface < -5.0)] = _AIR
    for side in (-1, 1):
        kind[(Ellipsoid((32 * side, -62, 0), (18, 26, 16)).distance(space) < 0) & (surface < -2.0)] = _SKIN
        kind[(Ellipsoid((32 * side, -70, 0), (12, 12, 12)).distance(space) < 0) & (surface < 0)] = _EYE
    return kind
