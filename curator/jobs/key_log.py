"""What a workspace's database learns of acts on its keys, and what it forgets with them.

The law: an entry is committed before the act it tells of. What is forgotten is only what led to a person whose link was
destroyed, or what nothing opens any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, Engine, Table, delete, select

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.revision import current_revision, make_current
from curator.catalog.rows import chunks
from curator.errors import KeyMaterialError, UsageError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.sealing import Seal
from curator.jobs import audit, tables
from curator.jobs.ledger import Ledger
from curator.jobs.release.record import SEALED_FOR, STAGE
from curator.jobs.workspace import Workspace
from curator.model.keys import KeyRing

Clock: TypeAlias = Callable[[], datetime]


def log(workspace: Workspace, event: str, fields: Mapping[str, audit.Value], now: Clock) -> None:
    """Commit an entry to the audit log; the database is made where it is not there.

    Raises:
        UsageError: the database is locked, read-only, full or out of reach.
    """
    make_current(workspace.database_url, tables.metadata)
    with _engine(workspace) as engine, write_transaction(engine) as connection:
        audit.append(connection, event, fields, at=now().isoformat(timespec="seconds"))


def audit_trail(workspace: Workspace, *, expected_head: str = "") -> tuple[audit.AuditEntry, ...]:
    """The whole log, checked.

    Raises:
        IntegrityError: an entry was altered, moved or taken out, or the log does not end with `expected_head`.
        UsageError: there is no database.
    """
    with _engine(workspace) as engine:
        if not current_revision(engine):
            raise UsageError("the workspace has no database, and so no log; run a job first")
        with engine.connect() as connection:
            audit.verify(connection, expected_head=expected_head)
            return tuple(audit.entries(connection))


def outputs_by_key(workspace: Workspace) -> Counter[str]:
    """How many outputs stand by the key that they were made under, as `made_under` says it."""
    with _engine(workspace) as engine:
        if not current_revision(engine):
            return Counter()
        rows = Ledger(engine).current(STAGE).values()
        return Counter(row.detail.rpartition(":")[2] for row in rows if row.output_path)


def forget_sources(workspace: Workspace, codes: set[str]) -> None:
    """Drop where the items of these people came from; no error where nothing is known of them."""
    with _engine(workspace) as engine, write_transaction(engine) as connection:
        rows = connection.execute(select(tables.work.c.item_id, tables.work.c.output_path))
        items = {item_id for item_id, path in rows if path.partition("/")[0] in codes}
        _forget(connection, items, (tables.source,))


def forget_unreadable(workspace: Workspace, ring: KeyRing) -> None:
    """Drop the ledger's rows that no key opens any more: they would say nothing and stop the next job."""
    seal = Seal(Pseudonyms(ring.active), retired=map(Pseudonyms, ring.retired))
    with _engine(workspace) as engine, write_transaction(engine) as connection:
        dead: set[str] = set()
        for table in (tables.source, tables.quarantine):
            for item_id, sealed in connection.execute(select(table.c.item_id, table.c.sealed_source)):
                try:
                    seal.open(sealed, purpose=SEALED_FOR)
                except KeyMaterialError:
                    dead.add(item_id)
        _forget(connection, dead, (tables.source, tables.quarantine, tables.work))


def _forget(connection: Connection, items: set[str], among: Sequence[Table]) -> None:
    for table in among:
        for part in chunks(sorted(items)):
            connection.execute(delete(table).where(table.c.item_id.in_(part)))


@contextmanager
def _engine(workspace: Workspace) -> Iterator[Engine]:
    engine = open_engine(workspace.database_url)
    try:
        yield engine
    finally:
        engine.dispose()
