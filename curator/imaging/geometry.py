"""Whether planes stack into one regular volume, and where that volume lies.

The law: slices are ordered by their position along the normal alone; instance numbers, file names and the order in
which files arrive have no say.

Sources: DICOM PS3.3 C.7.6.2.1.1 (the affine of a plane), C.7.6.2.1.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason
from curator.model.volume import Affine

ORIENTATION_TOLERANCE = 1e-3
"""Largest difference of a direction cosine: over a 500 mm field of view it moves a corner by 0.5 mm, half a voxel."""

PIXEL_SPACING_TOLERANCE = 1e-3
"""Largest relative difference of pixel spacings: half a voxel over 512; scanners round to six digits or better."""

SLICE_SPACING_TOLERANCE = 0.05
"""How far a slice may lie from its place on the regular grid, in slice steps.

Positions written with two decimals err by 0.01 mm, 2 % of the thinnest usual step of 0.5 mm; a missing slice errs by
at least half a step.
"""

DUPLICATE_MM = 0.01
"""Positions closer than this are one position: it is the last digit of scanners that write two decimals."""

SHEAR_TOLERANCE = 0.01
"""Largest sideways share of a slice step (0.57 degrees); more is a tilted gantry, which would need resampling."""

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stack:
    """How planes form a volume: `order[z]` is the index of the plane at slice z; `affine_lps` is `(4, 4)`."""

    order: tuple[int, ...]
    affine_lps: Affine = field(repr=False)


def volume_geometry_problem(planes: Sequence[PlaneGeometry], *, may_shear: bool = False) -> str | None:
    """Why `planes` are not one regular volume, in structural words; None where they are, in whatever order they come.

    No planes are no volume and so a problem; one plane is a volume of one slice. Where they `may_shear` each slice may
    lie sideways of the one before, as long as every step is the same (a tilted gantry).
    """
    if not planes:
        return "no image has a position"
    return _plane_problem(planes) or _stack_problem(planes, may_shear=may_shear)


def stacked(planes: Sequence[PlaneGeometry], *, may_shear: bool = False) -> Stack:
    """The order and the affine of the volume that `planes` form.

    The slice step is the fitted one; a single plane is as thick as its SliceThickness says, or 1 mm where it does not.
    Where they `may_shear`, the third axis of the affine need not be perpendicular to the others.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, also for no planes.
    """
    problem = volume_geometry_problem(planes, may_shear=may_shear)
    if problem is not None:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, problem)
    order, positions = _by_position(planes)
    first = planes[order[0]]
    return Stack(order, _affine(first, positions[0], _step(first, positions)))


def bridged(planes: Sequence[PlaneGeometry], *, most_missing: int) -> tuple[Stack, tuple[int, ...]]:
    """The stack of planes that leave places of a regular grid empty, at most `most_missing` in a row, and their places.

    The first and the last place are never empty; more than half of the steps are those of the grid. Planes may shear.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, also for no planes.
    """
    problem = _plane_problem(planes) if planes else "no image has a position"
    if problem is not None or len(planes) == 1:
        return stacked(planes, may_shear=True), (0,)
    order, positions = _by_position(planes)
    first = planes[order[0]]
    gaps_mm = np.diff(positions @ _normal(first))
    steps = np.rint(gaps_mm / max(float(np.median(gaps_mm)), DUPLICATE_MM))
    if gaps_mm.min() < DUPLICATE_MM or steps.min() < 1 or steps.max() > most_missing + 1:
        return stacked(planes, may_shear=True), tuple(range(len(planes)))
    places = np.concatenate([[0.0], np.cumsum(steps)])
    step = (positions[-1] - positions[0]) / places[-1]
    off_mm = np.linalg.norm(positions - positions[0] - np.outer(places, step), axis=1)
    if off_mm.max() > SLICE_SPACING_TOLERANCE * float(step @ _normal(first)):
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "slices do not lie on a regular grid, empty places or not")
    return Stack(order, _affine(first, positions[0], step)), tuple(int(place) for place in places)


def _plane_problem(planes: Sequence[PlaneGeometry]) -> str | None:
    """What is wrong with single planes, or between them apart from their positions."""
    orientations = np.array([plane.ImageOrientationPatient for plane in planes], dtype=np.float64)
    positions = np.array([plane.ImagePositionPatient for plane in planes], dtype=np.float64)
    spacings = np.array([plane.PixelSpacing for plane in planes], dtype=np.float64)
    if not all(np.isfinite(values).all() for values in (orientations, positions, spacings)):
        return "a position, orientation or pixel spacing is not a finite number"
    if (spacings <= 0).any():
        return "a pixel spacing is not positive"
    if not _is_orthonormal(orientations):
        return "an image orientation is not two perpendicular unit vectors"
    if np.ptp(orientations, axis=0).max() > ORIENTATION_TOLERANCE:
        return f"{len(planes)} images do not share one orientation"
    if (np.ptp(spacings, axis=0) > PIXEL_SPACING_TOLERANCE * spacings.min(axis=0)).any():
        return f"{len(planes)} images do not share one pixel spacing"
    return None


def _is_orthonormal(orientations: Vectors) -> bool:
    rows, columns = orientations[:, :3], orientations[:, 3:]
    lengths = np.linalg.norm(np.concatenate([rows, columns]), axis=1)
    products = (rows * columns).sum(axis=1)
    return bool(max(np.abs(lengths - 1).max(), np.abs(products).max()) <= ORIENTATION_TOLERANCE)


def _stack_problem(planes: Sequence[PlaneGeometry], *, may_shear: bool) -> str | None:
    """What keeps well-formed parallel planes from lying at equal steps, one above the other."""
    if len(planes) == 1:
        return None
    order, positions = _by_position(planes)
    first = planes[order[0]]
    normal = _normal(first)
    gaps_mm = np.diff(positions @ normal)
    if gaps_mm.min() < DUPLICATE_MM:
        return f"{int((gaps_mm < DUPLICATE_MM).sum())} of {len(planes)} images share a position with another one"
    step = _step(first, positions)
    off_steps = np.abs((positions - positions[0]) @ normal / (step @ normal) - np.arange(len(planes)))
    if off_steps.max() > SLICE_SPACING_TOLERANCE:
        ratio = gaps_mm.max() / np.median(gaps_mm)
        return f"slice spacing is not regular: the widest of {len(gaps_mm)} gaps is {ratio:.2f} times the median"
    if may_shear:
        off_mm = np.linalg.norm(positions - positions[0] - np.outer(np.arange(len(planes)), step), axis=1)
        is_even = off_mm.max() <= SLICE_SPACING_TOLERANCE * float(step @ normal)
        return None if is_even else "slices are shifted sideways by unequal steps"
    sideways_mm = np.diff(positions, axis=0) - np.outer(gaps_mm, normal)
    if np.linalg.norm(sideways_mm, axis=1).max() > SHEAR_TOLERANCE * float(np.median(gaps_mm)):
        return "slices are shifted sideways against each other, as with a tilted gantry"
    return None


def _by_position(planes: Sequence[PlaneGeometry]) -> tuple[tuple[int, ...], Vectors]:
    """Indices in order along the normal, and the positions `(N, 3)` in that order."""
    positions = np.array([plane.ImagePositionPatient for plane in planes], dtype=np.float64)
    order = np.argsort(positions @ _normal(_reference(planes)), kind="stable")
    return tuple(int(index) for index in order), positions[order]


def _reference(planes: Sequence[PlaneGeometry]) -> PlaneGeometry:
    """The plane whose orientation stands for all: chosen by value, so that input order cannot change a bit."""
    return min(planes, key=lambda plane: (plane.ImagePositionPatient, plane.ImageOrientationPatient))


def _normal(plane: PlaneGeometry) -> Vectors:
    """Unit normal: row direction cross column direction, so that `(x, y, z)` is right-handed."""
    orientation = np.array(plane.ImageOrientationPatient, dtype=np.float64)
    normal = np.cross(orientation[:3], orientation[3:])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def _step(plane: PlaneGeometry, positions: Vectors) -> Vectors:
    """From one slice to the next, millimetres `(3,)`."""
    if len(positions) > 1:
        return np.asarray((positions[-1] - positions[0]) / (len(positions) - 1), dtype=np.float64)
    thickness_mm = plane.SliceThickness
    return _normal(plane) * (thickness_mm if thickness_mm is not None and 0 < thickness_mm < np.inf else 1.0)


def _affine(plane: PlaneGeometry, origin: Vectors, step: Vectors) -> Affine:
    row_spacing_mm, column_spacing_mm = plane.PixelSpacing
    affine = np.eye(4)
    affine[:3, 0] = np.array(plane.ImageOrientationPatient[:3]) * column_spacing_mm
    affine[:3, 1] = np.array(plane.ImageOrientationPatient[3:]) * row_spacing_mm
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return affine
