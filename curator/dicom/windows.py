"""Large values a piece at a time, so that a file of any size takes the memory of one piece.

The law: the pieces together are the value, and of a mapped file only the piece at hand is kept in memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

WINDOW_BYTES = 4 << 20


def windows(data: bytes | memoryview, *, overlap: int = 0) -> Iterator[memoryview]:
    """`data` in pieces of `WINDOW_BYTES`, each with the last `overlap` bytes of the one before; nothing for no data."""
    view = memoryview(data)
    if len(view) <= WINDOW_BYTES:
        if len(view):
            yield view
        return
    for start in range(0, len(view), WINDOW_BYTES):
        yield view[max(0, start - overlap) : start + WINDOW_BYTES]
        let_go(view)


def let_go(view: memoryview) -> None:
    """Give the memory of a mapped file back; the kernel reads it again from the file where somebody asks for it."""
    if isinstance(view.obj, mmap.mmap):
        view.obj.madvise(mmap.MADV_DONTNEED)
