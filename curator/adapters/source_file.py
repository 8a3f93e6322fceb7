"""A source file's bytes: a copy where it is small, a mapping where a copy would fill the memory.

The law: nothing is written to it, and whoever reads a copy reads one state of the file, whatever happens to it.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from dataclasses import dataclass, field

from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.ingest.stamp import Stamp, stamp_of
from curator.model.quarantine import Reason

LARGEST_COPIED = 64 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's bytes, and what the file system said of it when they were read; a mapping ends with its last user."""

    data: Stored = field(repr=False)
    stamp: Stamp = field(repr=False)
    path: str = field(repr=False)

    def is_settled(self) -> bool:
        """Whether the bytes are those that were read: a copy's always, a mapping's while its file is as it was."""
        if isinstance(self.data, bytes):
            return True
        try:
            return stamp_of(self.path) == self.stamp
        except OSError:
            return False


def read_source(path: str) -> SourceFile:
    """A file's bytes.

    Raises:
        ItemError: UNREADABLE.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return SourceFile(_bytes(descriptor), stamp_of(descriptor), path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, error.strerror or "") from error


def _bytes(descriptor: int) -> Stored:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENXIO, "no longer a regular file")
    if status.st_size > LARGEST_COPIED:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    return _read(descriptor, status.st_size)


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
