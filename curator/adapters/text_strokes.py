"""Boxes that hold whole letters: one whose edge cuts through a stroke is grown until it holds all of it.

The law: a box never shrinks, and grows by no more than part of the height of its letters; what runs on beyond that is
a line of a drawing or an edge of the body, and no stroke.

Sources: Otsu 1979 (the threshold between ink and ground).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box
from curator.ports.pixels import Picture

# How far a stroke may run out of its box, as a share of the height of the letters and in pixels.
_REACH, _LEAST_REACH, _MOST_REACH = 0.35, 2, 12
# So much of a stroke lies in its box, or it belongs to something else.
_INSIDE = 0.25


def with_whole_strokes(picture: Picture, box: Box) -> Box:
    """A box of a picture `(Y, X, 3)` grown to hold the strokes that its edge cuts, within the frame.

    A box that meets nothing of the frame, or lies on one shade, stays as it is.
    """
    rows, columns = picture.shape[:2]
    inner = box.clipped(rows, columns)
    if not inner.area:
        return box
    reach = min(max(round(_REACH * min(inner.height, inner.width)), _LEAST_REACH), _MOST_REACH)
    outer = inner.padded(reach).clipped(rows, columns)
    part = picture[outer.top : outer.bottom, outer.left : outer.right]
    own = (
        slice(inner.top - outer.top, inner.bottom - outer.top),
        slice(inner.left - outer.left, inner.right - outer.left),
    )
    ink = _ink(part, own)
    if ink is None:
        return box
    count, labels, strokes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    within = np.bincount(labels[own].ravel(), minlength=count)
    top, left, bottom, right = inner.top, inner.left, inner.bottom, inner.right
    for (x, y, width, height, area), held in zip(strokes[1:], within[1:], strict=True):
        low, first = int(y) + outer.top, int(x) + outer.left
        stroke = Box(low, first, low + int(height), first + int(width))
        if _INSIDE * area <= held < area and _ends_before(stroke, outer, rows, columns):
            top, left = min(top, stroke.top), min(left, stroke.left)
            bottom, right = max(bottom, stroke.bottom), max(right, stroke.right)
    return Box(top, left, bottom, right)


def _ink(part: Picture, own: tuple[slice, slice]) -> NDArray[np.uint8] | None:
    """What is ink in a part of a picture, 0 or 1 `(Y, X)`: the rarer side of the threshold inside the box `own`."""
    inside = part[own].reshape(-1, 3)
    channel = int(inside.std(axis=0).argmax())
    shades = np.ascontiguousarray(inside[:, channel])
    threshold, bright = cv2.threshold(shades.reshape(1, -1), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    share = float(bright.mean())
    if share in (0.0, 1.0):
        return None
    above = part[:, :, channel] > threshold
    return (above if share <= 0.5 else ~above).astype(np.uint8)


def _ends_before(stroke: Box, outer: Box, rows: int, columns: int) -> bool:
    """Whether a stroke ends before the outer box does; the frame's own edge ends it too."""
    return (
        (stroke.top > outer.top or outer.top == 0)
        and (stroke.left > outer.left or outer.left == 0)
        and (stroke.bottom < outer.bottom or outer.bottom == rows)
        and (stroke.right < outer.right or outer.right == columns)
    )
