"""Every item is done once, in this process or in others; an error reaches the caller, and closing ends the workers."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from operator import call

import pytest

from curator.adapters import processes
from curator.adapters.processes import InProcess, ProcessPool, executor
from curator.errors import UsageError
from curator.ports import Executor


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    made = ProcessPool(2)
    yield made
    made.close()


@pytest.fixture(params=["here", "pool"])
def either(request: pytest.FixtureRequest, pool: ProcessPool) -> Executor:
    return InProcess() if request.param == "here" else pool


@pytest.mark.parametrize("count", [0, 1, 2, 9, 100])
def test_every_item_is_done_once(either: Executor, count: int) -> None:
    numbers = list(range(count))
    assert sorted(either.map(math.sqrt, numbers)) == sorted(map(math.sqrt, numbers))


def test_here_results_come_in_order() -> None:
    assert list(InProcess().map(math.sqrt, [9, 4, 1])) == [3.0, 2.0, 1.0]


def test_quick_work_does_not_wait_for_slow_work(pool: ProcessPool) -> None:
    started = time.monotonic()
    results = pool.map(time.sleep, [1.0, 0.0, 0.0])
    next(results)
    assert time.monotonic() - started < 0.9
    assert len(list(results)) == 2


def test_work_is_done_in_other_processes(pool: ProcessPool) -> None:
    names = set(pool.map(os.getenv, ["PATH"] * 4))
    assert names == {os.getenv("PATH")}
    assert os.getpid() not in set(pool.map(_process_of, range(8)))


# A function of the standard library that takes an argument and tells the process: workers need not import this file.
_process_of = os.getpgid


def test_an_error_reaches_the_caller_and_the_pool_stays_usable(either: Executor) -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(either.map(math.sqrt, [1, 4, -1, 9]))
    assert sorted(either.map(math.sqrt, [4, 9])) == [2.0, 3.0]


def test_only_some_items_wait_in_memory(either: Executor) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield number

    results = either.map(math.sqrt, items())
    assert len(list(islice(results, 20))) == 20
    assert taken < 100


QUIT = partial(os._exit, 3)


def test_an_item_that_ends_its_worker_is_named_and_the_rest_is_answered(pool: ProcessPool) -> None:
    items = [QUIT if number in (5, 40) else partial(math.sqrt, number * number) for number in range(60)]
    asked: list[object] = []

    def lost(item: object) -> float:
        asked.append(item)
        return -1.0

    answers = sorted(pool.map(call, items, lost=lost))
    assert answers == [-1.0, -1.0, *(float(number) for number in range(60) if number not in (5, 40))]
    assert asked == [QUIT, QUIT]
    assert sorted(pool.map(math.sqrt, [4, 9])) == [2.0, 3.0]


def test_where_nobody_answers_for_a_lost_item_the_job_ends() -> None:
    pool = ProcessPool(2)
    with pytest.raises(UsageError, match="fewer --workers"):
        list(pool.map(call, [QUIT, partial(math.sqrt, 4)]))
    pool.close()


def test_where_every_item_ends_its_worker_it_is_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MOST_LOST", 3)
    pool = ProcessPool(2)
    answers: list[str] = []
    with pytest.raises(UsageError, match="fewer --workers"):
        answers.extend(pool.map(call, [QUIT] * 9, lost=lambda item: "lost"))
    pool.close()
    assert answers == ["lost", "lost"]


def test_closing_drops_what_is_queued_and_ends_the_workers() -> None:
    pool = ProcessPool(1)
    results = pool.map(time.sleep, [0.0] + [0.2] * 50)
    next(results)
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 5
    with pytest.raises(RuntimeError):
        list(pool.map(math.sqrt, [1]))


def test_one_worker_is_this_process() -> None:
    assert isinstance(executor(0), InProcess) and isinstance(executor(1), InProcess)
    many = executor(2)
    assert isinstance(many, ProcessPool)
    many.close()
    executor(1).close()
