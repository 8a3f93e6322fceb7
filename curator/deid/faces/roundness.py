"""How round a head is from side to side: what a new skin keeps of an old one beside its shape over centimetres.

The law: it follows from the breadth of the head and how far its sides lie back, each smoothed over centimetres from top
to bottom, so that it tells no feature.

A skin that is only smoothed is flat like a plate, with a crease at both sides, which is seen as the frame of a face.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.render import Depth
from curator.deid.faces.zone import Map, Mask

# A head's breadth is taken where it lies no farther behind the foremost: ears lie farther back.
_REACH_MM = 60.0
# From front to the middle of a head's length: no head is rounder.
_HALF_LENGTH_MM = 95.0
_BREADTH_BLUR_MM, _DEPTH_BLUR_MM = 25.0, 60.0
# An ellipse's side is as steep as can be; beyond this share of its half breadth it goes on straight.
_STRAIGHT = 0.9
_LEAST_RAYS = 10
_LEAST_WEIGHT = 1e-3
Row = NDArray[np.float64]


def roundness(depth: Depth, is_hit: Mask, *, step_mm: float) -> Map:
    """How far the sides of a head lie behind its middle, voxels `(Z, X)`: at each height an ellipse's front.

    `depth` `(Z, X)` is a skin, `is_hit` where there is one. 0 everywhere where there is too little of it.
    """
    near = is_hit & (depth < np.where(is_hit, depth, np.inf).min(axis=1, keepdims=True) + _REACH_MM / step_mm)
    is_known = near.sum(axis=1) > _LEAST_RAYS
    if not is_known.any():
        return np.zeros_like(depth)
    blur = _BREADTH_BLUR_MM / step_mm
    first, last = near.argmax(axis=1), near.shape[1] - 1 - near[:, ::-1].argmax(axis=1)
    # How broad an ellipse is where it lies so far back, against all of it.
    share = float(np.sqrt(1 - (1 - _REACH_MM / _HALF_LENGTH_MM) ** 2))
    middle = _smoothed((first + last) / 2, is_known, blur)
    half = np.maximum(_smoothed((last - first) / 2, is_known, blur) / share, 1.0)
    ellipse = _ellipse(np.abs(np.arange(depth.shape[1])[None, :] - middle[:, None]) / half[:, None])
    covariance, variance = _moments(ellipse, np.where(near, depth, 0.0), near & is_known[:, None])
    blur = _DEPTH_BLUR_MM / step_mm
    length = _smoothed(covariance, is_known, blur) / np.maximum(_smoothed(variance, is_known, blur), _LEAST_WEIGHT)
    return np.asarray(np.clip(length, 0, _HALF_LENGTH_MM / step_mm)[:, None] * ellipse, np.float32)


def _ellipse(across: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the front of an ellipse lies back, as a share of its half length, so far `across` its half breadth."""
    within = np.minimum(across, _STRAIGHT)
    level = np.sqrt(1 - within * within)
    return np.asarray(1 - level + (across - within) * _STRAIGHT / np.sqrt(1 - _STRAIGHT * _STRAIGHT), np.float64)


def _moments(one: NDArray[np.float64], other: NDArray[np.float64], where: Mask) -> tuple[Row, Row]:
    """The covariance of two maps at each height, and the variance of the first, each times how many rays count."""
    count = np.maximum(where.sum(axis=1), 1)[:, None]
    from_mean = np.where(where, one - np.where(where, one, 0).sum(axis=1, keepdims=True) / count, 0)
    return (from_mean * other).sum(axis=1), (from_mean * from_mean).sum(axis=1)


def _smoothed(values: Row, is_known: NDArray[np.bool_], sigma: float) -> Row:
    """A row of values blurred, each place judged by the known ones around it alone."""
    weight = ndimage.gaussian_filter1d(is_known.astype(np.float64), sigma, mode="nearest")
    total = ndimage.gaussian_filter1d(np.where(is_known, values, 0.0), sigma, mode="nearest")
    return np.asarray(total / np.maximum(weight, _LEAST_WEIGHT), np.float64)
