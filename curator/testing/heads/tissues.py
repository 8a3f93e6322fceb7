"""What lies where in a head, and how each scanner sees it.

The law: a tissue depends on the place in the head alone, never on the grid; the brain is what lies inside the skull.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from curator.testing.heads.person import Person
from curator.testing.heads.plan import Contrast
from curator.testing.heads.shapes import Block, Capsule, Ellipsoid, Field, Shape, Space

Kinds = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Tissue(IntEnum):
    """What fills a voxel."""

    AIR = 0
    SKIN = 1
    MUSCLE = 2
    BONE = 3
    FLUID = 4
    GREY = 5
    WHITE = 6
    EYE = 7
    TOOTH = 8
    PLASTIC = 9


@dataclass(frozen=True, slots=True)
class Look:
    """What each `Tissue` measures, in its order, and the spread of the noise."""

    levels: tuple[float, ...]
    sigma: float


LOOKS = {
    Contrast.T1: Look((0, 320, 200, 45, 90, 220, 290, 100, 20, 0), 6.0),
    Contrast.T2: Look((0, 230, 110, 35, 470, 240, 180, 460, 15, 0), 7.0),
    Contrast.FLAIR: Look((0, 240, 120, 35, 55, 260, 205, 65, 15, 0), 7.0),
    Contrast.PD: Look((0, 300, 220, 45, 330, 310, 255, 320, 20, 0), 6.0),
    Contrast.CT: Look((-1000, 30, 55, 900, 5, 38, 28, 10, 1700, 140), 12.0),
    Contrast.PET: Look((0, 700, 1100, 600, 500, 11000, 4500, 600, 300, 0), 110.0),
}
# Skull and brain are shells at these depths under the cranium's skin, mm.
SKULL_MM, _FLUID_MM, BRAIN_MM, _WHITE_MM = 7.0, 14.0, 17.0, 21.0
_FAT_MM, _FACE_BONE_MM = 4.0, 4.0
_ORBITAL_BONE_MM, _BASE_BONE_MM = 2.5, 4.0
# The skull base runs down from the nasion to the back.
_BASE_AT_Y_MM, _BASE_SLOPE = -70.0, 0.45


def tissues(block: Block, person: Person, cranium: Field, skin: Field) -> tuple[Kinds, Mask]:
    """Which tissue fills each voxel of a block, and which are brain, given the distances to cranium and skin, mm."""
    space = block.whole
    kinds = np.zeros(block.shape, np.uint8)
    _put(kinds, Tissue.SKIN, skin < 0)
    _put(kinds, Tissue.MUSCLE, skin < -_FAT_MM)
    in_face = (space.z < 5.0) & (space.y < 10.0) & (space.z > -108.0)
    shell = (skin < -SKULL_MM) & (skin > -SKULL_MM - _FACE_BONE_MM)
    _put(kinds, Tissue.BONE, shell & in_face)
    _mouth(kinds, block, skin)
    brain = _cranial_cavity(kinds, space, person, np.maximum(cranium, skin))
    _cavities(kinds, block, skin)
    brain &= ~_orbits(kinds, block, person, skin)
    return kinds, brain


def _put(kinds: Kinds, tissue: Tissue, where: Mask) -> None:
    np.copyto(kinds, np.uint8(tissue), where=where)


def _cranial_cavity(kinds: Kinds, space: Space, person: Person, depth: Field) -> Mask:
    """Skull, brain and what flows around it; `depth` is negative inside. The brain comes back."""
    above_base = space.z + np.float32(_BASE_SLOPE) * (space.y - np.float32(_BASE_AT_Y_MM))
    is_above = above_base > 0
    _put(kinds, Tissue.BONE, (depth < -SKULL_MM) & (above_base > -_BASE_BONE_MM))
    _put(kinds, Tissue.FLUID, (depth < -_FLUID_MM) & is_above)
    brain: Mask = (depth < -BRAIN_MM) & is_above
    _put(kinds, Tissue.GREY, brain)
    folds = _folds(space, person)
    _put(kinds, Tissue.FLUID, brain & (depth > -_WHITE_MM) & (folds > 0.8))
    _put(kinds, Tissue.WHITE, brain & (depth + np.float32(2.0) * folds < -_WHITE_MM) & (above_base > 4.0))
    fissure = (np.abs(space.x) < 1.2) & (space.z > 45.0)
    _put(kinds, Tissue.FLUID, brain & fissure)
    for side in (-1, 1):
        ventricle = Capsule((9 * side, -26, 40), (15 * side, 30, 36), (5.5, 8))
        _put(kinds, Tissue.FLUID, brain & (ventricle.distance(space) < 0))
    return brain


def _folds(space: Space, person: Person) -> Field:
    """Where the brain's surface runs in and out, about -1 to 1; every person's runs differently."""
    a, b, c, d = person.folds
    first = np.sin(space.x / 5.1 + a) * np.sin(space.y / 5.8 + b)
    second = np.sin(space.z / 5.4 + c) * np.sin((space.x + space.y) / 7.7 + d)
    return np.asarray(first + second, np.float32)


def _mouth(kinds: Kinds, block: Block, skin: Field) -> None:
    """Teeth in an arch, and the throat."""
    for height in (-64.5, -75.5):
        _fill(kinds, block, Tissue.TOOTH, Ellipsoid((0, -77, height), (23, 4, 5), 0.02), skin, under_mm=7.0)
    _fill(kinds, block, Tissue.AIR, Capsule((0, -30, -42), (0, -8, -120), (7, 7)), skin, under_mm=5.0)


def _cavities(kinds: Kinds, block: Block, skin: Field) -> None:
    """Air in the nose, which the nostrils let in, and in the cheeks."""
    _fill(kinds, block, Tissue.AIR, Ellipsoid((0, -78, -24), (11, 22, 15)), skin, under_mm=5.0)
    for side in (-1, 1):
        _fill(kinds, block, Tissue.AIR, Ellipsoid((27 * side, -58, -32), (10, 13, 12)), skin, under_mm=12.0)
        passage = Capsule((6 * side, -100, -47), (5 * side, -85, -30), (2.6, 3.5))
        _fill(kinds, block, Tissue.AIR, passage, skin, under_mm=1.0)


def _fill(kinds: Kinds, block: Block, tissue: Tissue, shape: Shape, skin: Field, *, under_mm: float) -> None:
    """Fill what lies in a shape and at least so deep under the skin."""
    found = block.within(*shape.bounds())
    if found is not None:
        index, space = found
        _put(kinds[index], tissue, (shape.distance(space) < 0) & (skin[index] < -under_mm))


def _orbits(kinds: Kinds, block: Block, person: Person, skin: Field) -> Mask:
    """Eyes in fat in bone; where they are comes back."""
    taken = np.zeros(block.shape, np.bool_)
    for side in (-1, 1):
        orbit = Ellipsoid((person.eyes_apart * side, -62, 0), (18, 26, 16))
        around = Ellipsoid(orbit.centre, (18 + _ORBITAL_BONE_MM, 26 + _ORBITAL_BONE_MM, 16 + _ORBITAL_BONE_MM))
        found = block.within(*around.bounds())
        if found is None:
            continue
        index, space = found
        distance, depth = orbit.distance(space), skin[index]
        wall = (distance < _ORBITAL_BONE_MM) & (depth < -SKULL_MM)
        _put(kinds[index], Tissue.BONE, wall)
        taken[index] |= wall
        _put(kinds[index], Tissue.SKIN, (distance < 0) & (depth < -2.0))
        taken[index] |= distance < 0
        ball = Ellipsoid((person.eyes_apart * side, -70, 0), (12, 12, 12)).distance(space)
        _put(kinds[index], Tissue.EYE, (ball < 0) & (depth < 0))
    return taken
