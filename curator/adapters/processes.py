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
# Where so many in a row end their worker, it is the machine and not the items.
_MOST_LOST = 16


class InProcess:
    """One item after the other, here."""

    def map(self, task: Callable[[T], R], items: Iterable[T], *, lost: Callable[[T], R] | None = None) -> Iterator[R]:
        """Results in the order of the items; what ends this process ends all, and `lost` is never asked."""
        return map(task, items)

    def close(self) -> None:
        """Nothing to end."""


class ProcessPool:
    """Several processes; results come as they are ready.

    Workers are spawned, not forked: a fork copies locks of threads that libraries have started. When one ends, what
    was not answered is done again one item at a time, so that it is known which item it was.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = _spawned(workers)
        self._lost_in_a_row = 0

    def map(self, task: Callable[[T], R], items: Iterable[T], *, lost: Callable[[T], R] | None = None) -> Iterator[R]:
        """Results in the order in which they are ready; `lost` answers for an item that ends a worker of its own.

        Raises:
            UsageError: a worker was ended from outside, as for want of memory, and there is no `lost`, or one after the
                other is.
        """
        try:
            yield from self._results(task, items, lost)
        except BrokenProcessPool:
            raise UsageError("a worker process was ended from outside; run again, with fewer --workers") from None

    def _results(self, task: Callable[[T], R], items: Iterable[T], lost: Callable[[T], R] | None) -> Iterator[R]:
        source = iter(items)
        running = self._submitted(task, islice(source, self._workers * _QUEUED_A_WORKER))
        while running:
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            if lost is not None and any(map(_is_broken, ready)):
                yield from self._salvaged(task, running, lost)
                running = self._submitted(task, islice(source, self._workers * _QUEUED_A_WORKER))
                continue
            for future in ready:
                del running[future]
            running |= self._submitted(task, islice(source, len(ready)))
            for future in ready:
                yield future.result()

    def _submitted(self, task: Callable[[T], R], items: Iterable[T]) -> dict[Future[R], T]:
        return {_submitted(self._pool, task, item): item for item in items}

    def _salvaged(self, task: Callable[[T], R], running: dict[Future[R], T], lost: Callable[[T], R]) -> Iterator[R]:
        """What a broken pool had answered, then what it had not, done one at a time; after it there is a new pool."""
        # After this no answer comes any more, also none to what was sent in the moment that the pool broke.
        self._pool.shutdown()
        self._pool = _spawned(self._workers)
        yield from (future.result() for future in running if not _is_broken(future))
        alone = _spawned(1)
        try:
            for item in [item for future, item in running.items() if _is_broken(future)]:
                answer = _submitted(alone, task, item)
                wait([answer])
                if not _is_broken(answer):
                    self._lost_in_a_row = 0
                    yield answer.result()
                    continue
                self._lost_in_a_row += 1
                if self._lost_in_a_row == _MOST_LOST:
                    answer.result()
                alone.shutdown()
                alone = _spawned(1)
                yield lost(item)
        finally:
            alone.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Wait for the workers to end; what is queued is dropped."""
        self._pool.shutdown(cancel_futures=True)


def _spawned(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)


def _submitted(pool: ProcessPoolExecutor, task: Callable[[T], R], item: T) -> Future[R]:
    """What will be the answer; a broken one where the pool broke before."""
    try:
        return pool.submit(task, item)
    except BrokenProcessPool as error:
        broken: Future[R] = Future()
        broken.set_exception(error)
        return broken


def _is_broken(answer: Future[R]) -> bool:
    """Whether its worker ended, or none has it; for answers that are in, or of a pool that was shut down."""
    return not answer.done() or isinstance(answer.exception(), BrokenProcessPool)


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
