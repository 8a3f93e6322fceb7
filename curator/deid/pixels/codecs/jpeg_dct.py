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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jpeglib._bind import CJpegLib  # type: ignore[import-untyped]  # ships no types
from numpy.typing import NDArray

from curator.deid.pixels.codecs import jpeg_tables
from curator.deid.pixels.codecs.jpeg_entropy import ZIGZAG, Scan, Table, bit_length, coded, table
from curator.deid.pixels.codecs.jpeg_segments import DHT, DRI, SOS, Component, JpegHeader, Segment
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

_SIDE = 8
_MOST_COMPONENTS, _TABLES = 4, 4
# The level shift of 8-bit samples, and the gain of the DC of an 8 x 8 block.
_SHIFT, _GAIN = 128, 8
_MOST_SPARE_BITS = 1024
Coefficients = tuple[NDArray[np.int16], ...]
"""Of each component `(Y, X, 64)` quantised coefficients by block, in zigzag order."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A frame as blocks; `dc_steps` is the quantisation step of the DC of each component."""

    header: JpegHeader
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
    """The coefficients of a sequential frame of 8 bits.

    Raises:
        ItemError: TRUNCATED, the blocks take more bits than there are; MALFORMED.
    """
    if header.precision != 8 or len(header.components) > _MOST_COMPONENTS:
        raise ItemError(Reason.MALFORMED, "a JPEG frame whose blocks are not of 8 bits")
    shapes = [(*_blocks_of(header, factors), 64) for factors in sampling(header)]
    arrays = [np.zeros(shape, np.int16) for shape in shapes]
    steps = np.zeros((_TABLES, 64), np.uint16)
    chosen = np.zeros(_MOST_COMPONENTS, np.int16)
    pointers = [_pointer(array) for array in arrays] + [None] * (_MOST_COMPONENTS - len(arrays))
    with _named(stream) as path:
        done = CJpegLib.get().read_jpeg_dct(os.fsencode(path), *pointers, _pointer(steps), _pointer(chosen))
    if not done:
        raise ItemError(Reason.MALFORMED, "a JPEG frame whose blocks cannot be read")
    dc_steps = tuple(int(steps[number, 0]) for number in chosen[: len(arrays)])
    if not all(dc_steps):
        raise ItemError(Reason.MALFORMED, "a JPEG frame with a quantisation step of 0")
    found = Blocks(header, stream, tuple(array[..., ZIGZAG] for array in arrays), dc_steps)
    _check_bits(found)
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


def _check_bits(blocks: Blocks) -> None:
    """Refuse a frame whose decoder had to make up blocks, or left bits over.

    Blocks beside the picture, which fill a coded unit up, count with the least they can take.
    """
    tables = _Tables()
    for segment in blocks.header.segments:
        if segment.code != SOS:
            tables.read(blocks.stream, segment)
            continue
        numbers = _scan_components(blocks.stream, segment, blocks.header)
        scan, is_exact = _scan(blocks, blocks.coefficients, numbers, tables)
        octets = blocks.stream[segment.coded : segment.end]
        restarts = sum(octets.count(bytes((0xFF, code))) for code in range(0xD0, 0xD8))
        available = 8 * (len(octets) - octets.count(b"\xff\0") - 2 * restarts)
        wanted = bit_length(scan)
        if wanted > available:
            raise ItemError(Reason.TRUNCATED, f"a JPEG scan of {available} bits, {wanted} wanted")
        if is_exact and available - wanted > 8 * (restarts + 1) + _MOST_SPARE_BITS:
            raise ItemError(Reason.MALFORMED, f"a JPEG scan of {available} bits, only {wanted} read")


class _Tables:
    """Huffman tables and restart interval as they hold at a point of the stream."""

    __slots__ = ("found", "restart_units")

    def __init__(self) -> None:
        self.found: dict[int, Table] = {}
        self.restart_units = 0

    def read(self, stream: bytes, segment: Segment) -> None:
        """Take in what a segment defines."""
        body = stream[segment.body : segment.coded]
        if segment.code == DRI:
            self.restart_units = int.from_bytes(body[:2], "big")
        while segment.code == DHT and body:
            count = sum(body[1:17])
            if len(body) < 17 + count:
                raise ItemError(Reason.MALFORMED, "a JPEG frame with a broken Huffman table")
            self.found[body[0]] = table(body[1:17], body[17 : 17 + count])
            body = body[17 + count :]

    def of(self, identifier: int) -> Table:
        """The table of a class (16 for AC) and number."""
        if identifier not in self.found:
            raise ItemError(Reason.MALFORMED, "a JPEG frame without a Huffman table that it names")
        return self.found[identifier]


_ScanComponents = tuple[tuple[int, int, int], ...]


def _scan_components(stream: bytes, segment: Segment, header: JpegHeader) -> _ScanComponents:
    """Which component a scan holds, with the numbers of its DC and AC tables."""
    body = stream[segment.body : segment.coded]
    numbers = {each.identifier: number for number, each in enumerate(header.components)}
    count = body[0] if body else 0
    if not count or len(body) != 4 + 2 * count or len(numbers) != len(header.components):
        raise ItemError(Reason.MALFORMED, "a JPEG frame with a broken scan header")
    pairs = [(body[1 + 2 * at], body[2 + 2 * at]) for at in range(count)]
    if any(identifier not in numbers for identifier, _ in pairs):
        raise ItemError(Reason.MALFORMED, "a JPEG scan of a component that is not in the frame")
    return tuple((numbers[identifier], tables >> 4, tables & 15) for identifier, tables in pairs)


def _scan(
    blocks: Blocks, coefficients: Coefficients, components: _ScanComponents, tables: _Tables
) -> tuple[Scan, bool]:
    """The blocks of a scan in its order, and whether they are all of them: none had to be made up at the edges."""
    factors = sampling(blocks.header)
    if len(components) == 1:
        number = components[0][0]
        sequence = coefficients[number].reshape(-1, 64)
        owner, is_exact, per_unit = np.zeros(len(sequence), np.intp), True, 1
    else:
        rows, columns = unit(blocks.header)
        down, across = -(-blocks.header.rows // rows), -(-blocks.header.columns // columns)
        parts, owners, is_exact = [], [], True
        for place, (number, _, _) in enumerate(components):
            vertical, horizontal = factors[number]
            array = coefficients[number]
            full = _filled_up(array, down * vertical, across * horizontal)
            is_exact = is_exact and full is array
            units = full.reshape(down, vertical, across, horizontal, 64).transpose(0, 2, 1, 3, 4)
            parts.append(units.reshape(down * across, vertical * horizontal, 64))
            owners.append(np.full(vertical * horizontal, place, np.intp))
        sequence = np.concatenate(parts, axis=1).reshape(-1, 64)
        per_unit = sum(len(owner) for owner in owners)
        owner = np.tile(np.concatenate(owners), down * across)
    scan = Scan(
        sequence,
        owner,
        tuple(tables.of(dc) for _, dc, _ in components),
        tuple(tables.of(16 + ac) for _, _, ac in components),
        tables.restart_units * per_unit,
    )
    return scan, is_exact


def _filled_up(array: NDArray[np.int16], rows: int, columns: int) -> NDArray[np.int16]:
    """The blocks of a component with those that fill coded units up at edges: flat, and as dark as their neighbour."""
    if array.shape[:2] == (rows, columns):
        return array
    full = np.zeros((rows, columns, 64), np.int16)
    height, width = array.shape[:2]
    full[:height, :width] = array
    full[:height, width:, 0] = array[:, -1:, 0]
    full[height:, :, 0] = full[height - 1, :, 0]
    return full


def _written(blocks: Blocks, coefficients: Coefficients) -> bytes:
    """The stream with other coefficients in it."""
    stream, tables, out, copied = blocks.stream, _Tables(), bytearray(), 0
    for segment in blocks.header.segments:
        if segment.code != SOS:
            tables.read(stream, segment)
            continue
        components = _scan_components(stream, segment, blocks.header)
        octets = coded(_scan(blocks, coefficients, components, tables)[0])
        out += stream[copied : segment.start]
        if octets is None:
            out += _define_typical(tables, components, blocks.header.components)
            octets = coded(_scan(blocks, coefficients, components, tables)[0])
            if octets is None:
                raise ItemError(Reason.MALFORMED, "a JPEG frame with coefficients that no table has a code for")
        out += stream[segment.start : segment.coded] + octets
        copied = segment.end
    return bytes(out) + stream[copied : blocks.header.end]


def _define_typical(tables: _Tables, scan: _ScanComponents, components: tuple[Component, ...]) -> bytes:
    """Put the typical tables in place of those that a scan names; the segment that says so."""
    body = bytearray()
    seen: set[int] = set()
    for number, dc, ac in scan:
        is_first = number == 0 or len(components) == 1
        for identifier, written in (
            (dc, jpeg_tables.DC_LUMINANCE if is_first else jpeg_tables.DC_CHROMINANCE),
            (16 + ac, jpeg_tables.AC_LUMINANCE if is_first else jpeg_tables.AC_CHROMINANCE),
        ):
            if identifier not in seen:
                seen.add(identifier)
                tables.found[identifier] = table(*written)
                body += bytes((identifier,)) + written.counts + written.symbols
    return bytes((0xFF, DHT)) + (2 + len(body)).to_bytes(2, "big") + bytes(body)
