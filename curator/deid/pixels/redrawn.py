"""Pixel Data with some frames drawn anew, in the image's own transfer syntax or in one that loses nothing.

The law: a frame that is not drawn keeps its bytes as long as the transfer syntax does; what is drawn is decided by the
caller, who is given one frame at a time.

Sources: DICOM PS3.5 8.2 and Annex A (native, encapsulated, offset tables).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import BinaryIO

from curator.deid.pixels.codecs import native
from curator.deid.pixels.fragments import SEQUENCE_DELIMITER, basic_offset_table, has_extended_table, item_header
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule
from curator.deid.pixels.spool import Spool
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.encode import header
from curator.dicom.parse import UNDEFINED
from curator.dicom.syntax import TransferSyntax

Scratch = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What becomes of the pixels of one instance.

    `changed` are the frames that were drawn into; empty: nothing is to be rewritten and `pixels` is empty too.
    `pixels` is the whole new Pixel Data element, header included, as it stands in a data set of `syntax` (of a deflated
    one: before deflating). `header` gives the value bytes of elements that change with it, None for one that goes.
    """

    syntax: TransferSyntax
    changed: tuple[int, ...]
    pixels: tuple[bytes | memoryview, ...] = field(default=(), repr=False)
    header: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Coding:
    """How encapsulated frames are drawn.

    `draw` gives the new bytes of a frame of that index. In another syntax than the frames came in every frame is given
    to it, one that nothing is drawn into too. `header` gives the value bytes of elements that go with a new syntax.
    """

    syntax: TransferSyntax
    draw: Callable[[Buffer, int], bytes] = field(repr=False)
    header: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


def redrawn_native(
    frames: Frames, wanted: Collection[int], draw: Callable[[bytearray, int], None], *, spool: Spool
) -> Scrubbed:
    """Native frames: `draw` changes the bytes of each wanted one where they lie, the rest is as it is.

    A frame of single bits begins at bit `frames.first_bit(index)` of what `draw` is given.
    """
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
        for index in sorted(set(wanted) & set(range(first, first + together))):
            at = frames.bytes_of(index)
            frame = octets[at.start - start : at.stop - start]
            draw(frame, index)
            octets[at.start - start : at.stop - start] = frame
        spool.write(native.swapped(bytes(octets)) if module.is_swapped else bytes(octets))
        position = min(end, len(whole))
    spool.keep(whole[position:])
    return Scrubbed(module.syntax, tuple(sorted(wanted)), spool.chunks())


def redrawn_coded(frames: Frames, wanted: Collection[int], coding: Coding, *, spool: Spool) -> Scrubbed:
    """Encapsulated frames: each wanted one drawn, the rest as it is unless the syntax is another.

    Raises:
        ItemError: as `coding.draw`.
    """
    is_new = coding.syntax.uid != frames.module.syntax.uid
    lengths = []
    for index in range(len(frames)):
        if index in wanted or is_new:
            lengths.append(_add_item(spool, coding.draw(frames.raw(index), index)))
        else:
            lengths.append(_keep_item(spool, frames, index))
    table, tables = _offset_tables(frames, lengths)
    pixels = (_pixel_header(frames.module, UNDEFINED), table, *spool.chunks(), SEQUENCE_DELIMITER)
    return Scrubbed(coding.syntax, tuple(sorted(wanted)), pixels, {**coding.header, **tables})


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
