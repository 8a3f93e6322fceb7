"""An append-only log in which each entry carries the digest of the one before.

The law: an entry that was altered, moved or taken out is found by `verify`. Entries cut off at the end are found only
by who kept the last hash, so a release writes it down (`head`). Fields hold codes, counts and digests, never a
patient's value; the time is in an entry only where the caller gives it.

Sources: Schneier and Kelsey, "Secure Audit Logs to Support Computer Forensics" (1999).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import Connection, select

from curator.catalog.rows import canonical_json
from curator.errors import IntegrityError
from curator.jobs.tables import audit

Value: TypeAlias = str | int | bool
FIRST = "0" * 64
"""What stands for the hash before the first entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event; `sequence` counts from 1, `at` is as the caller gave it, the hashes are 64 hex digits."""

    sequence: int
    event: str
    fields: Mapping[str, Value] = field(repr=False)
    at: str
    previous_hash: str
    hash: str


def append(connection: Connection, event: str, fields: Mapping[str, Value], *, at: str = "") -> AuditEntry:
    """The entry that now ends the log."""
    last = connection.execute(select(audit).order_by(audit.c.sequence.desc()).limit(1)).mappings().one_or_none()
    sequence = int(last["sequence"]) + 1 if last else 1
    previous_hash = str(last["hash"]) if last else FIRST
    written = canonical_json(dict(fields))
    digest = _digest(sequence, event, written, at, previous_hash)
    row = {"sequence": sequence, "event": event, "fields": written, "at": at}
    connection.execute(audit.insert().values(**row, previous_hash=previous_hash, hash=digest))
    return AuditEntry(
        sequence=sequence, event=event, fields=dict(fields), at=at, previous_hash=previous_hash, hash=digest
    )


def entries(connection: Connection) -> list[AuditEntry]:
    """The whole log, first to last; nothing for an empty one."""
    rows = connection.execute(select(audit).order_by(audit.c.sequence)).mappings()
    return [AuditEntry(**dict(row) | {"fields": json.loads(row["fields"])}) for row in rows]


def head(connection: Connection) -> str:
    """The last hash, which stands for the whole log; `FIRST` for an empty one."""
    return connection.execute(select(audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)).scalar() or FIRST


def verify(connection: Connection, *, expected_head: str = "") -> int:
    """How many entries the log has; each was checked.

    Raises:
        IntegrityError: an entry was altered, moved or taken out, or the log does not end with `expected_head`.
    """
    previous_hash = FIRST
    count = 0
    for row in connection.execute(select(audit).order_by(audit.c.sequence)):
        count += 1
        digest = _digest(row.sequence, row.event, row.fields, row.at, row.previous_hash)
        if (row.sequence, row.previous_hash, row.hash) != (count, previous_hash, digest):
            raise IntegrityError(f"the audit log is not what was written: it breaks at entry {count}")
        previous_hash = digest
    if expected_head and expected_head != previous_hash:
        raise IntegrityError("the audit log does not end as it did: entries were cut off or added")
    return count


def _digest(sequence: int, event: str, fields: str, at: str, previous_hash: str) -> str:
    return hashlib.sha256(canonical_json([sequence, event, fields, at, previous_hash]).encode()).hexdigest()
