"""Three authors who draw the same organs and differ.

The law: an author's mask is the truth moved by that author's own habit: the first is careful, the second uneven, the
third draws everything too large (the bias that a consensus has to overcome).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.testing.abdomen import LABELS, SHAPE, SPACING_MM
from curator.testing.invented import random_stream


@dataclass(frozen=True, slots=True)
class Habit:
    """How one author draws: `offset_mm` outwards everywhere, `waver_mm` of smooth unevenness."""

    role: str
    tool: str
    offset_mm: float
    waver_mm: float


HABITS = (
    Habit("radiologist", "3D Slicer", 0.0, 0.8),
    Habit("resident", "ITK-SNAP", -0.8, 1.8),
    Habit("student", "MITK", 3.6, 1.2),
)


def draw_mask(truth: NDArray[np.uint8], seed: int, patient: int, author: int) -> NDArray[np.uint8]:
    """The mask of one author, `(Z, Y, X)` uint8 of label values."""
    rng = random_stream(seed, "author", author, patient)
    habit = HABITS[author]
    waver = habit.waver_mm * _waver(rng)
    best = np.zeros(SHAPE, np.float32)
    mask = np.zeros(SHAPE, np.uint8)
    for label in LABELS:
        box = _box_around(truth == label.value)
        moved = _signed_distance(truth[box] == label.value) - habit.offset_mm + waver[box]
        closer = moved < best[box]
        mask[box][closer] = label.value
        best[box][closer] = moved[closer]
    return mask


def _box_around(inside: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The voxels of a label and a margin that no author's hand leaves."""
    margin = 4
    sides = []
    for axis in range(3):
        found = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        sides.append(slice(max(int(found[0]) - margin, 0), int(found[-1]) + margin + 1))
    return tuple(sides)


def _signed_distance(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance to the label's border, mm, negative inside; half a voxel is taken off, as transforms count centres."""
    outwards = ndimage.distance_transform_edt(~inside, SPACING_MM)
    inwards = ndimage.distance_transform_edt(inside, SPACING_MM)
    distance = np.asarray(outwards - inwards, np.float32)
    return np.asarray(distance - np.sign(distance) * (min(SPACING_MM) / 2), np.float32)


def _waver(rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth unevenness with a standard deviation of one."""
    coarse = rng.normal(0.0, 1.0, (5, 9, 9)).astype(np.float32)
    zoom = [size / step for size, step in zip(SHAPE, coarse.shape, strict=True)]
    field = ndimage.zoom(coarse, zoom, order=1)
    return np.asarray(field / field.std(), np.float32)
