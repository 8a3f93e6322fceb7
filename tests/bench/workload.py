"""What the bench does with its files, each step the way a job does it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from curator.deid.subject import Subject
from curator.deid.swift import Swift
from curator.dicom.parse import parse
from curator.identity.search import needles_of
from curator.ingest.find import find
from curator.ingest.scan import ScanTask
from curator.jobs.context import JobContext, open_job
from curator.jobs.job import Job
from curator.jobs.release.equipment import ReleaseSettings
from curator.jobs.release.plan import plan_release
from curator.jobs.release.record import Recorder
from curator.jobs.release.work import ReleaseTask, release_one
from curator.jobs.workspace import create_workspace
from curator.model.identity import Alias, Identifier
from curator.policy.dates import longest_shift_weeks
from curator.policy.gates import Handling, PixelAction
from curator.policy.header import load_header_policy

_GROUP = 256
_SETTLED_S = 2.1
_PASSED = PixelAction(Handling.PASS, None)


class Workload:
    """The steps over one list of files, each over all of them."""

    def __init__(self, files: Sequence[Path], scratch: Path) -> None:
        self._files = files
        self._out = scratch / "out"
        self._out.mkdir()
        self._opened = opened(scratch / "space", files[0].parent)
        self._context = context = self._opened.__enter__()
        self._scan = ScanTask(context.key, context.rules, context.job.profile, context.job.options)
        time.sleep(_SETTLED_S)
        self._scanned = [self._scan(found) for found in find(context.job.paths)]
        self._plan = plan_release(
            self._scanned, judge=lambda _: _PASSED, is_dependent=lambda _: False, subjects=context.subjects
        )
        self._policy = load_header_policy(context.rules, profile=context.job.profile, options=context.job.options)
        self._run = 0
        self.forget()
        if len(self._tasks) != len(files):
            raise SystemExit(f"only {len(self._tasks)} of {len(files)} files can be released")

    def close(self) -> None:
        """End the job."""
        self._opened.__exit__(None, None, None)

    def forget(self) -> None:
        """Start with nothing remembered and nothing written, as a new job does."""
        shutil.rmtree(self._out)
        self._out.mkdir()
        shutil.rmtree(self._context.released, ignore_errors=True)
        self._run += 1
        settings = settings_of(self._context)
        # Another folder is another job to a worker's memory.
        settings = replace(settings, released=self._context.released / f"{self._run}")
        self._recorder = Recorder(self._context, settings, plan=self._plan, scanned=self._scanned)
        self._tasks: list[ReleaseTask] = [self._recorder.task(source) for source in self._plan.first]
        self._swift = Swift(self._policy, self._context.pseudonyms)
        _person_of.cache_clear()
        # A worker loads its rules once, however many files follow.
        release_one(self._tasks[0])

    def copy(self) -> None:
        """Each file copied by the standard library."""
        for file in self._files:
            shutil.copyfile(file, self._out / file.name)

    def parse(self) -> None:
        """Each file read and taken apart."""
        for file in self._files:
            parse(file.read_bytes())

    def scan(self) -> None:
        """Each file scanned."""
        for found in find(self._context.job.paths):
            self._scan(found)

    def rewrite(self) -> None:
        """Each file read, rewritten and written."""
        for file, task in zip(self._files, self._tasks, strict=True):
            rewritten = self._swift.rewritten(_read(file), task.source, subject=_person(task))
            if rewritten is None:
                raise SystemExit("not taken by the quick way")
            _write(self._out / file.name, rewritten[:2])

    def prove(self) -> None:
        """Each file read, rewritten, proven and written, by a worker's own tools without its bookkeeping."""
        for file, task in zip(self._files, self._tasks, strict=True):
            own = [one.value for one in task.source.identifiers - task.identifiers]
            done = self._swift.deidentify(_read(file), task.source, subject=_person(task), own=own)
            if done is None:
                raise SystemExit("not taken by the quick way")
            _write(self._out / file.name, done.chunks)

    def work(self) -> None:
        """Each file as a worker releases it: checked, rewritten, proven, digested, on disk for good."""
        for task in self._tasks:
            outcome = release_one(task)
            if outcome.record is None:
                raise SystemExit(f"not released: {outcome.reason} {outcome.detail}")

    def release(self) -> None:
        """The same, and recorded in ledger and catalogue in groups."""
        for start in range(0, len(self._tasks), _GROUP):
            self._recorder.record([release_one(task) for task in self._tasks[start : start + _GROUP]])


def _person(task: ReleaseTask) -> Subject:
    return _person_of(task.alias, task.identifiers)


@lru_cache(maxsize=64)
def _person_of(alias: Alias, identifiers: frozenset[Identifier]) -> Subject:
    return Subject(
        patient_code=alias.patient_code,
        shift_days=alias.shift_days,
        needles=needles_of(identifiers),
        identifiers=identifiers,
    )


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _write(path: Path, chunks: Sequence[bytes | memoryview]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.writev(descriptor, chunks)
    finally:
        os.close(descriptor)


def settings_of(context: JobContext) -> ReleaseSettings:
    """What all instances of the job share."""
    return ReleaseSettings(
        key=context.key,
        rules=context.rules,
        profile=context.job.profile,
        options=context.job.options,
        released=context.released,
        longest_shift_weeks=longest_shift_weeks(context.rules),
    )


@contextmanager
def opened(space: Path, folder: Path, *, workers: int = 1) -> Iterator[JobContext]:
    """A job over a folder in a workspace of its own: the full Basic profile, dates shifted."""
    create_workspace(space, key_file=space.with_name(space.name + "-keys") / "keys.json")
    with open_job(Job(name="bench", workspace=space, paths=(folder,)), workers=workers, report=_silent) as context:
        yield context


def _silent(_: str) -> None:
    """Progress to nobody."""
