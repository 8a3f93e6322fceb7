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
    tokens = _tokens(scan)
    if tokens is None:
        raise ItemError(Reason.MALFORMED, "a JPEG frame with coefficients that its tables have no code for")
    return int(tokens.lengths.sum())


def coded_bits(octets: bytes) -> tuple[int, int]:
    """How many bits there are in entropy-coded bytes, padding included, and how many restarts."""
    restarts = sum(octets.count(bytes((0xFF, _RESTART + number))) for number in range(8))
    return 8 * (len(octets) - octets.count(b"\xff\0") - 2 * restarts), restarts


def coded(scan: Scan) -> bytes | None:
    """The entropy-coded bytes, restart markers in them; None where the tables have no code for something."""
    tokens = _tokens(scan)
    if tokens is None:
        return None
    count = len(scan.blocks)
    interval = scan.restart_blocks or count
    firsts = np.searchsorted(tokens.block, np.arange(0, count, interval))
    out = []
    for number, (first, last) in enumerate(zip(firsts, [*firsts[1:], len(tokens.block)], strict=True)):
        if number:
            out.append(bytes((0xFF, _RESTART + (number - 1) % 8)))
        out.append(_stuffed(_packed(tokens.bits[first:last], tokens.lengths[first:last])))
    return b"".join(out)


def _tokens(scan: Scan) -> _Tokens | None:
    """Everything to be written in its order."""
    difference = _differences(scan)
    size = _bits_of(difference)
    dc = _looked_up(scan.dc, scan.component, size)
    block, at = np.nonzero(scan.blocks[:, 1:])
    value = scan.blocks[block, at + 1].astype(np.int64)
    run = at.copy()
    is_next = block[1:] == block[:-1]
    run[1:] -= np.where(is_next, at[:-1] + 1, 0)
    category = _bits_of(value)
    ac = _looked_up(scan.ac, scan.component[block], (run % 16) << 4 | category)
    skipped = np.repeat(np.arange(len(at)), run // 16)
    zeros = _looked_up(scan.ac, scan.component[block[skipped]], np.full(len(skipped), _SIXTEEN_ZEROS))
    last = np.full(len(scan.blocks), -1)
    last[block] = at
    open_ended = np.flatnonzero(last < 62)
    ends = _looked_up(scan.ac, scan.component[open_ended], np.full(len(open_ended), _END_OF_BLOCK))
    parts = (
        (np.arange(len(scan.blocks)), np.zeros(len(size), np.int64), dc, size, _extra(difference, size)),
        (block, 2 * at + 2, ac, category, _extra(value, category)),
        (block[skipped], 2 * at[skipped] + 1, zeros, 0, 0),
        (open_ended, np.full(len(open_ended), _AFTER_ALL), ends, 0, 0),
    )
    keys, bits, lengths, blocks = [], [], [], []
    for of_block, place, (codes, code_lengths), extra_length, extra in parts:
        if not code_lengths.all():
            return None
        keys.append(of_block * 256 + place)
        bits.append(codes << extra_length | extra)
        lengths.append(code_lengths + extra_length)
        blocks.append(of_block)
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


def _bits_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bits the magnitude of each takes; 0 for 0."""
    return np.frexp(np.abs(values).astype(np.float64))[1].astype(np.int64)


def _extra(values: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bits that follow a category: the value, or one's complement of a negative one."""
    return np.where(values < 0, values + (np.int64(1) << size) - 1, values)


def _looked_up(
    tables: tuple[Table, ...], component: NDArray[np.intp], symbol: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = np.stack([each.codes for each in tables])
    lengths = np.stack([each.lengths for each in tables])
    return codes[component, symbol], lengths[component, symbol]


def _packed(bits: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The tokens bit after bit, ones up to a whole byte."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    starts = ends - lengths
    size = (total + 7) // 8
    # A token has at most 27 bits and reaches into five bytes; no two have a bit in common, so sums are unions.
    window = bits << (40 - lengths - starts % 8)
    out = np.zeros(size + 5, np.int64)
    for byte in range(5):
        out += np.bincount(starts // 8 + byte, (window >> (32 - 8 * byte)) & 0xFF, minlength=size + 5).astype(np.int64)
    octets = out[:size].astype(np.uint8)
    if total % 8:
        octets[-1] |= (1 << (8 - total % 8)) - 1
    return octets


def _stuffed(octets: NDArray[np.uint8]) -> bytes:
    return octets.tobytes().replace(b"\xff", b"\xff\0")
