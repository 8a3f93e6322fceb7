"""A volume seen from many sides at many thresholds.

The law: what is seen from a side is what a camera there sees; nothing of the volume decides what is looked at.

Volumes are turned in sixteen bits: three times as fast as floats, and finer than any threshold can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.view import picture_of
from curator.ports.faces import Field, Resampler
from curator.ports.pixels import Picture

Pose = tuple[float, float]
"""Yaw and pitch of a head, degrees."""

_MOST = float(np.iinfo(np.uint16).max)
# What is so many times as far above the lowest value as a threshold is beyond it, however far.
_BEYOND = 4.0


@dataclass(frozen=True, slots=True)
class Side:
    """A render of a volume after it turned, at a threshold in the volume's values."""

    yaw_deg: float
    pitch_deg: float
    threshold: float
    picture: Picture = field(repr=False)


def sides_of(
    values: Field, poses: Sequence[Pose], thresholds: Sequence[float], resampler: Resampler, *, around: float
) -> Iterator[Side]:
    """All renders of a volume `(Z, Y, X)`, all thresholds of a pose one after the other; none for no threshold.

    `around` is what lies around the volume. Poses of one yaw that follow each other are turned together.
    """
    if not thresholds:
        return
    lowest = min(float(values.min()), around)
    reach = _BEYOND * (max(thresholds) - lowest)
    scale = _MOST / reach if reach > 0 else 1.0
    steps = _in_steps(values, lowest, scale)
    outside = min((around - lowest) * scale, _MOST)
    for yaw, group in groupby(poses, key=lambda pose: pose[0]):
        turned = resampler.turned(steps, yaw_deg=yaw, pitch_deg=0.0, outside=outside)
        for _, pitch in group:
            seen = (
                resampler.turned(turned, yaw_deg=0.0, pitch_deg=pitch, outside=outside) if pitch else _along_y(turned)
            )
            for threshold in thresholds:
                yield Side(yaw, pitch, threshold, picture_of(seen, (threshold - lowest) * scale))


def _along_y(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The same volume `(Z, Y, X)` as it is read fastest along y: at each threshold a surface is looked for there."""
    turned = np.empty((values.shape[0], values.shape[2], values.shape[1]), values.dtype)
    for plane, into in zip(values, turned, strict=True):
        into[:] = cv2.transpose(plane)
    return turned.transpose(0, 2, 1)


def _in_steps(values: Field, lowest: float, scale: float) -> NDArray[np.uint16]:
    steps = np.empty(values.shape, np.uint16)
    # A slice at a time, for floats of all would be as much again as the volume.
    for plane, into in zip(values, steps, strict=True):
        np.copyto(into, np.clip((plane - np.float32(lowest)) * np.float32(scale), 0, _MOST), casting="unsafe")
    return steps
