"""Overlap and surface distance of two masks.

The law: distances are in millimetres on the masks' own grid, and what empty masks give is stated, never NaN.

Sources: Huttenlocher et al. 1993, 10.1109/34.232073 (Hausdorff distance); Maier-Hein et al. 2024,
10.1038/s41592-023-02151-z (percentile variant, empty masks).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from trainers.config import Lengths

Mask = NDArray[np.bool_]

PERCENTILE = 95.0


def dice(ours: Mask, theirs: Mask) -> float:
    """Twice the overlap by the sum of both volumes, in [0, 1]; 1.0 where both are empty, 0.0 where one is."""
    total = int(ours.sum()) + int(theirs.sum())
    return 2 * int((ours & theirs).sum()) / total if total else 1.0


def hd95_mm(ours: Mask, theirs: Mask, *, spacing_mm: Lengths) -> float:
    """The larger of the two directed 95th percentile distances between surfaces, millimetres, 0 or above.

    A surface is the mask's voxels with a face neighbour outside it; outside the grid counts as outside the mask.
    0.0 where both masks are empty, `inf` where one is.
    """
    if not ours.any() or not theirs.any():
        return 0.0 if not ours.any() and not theirs.any() else math.inf
    box = _bounding_box(ours | theirs)
    one, other = surface(ours[box]), surface(theirs[box])
    return max(_directed_mm(one, other, spacing_mm), _directed_mm(other, one, spacing_mm))


def surface(mask: Mask) -> Mask:
    """The voxels of `mask` that have a face neighbour outside it, same shape."""
    inner: Mask = ndimage.binary_erosion(mask, border_value=0)
    return mask & ~inner


def _directed_mm(start: Mask, end: Mask, spacing_mm: Lengths) -> float:
    distances = ndimage.distance_transform_edt(~end, sampling=spacing_mm)
    return float(np.percentile(distances[start], PERCENTILE))


def _bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds every voxel of a mask that is not empty; distances inside it are unchanged."""
    box: tuple[slice, ...] = ndimage.find_objects(mask.astype(np.uint8))[0]
    return box
