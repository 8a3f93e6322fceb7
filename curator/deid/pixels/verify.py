"""The proof on the pixels that would be written: read again from the bytes, as a stranger would.

The law: an image is proven where it has the frames that it had, is one black inside every box, is what it was outside
them, and shows a watchful reader nothing that may not stay. It is read from what would be written, never from what was
meant to be.

Sources: DICOM PS3.15 E.3.1 (Clean Pixel Data Option), E.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.frames import Frames
from curator.deid.pixels.scrub import Boxes, grown
from curator.dicom.windows import WINDOW_BYTES
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

_SHAPE = ("rows", "columns", "frames", "samples", "is_signed")


def check_scrubbed(before: Frames, after: Frames, boxes: Boxes) -> None:
    """Nothing, where `after` is `before` with exactly the boxes black.

    Raises:
        ItemError: BURNED_IN_TEXT_LEFT where it is not, with the frame; or a frame cannot be decoded.
    """
    for name in _SHAPE:
        if getattr(before.module, name) != getattr(after.module, name):
            raise ItemError(Reason.BURNED_IN_TEXT_LEFT, f"the scrubbed image has other {name}")
    blacks: set[tuple[int, ...]] = set()
    for index in range(len(before)):
        inside = black_boxes(before, index, boxes)
        if inside:
            blacks.add(_check_frame(before, after, index, inside))
        elif not is_same(before.raw(index), after.raw(index)):
            _check_decoded(before, after, index)
    if len(blacks) > 1:
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, "boxes of different frames are not one black")


def black_boxes(frames: Frames, index: int, boxes: Boxes) -> tuple[Box, ...]:
    """The boxes that are black in a frame, as far as they are in it."""
    return tuple(box for box in (grown(frames, index, each) for each in boxes(index)) if box.area)


def is_hidden(box: Box, black: Sequence[Box]) -> bool:
    """Whether all of a box lies in boxes that are one black, so that nothing can be read in it; also for no area."""
    if not box.area:
        return True
    return bool(_mask((box.height, box.width), [_within(each, box) for each in black]).all())


def is_same(one: memoryview, other: memoryview) -> bool:
    """Whether two runs of bytes are equal; a window of each is in memory at a time."""
    return len(one) == len(other) and all(
        one[start : start + WINDOW_BYTES] == other[start : start + WINDOW_BYTES]
        for start in range(0, len(one), WINDOW_BYTES)
    )


def _check_frame(before: Frames, after: Frames, index: int, inside: Sequence[Box]) -> tuple[int, ...]:
    """The one black of a frame."""
    old, new = before.decode(index), after.decode(index)
    mask = _mask(new.shape[:2], inside)
    colours = np.unique(new[mask].reshape(int(mask.sum()), -1), axis=0)
    if len(colours) != 1:
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, f"a box of frame {index} is not one black")
    if not np.array_equal(old[~mask], new[~mask]):
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, f"frame {index} changed outside its boxes")
    return tuple(int(value) for value in colours[0])


def _check_decoded(before: Frames, after: Frames, index: int) -> None:
    if not np.array_equal(before.decode(index), after.decode(index)):
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, f"frame {index} changed without a box")


def _mask(shape: tuple[int, ...], boxes: Sequence[Box]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        mask[max(0, box.top) : max(0, box.bottom), max(0, box.left) : max(0, box.right)] = True
    return mask


def _within(box: Box, frame: Box) -> Box:
    return Box(box.top - frame.top, box.left - frame.left, box.bottom - frame.top, box.right - frame.left)
