"""What was done to each item, so that a job that was killed goes on and a job that is done does nothing.

The law: for each stage and item at most one row is current, whatever rules it was made under; every item is released or
in quarantine for exactly one reason; writing what is already there leaves the database's bytes as they were. Only the
process that opened the ledger writes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, select

from curator.catalog.database import upsert, write_transaction
from curator.catalog.revision import require_current
from curator.catalog.rows import canonical_json, chunks, write_changed
from curator.errors import RefusedError
from curator.jobs import audit, tables
from curator.model.quarantine import Quarantined, Reason


class WorkStatus(StrEnum):
    """How an item left a stage; `SUPERSEDED` rows tell the history and count for nothing."""

    DONE = "done"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """One item at one stage under one set of rules; `item_id` is a keyed digest, `detail` is structural.

    `reason` says why, where the item was quarantined; None otherwise.
    """

    stage: str
    item_id: str
    rule_digest: str
    status: WorkStatus = WorkStatus.DONE
    reason: Reason | None = None
    output_path: str = ""
    output_sha256: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """Where an item came from, sealed for the key holder."""

    item_id: str
    content_id: str
    sealed_source: bytes = field(repr=False)
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a whole stage of a job made (a frozen dataset, a trained network) from which input."""

    job: str
    stage: str
    input_digest: str
    output_digest: str
    output_path: str


class LedgerBatch:
    """Entries that are written together or not at all.

    Entries are collected and written at the end of the batch, by key, so that the order in which workers finish leaves
    no trace; of two entries for one key the last counts. `connection` is the batch's transaction: what else is written
    through it (the catalogue) stands or falls with the ledger.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._work: dict[tuple[str, str], WorkRow | None] = {}
        self._sources: dict[str, SourceRow] = {}
        self._quarantine: dict[str, Quarantined | None] = {}
        self._released: defaultdict[str, set[str]] = defaultdict(set)
        self._results: dict[tuple[str, str], StageResult] = {}
        self._events: list[tuple[str, dict[str, audit.Value]]] = []
        self._applied: dict[str, tuple[tuple[str, str, int], ...]] = {}
        self._evidence: dict[str, str] = {}

    def record_done(self, row: WorkRow) -> None:
        """An item is through a stage: it leaves the quarantine that this same stage had put it in."""
        self._work[row.stage, row.item_id] = row
        pending = self._quarantine.get(row.item_id)
        if pending is not None and pending.stage == row.stage:
            self._quarantine[row.item_id] = None
        self._released[row.item_id].add(row.stage)

    def record_quarantine(self, entry: Quarantined, *, rule_digest: str) -> None:
        """An item is held back. Where the reason is environmental no work is recorded: the next run tries again."""
        self._quarantine[entry.item_id] = entry
        self._released.pop(entry.item_id, None)
        row = WorkRow(
            stage=entry.stage,
            item_id=entry.item_id,
            rule_digest=rule_digest,
            status=WorkStatus.QUARANTINED,
            reason=entry.reason,
            detail=entry.detail,
        )
        self._work[entry.stage, entry.item_id] = None if entry.reason.is_environmental else row

    def record_superseded(self, stage: str, item_id: str) -> None:
        """What a stage did to an item counts no more; no error where it did nothing."""
        self._work[stage, item_id] = None

    def clear_quarantine(self, item_id: str) -> None:
        """An item is held back no more, whichever stage did it; no error where it was not."""
        self._quarantine[item_id] = None

    def record_applied(self, item_id: str, counts: Iterable[tuple[str, str, int]]) -> None:
        """How often each rule was applied to an item, by rule id and action."""
        self._applied[item_id] = tuple(sorted(counts))

    def record_evidence(self, item_id: str, evidence: Mapping[str, object]) -> None:
        """What was seen in an item's pixels, whether it was then released or held."""
        self._evidence[item_id] = canonical_json(evidence)

    def record_source(self, row: SourceRow) -> None:
        """Where an item came from."""
        self._sources[row.item_id] = row

    def record_stage_result(self, result: StageResult) -> None:
        """What a stage of a job made; it takes the place of what that stage made before."""
        self._results[result.job, result.stage] = result

    def record_event(self, event: str, **fields: audit.Value) -> None:
        """Append to the audit log, in the order of the calls. An event is always new, so it always changes the file."""
        self._events.append((event, fields))

    def flush(self) -> None:
        """Write what was collected; `Ledger.batch` does it at the end."""
        self._flush_work()
        self._flush_quarantine()
        write_changed(self.connection, tables.source, [_flat(row) for row in self._sources.values()])
        write_changed(self.connection, tables.stage_result, [_flat(one) for one in self._results.values()])
        self._flush_applied()
        seen = [{"item_id": item_id, "evidence": evidence} for item_id, evidence in self._evidence.items()]
        write_changed(self.connection, tables.pixel_evidence, seen)
        for event, said in self._events:
            audit.append(self.connection, event, said)

    def _flush_work(self) -> None:
        """Write work rows and mark what they take the place of: an output may lie where the older rules' output lay."""
        by_stage: defaultdict[str, list[str]] = defaultdict(list)
        for stage, item_id in sorted(self._work):
            by_stage[stage].append(item_id)
        for stage, items in by_stage.items():
            for part in chunks(items):
                query = select(tables.work).where(tables.work.c.stage == stage, tables.work.c.item_id.in_(part))
                stored = {
                    (row.item_id, row.rule_digest): _work_row(row._mapping) for row in self.connection.execute(query)
                }
                wanted = {
                    (row.item_id, row.rule_digest): row
                    for item_id in part
                    if (row := self._work[stage, item_id]) is not None
                }
                old = {key: replace(row, status=WorkStatus.SUPERSEDED) for key, row in stored.items()}
                changed = {key: row for key, row in (old | wanted).items() if stored.get(key) != row}
                upsert(self.connection, tables.work, [_stored(changed[key]) for key in sorted(changed)])

    def _flush_applied(self) -> None:
        """Write counts once for all items that share them."""
        digests = {
            item_id: hashlib.sha256(canonical_json(counts).encode()).hexdigest()
            for item_id, counts in self._applied.items()
        }
        counted = {digests[item_id]: counts for item_id, counts in self._applied.items()}
        rows = [
            {"digest": digest, "rule_id": rule_id, "action": action, "count": count}
            for digest, counts in counted.items()
            for rule_id, action, count in counts
        ]
        write_changed(self.connection, tables.action_count, rows)
        pairs = [{"item_id": item_id, "digest": digest} for item_id, digest in digests.items()]
        write_changed(self.connection, tables.applied, pairs)

    def _flush_quarantine(self) -> None:
        held = [
            _flat(entry) | {"reason": entry.reason.value} for entry in self._quarantine.values() if entry is not None
        ]
        write_changed(self.connection, tables.quarantine, held)
        cleared = sorted(item_id for item_id, entry in self._quarantine.items() if entry is None)
        for part in chunks(cleared):
            self.connection.execute(delete(tables.quarantine).where(tables.quarantine.c.item_id.in_(part)))
        for part in chunks(sorted(self._released)):
            column = tables.quarantine.c
            query = select(column.item_id, column.stage).where(column.item_id.in_(part))
            passed = [item for item, stage in self.connection.execute(query) if stage in self._released[item]]
            if passed:
                self.connection.execute(delete(tables.quarantine).where(column.item_id.in_(sorted(passed))))


class Ledger:
    """The ledger of one workspace.

    Raises:
        UsageError: the database is not there or has an older schema.
    """

    def __init__(self, engine: Engine) -> None:
        require_current(engine)
        self._engine = engine
        self._process = os.getpid()

    @contextmanager
    def batch(self) -> Iterator[LedgerBatch]:
        """Entries that are written when the block ends, and not at all where it raises.

        Raises:
            RefusedError: this is not the process that opened the ledger.
            UsageError: the database is locked, read-only, full or out of reach.
        """
        if os.getpid() != self._process:
            raise RefusedError("only the process that opened the ledger may write it; let workers return their results")
        with write_transaction(self._engine) as connection:
            batch = LedgerBatch(connection)
            yield batch
            batch.flush()

    def done(self, stage: str, item_id: str, rule_digest: str) -> WorkRow | None:
        """The current row of an item at a stage under these rules, also where it was quarantined; else None."""
        column = tables.work.c
        query = _current(stage).where(column.rule_digest == rule_digest, column.item_id == item_id)
        with self._engine.connect() as connection:
            found = connection.execute(query).mappings().one_or_none()
        return None if found is None else _work_row(found)

    def all_done(self, stage: str, rule_digest: str) -> dict[str, WorkRow]:
        """Every current row of a stage under these rules by item, sorted: one question instead of one per item."""
        return {item_id: row for item_id, row in self.current(stage).items() if row.rule_digest == rule_digest}

    def current(self, stage: str) -> dict[str, WorkRow]:
        """Every current row of a stage by item, sorted, whatever rules it was made under."""
        with self._engine.connect() as connection:
            rows = [_work_row(row) for row in connection.execute(_current(stage)).mappings()]
        return {row.item_id: row for row in sorted(rows, key=lambda row: row.item_id)}

    def record_done(self, row: WorkRow) -> None:
        """One item through one stage; see `LedgerBatch.record_done`."""
        with self.batch() as batch:
            batch.record_done(row)

    def record_quarantine(self, entry: Quarantined, *, rule_digest: str) -> None:
        """One item held back; see `LedgerBatch.record_quarantine`."""
        with self.batch() as batch:
            batch.record_quarantine(entry, rule_digest=rule_digest)

    def clear_quarantine(self, item_id: str) -> None:
        """One item held back no more."""
        with self.batch() as batch:
            batch.clear_quarantine(item_id)

    def record_stage_result(self, result: StageResult) -> None:
        """What a stage of a job made."""
        with self.batch() as batch:
            batch.record_stage_result(result)

    def stage_result(self, job: str, stage: str, input_digest: str) -> StageResult | None:
        """What the stage made last, if it made it from this input; else None."""
        column = tables.stage_result.c
        query = select(tables.stage_result).where(
            column.job == job, column.stage == stage, column.input_digest == input_digest
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).mappings().one_or_none()
        return None if found is None else StageResult(**found)

    def sources(self) -> list[SourceRow]:
        """Every source, sorted by item."""
        with self._engine.connect() as connection:
            rows = [SourceRow(**row) for row in connection.execute(select(tables.source)).mappings()]
        return sorted(rows, key=lambda row: row.item_id)

    def source(self, item_id: str) -> SourceRow | None:
        """Where one item came from; None where nothing is known of it."""
        with self._engine.connect() as connection:
            query = select(tables.source).where(tables.source.c.item_id == item_id)
            found = connection.execute(query).mappings().one_or_none()
        return None if found is None else SourceRow(**found)

    def quarantined(self) -> list[Quarantined]:
        """Everything that is held back, sorted by item."""
        with self._engine.connect() as connection:
            rows = [_quarantined(row) for row in connection.execute(select(tables.quarantine)).mappings()]
        return sorted(rows, key=lambda row: row.item_id)

    def counts_by_reason(self) -> dict[Reason, int]:
        """How many items each reason holds back, in the order of `Reason`; reasons that hold none are left out."""
        column = tables.quarantine.c.reason
        with self._engine.connect() as connection:
            rows = connection.execute(select(column, func.count()).group_by(column)).all()
        counts = {str(reason): int(count) for reason, count in rows}
        return {reason: counts[reason.value] for reason in Reason if reason.value in counts}

    def counts_by_status(self, stage: str) -> dict[WorkStatus, int]:
        """How many items are done and quarantined at a stage, whatever the rules; history is not counted."""
        column = tables.work.c.status
        query = select(column).where(tables.work.c.stage == stage, column != WorkStatus.SUPERSEDED.value)
        with self._engine.connect() as connection:
            counts = Counter(WorkStatus(status) for status in connection.execute(query).scalars())
        return {status: counts[status] for status in WorkStatus if counts[status]}


def applied_counts(connection: Connection, stage: str) -> list[tuple[str, str, int]]:
    """How many elements each rule was applied to in all that a stage has released, by rule id and action, sorted."""
    work, applied, counts = tables.work.c, tables.applied.c, tables.action_count.c
    query = (
        select(counts.rule_id, counts.action, func.sum(counts.count))
        .join(tables.applied, applied.digest == counts.digest)
        .join(tables.work, work.item_id == applied.item_id)
        .where(work.stage == stage, work.status == WorkStatus.DONE.value)
        .group_by(counts.rule_id, counts.action)
    )
    return sorted((str(rule_id), str(action), int(count)) for rule_id, action, count in connection.execute(query))


def evidence_of_done(connection: Connection, stage: str) -> dict[str, dict[str, Any]]:
    """What was seen in the pixels of everything that a stage has released, by output path, sorted."""
    work, seen = tables.work.c, tables.pixel_evidence.c
    query = (
        select(work.output_path, seen.evidence)
        .join(tables.work, work.item_id == seen.item_id)
        .where(work.stage == stage, work.status == WorkStatus.DONE.value)
    )
    return {str(path): json.loads(evidence) for path, evidence in sorted(map(tuple, connection.execute(query)))}


def beside_of_held(connection: Connection, stage: str, reasons: Collection[Reason]) -> dict[str, str]:
    """Which other files had a say in why items are held at a stage, as a keyed digest by item; those that say so."""
    work, seen = tables.work.c, tables.pixel_evidence.c
    query = (
        select(work.item_id, seen.evidence)
        .join(tables.work, work.item_id == seen.item_id)
        .where(work.stage == stage, work.status == WorkStatus.QUARANTINED.value)
        .where(work.reason.in_(sorted(reason.value for reason in reasons)))
    )
    said = ((str(item_id), json.loads(evidence).get("faces", {})) for item_id, evidence in connection.execute(query))
    return {item_id: faces["beside"] for item_id, faces in sorted(said) if "beside" in faces}


def _current(stage: str) -> Select[tuple[Any, ...]]:
    column = tables.work.c
    return select(tables.work).where(column.stage == stage, column.status != WorkStatus.SUPERSEDED.value)


def _stored(row: WorkRow) -> dict[str, str]:
    # Drivers differ in what they make of an enumeration's member.
    reason = "" if row.reason is None else row.reason.value
    return _flat(row) | {"status": row.status.value, "reason": reason}


def _flat(row: WorkRow | SourceRow | StageResult | Quarantined) -> dict[str, Any]:
    return {one.name: getattr(row, one.name) for one in fields(row)}


def _work_row(row: Mapping[Any, Any]) -> WorkRow:
    reason = Reason(row["reason"]) if row["reason"] else None
    return WorkRow(**{**row, "status": WorkStatus(row["status"]), "reason": reason})


def _quarantined(row: Mapping[Any, Any]) -> Quarantined:
    return Quarantined(**{**row, "reason": Reason(row["reason"])})
