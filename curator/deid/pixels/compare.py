"""Whether a scrub did what it was asked to and nothing else.

The law: equal means equal bit for bit: stored values, or DCT coefficients where frames stay baseline JPEG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.brush import block_black, is_block_coded, word_black
from curator.deid.pixels.codecs import jpeg, jpeg_dct
from curator.deid.pixels.codecs.jpeg_dct import Blocks
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.scrub import Boxes, inside_boxes
from curator.model.pixels import Box


class Kind(StrEnum):
    """What is not as it should be."""

    SHAPE = "shape"
    """Frames, rows, columns, samples or the meaning of samples differ; nothing else was looked at."""
    OUTSIDE = "outside"
    """Something outside the boxes changed."""
    INSIDE = "inside"
    """Something inside the boxes is not black."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is wrong with a frame (None: with the instance); `count` pixels or coefficients of it."""

    frame: int | None
    kind: Kind
    count: int = 0


def differences(before: Frames, after: Frames, boxes: Boxes) -> Iterator[Difference]:
    """What a scrub of `before` by `boxes` did wrong in `after`, frame by frame; nothing where all is right.

    Frames without boxes that have the same bytes are not decoded.

    Raises:
        ItemError: a frame of either cannot be decoded.
    """
    if _shape(before) != _shape(after):
        yield Difference(None, Kind.SHAPE)
        return
    same_syntax = before.module.syntax.uid == after.module.syntax.uid
    for index in range(len(before)):
        inside = inside_boxes(before, index, boxes(index))
        if not inside and same_syntax and _same_bytes(before, after, index):
            continue
        if same_syntax and is_block_coded(before, index):
            yield from _of_blocks(before, after, index, inside)
        else:
            yield from _of_values(before, after, index, inside)


def _shape(frames: Frames) -> tuple[object, ...]:
    module = frames.module
    return (
        len(frames), module.rows, module.columns, module.samples, frames.photometric, module.bits_allocated,
        module.bits_stored, module.high_bit, module.is_signed,
    )  # fmt: skip


def _same_bytes(before: Frames, after: Frames, index: int) -> bool:
    old, new = before.raw(index), after.raw(index)
    # An item is padded to an even length.
    return old == new or (len(old) + 1 == len(new) and new[-1] == 0 and old == new[:-1])


def _of_values(before: Frames, after: Frames, index: int, boxes: Sequence[Box]) -> Iterator[Difference]:
    old, new = before.decode(index), after.decode(index)
    mask = _mask(boxes, old.shape[:2])
    changed = int(np.count_nonzero((old != new) & _spread(~mask, old)))
    if changed:
        yield Difference(index, Kind.OUTSIDE, changed)
    if not boxes:
        return
    precision = before.precision(index)
    left = int(np.count_nonzero((new != np.array(word_black(before)(precision))) & _spread(mask, new)))
    if left:
        yield Difference(index, Kind.INSIDE, left)


def _of_blocks(before: Frames, after: Frames, index: int, boxes: Sequence[Box]) -> Iterator[Difference]:
    old, new = _blocks(before, index), _blocks(after, index)
    if old.header.components != new.header.components or old.dc_steps != new.dc_steps:
        yield Difference(index, Kind.SHAPE)
        return
    rows, columns = jpeg_dct.unit(old.header)
    black = block_black(old.stream, before, len(old.header.components))
    outside, inside = 0, 0
    for number, (vertical, horizontal) in enumerate(jpeg_dct.sampling(old.header)):
        source, result = old.coefficients[number], new.coefficients[number]
        units = [
            Box(box.top // rows * vertical, box.left // columns * horizontal,
                -(-box.bottom // rows) * vertical, -(-box.right // columns) * horizontal)
            for box in boxes
        ]  # fmt: skip
        mask = _mask(units, source.shape[:2])[..., None]
        flat = np.zeros(64, np.int16)
        flat[0] = jpeg_dct.quantised(black[number], old.dc_steps[number])
        outside += int(np.count_nonzero((source != result) & ~mask))
        inside += int(np.count_nonzero((result != flat) & mask))
    if outside:
        yield Difference(index, Kind.OUTSIDE, outside)
    if inside:
        yield Difference(index, Kind.INSIDE, inside)


def _blocks(frames: Frames, index: int) -> Blocks:
    return jpeg.read_blocks(bytes(frames.raw(index)), frames.module)


def _mask(boxes: Sequence[Box], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[box.top : box.bottom, box.left : box.right] = True
    return mask


def _spread(mask: NDArray[np.bool_], values: Samples) -> NDArray[np.bool_]:
    """A mask of pixels as one of samples."""
    return mask[..., None] if values.ndim == 3 else mask
