"""A folder on a local disk.

Sources: POSIX rename(2) (atomic replacement within one file system), fsync(2).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from curator.adapters.direct_write import created, write_all
from curator.errors import ItemError, UsageError
from curator.model.quarantine import Reason
from curator.ports import StoredFile

# Leftovers of a killed writer carry this suffix; they are never listed and are removed at the next start.
_PARTIAL = ".partial"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class LocalDisk:
    """A storage under one root folder; picklable, so that workers write by themselves."""

    __slots__ = ("root",)

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return "LocalDisk()"

    def write(self, path: str, chunks: Iterable[bytes | memoryview]) -> StoredFile:
        """Replace `path` in one step; nothing of it is left where this raises.

        Raises:
            ItemError: OUTPUT_UNWRITABLE or DISK_FULL; also for a path that leaves the root.
        """
        target = os.path.join(self.root, _inside(path))  # noqa: PTH118 - a path object for each of a million files is time
        folder, name = os.path.split(target)
        # The process id keeps two workers that were given one path from writing into one file.
        partial = f"{folder}{os.sep}.{name[:64]}.{os.getpid()}{_PARTIAL}"
        try:
            descriptor = created(partial)
            try:
                digest, size = write_all(descriptor, chunks)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(partial, target)  # noqa: PTH105 - as above
        except OSError as error:
            _forget(Path(partial))
            raise _write_error(error) from error
        except BaseException:
            # Whoever made the chunks failed, or the job was interrupted.
            _forget(Path(partial))
            raise
        return StoredFile(path, digest, size)

    def read(self, path: str) -> bytes:
        """All bytes of `path`."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise ItemError(Reason.UNREADABLE, error.strerror or "") from error

    def remove(self, path: str) -> None:
        """Forget `path` and the folders that it leaves empty."""
        target = self.root / path
        try:
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                    return
                folder.rmdir()
        except OSError as error:
            raise _write_error(error) from error

    def exists(self, path: str) -> bool:
        """Whether `path` is there."""
        return (self.root / path).is_file()

    def walk(self) -> Iterator[str]:
        """Every finished file's path, sorted; nothing where the root is not there yet.

        Raises:
            UsageError: a folder cannot be entered; what is in it would be passed over unseen.
        """
        if not self.root.is_dir():
            return
        found: list[str] = []
        for folder, _, names in os.walk(self.root, onerror=_refuse):
            place = Path(folder).relative_to(self.root)
            files = (name for name in names if not name.endswith(_PARTIAL) and Path(folder, name).is_file())
            found += [(place / name).as_posix() for name in files]
        yield from sorted(found)

    def sweep(self) -> int:
        """Remove what killed writers left; how many files that were."""
        leftovers = list(self.root.rglob(f".*{_PARTIAL}")) if self.root.is_dir() else []
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)


def _refuse(error: OSError) -> None:
    raise UsageError(f"a folder of the storage cannot be entered: {error.strerror}") from error


def _inside(path: str) -> str:
    """The same path; names come from what files say, so one that climbs is refused before anything is made."""
    parts = path.split("/")
    if ".." in parts or not parts[0] or not parts[-1].strip("."):
        raise ItemError(Reason.OUTPUT_UNWRITABLE, "the path leaves its folder")
    return path


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        # The folder itself may be what cannot be written; then nothing was left either.
        return


def _write_error(error: OSError) -> ItemError:
    reason = Reason.DISK_FULL if error.errno in _FULL else Reason.OUTPUT_UNWRITABLE
    return ItemError(reason, error.strerror or "")
