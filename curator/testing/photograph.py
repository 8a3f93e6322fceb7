"""Photographs of nobody: the head made of shapes, seen from the front, in the colours of a camera.

The law: a photograph is a pure function of seed, person and view; the face in it is the phantom's, and a face detector
believes it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.testing.head import MR_LEVELS, ORIGIN_MM, SPACING_MM, make_head
from curator.testing.invented import random_stream

_PIXEL_MM = 1.6
_SKIN_THRESHOLD = 90.0
_LIGHT = (-0.35, -0.3)
_SKIN, _LIPS, _IRIS = (224.0, 172.0, 146.0), (176.0, 92.0, 92.0), (70.0, 48.0, 36.0)
_HAIR, _WALL = (58.0, 40.0, 30.0), (96.0, 118.0, 128.0)
_HAIRLINE_MM = 62.0

Photograph = NDArray[np.uint8]


def make_photograph(
    seed: int, person: int, *, shape: tuple[int, int] = (200, 200), yaw_deg: float = 0.0, is_from_behind: bool = False
) -> Photograph:
    """`(Y, X, 3)` RGB of one invented person before a wall, upright and in the middle."""
    volume = make_head(seed, person, levels=MR_LEVELS).astype(np.float32)
    if yaw_deg:
        volume = ndimage.rotate(volume, yaw_deg, axes=(1, 2), reshape=False, order=1)
    if is_from_behind:
        volume = volume[:, ::-1, ::-1]
    depth, is_hit = _surface(volume)
    shaded = _shade(depth)
    height_mm = ORIGIN_MM[0] + _PIXEL_MM * np.arange(len(depth), dtype=np.float32)[:, np.newaxis]
    colours = np.empty((*depth.shape, 3), np.float32)
    colours[:] = _SKIN
    if not is_from_behind and not yaw_deg:
        _paint_features(colours, height_mm)
    is_hair = np.broadcast_to(height_mm > _HAIRLINE_MM, depth.shape) | is_from_behind
    colours[is_hair] = _HAIR
    lit = np.where(is_hit[..., np.newaxis], colours * shaded[..., np.newaxis], np.asarray(_WALL, np.float32))
    return _framed(lit[::-1], shape, random_stream(seed, "photograph", person))


def _surface(volume: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """How far from the camera the skin is, mm, by height and side, and where there is any."""
    dz, dy, dx = SPACING_MM
    fine = ndimage.zoom(volume, (dz / _PIXEL_MM, 1, dx / _PIXEL_MM), order=1)
    hit = fine > _SKIN_THRESHOLD
    first, is_hit = hit.argmax(axis=1), hit.any(axis=1)
    z, x = np.indices(first.shape)
    before, after = fine[z, np.maximum(first - 1, 0), x], fine[z, first, x]
    share = np.clip((_SKIN_THRESHOLD - before) / np.where(after == before, 1, after - before), 0, 1)
    depth = (np.maximum(first - 1, 0) + share) * dy
    depth = ndimage.gaussian_filter(np.where(is_hit, depth, depth[is_hit].max()), 1.0)
    return depth.astype(np.float32), is_hit


def _shade(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brightness of the skin under a lamp above and to one side, 0 to 1."""
    slope_z, slope_x = np.gradient(depth, _PIXEL_MM)
    facing = (1.0 + _LIGHT[0] * slope_z + _LIGHT[1] * slope_x) / np.sqrt(1.0 + slope_z**2 + slope_x**2)
    return np.asarray(0.25 + 0.75 * np.clip(facing / 1.1, 0.0, 1.0), np.float32)


def _paint_features(colours: NDArray[np.float32], height_mm: NDArray[np.float32]) -> None:
    """Lips, eyes and brows as a camera sees them on a face that looks straight at it."""
    side_mm = (ORIGIN_MM[2] + _PIXEL_MM * np.arange(colours.shape[1], dtype=np.float32))[np.newaxis]
    colours[(side_mm / 22) ** 2 + ((height_mm + 70) / 8) ** 2 < 1] = _LIPS
    for side in (-32, 32):
        colours[((side_mm - side) / 13) ** 2 + (height_mm / 4.5) ** 2 < 1] = (235.0, 232.0, 228.0)
        colours[((side_mm - side) / 5.5) ** 2 + (height_mm / 4.5) ** 2 < 1] = _IRIS
        colours[((side_mm - side) / 20) ** 2 + ((height_mm - 18) / 3.5) ** 2 < 1] = _HAIR


def _framed(lit: NDArray[np.float32], shape: tuple[int, int], rng: np.random.Generator) -> Photograph:
    """The picture in the middle of a wall of `shape`, with the noise of a sensor."""
    wall = np.empty((*shape, 3), np.float32)
    wall[:] = _WALL
    rows, columns = min(shape[0], lit.shape[0]), min(shape[1], lit.shape[1])
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    y, x = (lit.shape[0] - rows) // 2, (lit.shape[1] - columns) // 2
    wall[top : top + rows, left : left + columns] = lit[y : y + rows, x : x + columns]
    return np.asarray(np.clip(np.rint(wall + rng.normal(0.0, 2.0, wall.shape)), 0, 255), np.uint8)
