"""Where files are read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it now lies in the store; `path` is relative to the store's root, `/`-separated."""

    path: str
    sha256: str
    size_bytes: int


class Storage(Protocol):
    """A folder-like store.

    The law: after `write` returns the whole file is there; if it raises, or the process dies, nothing of it is.
    """

    def write(self, path: str, chunks: Iterable[bytes | memoryview]) -> StoredFile:
        """Replace `path` by `chunks` in one step.

        Raises:
            ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
        """
        ...

    def read(self, path: str) -> bytes:
        """All bytes of `path`.

        Raises:
            ItemError: UNREADABLE.
        """
        ...

    def remove(self, path: str) -> None:
        """Forget `path`; no error where it is not there."""
        ...

    def exists(self, path: str) -> bool:
        """Whether `path` is there."""
        ...

    def walk(self) -> Iterator[str]:
        """Every file's path, sorted; nothing for an empty store."""
        ...
