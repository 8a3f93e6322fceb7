"""A changed stack as patches of the instances that its slices came from.

The law: a voxel that is named in the volume is named in exactly one frame of one instance, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.patch import FramePatch, Patch, merged


def patches_of(
    places: Sequence[tuple[int, int] | None], mask: NDArray[np.bool_], values: NDArray[np.generic]
) -> dict[int, Patch]:
    """The patch of each instance that changes, by its number.

    `places[z]` is the instance and the frame of slice z (None: there is none, so nothing changes), `mask` `(Z, Y, X)`
    says which voxels change and `values` `(N,)` to which stored values, in C order, in their type. Nothing for an empty
    mask.

    Raises:
        ValueError: there is not one value for every voxel of the mask.
    """
    counts = np.count_nonzero(mask, axis=(1, 2))
    if values.shape != (int(counts.sum()),) or len(counts) != len(places):
        raise ValueError("a change has one value for every voxel of its mask")
    frames: dict[int, dict[int, FramePatch]] = {}
    ends = np.cumsum(counts).tolist()
    for z, (place, end) in enumerate(zip(places, ends, strict=True)):
        if place is not None and counts[z]:
            part = values[end - int(counts[z]) : end]
            frames.setdefault(place[0], {})[place[1]] = FramePatch(mask[z].copy(), part.copy())
    return {instance: Patch(parts) for instance, parts in sorted(frames.items())}


def together(patches: Iterable[Mapping[int, Patch]]) -> dict[int, Patch]:
    """Patches of several stacks, some of the same instance (an enhanced one of many time points), by instance."""
    found: dict[int, list[Patch]] = {}
    for part in patches:
        for instance, patch in part.items():
            found.setdefault(instance, []).append(patch)
    return {instance: merged(parts) for instance, parts in sorted(found.items())}
