"""Boxes made black in the image's own transfer syntax.

The law: no stored pixel (no DCT coefficient in baseline JPEG) outside the grown boxes changes, inside them all is one
black, and a frame without boxes keeps its bytes as long as the transfer syntax does.

Sources: DICOM PS3.3 C.7.6.3, PS3.5 8.2 and Annex A; PS3.15 E.3.1 (Clean Pixel Data).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate
from typing import BinaryIO

from curator.deid.pixels.black import black
from curator.deid.pixels.brush import brush_of, growth, painted_transform
from curator.deid.pixels.codecs import native
from curator.deid.pixels.codecs.native import Black
from curator.deid.pixels.fragments import SEQUENCE_DELIMITER, basic_offset_table, has_extended_table, item_header
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule
from curator.deid.pixels.spool import Spool
from curator.dicom.dictionary import tag_of
from curator.dicom.encode import header
from curator.dicom.parse import UNDEFINED
from curator.dicom.syntax import TransferSyntax
from curator.model.pixels import Box

Boxes = Callable[[int], Sequence[Box]]
Scratch = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What becomes of the pixels of one instance.

    `changed` are the frames that boxes were drawn into; empty: nothing is to be rewritten and `pixels` is empty too.
    `pixels` is the whole new Pixel Data element, header included, as it stands in a data set of `syntax` (of a deflated
    one: before deflating). `header` gives the value bytes of elements that change with it, None for one that goes.
    """

    syntax: TransferSyntax
    changed: tuple[int, ...]
    pixels: tuple[bytes | memoryview, ...] = field(default=(), repr=False)
    header: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


def scrub(frames: Frames, boxes: Boxes, *, scratch: Scratch) -> Scrubbed:
    """The new pixels of an instance whose frame `i` is to be black inside `boxes(i)`.

    Boxes reach beyond the frame as they like; those that meet nothing of it count for nothing. `scratch` opens an
    unnamed file for what is too large for memory.

    Raises:
        ItemError: a frame that boxes lie on cannot be decoded.
    """
    module = frames.module
    wanted = {index: inside for index in range(len(frames)) if (inside := inside_boxes(frames, index, boxes(index)))}
    if not wanted:
        return Scrubbed(module.syntax, ())
    with closing(Spool(scratch)) as spool:
        if module.syntax.encapsulated:
            return _encapsulated(frames, wanted, spool)
        _native(frames, wanted, spool, black(frames.data_set, module))
        return Scrubbed(module.syntax, tuple(wanted), spool.chunks())


def grown(frames: Frames, index: int, box: Box) -> Box:
    """What is blackened of frame `index` where `box` is asked for, within the frame: whole chroma pairs, whole blocks.

    Its area is 0 where the box meets nothing of the frame.

    Raises:
        ItemError: the frame is a JPEG whose header cannot be read.
    """
    inside = box.clipped(frames.module.rows, frames.module.columns)
    return growth(frames, index)(inside) if inside.area else inside


def inside_boxes(frames: Frames, index: int, boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The boxes of a frame as they are painted; none where nothing of the frame is met."""
    clipped = [box.clipped(frames.module.rows, frames.module.columns) for box in boxes]
    met = [box for box in clipped if box.area]
    if not met:
        return ()
    grow = growth(frames, index)
    return tuple(grow(box) for box in met)


def _native(frames: Frames, wanted: Mapping[int, tuple[Box, ...]], spool: Spool, colour: Black) -> None:
    """Frames that boxes lie on painted where they stand, the rest as it is."""
    module = frames.module
    # Frames of single bits may share a byte, frames of an odd size a word; eight or two of them never do.
    together = 16 if module.frame_bits % 8 else 2 if module.is_swapped else 1
    whole = memoryview(frames.data_set.data)[module.pixels.value : module.pixels.value + module.pixels.length]
    spool.write(_pixel_header(module, module.pixels.length))
    position = 0
    for group in sorted({index // together for index in wanted}):
        first = group * together
        start, end = first * module.frame_bits // 8, (first + together) * module.frame_bits // 8
        spool.keep(whole[position:start])
        frames.touched(end - start)
        octets = bytearray(native.swapped(whole[start:end]) if module.is_swapped else whole[start:end])
        for index in sorted(wanted.keys() & set(range(first, first + together))):
            at = frames.bytes_of(index)
            frame = octets[at.start - start : at.stop - start]
            order, first_bit = module.syntax.order, frames.first_bit(index)
            native.paint(frame, wanted[index], module, black=colour, order=order, first_bit=first_bit)
            octets[at.start - start : at.stop - start] = frame
        spool.write(native.swapped(bytes(octets)) if module.is_swapped else bytes(octets))
        position = min(end, len(whole))
    spool.keep(whole[position:])


def _encapsulated(frames: Frames, wanted: Mapping[int, tuple[Box, ...]], spool: Spool) -> Scrubbed:
    """Frames that boxes lie on painted, the rest as it is unless the syntax is another."""
    brush = brush_of(frames)
    is_new = brush.syntax.uid != frames.module.syntax.uid
    lengths = []
    for index in range(len(frames)):
        if index in wanted or is_new:
            lengths.append(_add_item(spool, brush.paint(frames.raw(index), wanted.get(index, ()))))
        else:
            lengths.append(_keep_item(spool, frames, index))
    table, tables = _offset_tables(frames, lengths)
    transform = painted_transform(frames.module, all_frames=len(wanted) == len(frames))
    pixels = (_pixel_header(frames.module, UNDEFINED), table, *spool.chunks(), SEQUENCE_DELIMITER)
    return Scrubbed(brush.syntax, tuple(wanted), pixels, {**brush.header, **transform, **tables})


def _add_item(spool: Spool, frame: bytes) -> int:
    """Add one new frame as one item; its even length."""
    frame += bytes(len(frame) % 2)
    spool.write(item_header(len(frame)))
    spool.write(frame)
    return len(frame)


def _keep_item(spool: Spool, frames: Frames, index: int) -> int:
    """Add one frame of the source as it is, in one item; its even length."""
    parts = frames.parts(index)
    length = sum(len(part) for part in parts)
    spool.write(item_header(length + length % 2))
    for part in parts:
        spool.keep(part)
    if length % 2:
        spool.write(b"\0")
    return length + length % 2


def _offset_tables(frames: Frames, lengths: list[int]) -> tuple[bytes, dict[int, bytes | None]]:
    """The basic offset table, and the extended one where the source has one."""
    if not has_extended_table(frames.data_set):
        return basic_offset_table(lengths), {}
    offsets = [8 * number + before for number, before in enumerate(accumulate([0, *lengths[:-1]]))]
    return item_header(0), {
        tag_of("ExtendedOffsetTable"): struct.pack(f"<{len(lengths)}Q", *offsets),
        tag_of("ExtendedOffsetTableLengths"): struct.pack(f"<{len(lengths)}Q", *lengths),
    }


def _pixel_header(module: PixelModule, length: int) -> bytes:
    syntax = module.syntax
    return header(module.pixels.tag, module.pixels.vr, length, explicit=syntax.explicit, order=syntax.order)
