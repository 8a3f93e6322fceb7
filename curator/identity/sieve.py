"""A quick answer to "can any of these byte strings stand in here?" for many strings and many bytes.

Only every second or fourth pair of bytes is looked at: a string that is long enough covers one of them whole, wherever
it begins. Pairs that stand in no string, nearly all of them, cost one look-up in a table.

The law: `False` is certain, whatever the case of ASCII letters; `True` means that a string stands there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

_PAIRS = 1 << 16
_BUCKETS = 8
# So many bytes at once that the numbers made of them stay in a processor's cache.
_BLOCK = 1 << 18
_PREFIX = 4
_SHORT = 1 << 16

Bits = npt.NDArray[np.uint8]


class Sieve:
    """A search for byte strings in lower case, at least four bytes each; the longest has `longest`.

    Raises:
        ValueError: a string is shorter.
    """

    __slots__ = ("_by_prefix", "_firsts", "_seconds", "_stride", "longest")

    def __init__(self, strings: Collection[bytes]) -> None:
        shortest = min(map(len, strings), default=_PREFIX)
        if shortest < _PREFIX:
            raise ValueError(f"a string is shorter than {_PREFIX} bytes")
        self.longest = max(map(len, strings), default=0)
        # A string of n bytes covers a whole pair at every multiple of n - 1 bytes.
        self._stride = 4 if shortest > _PREFIX else 2
        self._firsts = np.zeros(_PAIRS, np.uint8)
        self._seconds = np.zeros(_PAIRS, np.uint8)
        by_prefix: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for string in sorted(strings):
            by_prefix[string[:_PREFIX]].append(string)
        self._by_prefix = {prefix: tuple(ones) for prefix, ones in by_prefix.items()}
        long = [string for string in strings if len(string) >= self._stride + _PREFIX - 1]
        self._enter_together(sorted(long))
        for number, string in enumerate(sorted(set(strings).difference(long))):
            self._enter(string, np.uint8(1 << number % _BUCKETS))

    def finds(self, data: bytes | memoryview) -> bool:
        """Whether any of the strings stands in `data`; False for none and for empty data."""
        if not self._by_prefix or len(data) < _PREFIX:
            return False
        view = memoryview(data)
        # A short text is folded once, of a long one the few places that are looked at.
        folded = bytes(data).lower() if len(data) <= _SHORT else None
        for places in self._candidates(view):
            for place in places.tolist():
                first = max(0, place - self._stride + 1)
                if folded is not None:
                    if self._stands_at(folded, first, place):
                        return True
                elif self._stands_at(bytes(view[first : place + self.longest]).lower(), 0, place - first):
                    return True
        return False

    def _enter(self, string: bytes, bit: np.uint8) -> None:
        for phase in range(self._stride):
            self._firsts[_numbers(string[phase : phase + 2])] |= bit
            self._seconds[_numbers(string[phase + 2 : phase + 4])] |= bit

    def _enter_together(self, strings: Sequence[bytes]) -> None:
        """The same for many at once, none of which ends within a pair."""
        if not strings:
            return
        width = self._stride + _PREFIX - 1
        letters = np.frombuffer(b"".join(string[:width] for string in strings), np.uint8).reshape(-1, width)
        spelt = np.stack([letters, letters - 32 * ((letters >= 97) & (letters <= 122))]).astype(np.uint16)
        buckets = np.arange(len(strings)) % _BUCKETS
        for bucket in range(min(_BUCKETS, len(strings))):
            chosen = spelt[:, buckets == bucket]
            for table, place in ((self._firsts, 0), (self._seconds, 2)):
                lows, highs = (chosen[:, :, place + half : place + half + self._stride] for half in (0, 1))
                for low, high in product(lows, highs):
                    table[low | high << 8] |= np.uint8(1 << bucket)

    def _candidates(self, view: memoryview) -> Iterator[npt.NDArray[np.intp]]:
        """Offsets of pairs that stand in a string and whose next pair fits it."""
        pairs = np.frombuffer(view, "<u2", count=len(view) // 2)
        step = self._stride // 2
        looked_at = pairs[::step]
        for start in range(0, len(looked_at), _BLOCK // 4):
            block = looked_at[start : start + _BLOCK // 4]
            bits = self._firsts.take(block, mode="wrap")
            (met,) = bits.nonzero()
            if len(met) == 0:
                continue
            following = (met + start) * step + 1
            # Behind the last pair comes nothing or half a pair: whatever it is, it may fit.
            inside = following < len(pairs)
            fits = np.full(len(met), 0xFF, np.uint8)
            fits[inside] = self._seconds.take(pairs[following[inside]], mode="wrap")
            yield (following[(bits[met] & fits) != 0] - 1) * 2

    def _stands_at(self, folded: bytes, first: int, last: int) -> bool:
        """Whether a string begins at one of the places from `first` to `last`."""
        for start in range(first, last + 1):
            for string in self._by_prefix.get(folded[start : start + _PREFIX], ()):
                if folded.startswith(string, start):
                    return True
        return False


def _numbers(pair: bytes) -> list[int]:
    """A pair, or less, of lower case bytes as numbers: all that it could be written as."""
    spellings = [_cases(byte) for byte in pair] + [range(256)] * (2 - len(pair))
    return [low | high << 8 for low, high in product(*spellings)]


def _cases(byte: int) -> tuple[int, ...]:
    return (byte, byte - 32) if 97 <= byte <= 122 else (byte,)
