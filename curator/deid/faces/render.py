"""What a camera in front of a head sees: the first surface at a threshold, lit from the camera.

The law: a picture depends on the surface alone, so that who looks at it judges shape and nothing else.

Sources: Lambert's cosine law.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from curator.ports.faces import Field
from curator.ports.pixels import Picture

Depth = NDArray[np.float32]
"""`(Z, X)`: how many voxels from the front, in fractions, until a surface is hit; NaN where none is."""

_DARKEST, _LIGHT = 40.0, 215.0


def first_hits(values: Field | NDArray[np.uint16], threshold: float) -> Depth:
    """The depth at which values `(Z, Y, X)` first exceed `threshold`, seen along y from the front."""
    # A whole number exceeds a threshold where it exceeds the one below, and is compared several times as fast with it.
    limit = math.floor(threshold) if values.dtype.kind == "u" else threshold
    is_above = values > limit
    depth: Depth = is_above.argmax(axis=1).astype(np.float32)
    # A ray along which nothing is above is at 0 too.
    hit = (depth > 0) | is_above[:, 0, :]
    z, x = np.nonzero(hit & (depth > 0))
    behind = depth[z, x].astype(np.intp)
    low, high = (values[z, at, x].astype(np.float32) for at in (behind - 1, behind))
    depth[z, x] = behind - 1 + (threshold - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    depth[~hit] = np.nan
    return depth


def shaded(depth: Depth) -> Picture:
    """A surface `(Z, X)` as a picture, its top up: brightest where it faces the camera, black where nothing is."""
    hit = np.isfinite(depth)
    if not hit.any():
        return np.zeros(depth.shape, np.uint8)
    filled = np.where(hit, depth, np.float32(depth[hit].max()))
    down, across = np.gradient(filled)
    facing = 1.0 / np.sqrt(1.0 + down * down + across * across)
    picture = np.where(hit, _DARKEST + _LIGHT * facing, 0.0)
    return np.ascontiguousarray(picture[::-1].astype(np.uint8))
