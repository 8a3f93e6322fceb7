"""What a workspace's jobs did so far, read and nothing else.

The law: asking makes no database and changes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from curator.catalog.database import open_engine
from curator.catalog.revision import current_revision
from curator.jobs.annotations import STAGE as ANNOTATE
from curator.jobs.ledger import Ledger, WorkStatus
from curator.jobs.release.record import STAGE as RELEASE
from curator.jobs.workspace import Workspace
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Items by stage and how they left it, and those held back by reason; a stage that did nothing has no items."""

    stages: Mapping[str, Mapping[WorkStatus, int]]
    quarantined: Mapping[Reason, int] = field(default_factory=dict)


@contextmanager
def ledger_of(workspace: Workspace) -> Iterator[Ledger | None]:
    """The ledger, None where no job has run yet.

    Raises:
        UsageError: the database cannot be read or has an older schema.
    """
    engine = open_engine(workspace.database_url)
    try:
        yield Ledger(engine) if current_revision(engine) else None
    finally:
        engine.dispose()


def status_of(workspace: Workspace) -> Status:
    """How far the workspace's jobs came.

    Raises:
        UsageError: as `ledger_of`.
    """
    with ledger_of(workspace) as ledger:
        if ledger is None:
            return Status(stages={RELEASE: {}, ANNOTATE: {}})
        stages = {stage: ledger.counts_by_status(stage) for stage in (RELEASE, ANNOTATE)}
        return Status(stages=stages, quarantined=ledger.counts_by_reason())
