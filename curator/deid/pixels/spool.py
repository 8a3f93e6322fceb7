"""Bytes on their way out: a few in memory, many in an unnamed file, those of the source where they are.

The law: what comes back is what went in, in order, and no more than `MOST_IN_MEMORY` of it was ever held.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import BinaryIO

MOST_IN_MEMORY = 1 << 25
Chunk = bytes | memoryview


class Spool:
    """Takes chunks and gives them back; `scratch` opens the unnamed file once there are too many."""

    __slots__ = ("_file", "_held", "_places", "_scratch", "_written")

    def __init__(self, scratch: Callable[[], BinaryIO]) -> None:
        self._scratch = scratch
        self._file: BinaryIO | None = None
        self._held = 0
        self._written = 0
        # A chunk as it is, or where in the file it stands.
        self._places: list[Chunk | tuple[int, int]] = []

    def keep(self, chunk: memoryview) -> None:
        """Take bytes of the source, which are there anyway."""
        if len(chunk):
            self._places.append(chunk)

    def write(self, chunk: Chunk) -> None:
        """Take new bytes."""
        if self._held + len(chunk) <= MOST_IN_MEMORY:
            self._held += len(chunk)
            self._places.append(chunk)
            return
        if self._file is None:
            self._file = self._scratch()
        self._file.write(chunk)
        start, self._written = self._written, self._written + len(chunk)
        last = self._places[-1] if self._places else b""
        if isinstance(last, tuple):
            # What lies together in the file comes back in one piece.
            self._places.pop()
            start = last[0]
        self._places.append((start, self._written))

    def close(self) -> None:
        """Let go of the file; what `chunks` gave stays."""
        if self._file is not None:
            self._file.close()

    def chunks(self) -> tuple[Chunk, ...]:
        """Everything taken, in order; the file is mapped and lives as long as what is returned."""
        if self._file is None:
            return tuple(place for place in self._places if not isinstance(place, tuple))
        self._file.flush()
        # The mapping keeps the unnamed file alive by itself.
        mapped = memoryview(mmap.mmap(self._file.fileno(), self._written, access=mmap.ACCESS_READ))
        return tuple(mapped[place[0] : place[1]] if isinstance(place, tuple) else place for place in self._places)
