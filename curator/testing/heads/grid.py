"""Where the voxels of a plan lie in the patient.

The law: the patient's coordinates never depend on the grid; position, plane and oblique turn only choose where they are
sampled.

Sources: DICOM PS3.3 C.7.3.1.1.2, C.7.6.2.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.model.volume import Affine
from curator.testing.heads.plan import HeadPlan

CHILD_SCALE, CHILD_FLATTENING = 0.83, 0.88
# Directions of columns, rows and slices of a patient who lies head first and supine.
_PLANES = {
    "axial": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float64).T,
    "sagittal": np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]], np.float64).T,
    "coronal": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float64).T,
}
_TURN_DEG = {"S": 0.0, "DR": 90.0, "P": 180.0, "DL": 270.0}
_FEET_FIRST = np.diag([-1.0, 1.0, -1.0])
Rotation = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Voxel counts `(Z, Y, X)` and the affine from voxel `(x, y, z, 1)` to LPS mm."""

    shape: tuple[int, int, int]
    affine_lps: Affine = field(repr=False)


def plan_grid(plan: HeadPlan) -> Grid:
    """The grid that a plan asks for, centred on its field of view.

    Raises:
        KeyError: no such plane or patient position.
    """
    directions = turned(plan.oblique_deg) @ scanner_turn(plan.position) @ _PLANES[plan.plane]
    view, scale = plan.field_of_view, head_scale(plan)
    low = np.array([-view.side_mm, view.front_mm, view.bottom_mm]) * scale
    high = np.array([view.side_mm, view.back_mm, view.top_mm]) * scale
    straight = np.abs(scanner_turn(plan.position) @ _PLANES[plan.plane])
    steps = np.array(plan.spacing_mm[::-1])
    counts = np.maximum(np.rint(straight.T @ (high - low) / steps).astype(int), 1)
    centre = (low + high) / 2 + plan.pose.shift_mm
    columns = directions * steps
    if plan.is_reversed:
        columns[:, 2] *= -1
    affine = np.eye(4)
    affine[:3, :3] = columns
    affine[:3, 3] = centre - columns @ ((counts - 1) / 2)
    return Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)


def head_scale(plan: HeadPlan) -> float:
    """How large the head is, as a share of an adult's."""
    return CHILD_SCALE if plan.is_child else 1.0


def head_flattening(plan: HeadPlan) -> float:
    """How long the face below the pupils is, as a share of an adult's in proportion."""
    return CHILD_FLATTENING if plan.is_child else 1.0


def head_from_lps(plan: HeadPlan) -> NDArray[np.float64]:
    """`(4, 4)` from patient millimetres to the head's own frame, before its flattening."""
    turn = turned(plan.pose.turn_deg).T / head_scale(plan)
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = -turn @ np.array(plan.pose.shift_mm)
    return matrix


def scanner_turn(position: str) -> Rotation:
    """What a Patient Position does to the directions of a head-first supine scan.

    Raises:
        KeyError: no such position.
    """
    angle = np.deg2rad(_TURN_DEG[position[2:]])
    cos, sin = np.rint(np.cos(angle)), np.rint(np.sin(angle))
    about_z = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return np.asarray(about_z @ {"HF": np.eye(3), "FF": _FEET_FIRST}[position[:2]], np.float64)


def turned(degrees: tuple[float, float, float]) -> Rotation:
    """The rotation about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        if angle == 0:
            continue
        a, b = [other for other in range(3) if other != axis]
        about = np.eye(3)
        sine = np.sin(angle) * (-1 if axis == 1 else 1)
        about[a, a] = about[b, b] = np.cos(angle)
        about[a, b], about[b, a] = -sine, sine
        matrix = about @ matrix
    return matrix
