"""Mutations of DICOM files that know where elements lie: bit flips, truncations, length lies, splices, tag swaps.

A pure function of the parent, the other files and the seed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

from curator.dicom.elements import Element
from curator.dicom.parse import parse
from curator.errors import ItemError

_LENGTHS = (0, 1, 2, 7, 8, 0xFE, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_TAGS = (
    0x00020010, 0x00080000, 0x00080005, 0x00080016, 0x00081140, 0x00091001, 0x00100010, 0x00104F00, 0x00280010,
    0x0040A730, 0x04000550, 0x50003000, 0x60003000, 0x7FE00010, 0xFFFCFFFC, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD,
)  # fmt: skip
_VRS = (b"SQ", b"UN", b"OB", b"OW", b"UT", b"LO", b"PN", b"UI", b"US", b"DS", b"AT", b"UV", b"ZZ", b"\0\0")
_DEFLATED, _EXPLICIT = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0\0\0"
_CONTAINER = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF) + struct.pack(
    "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
)
_CONTAINER_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def mutated(data: bytes, others: Sequence[bytes], random: Random, *, largest: int) -> bytes:
    """`data` after one to four mutations, at most `largest` bytes."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        data = random.choice(_MUTATIONS)(data, others, random)
    return data[:largest]


def _elements(data: bytes) -> list[Element]:
    """The elements of all depths that lie in the file itself; none where it cannot be read."""
    try:
        data_set = parse(data)
    except ItemError:
        return []
    found = list(data_set.meta)
    waiting = [] if data_set.data is not data_set.meta_data else list(data_set.elements)
    while waiting:
        element = waiting.pop()
        found.append(element)
        waiting.extend(inner for item in element.items or () for inner in item.elements)
    return found


def _place(data: bytes, random: Random) -> int:
    """Where something stands: an element's start or value where they are known, else anywhere."""
    elements = _elements(data) if random.random() < 0.8 else []
    if not elements:
        return random.randrange(len(data) + 1)
    element = random.choice(elements)
    return min(len(data), random.choice((element.start, element.value, element.end)))


def _flip(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            place = min(len(changed) - 1, _place(data, random) + random.randrange(16))
            changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data[: _place(data, random)]


def _remove(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = sorted((_place(data, random), _place(data, random)))
    return data[:start] + data[min(end, start + 4096) :]


def _lie_of_length(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    elements = _elements(data)
    if not elements:
        return _flip(data, others, random)
    element = random.choice(elements)
    width = 4 if not element.explicit or element.value - element.start == 12 else 2
    near = element.length + random.choice((-8, -2, -1, 1, 2, 8))
    length = random.choice((near, near, random.choice(_LENGTHS))) % (1 << 8 * width)
    return data[: element.value - width] + length.to_bytes(width, "little") + data[element.value :]


def _lie_of_item(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    items = [item for element in _elements(data) for item in element.items or ()]
    if not items:
        return _nest(data, others, random)
    start = random.choice(items).start
    length = random.choice((*_LENGTHS, random.randrange(256)))
    return data[: start + 4] + struct.pack("<I", length) + data[start + 8 :]


def _swap_tag(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    elements = _elements(data)
    if not elements:
        return _flip(data, others, random)
    start = random.choice(elements).start
    tag = random.choice((*_TAGS, random.choice(elements).tag))
    return data[:start] + struct.pack("<HH", tag >> 16, tag & 0xFFFF) + data[start + 4 :]


def _swap_vr(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    elements = [element for element in _elements(data) if element.explicit]
    if not elements:
        return _flip(data, others, random)
    start = random.choice(elements).start
    return data[: start + 4] + random.choice(_VRS) + data[start + 6 :]


def _splice(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others)
    elements = _elements(other)
    if not elements:
        return data + other[:64]
    element = random.choice(elements)
    place = _place(data, random)
    piece = other[element.start : min(element.end, element.start + 4096)]
    return data[:place] + piece + data[place + random.choice((0, 0, len(piece))) :]


def _repeat(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return _splice(data, (data,), random)


def _nest(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """One element inside up to a hundred sequences of undefined length."""
    elements = _elements(data)
    if not elements:
        return _flip(data, others, random)
    element = random.choice(elements)
    depth = random.choice((1, 2, 8, 63, 64, 65, 100))
    inner = _CONTAINER * depth + data[element.start : element.end] + _CONTAINER_END * depth
    return data[: element.start] + inner + data[element.end :]


def _inside(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """One of the others, within a deflated data set."""
    try:
        data_set = parse(data)
    except ItemError:
        return _flip(data, others, random)
    if not data_set.syntax.deflated or not data_set.meta:
        return random.choice(_MUTATIONS)(data, others, random)
    start = data_set.meta[-1].end
    plain = data[:start].replace(_DEFLATED, _EXPLICIT) + bytes(data_set.data)
    changed = random.choice(_MUTATIONS)(plain, others, random)[start:]
    deflater = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    return data[:start] + deflater.compress(changed) + deflater.flush()


def _append(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data + random.choice((bytes(9), random.randbytes(random.randrange(1, 64)), random.choice(others)[-256:]))


_MUTATIONS: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip, _flip, _cut, _remove, _lie_of_length, _lie_of_length, _lie_of_item, _swap_tag, _swap_vr, _splice, _repeat,
    _nest, _append, _inside,
)  # fmt: skip
