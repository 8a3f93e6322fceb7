"""Where texts stand in a long list, at 32 bytes a text however long it is.

The law: texts are told apart by 128 bits of a digest; nobody finds two that share them.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = 16


class Positions:
    """Numbers by text; a text may have several."""

    __slots__ = ("_digests", "_numbers", "_order")

    def __init__(self) -> None:
        self._digests = bytearray()
        self._numbers = array("q")
        self._order: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and bool(self.find(text))

    def add(self, text: str, number: int) -> None:
        """The text stands at this number, too."""
        self._digests += _digest(text)
        self._numbers.append(number)
        self._order = None

    def find(self, text: str) -> tuple[int, ...]:
        """Where the text stands, in the order in which it was added; () where it does not."""
        if not self._numbers:
            return ()
        halves, order = self._halves(), self._sorted()
        high, low = np.frombuffer(_digest(text), dtype=np.uint64)
        first, end = (int(np.searchsorted(halves[:, 0], high, side, order)) for side in ("left", "right"))
        return tuple(self._numbers[at] for at in order[first:end].tolist() if halves[at, 1] == low)

    def repeated(self) -> Iterator[list[int]]:
        """The numbers of each text that was added more than once, in the order in which they were added."""
        halves, order = self._halves(), self._sorted()
        is_next_same = np.all(halves[order[1:]] == halves[order[:-1]], axis=1)
        group: list[int] = []
        for at in np.flatnonzero(is_next_same).tolist():
            first, second = int(order[at]), int(order[at + 1])
            if group and group[-1] != first:
                yield [self._numbers[one] for one in group]
                group = []
            group = [*(group or [first]), second]
        if group:
            yield [self._numbers[one] for one in group]

    def _halves(self) -> NDArray[np.uint64]:
        # A view: it may not outlive the call, or nothing could be added any more.
        return np.frombuffer(self._digests, dtype=np.uint64).reshape(-1, 2)

    def _sorted(self) -> NDArray[np.intp]:
        if self._order is None:
            halves = self._halves()
            # Stable, so that equal ones stay in their order.
            self._order = np.lexsort((halves[:, 1], halves[:, 0]))
        return self._order


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).digest()
