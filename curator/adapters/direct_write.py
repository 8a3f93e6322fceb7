"""Bytes on their way to the disk, past the memory in which the kernel keeps files.

Nobody reads an output again so soon that a copy of it in memory would serve; not to make one takes a third of the
processor's time, and the sources stay in memory instead. A file system that wants a copy gets one.

The law: what is written are the bytes of the pieces in their order, whichever way they take.

Sources: open(2) (O_DIRECT: memory, places and lengths in whole blocks), fcntl(2).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curator.dicom.windows import windows

_DIRECT = getattr(os, "O_DIRECT", 0)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
ROOM_BYTES = 1 << 20
# Every disk in use can be written in units of so many bytes.
_BLOCK = 4096
# What file systems say that let the flag be set and then cannot do it.
_NOT_DIRECT = frozenset({errno.EINVAL, errno.EOPNOTSUPP})
# Of less, a copy costs nothing.
_SHORTEST_DIRECT = 1 << 16


class _Rooms(threading.local):
    """Where pieces wait until they are whole blocks; memory of whole pages begins where blocks have to.

    One room is kept for the next file; who makes pieces may write another file meanwhile.
    """

    def __init__(self) -> None:
        self._free: list[memoryview] = []

    @contextmanager
    def room(self) -> Iterator[memoryview]:
        """A room that nobody else uses."""
        room = self._free.pop() if self._free else memoryview(mmap.mmap(-1, ROOM_BYTES))
        try:
            yield room
        finally:
            self._free[:] = [room]


_rooms = _Rooms()


def created(path: str) -> int:
    """A descriptor of a new empty file; its folder is made where it is missing.

    Raises:
        OSError: it cannot be made.
    """
    try:
        return os.open(path, _FLAGS, 0o666)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o666)


def write_all(descriptor: int, chunks: Iterable[bytes | memoryview]) -> tuple[str, int]:
    """The SHA-256, 64 hex digits, and the number of the bytes that were written, which the disk may not hold yet.

    Raises:
        OSError: the disk is full or broken.
    """
    digest, size, waiting = hashlib.sha256(), 0, 0
    with _rooms.room() as room:
        for piece in (piece for chunk in chunks for piece in windows(chunk)):
            while piece:
                taken = piece[: len(room) - waiting]
                room[waiting : waiting + len(taken)] = taken
                waiting, piece = waiting + len(taken), piece[len(taken) :]
                if waiting == len(room):
                    digest.update(room)
                    _write(descriptor, room)
                    size, waiting = size + waiting, 0
        digest.update(room[:waiting])
        _write(descriptor, room[:waiting])
    return digest.hexdigest(), size + waiting


def _write(descriptor: int, piece: memoryview) -> None:
    """Whole blocks directly where there are enough of them, and the rest as files are written."""
    whole = len(piece) - len(piece) % _BLOCK if len(piece) >= _SHORTEST_DIRECT else 0
    if whole and _DIRECT and _set_direct(descriptor, is_direct=True):
        try:
            piece = piece[os.write(descriptor, piece[:whole]) :]
        except OSError as error:
            if error.errno not in _NOT_DIRECT:
                raise
        _set_direct(descriptor, is_direct=False)
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def _set_direct(descriptor: int, *, is_direct: bool) -> bool:
    """Whether the file system can do what was asked for."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if is_direct else flags & ~_DIRECT)
    except OSError:
        return False
    return True
