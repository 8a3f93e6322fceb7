"""What stays and what changes in a run of frames.

The law: frames are taken in order and never kept: what is kept is as large as a few frames, and one byte a tile of each
frame. A tile *changes* where a few of its pixels differ by more than noise from what stood there when it changed last;
tiles that change time and again are the *moving part*. A run ends where a frame has nothing to do with the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box

TILE = 16
# Share of the range of values that is noise, and how many pixels of a tile have to exceed it.
_NOISE = 0.04
_PIXELS_CHANGED = 4
# A tile that changed in more than this share of the frames, and at least so often, moves.
_MOVING_SHARE, _MOVING_TIMES = 0.25, 4
_UNRELATED = 0.5
_THUMBNAIL = 48

Frame = NDArray[np.integer]
Tiles = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """Something new in frame `index`, inside `box`; it stood there until before frame `until`."""

    index: int
    until: int
    box: Box


class Scene:
    """A run of related frames from frame `start` on, `(Y, X)` or `(Y, X, 3)`, seen one after the other."""

    def __init__(self, start: int, frame: Frame) -> None:
        self.start = start
        self.count = 1
        self.highest: Frame = frame.copy()
        self.lowest: Frame = frame.copy()
        self._sum = frame.astype(np.float32)
        self._reference: Frame = frame.copy()
        self._previous = _thumbnail(frame)
        low, high = np.percentile(frame[::4, ::4], (0.2, 99.8))
        self._noise = max(1.0, _NOISE * float(high - low))
        self._changed: list[Tiles] = []

    @property
    def stop(self) -> int:
        """The frame after the last one."""
        return self.start + self.count

    @property
    def mean(self) -> NDArray[np.float32]:
        """The mean of the frames seen so far."""
        return self._sum / np.float32(self.count)

    def is_continued_by(self, frame: Frame) -> bool:
        """Whether a frame has to do with the one before."""
        return frame.shape == self.highest.shape and _correlation(self._previous, _thumbnail(frame)) >= _UNRELATED

    def add(self, frame: Frame) -> None:
        """Take the next frame, of the same shape."""
        self.count += 1
        self._previous = _thumbnail(frame)
        np.maximum(self.highest, frame, out=self.highest)
        np.minimum(self.lowest, frame, out=self.lowest)
        self._sum += frame
        changed = self._tiles_changed(frame)
        self._changed.append(changed)
        if changed.any():
            self._keep(changed, frame)

    def moving(self) -> Tiles:
        """The tiles that change time and again, `(Y / 16, X / 16)` rounded up."""
        times = self._times()
        return (times >= _MOVING_TIMES) & (times > _MOVING_SHARE * self.count)

    def changes(self) -> tuple[Change, ...]:
        """What is new in which frame outside the moving part, in frame order; nothing for a single frame."""
        if not self._changed:
            return ()
        still = ~self.moving()
        found: list[Change] = []
        for offset, changed in enumerate(self._changed):
            for box, tiles in _boxes(changed & still, self.highest.shape[:2]):
                found.append(Change(self.start + 1 + offset, self._next_change(offset, tiles), box))
        return tuple(found)

    def moving_box(self) -> Box | None:
        """The box around the moving part, None where nothing moves."""
        boxes = [box for box, _ in _boxes(self.moving(), self.highest.shape[:2])]
        if not boxes:
            return None
        return Box(
            min(box.top for box in boxes),
            min(box.left for box in boxes),
            max(box.bottom for box in boxes),
            max(box.right for box in boxes),
        )

    def _keep(self, changed: Tiles, frame: Frame) -> None:
        for row, column in np.argwhere(changed):
            tile = (slice(row * TILE, (row + 1) * TILE), slice(column * TILE, (column + 1) * TILE))
            self._reference[tile] = frame[tile]

    def _times(self) -> NDArray[np.int64]:
        rows, columns = (-(-side // TILE) for side in self.highest.shape[:2])
        return np.sum(self._changed, axis=0, dtype=np.int64) if self._changed else np.zeros((rows, columns), np.int64)

    def _next_change(self, offset: int, tiles: Tiles) -> int:
        for later in range(offset + 1, len(self._changed)):
            if (self._changed[later] & tiles).any():
                return self.start + 1 + later
        return self.stop

    def _tiles_changed(self, frame: Frame) -> Tiles:
        differs = (_difference(frame, self._reference) > self._noise).astype(np.uint8)
        rows, columns = (-(-side // TILE) for side in differs.shape)
        beyond = (rows * TILE - differs.shape[0], columns * TILE - differs.shape[1])
        padded = cv2.copyMakeBorder(differs, 0, beyond[0], 0, beyond[1], cv2.BORDER_CONSTANT, value=0)
        share = cv2.resize(padded.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        changed: Tiles = share > (_PIXELS_CHANGED - 0.5) / TILE**2
        return changed


def _difference(one: Frame, other: Frame) -> NDArray[Any]:
    """How far apart two frames are in the channel where they are farthest, `(Y, X)`."""
    if one.dtype in (np.uint8, np.uint16):
        apart = cv2.absdiff(one, other)
    else:
        apart = np.abs(one.astype(np.float32) - other.astype(np.float32))
    return np.asarray(apart if apart.ndim == 2 else np.maximum.reduce(cv2.split(apart)))


def _boxes(tiles: Tiles, shape: tuple[int, ...]) -> list[tuple[Box, Tiles]]:
    """Boxes in pixels around tiles that touch or almost touch each other, each with its tiles."""
    if not tiles.any():
        return []
    joined = cv2.dilate(tiles.astype(np.uint8), np.ones((3, 5), dtype=np.uint8))
    count, labels = cv2.connectedComponents(joined)
    found = []
    for label in range(1, count):
        part = tiles & (labels == label)
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        box = Box(
            int(rows[0]) * TILE, int(columns[0]) * TILE, (int(rows[-1]) + 1) * TILE, (int(columns[-1]) + 1) * TILE
        )
        found.append((box.clipped(shape[0], shape[1]), part))
    return found


def _thumbnail(frame: Frame) -> NDArray[np.float32]:
    grey = frame if frame.dtype in (np.uint8, np.uint16) else frame.astype(np.float32)
    small = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small.mean(axis=2) if small.ndim == 3 else small, dtype=np.float32)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's; 1 where both are even or equal."""
    left, right = one - one.mean(), other - other.mean()
    size = float(np.sqrt((left * left).sum() * (right * right).sum()))
    return float((left * right).sum()) / size if size > 0 else float(np.allclose(one, other))
