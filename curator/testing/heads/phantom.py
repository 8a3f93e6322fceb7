"""A head made of shapes, as a scanner sees it: any contrast, grid, position and field of view.

The law: a head is a pure function of its plan; a place in the patient has the same tissue on whatever grid it is
sampled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.model.volume import Volume
from curator.testing.heads.grid import Grid, head_flattening, head_from_lps, head_scale, plan_grid, scanner_turn
from curator.testing.heads.landmarks import landmarks_mm
from curator.testing.heads.others import SUBJECTS
from curator.testing.heads.person import Person, draw_person
from curator.testing.heads.plan import Contrast, HeadPlan, Subject, Triple
from curator.testing.heads.shapes import Block, Capsule, Field, Space, fold
from curator.testing.heads.tissues import LOOKS, Kinds, Mask, Tissue, tissues
from curator.testing.invented import random_stream

_BLOCK_VOXELS = 600_000
CT_INTERCEPT, PET_SLOPE = -1024.0, 0.5
_CT_HOUNSFIELD = (-1024.0, 3071.0)
_PET_FWHM_MM = 5.0
_FWHM_PER_SIGMA = 2.3548
# A blur of half a voxel, in three taps: what a voxel takes in of its neighbours.
_NEIGHBOUR = 0.1065
# A holder is a shell of these radii around the head's axis, from so far down; supine it reaches up both sides, else it
# is a pad. A table lies under it. Prone they keep clear of the nose.
_HOLDER_RADII_MM, _HOLDER_FROM_MM, _PAD_FROM_MM = (108.0, 114.0), 30.0, 85.0
_TABLE_MM, _TABLE_THICK_MM, _TABLE_HALF_WIDTH_MM, _PRONE_LOWER_MM = 122.0, 9.0, 110.0, 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A volume and the truth about it.

    `brain` and `inside` are `(Z, Y, X)` on the volume's grid: the brain with its ventricles, and all that lies under
    skin. `landmarks_mm` are points on the skin by name, LPS mm; empty for what has no face.
    """

    plan: HeadPlan
    volume: Volume
    brain: Mask = field(repr=False)
    inside: Mask = field(repr=False)
    landmarks_mm: dict[str, Triple] = field(repr=False)


def make_head(plan: HeadPlan) -> Head:
    """The volume of one plan, int16: MR values, or stored CT and PET values with their rescale."""
    grid = plan_grid(plan)
    person = draw_person(plan.seed, plan.person, strength=plan.strength, is_child=plan.is_child)
    image = np.empty(grid.shape, np.float32 if plan.contrast is Contrast.PET else np.int16)
    brain, inside = np.zeros(grid.shape, np.bool_), np.zeros(grid.shape, np.bool_)
    rng = random_stream(plan.seed, "head noise", plan.person, plan.take)
    for block in _blocks(plan, grid):
        kinds, is_brain, is_inside = _filled(plan, person, block)
        at = slice(block.start[0] + 1, block.stop[0] - 1)
        brain[at], inside[at] = _cropped(is_brain), _cropped(is_inside)
        values = _softened(_measured(plan, grid, block, kinds, is_brain))
        image[at] = values if plan.contrast is Contrast.PET else _stored(plan, values, rng)
    stored = _pet_stored(plan, grid, image, rng) if plan.contrast is Contrast.PET else image
    if plan.is_stripped:
        stored = np.where(brain, stored, np.int16(0))
    slope, intercept = _rescale(plan)
    volume = Volume(
        stored=np.asarray(stored, np.int16),
        affine_lps=grid.affine_lps,
        rescale_slope=slope,
        rescale_intercept=intercept,
    )
    return Head(plan=plan, volume=volume, brain=brain, inside=inside, landmarks_mm=landmarks_mm(plan, person))


def _blocks(plan: HeadPlan, grid: Grid) -> Iterator[Block]:
    """The grid in slabs, each with one voxel more on every side."""
    matrix = (head_from_lps(plan) @ grid.affine_lps)[:3]
    depth, rows, columns = grid.shape
    step = max(1, _BLOCK_VOXELS // (rows * columns))
    for first in range(0, depth, step):
        last = min(first + step, depth)
        yield Block(matrix, (first - 1, -1, -1), (last + 1, rows + 1, columns + 1), head_flattening(plan))


def _filled(plan: HeadPlan, person: Person, block: Block) -> tuple[Kinds, Mask, Mask]:
    """Tissues, brain and inside of one block."""
    if plan.subject is not Subject.HEAD:
        return SUBJECTS[plan.subject](block)
    cranium = np.broadcast_to(person.cranium.distance(block.whole), block.shape)
    skin = fold(cranium.copy(), person.skin, block)
    kinds, brain = tissues(block, person, cranium, skin)
    if plan.has_tube:
        _put_tube(kinds, block)
    return kinds, brain, skin < 0


def _put_tube(kinds: Kinds, block: Block) -> None:
    """A breathing tube from the throat through the lips."""
    rod = ((0.0, -40.0, -72.0), (0.0, -165.0, -88.0))
    for radius, tissue in ((5.0, Tissue.PLASTIC), (3.4, Tissue.AIR)):
        tube = Capsule(*rod, (radius, radius))
        found = block.within(*tube.bounds())
        if found is not None:
            index, space = found
            np.copyto(kinds[index], np.uint8(tissue), where=tube.distance(space) < 0)


def _measured(plan: HeadPlan, grid: Grid, block: Block, kinds: Kinds, brain: Mask) -> Field:
    """What the scanner measures without noise."""
    levels = np.asarray(LOOKS[plan.contrast].levels, np.float32)
    image = levels[kinds]
    patient = Block(grid.affine_lps[:3], block.start, block.stop).whole
    if plan.has_table and plan.contrast is Contrast.CT:
        _put_table(plan, image, patient)
    if plan.shading != 1.0 and plan.contrast.modality == "MR":
        image *= _shading(plan, patient)
    if plan.is_stripped:
        image *= brain
    return image


def _put_table(plan: HeadPlan, image: Field, patient: Space) -> None:
    """A holder around the head and a table under it, on the side that is down."""
    moved = [
        axis - np.float32(by) for axis, by in zip((patient.x, patient.y, patient.z), plan.pose.shift_mm, strict=True)
    ]
    down_x, down_y, _ = scanner_turn(plan.position)[:, 1]
    down = np.float32(down_x) * moved[0] + np.float32(down_y) * moved[1]
    across = np.float32(down_y) * moved[0] - np.float32(down_x) * moved[1]
    away = np.hypot(across, down)
    lower = _PRONE_LOWER_MM if plan.position.endswith("P") else 0.0
    near, far = _HOLDER_RADII_MM
    from_mm = _HOLDER_FROM_MM if plan.position.endswith("S") else _PAD_FROM_MM
    holder = (away > near + lower) & (away < far + lower) & (down > from_mm) & (moved[2] > -70.0)
    top = _TABLE_MM + lower
    table = (down > top) & (down < top + _TABLE_THICK_MM) & (np.abs(across) < _TABLE_HALF_WIDTH_MM)
    for where, hounsfield in ((table, -350.0), (holder, 90.0)):
        np.copyto(image, np.float32(hounsfield), where=where & (image < -900.0))


def _shading(plan: HeadPlan, patient: Space) -> Field:
    """How bright the coil shows each place: largest over smallest is `plan.shading` over the head."""
    rng = random_stream(plan.seed, "shading", plan.person)
    towards = rng.normal(size=3)
    towards /= np.linalg.norm(towards) * 130.0 * head_scale(plan)
    share = sum(
        (axis - np.float32(shift)) * np.float32(part)
        for axis, shift, part in zip((patient.x, patient.y, patient.z), plan.pose.shift_mm, towards, strict=True)
    )
    return np.asarray(np.exp(np.float32(0.5 * np.log(plan.shading)) * np.clip(share, -1.0, 1.0)), np.float32)


def _softened(image: Field) -> Field:
    """The block blurred by half a voxel, without its outermost voxels."""
    for axis in range(3):
        ends = [slice(None)] * 3
        views = []
        for at in (slice(None, -2), slice(1, -1), slice(2, None)):
            ends[axis] = at
            views.append(image[tuple(ends)])
        before, here, after = views
        image = before + after
        image *= np.float32(_NEIGHBOUR)
        image += np.float32(1 - 2 * _NEIGHBOUR) * here
    return image


def _cropped(mask: Mask) -> Mask:
    return mask[1:-1, 1:-1, 1:-1]


def _stored(plan: HeadPlan, image: Field, rng: np.random.Generator) -> NDArray[np.int16]:
    """MR or CT slices with their noise, as stored."""
    sigma = np.float32(LOOKS[plan.contrast].sigma * plan.noise)
    for values in image:
        values += sigma * rng.standard_normal(values.shape, np.float32)
        if plan.contrast is not Contrast.CT:
            np.hypot(values, sigma * rng.standard_normal(values.shape, np.float32), out=values)
    if plan.contrast is Contrast.CT:
        image = np.clip(image, *_CT_HOUNSFIELD) - np.float32(CT_INTERCEPT)
    else:
        image *= np.float32(plan.gain)
    return np.asarray(np.clip(np.rint(image), 0, 32767), np.int16)


def _pet_stored(plan: HeadPlan, grid: Grid, image: NDArray[np.generic], rng: np.random.Generator) -> NDArray[np.int16]:
    """Uptake as a ring of detectors blurs it, Bq/ml over `PET_SLOPE`."""
    sigmas = [_PET_FWHM_MM / _FWHM_PER_SIGMA / step for step in plan.spacing_mm]
    blurred = ndimage.gaussian_filter(np.asarray(image, np.float32), sigmas)
    sigma = LOOKS[plan.contrast].sigma * plan.noise
    speckle = ndimage.gaussian_filter(rng.standard_normal(grid.shape, np.float32), 0.8) * np.float32(3.0 * sigma)
    noisy = blurred + speckle * np.sqrt(np.float32(0.05) + blurred / np.float32(3000))
    return np.asarray(np.clip(np.rint(noisy / PET_SLOPE), 0, 32767), np.int16)


def _rescale(plan: HeadPlan) -> tuple[float, float]:
    if plan.contrast is Contrast.CT:
        return 1.0, CT_INTERCEPT
    return (PET_SLOPE, 0.0) if plan.contrast is Contrast.PET else (1.0, 0.0)
