"""A folder that appears whole or not at all.

The law: what is being built lies beside its destination under a hidden name and is held by a lock of the operating
system, so a build that was killed is known from one that still runs and is cleared away by the next.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from curator.errors import ItemError
from curator.model.quarantine import Reason

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def building(destination: Path) -> Iterator[Path]:
    """An empty folder beside `destination` to build in; whatever is left of it at the end is removed.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    with _named_errors():
        destination.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(destination)
        folder, held = _claimed(destination)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _claimed(destination: Path) -> tuple[Path, int]:
    """A new folder and the descriptor whose lock says that somebody builds in it."""
    while True:
        folder = destination.with_name(f".{destination.name}.partial-{secrets.token_hex(6)}")
        folder.mkdir()
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, held
        # Another build took it for abandoned between its making and its locking.
        os.close(held)


def _clear_abandoned(destination: Path) -> None:
    for folder in destination.parent.glob(f".{destination.name}.partial-*"):
        # It may be published or cleared away by others at any moment, which is as good.
        with suppress(FileNotFoundError, BlockingIOError):
            held = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)


def write_file(folder: Path, path: str, content: bytes) -> None:
    """Put `content` at `path` under `folder` and on the disk; an existing file of a content address stays.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    with _named_errors():
        target = folder / path
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def remove_file(folder: Path, path: str) -> None:
    """Take the file at `path` under `folder` away, and the folders that it leaves empty."""
    target = folder / path
    target.unlink(missing_ok=True)
    for parent in target.relative_to(folder).parents:
        if parent != Path() and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()


def publish(folder: Path, destination: Path) -> bool:
    """Whether `folder` became `destination`; False where something is there already.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    with _named_errors():
        for each in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
            _sync(each)
        try:
            folder.rename(destination)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return False
            raise
        _sync(destination.parent)
    return True


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


@contextmanager
def _named_errors() -> Iterator[None]:
    """Says what the operating system refused, without its paths."""
    try:
        yield
    except OSError as error:
        reason = Reason.DISK_FULL if error.errno in _FULL else Reason.OUTPUT_UNWRITABLE
        raise ItemError(reason, errno.errorcode.get(error.errno or 0, "")) from None
