"""Baseline JPEG frames as DCT coefficients, and boxes made black among them.

The law: every block that a box meets has one DC and no AC left, every other block has the coefficients it had; tables
and markers stay unless a code is wanting.

Sources: ITU-T T.81 A.2 (order of blocks), F.1 (sequential coding), B.2.4.2 (Huffman tables).
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jpeglib._bind import CJpegLib
from numpy.typing import NDArray

from curator.deid.pixels.codecs import jpeg_tables
from curator.deid.pixels.codecs.jpeg_bits import check_enough
from curator.deid.pixels.codecs.jpeg_entropy import ZIGZAG, Scan, Table, bit_length, coded, table
from curator.deid.pixels.codecs.jpeg_scans import Member, PlannedScan, planned_scans
from curator.deid.pixels.codecs.jpeg_segments import (
    DHT,
    SOF_BASELINE,
    SOF_EXTENDED,
    Component,
    JpegHeader,
    bare,
    resized,
)
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

_SIDE = 8
_LARGEST_SIDE = 65_500
_MOST_COMPONENTS, _TABLES = 4, 4
_SEQUENTIAL = frozenset({SOF_BASELINE, SOF_EXTENDED})
# The level shift of 8-bit samples, and the gain of the DC of an 8 x 8 block.
_SHIFT, _GAIN = 128, 8
Coefficients = tuple[NDArray[np.int16], ...]
"""Of each component `(Y, X, 64)` quantised coefficients by block, in zigzag order, up to the end of its coded units."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A frame as blocks; `dc_steps` is the quantisation step of the DC of each component."""

    header: JpegHeader
    scans: tuple[PlannedScan, ...] = field(repr=False)
    stream: bytes = field(repr=False)
    coefficients: Coefficients = field(repr=False)
    dc_steps: tuple[int, ...]


def sampling(header: JpegHeader) -> tuple[tuple[int, int], ...]:
    """`(vertical, horizontal)` blocks of each component in a minimum coded unit; 1 by 1 for a single component."""
    if len(header.components) == 1:
        return ((1, 1),)
    return tuple((each.vertical, each.horizontal) for each in header.components)


def unit(header: JpegHeader) -> tuple[int, int]:
    """Rows and columns of a minimum coded unit."""
    factors = sampling(header)
    return _SIDE * max(vertical for vertical, _ in factors), _SIDE * max(horizontal for _, horizontal in factors)


def grown(box: Box, header: JpegHeader) -> Box:
    """The box with the whole of every coded unit that it meets, inside the frame."""
    rows, columns = unit(header)
    aligned = Box(
        box.top // rows * rows, box.left // columns * columns, -(-box.bottom // rows) * rows,
        -(-box.right // columns) * columns,
    )  # fmt: skip
    return aligned.clipped(header.rows, header.columns)


def read_blocks(stream: bytes, header: JpegHeader) -> Blocks:
    """The coefficients of a sequential frame of 8 bits, one that another decoder took: the library dies of errors.

    Raises:
        ItemError: TRUNCATED, the blocks take more bits than there are; MALFORMED.
    """
    if header.kind not in _SEQUENTIAL or header.precision != 8 or len(header.components) > _MOST_COMPONENTS:
        raise ItemError(Reason.MALFORMED, "a JPEG frame whose blocks are not sequential and of 8 bits")
    scans = planned_scans(stream, header)
    full = _filled_up(header, scans)
    arrays = [np.zeros((*_blocks_of(full, factors), 64), np.int16) for factors in sampling(header)]
    steps = np.zeros((_TABLES, 64), np.uint16)
    chosen = np.zeros(_MOST_COMPONENTS, np.int16)
    pointers = [_pointer(array) for array in arrays] + [None] * (_MOST_COMPONENTS - len(arrays))
    with _named(bare(resized(stream, full), header)) as path:
        done = CJpegLib.get().read_jpeg_dct(os.fsencode(path), *pointers, _pointer(steps), _pointer(chosen))
    if not done:
        raise ItemError(Reason.MALFORMED, "a JPEG frame whose blocks cannot be read")
    dc_steps = tuple(int(steps[number, 0]) for number in chosen[: len(arrays)])
    if not all(dc_steps):
        raise ItemError(Reason.MALFORMED, "a JPEG frame with a quantisation step of 0")
    found = Blocks(header, scans, stream, tuple(array[..., ZIGZAG] for array in arrays), dc_steps)
    for scan in scans:
        octets = stream[scan.segment.coded : scan.segment.end]
        check_enough(bit_length(_scan(found, found.coefficients, scan)), octets)
    return found


def painted(blocks: Blocks, boxes: Sequence[Box], *, black: Sequence[int]) -> bytes:
    """The frame with `boxes` (grown by `grown`) black: samples 0 to 255 of each component.

    Raises:
        ItemError: MALFORMED.
    """
    header = blocks.header
    rows, columns = unit(header)
    new = tuple(array.copy() for array in blocks.coefficients)
    for box in boxes:
        for array, (vertical, horizontal), step, level in zip(
            new, sampling(header), blocks.dc_steps, black, strict=True
        ):
            inside = array[
                box.top // rows * vertical : -(-box.bottom // rows) * vertical,
                box.left // columns * horizontal : -(-box.right // columns) * horizontal,
            ]
            inside[...] = 0
            inside[..., 0] = quantised(level, step)
    return _written(blocks, new)


def quantised(level: int, step: int) -> int:
    """The DC of a block whose samples are all `level`: beyond it at either end of the range, where clipping helps."""
    wanted = (level - _SHIFT) * _GAIN
    if level in (0, 2 * _SHIFT - 1):
        return int(np.sign(wanted)) * -(-abs(wanted) // step)
    return round(wanted / step)


def _blocks_of(header: JpegHeader, factors: tuple[int, int]) -> tuple[int, int]:
    """Blocks down and across of a component."""
    rows, columns = unit(header)
    return -(-header.rows * factors[0] // rows), -(-header.columns * factors[1] // columns)


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@contextmanager
def _named(stream: bytes) -> Iterator[str]:
    """A name under which the library can open bytes that never reach a disk where the system can help it."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("frame"), "w+b") as file:
            file.write(stream)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frame")
        path.write_bytes(stream)
        yield str(path)


def _filled_up(header: JpegHeader, scans: tuple[PlannedScan, ...]) -> JpegHeader:
    """The header of a frame as large as its coded units: a scan holds their blocks beside the picture too."""
    if len(header.components) == 1:
        return header
    rows, columns = unit(header)
    full = replace(header, rows=-(-header.rows // rows) * rows, columns=-(-header.columns // columns) * columns)
    if max(full.rows, full.columns) > _LARGEST_SIDE:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a JPEG frame of {header.rows} x {header.columns}")
    if len(scans) == 1:
        return full
    if any(len(scan.members) > 1 for scan in scans) and (full.rows, full.columns) != (header.rows, header.columns):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "a JPEG frame that interleaves some of its components")
    return header


def _scan(blocks: Blocks, coefficients: Coefficients, planned: PlannedScan) -> Scan:
    """The blocks of a scan in its order."""
    factors = sampling(blocks.header)
    per_unit = 1
    if len(planned.members) == 1:
        sequence = coefficients[planned.members[0].component].reshape(-1, 64)
        owner = np.zeros(len(sequence), np.intp)
    else:
        rows, columns = unit(blocks.header)
        down, across = -(-blocks.header.rows // rows), -(-blocks.header.columns // columns)
        parts, owners = [], []
        for place, member in enumerate(planned.members):
            vertical, horizontal = factors[member.component]
            array = coefficients[member.component]
            units = array.reshape(down, vertical, across, horizontal, 64).transpose(0, 2, 1, 3, 4)
            parts.append(units.reshape(down * across, vertical * horizontal, 64))
            owners.append(np.full(vertical * horizontal, place, np.intp))
        sequence = np.concatenate(parts, axis=1).reshape(-1, 64)
        per_unit = sum(len(each) for each in owners)
        owner = np.tile(np.concatenate(owners), down * across)
    return Scan(sequence, owner, planned.dc, planned.ac, planned.restart_units * per_unit)


def _written(blocks: Blocks, coefficients: Coefficients) -> bytes:
    """The stream with other coefficients in it."""
    stream, out, copied = blocks.stream, bytearray(), 0
    typical: dict[int, Table] = {}
    for planned in blocks.scans:
        segment = planned.segment
        planned = planned._replace(tables={**planned.tables, **typical})
        octets = coded(_scan(blocks, coefficients, planned))
        out += stream[copied : segment.start]
        if octets is None:
            tables, definition = _typical(planned.members, blocks.header.components)
            typical |= tables
            out += definition
            octets = coded(_scan(blocks, coefficients, planned._replace(tables={**planned.tables, **tables})))
        if octets is None:
            raise ItemError(Reason.MALFORMED, "a JPEG frame with coefficients that no table has a code for")
        out += stream[segment.start : segment.coded] + octets
        copied = segment.end
    return bytes(out) + stream[copied : blocks.header.end]


def _typical(members: tuple[Member, ...], components: tuple[Component, ...]) -> tuple[dict[int, Table], bytes]:
    """The typical tables under the numbers that a scan names, and the segment that defines them."""
    tables: dict[int, Table] = {}
    body = bytearray()
    for number, dc, ac in members:
        is_first = number == 0 or len(components) == 1
        for identifier, written in (
            (dc, jpeg_tables.DC_LUMINANCE if is_first else jpeg_tables.DC_CHROMINANCE),
            (16 + ac, jpeg_tables.AC_LUMINANCE if is_first else jpeg_tables.AC_CHROMINANCE),
        ):
            if identifier not in tables:
                tables[identifier] = table(*written)
                body += bytes((identifier,)) + written.counts + written.symbols
    return tables, bytes((0xFF, DHT)) + (2 + len(body)).to_bytes(2, "big") + bytes(body)
