"""A search for planted values in whatever a job wrote, independent of the engine's own.

The law: it knows nothing of how the engine works. It looks into every file's bytes, what gzip hides and what Parquet
stores included, and at every file's name; letters match in either case.
"""

from __future__ import annotations

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from curator.testing.answer_key import AnswerKey

_WINDOW = 4
_BITS = 20
_TOO_LONG_FOR_CHANCE = 10
_DIGITS_AND_HEX = frozenset(b"0123456789abcdef")


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """A planted value that was found; `file` is relative to the folder, `where` is `bytes`, `name` or `cells`."""

    file: str
    where: str
    value: bytes = field(repr=False)


class LeakSearch:
    """Finds any of many byte strings in one pass: windows of four bytes are looked up in a table, hits compared.

    Short runs of digits count only where no digit or hexadecimal letter adjoins, or digests would hold dates by chance.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._by_slot: dict[int, list[bytes]] = defaultdict(list)
        table = np.zeros(1 << _BITS, np.bool_)
        for pattern in {found.lower() for found in patterns}:
            if len(pattern) < _WINDOW:
                raise ValueError("a pattern shorter than four bytes comes up by chance")
            slot = int(_slots(np.frombuffer(pattern[:_WINDOW], np.uint8))[0])
            self._by_slot[slot].append(pattern)
            table[slot] = True
        self._table = table

    def find(self, content: bytes) -> frozenset[bytes]:
        """The patterns, lower-cased, that `content` holds; none for no content."""
        folded = content.lower()
        if len(folded) < _WINDOW:
            return frozenset()
        slots = _slots(np.frombuffer(folded, np.uint8))
        found = set()
        for start in np.flatnonzero(self._table[slots]):
            for pattern in self._by_slot[int(slots[start])]:
                if folded.startswith(pattern, int(start)) and _stands_alone(folded, int(start), pattern):
                    found.add(pattern)
        return frozenset(found)


def find_leaks(folder: Path, key: AnswerKey) -> list[Leak]:
    """Every planted value that survives in `folder`, sorted; nothing for an empty folder."""
    search = LeakSearch(key.bytes_to_search())
    leaks: set[Leak] = set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        leaks.update(Leak(name, "name", value) for value in search.find(name.encode()))
        if path.is_file():
            for where, content in _layers(path):
                leaks.update(Leak(name, where, value) for value in search.find(content))
    return sorted(leaks)


def _layers(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and what they hold when unpacked."""
    content = path.read_bytes()
    yield "bytes", content
    if content[:2] == b"\x1f\x8b":
        yield "bytes", gzip.decompress(content)
    elif content[:4] == b"PAR1":
        yield "cells", str(pq.read_table(path).to_pydict()).encode()
    elif content[:1] == b"\x78":
        try:
            yield "bytes", zlib.decompress(content)
        except zlib.error:  # the byte was a coincidence
            return


def _slots(content: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """A number below 2**20 for each window of four bytes."""
    wide = content.astype(np.uint32)
    count = len(content) - _WINDOW + 1
    windows = sum(wide[shift : shift + count] << np.uint32(8 * shift) for shift in range(_WINDOW))
    mixed = np.asarray(windows, np.uint32) * np.uint32(2654435761)
    return np.asarray(mixed >> np.uint32(32 - _BITS), np.uint32)


def _stands_alone(content: bytes, start: int, pattern: bytes) -> bool:
    if not pattern.isdigit() or len(pattern) >= _TOO_LONG_FOR_CHANCE:
        return True
    end = start + len(pattern)
    before, after = content[start - 1 : start], content[end : end + 1]
    return not _DIGITS_AND_HEX.intersection(before) and not _DIGITS_AND_HEX.intersection(after)
