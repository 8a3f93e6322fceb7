"""Whether two volumes lie on one grid, and bringing a mask onto the grid of its image.

The law: voxels may be renumbered (axes swapped, axes reversed) and are never interpolated.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason
from curator.model.volume import Volume

GRID_TOLERANCE = 0.1
"""How far a corner voxel's centre may lie from its counterpart, in voxels along each axis.

Slices may lie 0.05 steps off the regular grid (`geometry.SLICE_SPACING_TOLERANCE`) and affines are rounded to float32
or two decimals: all of that stays below. Half a voxel, the smallest mistake that conventions make, is far above.
"""


def same_grid(a: Volume, b: Volume) -> bool:
    """Whether `a` and `b` have the same shape and every voxel of `a` lies where that of `b` does."""
    if a.shape != b.shape:
        return False
    corners = np.array([(*corner, 1) for corner in product(*[(0, length - 1) for length in a.shape[::-1]])])
    seen_from_a = corners @ np.linalg.solve(a.affine_lps, b.affine_lps).T
    return bool(np.abs(seen_from_a - corners).max() <= GRID_TOLERANCE)


def onto_grid(mask: Volume, reference: Volume) -> NDArray[np.generic]:
    """The stored values of `mask`, `(Z, Y, X)` in the voxel order of `reference`.

    Raises:
        ItemError: GEOMETRY_MISMATCH where the two grids differ by more than swapped and reversed axes.
    """
    cosines = _directions(reference).T @ _directions(mask)
    axes = tuple(int(axis) for axis in np.abs(cosines).argmax(axis=1))
    if sorted(axes) != [0, 1, 2]:
        raise ItemError(Reason.GEOMETRY_MISMATCH, "the axes of the mask are oblique to those of the image")
    reversed_xyz = tuple(bool(cosines[axis, source] < 0) for axis, source in enumerate(axes))
    turned = reoriented(mask, axes_xyz=axes, reversed_xyz=reversed_xyz)
    if turned.shape != reference.shape:
        raise ItemError(Reason.GEOMETRY_MISMATCH, f"mask shape {turned.shape}, image shape {reference.shape}")
    if not same_grid(turned, reference):
        raise ItemError(Reason.GEOMETRY_MISMATCH, "same shape, but the voxels lie elsewhere")
    return turned.stored


def reoriented(volume: Volume, *, axes_xyz: tuple[int, ...], reversed_xyz: tuple[bool, ...]) -> Volume:
    """`volume` with its voxels renumbered: new axis i (x, y, z) is the old `axes_xyz[i]`, reversed where so marked.

    Every voxel keeps its value and its place in the patient.
    """
    lengths_xyz = volume.shape[::-1]
    old_from_new = np.zeros((4, 4))
    old_from_new[3, 3] = 1.0
    for new, (old, is_reversed) in enumerate(zip(axes_xyz, reversed_xyz, strict=True)):
        old_from_new[old, new] = -1.0 if is_reversed else 1.0
        old_from_new[old, 3] = lengths_xyz[old] - 1 if is_reversed else 0.0
    steps = tuple(slice(None, None, -1 if is_reversed else 1) for is_reversed in reversed_xyz)
    voxels_xyz = volume.stored.T.transpose(axes_xyz)[steps]
    return Volume(
        stored=np.ascontiguousarray(voxels_xyz.T),
        affine_lps=volume.affine_lps @ old_from_new,
        rescale_slope=volume.rescale_slope,
        rescale_intercept=volume.rescale_intercept,
    )


def _directions(volume: Volume) -> NDArray[np.float64]:
    """Unit vectors of the x, y and z axes as columns."""
    columns = volume.affine_lps[:3, :3]
    return np.asarray(columns / np.linalg.norm(columns, axis=0), dtype=np.float64)
