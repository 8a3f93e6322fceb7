"""Boxes made black in the image's own transfer syntax.

The law: no stored pixel (no DCT coefficient in baseline JPEG) outside the grown boxes changes, inside them all is one
black, and a frame without boxes keeps its bytes as long as the transfer syntax does.

Sources: DICOM PS3.3 C.7.6.3, PS3.5 8.2 and Annex A; PS3.15 E.3.1 (Clean Pixel Data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from curator.deid.pixels.black import black
from curator.deid.pixels.codecs import native, rle
from curator.deid.pixels.codecs.native import Black
from curator.deid.pixels.fragments import SEQUENCE_DELIMITER, basic_offset_table, item_header
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule
from curator.deid.pixels.spool import Spool
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
    wanted = {index: inside for index in range(len(frames)) if (inside := _inside(frames, index, boxes(index)))}
    if not wanted:
        return Scrubbed(module.syntax, ())
    spool = Spool(scratch)
    colour = black(frames.data_set, module)
    if not module.syntax.encapsulated:
        _native(frames, wanted, spool, colour)
        return Scrubbed(module.syntax, tuple(wanted), spool.chunks())
    lengths = []
    for index in range(len(frames)):
        raw = frames.raw(index)
        if index in wanted:
            raw = memoryview(rle.painted(raw, wanted[index], module, black=colour))
        lengths.append(_add_item(spool, raw))
    head = (_pixel_header(module, UNDEFINED), basic_offset_table(lengths))
    return Scrubbed(module.syntax, tuple(wanted), (*head, *spool.chunks(), SEQUENCE_DELIMITER))


def grown(frames: Frames, index: int, box: Box) -> Box:
    """What is blackened of frame `index` where `box` is asked for, within the frame: whole chroma pairs, whole blocks.

    Its area is 0 where the box meets nothing of the frame.
    """
    inside = box.clipped(frames.module.rows, frames.module.columns)
    if frames.module.syntax.encapsulated:
        return inside
    return native.grown(inside, frames.module)


def _inside(frames: Frames, index: int, boxes: Sequence[Box]) -> tuple[Box, ...]:
    return tuple(box for box in (grown(frames, index, each) for each in boxes) if box.area)


def _native(frames: Frames, wanted: Mapping[int, tuple[Box, ...]], spool: Spool, colour: Black) -> None:
    """Frames that boxes lie on painted where they stand, the rest as it is."""
    module = frames.module
    # Frames of single bits may share a byte, frames of an odd size a word; eight or two of them never do.
    together = 16 if module.frame_bits % 8 else 2 if module.is_swapped else 1
    whole = memoryview(frames.data_set.data)[module.pixels.value : module.pixels.value + module.pixels.length]
    spool.write(_pixel_header(module, module.pixels.length))
    for first in range(0, len(frames), together):
        group = [index for index in range(first, min(first + together, len(frames))) if index in wanted]
        start, end = first * module.frame_bits // 8, (first + together) * module.frame_bits // 8
        if not group:
            spool.keep(whole[start:end])
            continue
        octets = bytearray(native.swapped(whole[start:end]) if module.is_swapped else whole[start:end])
        for index in group:
            at = frames.bytes_of(index)
            frame = octets[at.start - start : at.stop - start]
            order, first_bit = module.syntax.order, frames.first_bit(index)
            native.paint(frame, wanted[index], module, black=colour, order=order, first_bit=first_bit)
            octets[at.start - start : at.stop - start] = frame
        spool.write(native.swapped(bytes(octets)) if module.is_swapped else bytes(octets))
    spool.keep(whole[(len(frames) + together - 1) // together * together * module.frame_bits // 8 :])


def _add_item(spool: Spool, frame: memoryview) -> int:
    """Add one frame as one item; its even length."""
    odd = len(frame) % 2
    spool.write(item_header(len(frame) + odd))
    spool.write(frame)
    if odd:
        spool.write(b"\0")
    return len(frame) + odd


def _pixel_header(module: PixelModule, length: int) -> bytes:
    syntax = module.syntax
    return header(module.pixels.tag, module.pixels.vr, length, explicit=syntax.explicit, order=syntax.order)
