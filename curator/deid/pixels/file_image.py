"""A file that was put together anew, as bytes that header de-identification can take as its source.

The law: in memory where it is small; where it is not, in a file that has no name and ends with its last reader.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable
from typing import BinaryIO

from curator.dicom.tokens import Stored
from curator.dicom.windows import windows

MOST_IN_MEMORY = 64 << 20
Chunk = bytes | memoryview
Scratch = Callable[[], BinaryIO]


def stored(chunks: Iterable[Chunk], scratch: Scratch) -> Stored:
    """The bytes of all chunks in one piece; `scratch` opens the unnamed file for those that are many."""
    held: list[Chunk] = []
    size = 0
    remaining = iter(chunks)
    for chunk in remaining:
        held.append(chunk)
        size += len(chunk)
        if size > MOST_IN_MEMORY:
            return _mapped(held, remaining, scratch)
    return b"".join(held)


def _mapped(held: list[Chunk], remaining: Iterable[Chunk], scratch: Scratch) -> mmap.mmap:
    with scratch() as file:
        for chunks in (held, remaining):
            for chunk in chunks:
                for piece in windows(chunk):
                    file.write(piece)
        file.flush()
        # The mapping keeps the unnamed file alive by itself.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
