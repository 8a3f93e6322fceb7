"""A quick answer to "can any of these byte strings stand among these pixels?".

Most pixels are 16-bit numbers well below those that two letters make; then all that is left to look for is text of two
bytes a character (`wide`). Where larger numbers stand, everything is looked for (`sieve`).

The law: `False` is certain, whatever the case of ASCII letters; `True` means that a string stands there.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np

from curator.identity.sieve import Sieve
from curator.identity.wide import FEWEST_CHARACTERS, WideSieve, characters_of

_LARGEST_ASCII = 0x7F


class BulkSieve:
    """A search for byte strings in lower case, at least four bytes each; the longest has `longest`.

    Raises:
        ValueError: a string is shorter; on the first search among large numbers.
    """

    __slots__ = ("_least", "_sieve", "_strings", "_wide", "longest")

    def __init__(self, strings: Collection[bytes]) -> None:
        self.longest = max(map(len, strings), default=0)
        self._strings = strings
        self._sieve: Sieve | None = None
        spelt = {string: characters for string in strings if (characters := _spelt(string)) is not None}
        self._wide = WideSieve(frozenset(spelt.values()))
        self._least = min((_least_number(string, string in spelt) for string in strings), default=0)

    def finds(self, data: memoryview) -> bool:
        """Whether any of the strings stands in `data`, whose first byte is that of a whole number."""
        if not self._strings or len(data) < 2:
            return False
        if int(np.frombuffer(data, "<i2", count=len(data) // 2).max()) < self._least:
            return self._wide.finds(data)
        if self._sieve is None:
            self._sieve = Sieve(self._strings)
        return self._sieve.finds(data)


# Persons of one archive share the names of its people and places.
@lru_cache(maxsize=1 << 10)
def _spelt(string: bytes) -> bytes | None:
    characters = characters_of(string)
    return None if characters is None or len(characters) < FEWEST_CHARACTERS else characters


@lru_cache(maxsize=1 << 10)
def _least_number(string: bytes, is_wide: bool) -> int:
    """A signed number that no data without one as large holds the string in; those that `WideSieve` finds apart.

    Wherever the string begins, every second byte of it is the high one of a number that it covers whole.
    """
    upper = string.upper()
    high = [upper[phase + 1 :: 2] for phase in (0, 1) if not is_wide or any(upper[phase + 1 :: 2])]
    return min(max((byte for byte in one if byte <= _LARGEST_ASCII), default=-_LARGEST_ASCII) << 8 for one in high)
