"""Linear interpolation of volumes on the CPU.

The law: what lies outside a volume is one value; the same input gives the same voxels, whatever the number of threads.

Sources: scipy.ndimage (affine_transform), OpenCV (warpAffine, which turns a slice at a time).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.model.volume import Affine
from curator.ports.faces import Field, Turnable

_REVERSED = np.eye(3)[::-1]
# Boxes whose axes run along each other's to so much of a voxel a voxel do not turn over a thousand of them.
_STRAIGHT = 1e-7
# A place that is only by rounding beyond the outermost voxel is not beyond it.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class CpuResampler:
    """Interpolates with scipy and OpenCV."""

    @property
    def name(self) -> str:
        """Which implementation."""
        return "cpu"

    def onto(
        self, values: NDArray[np.generic], indices: Affine, shape: tuple[int, int, int], *, outside: float
    ) -> Field:
        """As `Resampler.onto`; several times as fast where both boxes have the same axes, in any order."""
        matrix = _REVERSED @ indices[:3, :3] @ _REVERSED
        if ((np.abs(matrix) > _STRAIGHT).sum(axis=0) == 1).all():
            return _straight(values, matrix, _REVERSED @ indices[:3, 3], shape, outside)
        taken = ndimage.affine_transform(
            values,
            matrix,
            offset=_REVERSED @ indices[:3, 3],
            output_shape=shape,
            output=np.float32,
            order=1,
            mode="constant",
            cval=outside,
        )
        return np.asarray(taken, np.float32)

    def turned(
        self, values: NDArray[Turnable], *, yaw_deg: float, pitch_deg: float, outside: float
    ) -> NDArray[Turnable]:
        """As `Resampler.turned`."""
        if yaw_deg:
            values = _in_planes(values, yaw_deg, outside)
        if pitch_deg:
            # x first, so that its planes are (z, y): up to back is a turn about x.
            side = _in_planes(_x_first(values), pitch_deg, outside)
            # Left as it lies: who looks along y, as all do who turn a head, reads it faster so.
            values = side.transpose(1, 2, 0)
        return values


def _straight(
    values: NDArray[np.generic], matrix: Affine, start: Affine, shape: tuple[int, int, int], outside: float
) -> Field:
    """A volume laid onto a box along its axes: `matrix` `(3, 3)` and `start` `(3,)` lead to it, z, y, x."""
    sources = np.abs(matrix).argmax(axis=0)
    values = values.transpose(sources)
    z, y, x = (
        _Between.of(matrix[source, axis] * np.arange(shape[axis]) + start[source], values.shape[axis])
        for axis, source in enumerate(sources)
    )
    taken = np.full(shape, outside, np.float32)
    within = np.ix_(y.targets, x.targets)
    for target, low, high, share in zip(z.targets, z.low, z.high, z.share, strict=True):
        plane, behind = (values[at].astype(np.float32) for at in (low, high))
        plane += share * (behind - plane)
        plane = plane[y.low] + y.share[:, None] * (plane[y.high] - plane[y.low])
        taken[target][within] = plane[:, x.low] + x.share * (plane[:, x.high] - plane[:, x.low])
    return taken


@dataclass(frozen=True, slots=True)
class _Between:
    """Between which voxels of an axis those of another lie that are within it: all arrays have as many, `targets`."""

    targets: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, places: NDArray[np.float64], length: int) -> _Between:
        """Places in voxels of an axis of some length."""
        targets = np.flatnonzero((places >= -_ROUNDING) & (places <= length - 1 + _ROUNDING))
        within = np.clip(places[targets], 0, length - 1)
        low = within.astype(np.intp)
        return cls(targets, low, np.minimum(low + 1, length - 1), (within - low).astype(np.float32))


def _x_first(values: NDArray[Turnable]) -> NDArray[Turnable]:
    """A volume `(Z, Y, X)` as `(X, Z, Y)`, written plane by plane."""
    depth, rows, columns = values.shape
    turned = np.empty((columns, depth, rows), values.dtype)
    for z, plane in enumerate(values):
        turned[:, z] = cv2.transpose(plane)
    return turned


def _in_planes(values: NDArray[Turnable], angle_deg: float, outside: float) -> NDArray[Turnable]:
    """Every plane of the last two axes turned about its centre."""
    rows, columns = values.shape[1:]
    turn = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), angle_deg, 1.0)
    turned = np.empty_like(values)
    for index, plane in enumerate(values):
        turned[index] = cv2.warpAffine(plane, turn, (columns, rows), flags=cv2.INTER_LINEAR, borderValue=outside)
    return turned
