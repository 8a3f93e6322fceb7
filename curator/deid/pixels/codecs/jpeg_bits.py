"""How many bits a lossless or 12-bit JPEG frame takes, held against how many there are.

A decoder that runs out of bits makes samples up and says nothing that a caller could hear.

The law: a frame whose scans are shorter than its samples need is refused; so is one that leaves more than padding over.

Sources: ITU-T T.81 H.1.2 (lossless prediction and coding), F.2.2 (decoding of blocks).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.codecs.jpeg_entropy import Table, coded_bits
from curator.deid.pixels.codecs.jpeg_scans import PlannedScan
from curator.deid.pixels.codecs.jpeg_segments import JpegHeader
from curator.deid.pixels.codecs.native import Samples
from curator.errors import ItemError
from curator.model.quarantine import Reason

MOST_SPARE_BITS = 1024
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_LOWEST_PREDICTOR, _HIGHEST_PREDICTOR = 1, 7
_LONGEST_CODE = 16


def check_enough(wanted: int, octets: bytes) -> None:
    """Pass where `wanted` bits fill the entropy-coded bytes of a scan.

    Raises:
        ItemError: TRUNCATED or MALFORMED.
    """
    available, restarts = coded_bits(octets)
    if wanted > available:
        raise ItemError(Reason.TRUNCATED, f"a JPEG scan of {available} bits, {wanted} wanted")
    if available - wanted > 8 * (restarts + 1) + MOST_SPARE_BITS:
        raise ItemError(Reason.MALFORMED, f"a JPEG scan of {available} bits, only {wanted} read")


def check_lossless(stream: bytes, header: JpegHeader, scans: tuple[PlannedScan, ...], words: Samples) -> None:
    """Pass where the scans of a lossless frame are as long as its decoded samples say.

    Raises:
        ItemError: TRUNCATED or MALFORMED.
    """
    if len({(each.horizontal, each.vertical) for each in header.components}) != 1:
        raise ItemError(Reason.MALFORMED, "a lossless JPEG frame with samples left out")
    planes = words[..., None] if words.ndim == 2 else words
    for scan in scans:
        predictor, _, transform = stream[scan.segment.coded - 3 : scan.segment.coded]
        is_known = _LOWEST_PREDICTOR <= predictor <= _HIGHEST_PREDICTOR and transform & 15 < header.precision
        if not is_known or scan.restart_units % header.columns:
            raise ItemError(Reason.MALFORMED, "a lossless JPEG scan with parameters that none has")
        wanted = 0
        for member, table in zip(scan.members, scan.dc, strict=True):
            samples = planes[..., member.component].astype(np.int64) >> (transform & 15)
            middle = 1 << (header.precision - (transform & 15) - 1)
            rows = scan.restart_units // header.columns or header.rows
            wanted += _lossless_bits(samples, table, predictor=predictor, middle=middle, restart_rows=rows)
        check_enough(wanted, stream[scan.segment.coded : scan.segment.end])


def _lossless_bits(samples: NDArray[np.int64], table: Table, *, predictor: int, middle: int, restart_rows: int) -> int:
    left = np.zeros_like(samples)
    left[:, 1:] = samples[:, :-1]
    above, corner = np.zeros_like(samples), np.zeros_like(samples)
    above[1:] = samples[:-1]
    corner[1:, 1:] = samples[:-1, :-1]
    match predictor:
        case 1:
            predicted = left.copy()
        case 2:
            predicted = above.copy()
        case 3:
            predicted = corner
        case 4:
            predicted = left + above - corner
        case 5:
            predicted = left + ((above - corner) >> 1)
        case 6:
            predicted = above + ((left - corner) >> 1)
        case _:
            predicted = (left + above) >> 1
    predicted[:, 0] = above[:, 0]
    predicted[::restart_rows] = left[::restart_rows]
    predicted[::restart_rows, 0] = middle
    difference = ((samples - predicted + 0x7FFF) & 0xFFFF) - 0x7FFF
    category = np.frexp(np.abs(difference).astype(np.float64))[1]
    used = np.bincount(category.reshape(-1), minlength=_LONGEST_CODE + 1)
    # Category 16 has one member and needs no further bits.
    extra = np.arange(len(used)) % _LONGEST_CODE
    lengths = table.lengths[: len(used)]
    if used[lengths == 0].any():
        raise ItemError(Reason.MALFORMED, "a lossless JPEG frame with differences that its table has no code for")
    return int((used * (lengths + extra)).sum())


def check_blocks(stream: bytes, header: JpegHeader, scans: tuple[PlannedScan, ...]) -> None:
    """Pass where the scans of a sequential DCT frame hold all of its blocks; slow, block by block.

    Raises:
        ItemError: TRUNCATED or MALFORMED.
    """
    highest = max(each.vertical for each in header.components)
    widest = max(each.horizontal for each in header.components)
    for scan in scans:
        if len(scan.members) == 1:
            part = header.components[scan.members[0].component]
            down = ceil(header.rows * part.vertical / highest / 8)
            across = ceil(header.columns * part.horizontal / widest / 8)
            unit = [0]
        else:
            down, across = ceil(header.rows / (8 * highest)), ceil(header.columns / (8 * widest))
            unit = [
                place
                for place, member in enumerate(scan.members)
                for _ in range(
                    header.components[member.component].horizontal * header.components[member.component].vertical
                )
            ]
        tables = [(_looked_up(dc), _looked_up(ac)) for dc, ac in zip(scan.dc, scan.ac, strict=True)]
        left = down * across
        for octets in _intervals(stream[scan.segment.coded : scan.segment.end]):
            units = min(left, scan.restart_units or left)
            _walk(octets, [tables[place] for place in unit], units)
            left -= units
        if left:
            raise ItemError(Reason.TRUNCATED, f"a JPEG scan that lacks {left} units")


def _intervals(octets: bytes) -> Iterator[bytes]:
    """The bytes between restarts, unstuffed."""
    return (part.replace(b"\xff\0", b"\xff") for part in _RESTART.split(octets))


def _looked_up(table: Table) -> list[int]:
    """For every 16 bits that may come next: the symbol, and in the low five bits the length of its code (0: none)."""
    found = [0] * (1 << _LONGEST_CODE)
    for symbol, (code, length) in enumerate(zip(table.codes.tolist(), table.lengths.tolist(), strict=True)):
        if length:
            spread = 1 << (_LONGEST_CODE - length)
            found[code * spread : (code + 1) * spread] = [symbol << 5 | length] * spread
    return found


def _walk(octets: bytes, unit: list[tuple[list[int], list[int]]], units: int) -> None:
    """Pass over the blocks of one interval."""
    padded = octets + bytes(4)
    position, end = 0, 8 * len(octets)

    def symbol(table: list[int]) -> int:
        nonlocal position
        at = position >> 3
        found = table[int.from_bytes(padded[at : at + 3], "big") >> (8 - (position & 7)) & 0xFFFF]
        if not found & 31 or position >= end:
            raise ItemError(Reason.TRUNCATED, "a JPEG scan that ends inside its blocks")
        position += found & 31
        return found >> 5

    for _ in range(units):
        for dc, ac in unit:
            size = symbol(dc)
            position += size
            coefficient = 1
            while coefficient < 64:
                run, size = divmod(symbol(ac), 16)
                if size == 0 and run != 15:
                    break
                coefficient += run + 1
                position += size
    if position > end:
        raise ItemError(Reason.TRUNCATED, "a JPEG scan that ends inside its blocks")
    if end - position > 8 + MOST_SPARE_BITS:
        raise ItemError(Reason.MALFORMED, f"a JPEG scan with {end - position} bits left over")
