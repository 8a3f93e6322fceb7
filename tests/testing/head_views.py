"""What a face detector is shown of a volume: its surface as seen from the front or the back, lit from the viewer."""

from __future__ import annotations

from functools import cache

import dlib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.model.volume import Volume

_PIXEL_MM = 0.7
_STEP_MM = 1.4
_HALF_WIDTH_MM = 105.0


def surface_view(volume: Volume, *, threshold: float, centre_mm=(0.0, 0.0, 0.0), is_from_behind: bool = False):
    """`(Y, X)` uint8 at 0.7 mm of what is above `threshold`, looking along the patient's y axis at `centre_mm`."""
    canonical = _canonical(volume, centre_mm, fill=volume.stored.min())
    if is_from_behind:
        canonical = canonical[:, ::-1, ::-1]
    hit = canonical > threshold
    first, is_hit = hit.argmax(axis=1), hit.any(axis=1)
    z, x = np.indices(first.shape)
    before, after = canonical[z, np.maximum(first - 1, 0), x], canonical[z, first, x]
    share = np.clip((threshold - before) / np.where(after == before, 1, after - before), 0, 1)
    depth = (np.maximum(first - 1, 0) + share) * _STEP_MM
    zoom = _STEP_MM / _PIXEL_MM
    is_hit = ndimage.zoom(is_hit.astype(np.uint8), zoom, order=0).astype(bool)
    depth = ndimage.zoom(np.where(first > 0, depth, depth[first > 0].max()), zoom, order=1)
    depth = ndimage.gaussian_filter(depth, 1.3)
    slope_z, slope_x = np.gradient(depth, _PIXEL_MM)
    shade = 20 + 230 / np.sqrt(1 + slope_z**2 + slope_x**2)
    return np.ascontiguousarray(np.where(is_hit, shade, 0)[::-1].astype(np.uint8))


def best_score(picture: NDArray[np.uint8]) -> float:
    _, scores, _ = _detector().run(picture, 0, -1.5)
    return max(scores, default=-1.5)


def values_at(volume: Volume, points_mm: NDArray[np.float64], *, fill: float = 0.0) -> NDArray[np.float32]:
    """Physical values at `(N, 3)` patient points, interpolated linearly."""
    inverse = np.linalg.inv(volume.affine_lps)
    voxels = points_mm @ inverse[:3, :3].T + inverse[:3, 3]
    stored = ndimage.map_coordinates(volume.stored.astype(np.float32), voxels.T[::-1], order=1, cval=fill)
    return stored * volume.rescale_slope + volume.rescale_intercept


@cache
def _detector():
    return dlib.get_frontal_face_detector()


def _canonical(volume: Volume, centre_mm, *, fill: float) -> NDArray[np.float32]:
    """Stored values resampled to upright axes around a point."""
    counts = np.array([190, 178, 150])
    low = np.array([-130.0, -130.0, -_HALF_WIDTH_MM])
    inverse = np.linalg.inv(volume.affine_lps)
    flip = np.eye(3)[::-1]
    matrix = flip @ inverse[:3, :3] @ flip * _STEP_MM
    offset = flip @ (inverse[:3, :3] @ (low[::-1] + centre_mm) + inverse[:3, 3])
    stored = volume.stored.astype(np.float32)
    return ndimage.affine_transform(stored, matrix, offset, tuple(counts), order=1, cval=float(fill))
