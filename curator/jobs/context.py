"""What every stage of a job works with: the wiring of ports to adapters, made once.

The law: nothing is opened for writing before the key was read and found to be the workspace's.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from curator.adapters.events import EventSubjects, read_events
from curator.adapters.keyfile import refuse_placement
from curator.adapters.local_disk import LocalDisk
from curator.adapters.processes import executor
from curator.annotate.readers.index import read_index
from curator.annotate.readers.labels import read_labels
from curator.bundled import bundled_folder
from curator.catalog.database import open_engine
from curator.catalog.revision import make_current
from curator.errors import ConfigurationError, RefusedError, UsageError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.sealing import Seal
from curator.jobs.job import Job
from curator.jobs.ledger import Ledger
from curator.jobs.progress import Report
from curator.jobs.subjects import subjects_of
from curator.jobs.tables import metadata
from curator.jobs.workspace import CONFIGURATION, Workspace, open_workspace
from curator.model.keys import Key, KeyRing
from curator.policy.events import OPTION as DAYS_OPTION
from curator.policy.events import event_epoch
from curator.policy.recipe.laid import load_policy
from curator.ports import Executor, Subjects

ExecutorOf = Callable[[int], Executor]
"""Makes an executor of that many workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """An opened job."""

    job: Job
    workspace: Workspace
    key: Key
    ring: KeyRing
    pseudonyms: Pseudonyms
    subjects: Subjects
    seal: Seal
    engine: Engine = field(repr=False)
    ledger: Ledger = field(repr=False)
    executor: Executor = field(repr=False)
    rules: Path
    report: Report = field(repr=False)

    @property
    def released(self) -> Path:
        """Where released instances go."""
        return self.job.out or self.workspace.released


@contextmanager
def open_job(job: Job, *, workers: int, report: Report, executor_of: ExecutorOf = executor) -> Iterator[JobContext]:
    """The context of a job; its workers and connections end with the block.

    Raises:
        CuratorError: as `checked`; or another job is running in the workspace.
    """
    workspace, ring = checked(job)
    rules = bundled_folder("rules")
    pseudonyms = Pseudonyms(ring.active)
    with ExitStack() as stack:
        stack.enter_context(alone_in(workspace))
        # What a killed run was writing; nobody else writes here now.
        for folder in (workspace.root, job.out or workspace.released):
            LocalDisk(folder).sweep()
        make_current(workspace.database_url, metadata)
        engine = open_engine(workspace.database_url)
        stack.callback(engine.dispose)
        pool = executor_of(workers)
        stack.callback(pool.close)
        yield JobContext(
            job=job,
            workspace=workspace,
            key=ring.active,
            ring=ring,
            pseudonyms=pseudonyms,
            subjects=subjects_for(job, workspace, ring),
            seal=Seal(pseudonyms, retired=map(Pseudonyms, ring.retired)),
            engine=engine,
            ledger=Ledger(engine),
            executor=pool,
            rules=rules,
            report=report,
        )


def checked(job: Job) -> tuple[Workspace, KeyRing]:
    """The workspace and the keys of a job that can be run as written; nothing is opened for writing.

    Raises:
        RefusedError: the key is missing, wrong, or lies where data may leave; the escrow beside it was altered; an
            output lies within an input.
        ConfigurationError: there is no workspace; the annotation index, the label table or the mapping file is wrong.
        RuleError: no such profile or option, or they contradict each other.
    """
    workspace = open_workspace(job.workspace)
    if job.out is not None:
        for secret in filter(None, (workspace.key_file, workspace.mapping_file)):
            refuse_placement(secret, forbidden=(job.out,))
    reports = (job.report.parent,) if job.report is not None else ()
    refuse_overlap(job.paths, (job.out or workspace.released, workspace.root), reports)
    ring = workspace.load_ring()
    subjects_for(job, workspace, ring, kept=False)
    load_policy(bundled_folder("rules"), profile=job.profile, options=job.options, recipe=job.recipe)
    if job.annotate is not None:
        read_labels(job.annotate.labels)
        if job.annotate.index is not None:
            read_index(job.annotate.index)
    return workspace, ring


def subjects_for(job: Job, workspace: Workspace, ring: KeyRing, *, kept: bool = True) -> Subjects:
    """What gives people their aliases, their days counted from their events where the job says so.

    Raises:
        RefusedError: the escrow, the mapping file or the events file cannot be used, or lies where data may leave.
        ConfigurationError: one of the files is wrong, or the job keeps or removes the dates that it is to count.
    """
    rules = bundled_folder("rules")
    subjects = subjects_of(workspace, ring, rules, kept=kept)
    if job.events is None:
        return subjects
    if DAYS_OPTION not in job.options:
        raise ConfigurationError(f"[deid] events: days are counted only under the option {DAYS_OPTION}")
    forbidden = (*workspace.forbidden_for_keys, *((job.out,) if job.out is not None else ()))
    return EventSubjects(subjects, read_events(job.events, forbidden=forbidden), epoch=event_epoch(rules))


@contextmanager
def alone_in(workspace: Workspace) -> Iterator[None]:
    """Holds a lock of the operating system, which ends with this process however it ends.

    Raises:
        UsageError: somebody else holds it.
    """
    with (workspace.root / CONFIGURATION).open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError("another job is running in this workspace; wait until it ends") from None
        yield


def refuse_overlap(inputs: Sequence[Path], outputs: Sequence[Path], files: Sequence[Path] = ()) -> None:
    """Refuse an output within an input, where the next scan would take it for a source, and the other way round.

    `files` are folders into which a single file goes: an input may lie within those.

    Raises:
        RefusedError: they overlap.
    """
    resolved = [path.resolve() for path in outputs]
    for source in (path.resolve() for path in inputs):
        within = any(target.is_relative_to(source) for target in (*resolved, *(path.resolve() for path in files)))
        if within or any(source.is_relative_to(target) for target in resolved):
            raise RefusedError("an output folder and an input folder lie within each other; choose another output")
