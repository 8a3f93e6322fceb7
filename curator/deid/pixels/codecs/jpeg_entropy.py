"""Huffman coding of DCT blocks: how many bits they take, and the bytes they become.

The law: the bytes of a scan decode to exactly the blocks that went in, in the order of the scan.

Sources: ITU-T T.81 F.1.2 (coding), F.1.2.3 and B.1.1.5 (stuffing, restarts), Annex K.3 (typical tables).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason

_END_OF_BLOCK, _SIXTEEN_ZEROS = 0x00, 0xF0
_RESTART = 0xD0
# Sorts behind every coefficient of its block.
_AFTER_ALL = 200
# Blocks that are worked on together: some megabytes of tokens.
_AT_ONCE = 1 << 13
# How many bits a magnitude takes.
_SIZES = np.frexp(np.arange(1 << 17, dtype=np.float64))[1].astype(np.int64)
_ALL, _LOW_HALF = 0xFF, 0x0F
# Zigzag position of each coefficient of a block read row by row, turned round: where to find the n-th.
_ORDER = sorted(range(64), key=lambda at: (at // 8 + at % 8, (at // 8 if (at // 8 + at % 8) % 2 else at % 8)))
ZIGZAG = np.array(_ORDER)

Blocks = NDArray[np.int16]
"""`(N, 64)` quantised coefficients in zigzag order."""


class Table(NamedTuple):
    """A Huffman table: code and length of each of the 256 symbols, length 0 where it has none."""

    codes: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scan:
    """Blocks in the order of a scan.

    `component` of each block, `dc` and `ac` tables of each component, blocks between restarts (0: none).
    """

    blocks: Blocks = field(repr=False)
    component: NDArray[np.intp] = field(repr=False)
    dc: tuple[Table, ...] = field(repr=False)
    ac: tuple[Table, ...] = field(repr=False)
    restart_blocks: int


class _Tokens(NamedTuple):
    """What is written, in order: a code with its extra bits, how many bits, and the block that it belongs to."""

    bits: NDArray[np.int64]
    lengths: NDArray[np.int64]
    block: NDArray[np.int64]


class _Filled(NamedTuple):
    """The AC coefficients of some blocks that are not 0.

    `block` is where each stands, `place` (1 to 63) where in it, `run` how many zeros precede it;
    `size` is the bits of their magnitude, `last` the place of the last one of each block, 0 where it has none.
    """

    block: NDArray[np.int64]
    place: NDArray[np.int64]
    value: NDArray[np.int64]
    run: NDArray[np.int64]
    size: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def symbol(self) -> NDArray[np.int64]:
        """Run and size as they are coded."""
        return (self.run & 15) << 4 | self.size


def table(counts: bytes, symbols: bytes) -> Table:
    """The table of a DHT segment: how many codes there are of each length 1 to 16, and their symbols.

    Raises:
        ItemError: MALFORMED, more codes than fit.
    """
    codes, lengths = np.zeros(256, np.int64), np.zeros(256, np.int64)
    code, position = 0, 0
    for length, count in enumerate(counts, start=1):
        for symbol in symbols[position : position + count]:
            codes[symbol], lengths[symbol] = code, length
            code += 1
        position += count
        # No code is all ones.
        if count and code >= 1 << length:
            raise ItemError(Reason.MALFORMED, "a Huffman table with more codes than fit")
        code <<= 1
    return Table(codes, lengths)


def bit_length(scan: Scan) -> int:
    """How many bits the blocks take, padding left out.

    Raises:
        ItemError: MALFORMED, a block holds what the tables have no code for.
    """
    total, members = 0, len(scan.dc)
    dc, ac = (np.concatenate([each.lengths for each in tables]) for tables in (scan.dc, scan.ac))
    sizes = _SIZES[np.abs(_differences(scan))]
    total += _bits_of(np.bincount(scan.component * 256 + sizes, minlength=256 * members), dc, extra=_ALL)
    for first in range(0, len(scan.blocks), _AT_ONCE):
        filled = _filled(scan.blocks[first : first + _AT_ONCE])
        component = scan.component[first : first + _AT_ONCE]
        owner = component[filled.block] * 256
        used = np.bincount(owner + filled.symbol, minlength=256 * members)
        used += np.bincount(np.repeat(owner, filled.run >> 4) + _SIXTEEN_ZEROS, minlength=256 * members)
        used += np.bincount(component[filled.last < 63] * 256 + _END_OF_BLOCK, minlength=256 * members)
        total += _bits_of(used, ac, extra=_LOW_HALF)
    return total


def _bits_of(used: NDArray[np.intp], lengths: NDArray[np.int64], *, extra: int) -> int:
    """The bits that symbols take which are used so often, with those that the `extra` bits of each symbol ask for."""
    if (lengths[used > 0] == 0).any():
        raise ItemError(Reason.MALFORMED, "a JPEG frame with coefficients that its tables have no code for")
    return int((used * (lengths + (np.arange(len(used)) & extra))).sum())


def coded_bits(octets: bytes) -> tuple[int, int]:
    """How many bits there are in entropy-coded bytes, padding included, and how many restarts."""
    restarts = sum(octets.count(bytes((0xFF, _RESTART + number))) for number in range(8))
    return 8 * (len(octets) - octets.count(b"\xff\0") - 2 * restarts), restarts


def coded(scan: Scan) -> bytes | None:
    """The entropy-coded bytes, restart markers in them; None where the tables have no code for something."""
    out = bytearray()
    difference = _differences(scan)
    interval = scan.restart_blocks or len(scan.blocks)
    # Whole intervals at once where they are short, parts of one where they are long.
    step = max(1, _AT_ONCE // interval) * interval if interval <= _AT_ONCE else _AT_ONCE
    carried, restarts, first = (0, 0), 0, 0
    while first < len(scan.blocks):
        last = min(first + step, len(scan.blocks), (first // interval + max(1, step // interval)) * interval)
        tokens = _tokens(scan, difference, first, last)
        if tokens is None:
            return None
        packed, carried = _packed(tokens, carried, interval=interval, is_last=last == len(scan.blocks))
        for number, octets in enumerate(packed):
            if number:
                out += bytes((0xFF, _RESTART + restarts % 8))
                restarts += 1
            out += octets.tobytes().replace(b"\xff", b"\xff\0")
        first = last
    return bytes(out)


def _filled(blocks: Blocks) -> _Filled:
    flat = np.flatnonzero(blocks)
    place = flat & 63
    is_ac = place > 0
    flat, place = flat[is_ac], place[is_ac]
    block = flat >> 6
    value = blocks.reshape(-1)[flat].astype(np.int64)
    before = np.zeros(len(place), np.int64)
    before[1:] = np.where(block[1:] == block[:-1], place[:-1], 0)
    last = np.zeros(len(blocks), np.int64)
    last[block] = place
    return _Filled(block, place, value, place - before - 1, _SIZES[np.abs(value)], last)


def _tokens(scan: Scan, difference: NDArray[np.int64], first: int, last: int) -> _Tokens | None:
    """Everything to be written of the blocks from `first` to before `last`, in its order."""
    filled = _filled(scan.blocks[first:last])
    component, difference = scan.component[first:last], difference[first:last]
    size = _SIZES[np.abs(difference)]
    skipped = np.repeat(np.arange(len(filled.block)), filled.run >> 4)
    ended = np.flatnonzero(filled.last < 63)
    zeros, ends = np.full(len(skipped), _SIXTEEN_ZEROS), np.full(len(ended), _END_OF_BLOCK)
    parts = (
        (np.arange(last - first), np.zeros(len(size), np.int64), scan.dc, size, size, difference),
        (filled.block, 2 * filled.place, scan.ac, filled.symbol, filled.size, filled.value),
        (filled.block[skipped], 2 * filled.place[skipped] - 1, scan.ac, zeros, 0 * zeros, 0 * zeros),
        (ended, np.full(len(ended), _AFTER_ALL), scan.ac, ends, 0 * ends, 0 * ends),
    )
    keys, bits, lengths, blocks = [], [], [], []
    for block, place, tables, symbol, extra, value in parts:
        codes, code_lengths = _looked_up(tables, component[block], symbol)
        if not code_lengths.all():
            return None
        keys.append(block * 256 + place)
        # A category is followed by the value, or by one's complement of a negative one.
        bits.append(codes << extra | np.where(value < 0, value + (np.int64(1) << extra) - 1, value))
        lengths.append(code_lengths + extra)
        blocks.append(block + first)
    order = np.argsort(np.concatenate(keys), kind="stable")
    return _Tokens(np.concatenate(bits)[order], np.concatenate(lengths)[order], np.concatenate(blocks)[order])


def _differences(scan: Scan) -> NDArray[np.int64]:
    """The DC of each block less that of the one before it of its component, from 0 after a restart."""
    dc = scan.blocks[:, 0].astype(np.int64)
    interval = np.arange(len(dc)) // scan.restart_blocks if scan.restart_blocks else np.zeros(len(dc), np.int64)
    out = dc.copy()
    for component in range(len(scan.dc)):
        mine = np.flatnonzero(scan.component == component)
        same = interval[mine[1:]] == interval[mine[:-1]]
        out[mine[1:]] -= np.where(same, dc[mine[:-1]], 0)
    return out


def _looked_up(
    tables: tuple[Table, ...], component: NDArray[np.intp], symbol: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = np.stack([each.codes for each in tables])
    lengths = np.stack([each.lengths for each in tables])
    return codes[component, symbol], lengths[component, symbol]


def _packed(
    tokens: _Tokens, carried: tuple[int, int], *, interval: int, is_last: bool
) -> tuple[list[NDArray[np.uint8]], tuple[int, int]]:
    """The bytes of each interval, and the bits (with their number) of a last byte that is not whole yet.

    The first interval goes on from `carried`. An interval that ends gets ones up to a whole byte; where another follows
    in what comes next, an empty one stands last.
    """
    bits, lengths = np.r_[carried[0], tokens.bits], np.r_[carried[1], tokens.lengths]
    number = np.r_[tokens.block[0], tokens.block] // interval
    is_end = np.r_[number[1:] != number[:-1], is_last or int(tokens.block[-1] + 1) % interval == 0]
    places = np.flatnonzero(is_end) + 1
    totals = np.cumsum(lengths)
    ends = totals[places - 1]
    pads = -np.diff(ends, prepend=0) % 8
    bits, lengths = np.insert(bits, places, (1 << pads) - 1), np.insert(lengths, places, pads)
    octets, rest = _joined(bits, lengths)
    cuts = (ends + np.cumsum(pads)) // 8
    parts = np.split(octets, cuts if len(cuts) and not (is_last and cuts[-1] == len(octets)) else cuts[:-1])
    return parts, rest


def _joined(bits: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Tokens bit after bit: whole bytes, and the bits left over with their number."""
    ends = np.cumsum(lengths)
    starts, total = ends - lengths, int(ends[-1])
    # A token has at most 27 bits and reaches into five bytes; no two have a bit in common, so sums are unions.
    window = bits << (40 - lengths - starts % 8)
    out = np.zeros(total // 8 + 6, np.int64)
    for byte in range(5):
        out += np.bincount(starts // 8 + byte, (window >> (32 - 8 * byte)) & 0xFF, minlength=len(out)).astype(np.int64)
    rest = total % 8
    return out[: total // 8].astype(np.uint8), (int(out[total // 8]) >> (8 - rest), rest)
