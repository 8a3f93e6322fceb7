"""Where work runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Applies a picklable function to many items, in this process or in others."""

    def map(self, task: Callable[[T], R], items: Iterable[T], *, lost: Callable[[T], R] | None = None) -> Iterator[R]:
        """Results as they come, in any order; nothing for no items. An exception of `task` is raised here.

        `lost` answers for an item that ends its worker, where the executor can tell which one did; else the job ends.
        """
        ...

    def close(self) -> None:
        """End all workers."""
        ...
