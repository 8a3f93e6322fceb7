"""Encapsulated pixel data: which fragments make which frame, and the writing of new ones.

The law: every fragment belongs to exactly one frame, and a table that says otherwise than the fragments is refused.

Sources: DICOM PS3.5 A.4 (fragments, basic offset table), PS3.3 C.7.6.3.1.8 (extended offset table).
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import NamedTuple

from curator.deid.pixels.attributes import only
from curator.deid.pixels.module import JPEG_2000S, JPEG_LS, JPEGS, PixelModule
from curator.dicom.elements import Buffer, DataSet
from curator.errors import ItemError
from curator.model.quarantine import Reason

_ITEM = struct.Struct("<HHI")
_ITEM_TAG = (0xFFFE, 0xE000)
SEQUENCE_DELIMITER = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_LARGEST_OFFSET = (1 << 32) - 1
# The tiles of the largest slides are a tenth of that; each takes a hundred bytes here.
_MOST_FRAGMENTS = 1 << 20
_CODESTREAM_STARTS = {
    **dict.fromkeys(JPEGS | JPEG_LS, (b"\xff\xd8",)),
    # A codestream, or one in the file format that some writers wrongly put in.
    **dict.fromkeys(JPEG_2000S, (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")),
}


class Fragment(NamedTuple):
    """Where an item begins, and where the bytes in it do and end."""

    item: int
    start: int
    end: int


Grouped = tuple[tuple[Fragment, ...], ...]


def frame_fragments(data_set: DataSet, module: PixelModule) -> Grouped:
    """The fragments of each frame.

    Raises:
        ItemError: MALFORMED, an offset table lies, or the fragments cannot be shared out among the frames.
    """
    table, fragments = _items(data_set.data, module)
    if not fragments:
        raise ItemError(Reason.MALFORMED, "no fragments")
    extended = _extended(data_set, module)
    if extended is not None:
        if table:
            raise ItemError(Reason.MALFORMED, "a basic and an extended offset table")
        return _by_extended_table(extended, fragments)
    if table:
        return _by_basic_table(table, fragments, module)
    if module.frames == 1:
        return (fragments,)
    if len(fragments) == module.frames:
        return tuple((fragment,) for fragment in fragments)
    return _by_content(data_set.data, fragments, module)


def _items(data: Buffer, module: PixelModule) -> tuple[bytes, tuple[Fragment, ...]]:
    """The bytes of the basic offset table, and the fragments after it."""
    found: list[Fragment] = []
    position, end = module.pixels.value, module.pixels.value + module.pixels.length
    while position < end:
        length = _ITEM.unpack_from(data, position)[2]
        found.append(Fragment(position, position + 8, position + 8 + length))
        position += 8 + length
        if len(found) > _MOST_FRAGMENTS:
            raise ItemError(Reason.UNSUPPORTED_OBJECT, f"more than {_MOST_FRAGMENTS} fragments")
    if not found:
        raise ItemError(Reason.MALFORMED, "no basic offset table item")
    return bytes(data[found[0].start : found[0].end]), tuple(found[1:])


def _by_basic_table(table: bytes, fragments: tuple[Fragment, ...], module: PixelModule) -> Grouped:
    if len(table) != 4 * module.frames:
        raise ItemError(Reason.MALFORMED, f"a basic offset table of {len(table)} bytes for {module.frames} frames")
    offsets = struct.unpack(f"<{module.frames}I", table)
    return _grouped(offsets, fragments)


def _grouped(offsets: tuple[int, ...], fragments: tuple[Fragment, ...]) -> Grouped:
    origin = fragments[0].item
    number_at = {fragment.item - origin: number for number, fragment in enumerate(fragments)}
    firsts = [number_at.get(offset, -1) for offset in offsets]
    if firsts[0] != 0 or any(a >= b for a, b in pairwise(firsts)):
        raise ItemError(Reason.MALFORMED, "an offset table that does not point at the fragments in order")
    return tuple(fragments[a:b] for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True))


def _extended(data_set: DataSet, module: PixelModule) -> tuple[tuple[int, int], ...] | None:
    """Offset and length of each frame by the extended table; None where there is none."""
    columns = []
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        element = only(data_set, keyword)
        if element is None:
            continue
        if element.length != 8 * module.frames:
            raise ItemError(Reason.MALFORMED, f"an extended offset table of {element.length} bytes")
        columns.append(struct.unpack(f"<{module.frames}Q", data_set.raw(element)))
    if not columns:
        return None
    if len(columns) != 2:
        raise ItemError(Reason.MALFORMED, "half an extended offset table")
    return tuple(zip(*columns, strict=True))


def _by_extended_table(table: tuple[tuple[int, int], ...], fragments: tuple[Fragment, ...]) -> Grouped:
    grouped = _grouped(tuple(offset for offset, _ in table), fragments)
    for (_, length), group in zip(table, grouped, strict=True):
        held = group[0].end - group[0].start
        if len(group) != 1 or length not in (held, held - 1):
            raise ItemError(Reason.MALFORMED, "an extended offset table that gives a frame another length")
    return grouped


def _by_content(data: Buffer, fragments: tuple[Fragment, ...], module: PixelModule) -> Grouped:
    """Frames where a fragment begins as a codestream does, for want of a table."""
    starts = _CODESTREAM_STARTS.get(module.syntax.uid, ())
    firsts = [
        number
        for number, fragment in enumerate(fragments)
        if bytes(data[fragment.start : fragment.start + 8]).startswith(starts or b"\0" * 9)
    ]
    if len(firsts) != module.frames or firsts[0] != 0:
        raise ItemError(Reason.MALFORMED, f"{len(fragments)} fragments cannot be told apart for {module.frames} frames")
    return tuple(fragments[a:b] for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True))


def has_extended_table(data_set: DataSet) -> bool:
    """Whether an extended offset table stands beside the fragments."""
    return only(data_set, "ExtendedOffsetTable") is not None


def item_header(length: int) -> bytes:
    """The header of an item of `length` bytes."""
    return _ITEM.pack(*_ITEM_TAG, length)


def basic_offset_table(lengths: list[int]) -> bytes:
    """The item of the basic offset table of frames of one (even) fragment each; empty where an offset is too large."""
    offsets, position = [], 0
    for length in lengths:
        offsets.append(position)
        position += 8 + length
    if offsets and offsets[-1] > _LARGEST_OFFSET:
        return item_header(0)
    return item_header(4 * len(offsets)) + struct.pack(f"<{len(offsets)}I", *offsets)
