"""A changed stack as patches of the instances that its slices came from.

The law: a voxel that is named in the volume is named in exactly one frame of one instance, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.patch import FramePatch, Patch, merged


def patches_of(
    places: Sequence[tuple[int, int] | None], mask: NDArray[np.bool_], stored: NDArray[np.generic]
) -> dict[int, Patch]:
    """The patch of each instance that changes, by its number.

    `places[z]` is the instance and the frame of slice z (None: there is none, so nothing changes), `mask` `(Z, Y, X)`
    says which voxels change and `stored` `(Z, Y, X)` what to, in the type of the stored values. Nothing for an empty
    mask.
    """
    frames: dict[int, dict[int, FramePatch]] = {}
    for z, place in enumerate(places):
        if place is not None and mask[z].any():
            frames.setdefault(place[0], {})[place[1]] = FramePatch(mask[z].copy(), stored[z][mask[z]])
    return {instance: Patch(parts) for instance, parts in sorted(frames.items())}


def together(patches: Iterable[Mapping[int, Patch]]) -> dict[int, Patch]:
    """Patches of several stacks, some of the same instance (an enhanced one of many time points), by instance."""
    found: dict[int, list[Patch]] = {}
    for part in patches:
        for instance, patch in part.items():
            found.setdefault(instance, []).append(patch)
    return {instance: merged(parts) for instance, parts in sorted(found.items())}
