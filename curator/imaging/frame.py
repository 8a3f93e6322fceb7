"""Boxes of voxels to look at a volume in: their axes x to the left, y to the back and z up, however the scanner lay.

The law: a frame is a rigid placement of cubic voxels; turning one keeps its centre and its step.

Sources: DICOM PS3.3 C.7.6.2 (patient axes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from curator.model.volume import Affine, Volume

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Cubic voxels: `affine_lps` takes voxel `(x, y, z, 1)` to patient mm, `shape` counts them `(Z, Y, X)`."""

    affine_lps: Affine = field(repr=False)
    shape: tuple[int, int, int]

    @property
    def step_mm(self) -> float:
        """Between neighbouring voxels, mm."""
        return float(np.linalg.norm(self.affine_lps[:3, 0]))

    def indices_in(self, affine_lps: Affine) -> Affine:
        """`(4, 4)`: from a voxel `(x, y, z, 1)` of this frame to the index in a volume with that affine."""
        return np.asarray(np.linalg.solve(affine_lps, self.affine_lps), np.float64)

    def voxels_of(self, points_lps: Points) -> Points:
        """Patient points `(N, 3)` in mm as voxels `(x, y, z)` of this frame."""
        back = np.linalg.inv(self.affine_lps)
        return np.asarray(points_lps @ back[:3, :3].T + back[:3, 3], np.float64)

    def points_of(self, voxels: Points) -> Points:
        """Voxels `(N, 3)`, `(x, y, z)`, as patient points in mm."""
        return np.asarray(voxels @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3], np.float64)


def patient_frame(volume: Volume, *, step_mm: float) -> Frame:
    """The frame along the patient's axes that holds all of `volume`."""
    return frame_around(corners_of(volume), np.eye(3), step_mm=step_mm)


def turned_frame(frame: Frame, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Frame:
    """Where the voxels of `frame` lie after a `Resampler` turned what it shows: same shape, same centre."""
    axes = turned_axes(frame, yaw_deg=yaw_deg, pitch_deg=pitch_deg)
    middle = (np.array(frame.shape[::-1]) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = axes * frame.step_mm
    affine[:3, 3] = frame.affine_lps[:3, :3] @ middle + frame.affine_lps[:3, 3] - affine[:3, :3] @ middle
    return Frame(affine, frame.shape)


def turned_axes(
    frame: Frame, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0
) -> NDArray[np.float64]:
    """The unit axes (columns x, y, z) of a camera that is turned by yaw about z, pitch about x, roll about y."""
    yaw, pitch, roll = (np.deg2rad(angle) for angle in (yaw_deg, pitch_deg, roll_deg))
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
    return np.asarray(frame.affine_lps[:3, :3] / frame.step_mm @ about_z @ about_x @ about_y, np.float64)


def cropped_frame(frame: Frame, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Frame:
    """The part of a frame that begins at voxel `start` `(z, y, x)`, which may lie outside."""
    affine = frame.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array(start[::-1], np.float64)
    return Frame(affine, shape)


def corners_of(volume: Volume | Frame) -> Points:
    """The centres of the eight corner voxels, `(8, 3)` in patient mm."""
    return _corners(volume.affine_lps, volume.shape)


def _corners(affine_lps: Affine, shape: tuple[int, int, int]) -> Points:
    ends = np.array(list(product(*((0.0, length - 1.0) for length in shape[::-1]))))
    return np.asarray(ends @ affine_lps[:3, :3].T + affine_lps[:3, 3], np.float64)


def frame_around(points_lps: Points, axes: NDArray[np.float64], *, step_mm: float) -> Frame:
    """The frame along unit `axes` (columns) that holds all points `(N, 3)`, one at least."""
    along = points_lps @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    x, y, z = (int(count) for count in np.ceil((high - low) / step_mm - 1e-6) + 1)
    affine = np.eye(4)
    affine[:3, :3] = axes * step_mm
    # The box is centred on what it holds, so that turning it twice does not move it.
    middle = (low + high) / 2 - (np.array([x, y, z]) - 1) * step_mm / 2
    affine[:3, 3] = axes @ middle
    return Frame(affine, (z, y, x))
