"""Text of two bytes a character among 16-bit numbers, as an image's pixels are.

A character of a European script then is a number below 256, and a string a run of such numbers. Runs of small numbers
are rare enough in most images to be looked at one by one, and of what a string could be a table says at once.

The law: `False` is certain; `True` means that a string stands there. A string is found where its characters fill whole
numbers, which of both byte orders one does at every offset; the other offsets are those of large numbers.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FEWEST_CHARACTERS = 6
"""A shorter string need not cover two whole neighbouring pairs of numbers, wherever the pairs begin."""
_GRAM = 4
_TWO = 4
_TABLE_BITS = 17
_FEW = 64

# So many pairs of numbers at once that they stay in a processor's cache.
_BLOCK = 1 << 17
_NOWHERE = np.empty(0, np.intp)

Numbers = npt.NDArray[np.uint32]
Whole = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]


class _Scratch(threading.local):
    """Room for one block, made once a thread: to ask the kernel for it costs more than to fill it."""

    def __init__(self) -> None:
        self.numbers: Numbers = np.empty(_BLOCK, np.uint32)
        self.fits: Bools = np.empty(_BLOCK, np.bool_)
        self.both: Bools = np.empty(_BLOCK, np.bool_)


_scratch = _Scratch()


def characters_of(string: bytes) -> bytes | None:
    """The one-byte characters that a string spells in two bytes each, in either byte order; None for another string."""
    for zeros, characters in ((string[1::2], string[::2]), (string[::2], string[1::2])):
        if len(string) % 2 == 0 and not any(zeros) and all(characters):
            return characters
    return None


class WideSieve:
    """A search for strings of `FEWEST_CHARACTERS` or more one-byte characters in either byte order, lower case.

    Raises:
        ValueError: a string is shorter, or a character is a zero.
    """

    __slots__ = ("_by_gram", "_least", "_mask", "_table")

    def __init__(self, strings: Collection[bytes]) -> None:
        if any(len(string) < FEWEST_CHARACTERS or 0 in string for string in strings):
            raise ValueError(f"a string has fewer than {FEWEST_CHARACTERS} characters, or zeros among them")
        by_gram: defaultdict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
        for string in sorted(strings):
            for gram, offset in _grams(string):
                by_gram[gram].append((string, offset))
        self._by_gram = {gram: tuple(places) for gram, places in by_gram.items()}
        both_cases = b"".join(by_gram) + b"".join(by_gram).upper()
        least, most = min(both_cases, default=0), max(both_cases, default=0)
        width = 1 << (most - least).bit_length()
        self._least = np.uint32(least | least << 16)
        self._mask = np.uint32((0xFFFF & -width) * 0x10001)
        self._table = np.zeros(1 << _TABLE_BITS, np.bool_)
        if by_gram:
            grams = np.frombuffer(b"".join(by_gram), np.uint8).reshape(-1, _GRAM).astype(np.uint32)
            self._table[_hashed(grams[:, 0] | grams[:, 1] << 16, grams[:, 2] | grams[:, 3] << 16)] = True

    def finds(self, data: memoryview) -> bool:
        """Whether any of the strings stands in `data`, of which the first byte is that of a whole number."""
        if not self._by_gram:
            return False
        if len(data) < 2 * FEWEST_CHARACTERS - 1:
            return False
        # Numbers are compared by twos, which have to lie as the processor wants them.
        lead = -_address(data) % _TWO
        if lead % 2:
            data, lead = memoryview(bytes(data)), 0
        twos = np.frombuffer(data, "<u4", count=(len(data) - lead) // _TWO, offset=lead)
        return any(self._stands_at(data, lead + _TWO * int(place)) for place in self._candidates(twos))

    def _candidates(self, twos: Numbers) -> Iterator[np.intp]:
        """Where four numbers, the first an even one, could be characters of a string; every string covers such four."""
        for start in range(0, max(0, len(twos) - 1), _BLOCK - 1):
            block = twos[start : start + _BLOCK]
            places = _places(self._fitting(block))
            if len(places):
                places = places[self._table[_hashed(block[places], block[places + 1])]]
                yield from places + start

    def _fitting(self, twos: Numbers) -> Bools:
        """Which two numbers, together with the next two, are small enough to be characters."""
        small, fits = _scratch.numbers[: len(twos)], _scratch.fits[: len(twos)]
        # What one number borrows from the next is only borrowed where the first is none of the characters.
        np.subtract(twos, self._least, out=small)
        np.bitwise_and(small, self._mask, out=small)
        np.equal(small, np.uint32(0), out=fits)
        return np.logical_and(fits[:-1], fits[1:], out=_scratch.both[: len(twos) - 1])

    def _stands_at(self, data: memoryview, place: int) -> bool:
        gram = bytes(data[place : place + 2 * _GRAM : 2]).lower()
        return any(_spells(data, place - 2 * offset, string) for string, offset in self._by_gram.get(gram, ()))


@lru_cache(maxsize=1 << 10)
def _grams(string: bytes) -> tuple[tuple[bytes, int], ...]:
    """For a string that begins at an even number, and at an odd one: four characters of it from an even number on.

    They are the largest such: small numbers, as spaces are, stand everywhere. The last character may not be whole.
    """
    upper = string.upper()
    chosen = (max(range(first, len(string) - _GRAM, 2), key=lambda at: min(upper[at : at + _GRAM])) for first in (0, 1))
    return tuple((string[offset : offset + _GRAM], offset) for offset in chosen)


def _places(fits: Bools) -> npt.NDArray[np.intp]:
    """The indices of what is true; of very few among many they are found quicker one by one."""
    count = int(np.count_nonzero(fits))
    if count == 0 or count > _FEW:
        return fits.nonzero()[0] if count else _NOWHERE
    written = fits.tobytes()
    found: list[int] = []
    place = written.find(1)
    while place >= 0:
        found.append(place)
        place = written.find(1, place + 1)
    return np.array(found, np.intp)


def _hashed(first: Whole, second: Whole) -> Whole:
    """Places in the table of four characters each, the case of ASCII letters left aside."""
    folded = (first | 0x00200020) * np.uint32(0x9E3779B1) ^ (second | 0x00200020) * np.uint32(0x85EBCA77)
    return folded >> np.uint32(32 - _TABLE_BITS)


def _spells(data: memoryview, start: int, string: bytes) -> bool:
    """Whether a string stands in the low bytes of the numbers from `start` on, each beside a zero.

    The zeros are the high bytes; where the high byte was written first, those of the numbers one place before.
    """
    end = start + 2 * len(string)
    if start < 0 or end - 1 > len(data):
        return False
    if any(data[start + 1 : end - 1 : 2]) or bytes(data[start:end:2]).lower() != string:
        return False
    return b"\0" in (data[max(0, start - 1) : start], data[end - 1 : end])


def _address(data: memoryview) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
