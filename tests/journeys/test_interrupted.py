"""A job that is killed again and again comes to what an unbroken one comes to, on one process or on two."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest
from small_hospital import contents, tables, write_job

from curator.cli import main

MOST_SECONDS = 120.0


def run_command(arguments: list[str], said: Path) -> None:
    """The command in a process group of its own; a target of `multiprocessing`."""
    os.setsid()
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the process ends with it
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    main(arguments)


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Forks processes that have the engine loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["curator.cli.run", "curator.jobs.run"])
    return context


@pytest.fixture(scope="module")
def twin(journey, hospital, tmp_path_factory) -> Path:
    """A place for a second workspace that works on the same source with the same key."""
    return tmp_path_factory.mktemp("twin")


def started(server: ForkServerContext, job: Path, *, workers: int, said: Path) -> ForkServerProcess:
    arguments = ["run", str(job), "--workers", str(workers), "--json"]
    process = server.Process(target=run_command, args=(arguments, said))
    process.start()
    return process


def file_count(workspace: Path) -> int:
    """How many files there are, counted while they come and go."""
    count = 0
    for _, folders, files in os.walk(workspace, onerror=lambda _: None):
        count += len(files)
        del folders
    return count


def killed_at(process: ForkServerProcess, workspace: Path, files: int) -> bool:
    """Whether it was killed, with all its workers, once the workspace held that many files; False where it ended."""
    deadline = time.monotonic() + MOST_SECONDS
    while file_count(workspace) < files:
        assert time.monotonic() < deadline, "the job neither ends nor goes on"
        if process.exitcode is not None:
            return False
        time.sleep(0.002)
    assert process.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join(MOST_SECONDS)
    return process.exitcode == -signal.SIGKILL


def unlike(one: dict[str, object], other: dict[str, object]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def moments(workspace: Path) -> Iterator[int]:
    """Some in each stage: files of the release, of the masks, and all that the dataset and the report add."""
    rng = random.Random(4711)
    files = list(contents(workspace))
    released = sum(name.startswith("released/") for name in files)
    masks = sum(name.startswith("annotations/") for name in files)
    start = 2  # the configuration and the database
    yield start
    yield from sorted(rng.sample(range(start + 1, start + released), 3))
    yield start + released + rng.randrange(masks)
    yield start + released + masks + rng.randrange(1, 8)


def test_O02_killed_and_resumed_it_comes_to_the_same(
    journey, twin: Path, server: ForkServerContext, run_curator
) -> None:
    workspace = twin / "workspace"
    assert run_curator("init", workspace, "--keys", journey.key).code == 0
    job = write_job(twin / "job.toml", workspace, journey.hospital.root)
    said = twin / "said"
    kills = 0
    for number, files in enumerate(moments(journey.workspace)):
        process = started(server, job, workers=1 if number % 3 else 2, said=said)
        kills += killed_at(process, workspace, files)
    assert kills >= 5
    assert contents(workspace) != {}
    said.write_bytes(b"")

    last = started(server, job, workers=1, said=said)
    last.join(MOST_SECONDS)

    assert last.exitcode == 1, said.read_text()
    result = json.loads(said.read_text()[said.read_text().index("{") :])
    assert result["files"] == result["released"] + sum(result["quarantined"].values())
    ours, unbroken = contents(workspace), contents(journey.workspace)
    # Pages of a database lie in the order in which they were written; its rows are compared below.
    assert unlike(ours, unbroken) <= {"curator.toml", "curator.sqlite"}
    assert tables(workspace) == tables(journey.workspace)
    assert not [path for path in workspace.rglob("*") if "partial" in path.name or path.name.endswith("-journal")]


def test_O03_one_worker_and_two_write_the_same(journey, server: ForkServerContext, run_curator, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    assert run_curator("init", workspace, "--keys", journey.key).code == 0
    job = write_job(tmp_path / "job.toml", workspace, journey.hospital.root)
    process = started(server, job, workers=2, said=tmp_path / "said")
    process.join(MOST_SECONDS)
    assert process.exitcode == 1, (tmp_path / "said").read_text()
    ours, unbroken = contents(workspace), contents(journey.workspace)
    assert unlike(ours, unbroken) <= {"curator.toml", "curator.sqlite"}
    assert tables(workspace) == tables(journey.workspace)
