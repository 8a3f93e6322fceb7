"""What every stage of a job works with: the wiring of ports to adapters, made once.

The law: nothing is opened for writing before the key was read and found to be the workspace's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from curator.adapters.keyfile import refuse_placement
from curator.adapters.processes import executor
from curator.bundled import bundled_folder
from curator.catalog.database import open_engine
from curator.catalog.schema import upgrade
from curator.errors import RefusedError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.sealing import Seal
from curator.jobs.job import Job
from curator.jobs.ledger import Ledger
from curator.jobs.progress import Report
from curator.jobs.workspace import Workspace, open_workspace
from curator.model.keys import Key
from curator.ports import Executor


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """An opened job."""

    job: Job
    workspace: Workspace
    key: Key
    pseudonyms: Pseudonyms
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
def open_job(job: Job, *, workers: int, report: Report) -> Iterator[JobContext]:
    """The context of a job; its workers and connections end with the block.

    Raises:
        RefusedError: the key is missing, wrong, or lies where data may leave; an output lies within an input.
        ConfigurationError: there is no workspace.
    """
    workspace = open_workspace(job.workspace)
    if job.out is not None:
        refuse_placement(workspace.key_file, forbidden=(job.out,))
    refuse_overlap(job.paths, (job.out or workspace.released, workspace.root))
    key = workspace.load_key()
    pseudonyms = Pseudonyms(key)
    upgrade(workspace.database_url)
    engine = open_engine(workspace.database_url)
    pool = executor(workers)
    try:
        yield JobContext(
            job=job,
            workspace=workspace,
            key=key,
            pseudonyms=pseudonyms,
            seal=Seal(pseudonyms),
            engine=engine,
            ledger=Ledger(engine),
            executor=pool,
            rules=bundled_folder("rules"),
            report=report,
        )
    finally:
        pool.close()
        engine.dispose()


def refuse_overlap(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse an output within an input, where the next scan would take it for a source, and the other way round.

    Raises:
        RefusedError: they overlap.
    """
    for source in (path.resolve() for path in inputs):
        for target in (path.resolve() for path in outputs):
            if target.is_relative_to(source) or source.is_relative_to(target):
                raise RefusedError("an output folder and an input folder lie within each other; choose another output")
