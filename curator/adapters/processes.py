"""Work in this process or in a pool of processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection
from typing import TypeVar

from curator.errors import UsageError
from curator.ports import Executor

T = TypeVar("T")
R = TypeVar("R")
# Enough queued work that no worker waits, little enough that a million items are not all in memory.
_QUEUED_A_WORKER = 4


class InProcess:
    """One item after the other, here."""

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order of the items."""
        return map(task, items)

    def close(self) -> None:
        """Nothing to end."""


class ProcessPool:
    """Several processes; results come as they are ready.

    Workers are spawned, not forked: a fork copies locks of threads that libraries have started.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
        )

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order in which they are ready.

        Raises:
            UsageError: a worker was ended from outside, as for want of memory.
        """
        try:
            yield from self._results(task, items)
        except BrokenProcessPool:
            raise UsageError("a worker process was ended from outside; run again, with fewer --workers") from None

    def _results(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        source = iter(items)
        running: set[Future[R]] = {
            self._pool.submit(task, item) for item in islice(source, self._workers * _QUEUED_A_WORKER)
        }
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {self._pool.submit(task, item) for item in islice(source, len(ready))}
            for future in ready:
                yield future.result()

    def close(self) -> None:
        """Wait for the workers to end; what is queued is dropped."""
        self._pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Makes a worker end when its parent does: a killed job must not leave workers that go on writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def executor(workers: int) -> Executor:
    """In this process for one worker, a pool for more."""
    return InProcess() if workers <= 1 else ProcessPool(workers)
