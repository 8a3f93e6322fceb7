"""What the ledger and the catalogue learn of a release run.

The law: an instance and its ledger row are recorded together or not at all; only the job's own process records.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.catalog.query import instances
from curator.catalog.record import clashes, forget_instance, record_instances
from curator.deid.instance import released_path
from curator.ingest.scanned import Held, held
from curator.jobs.context import JobContext
from curator.jobs.ledger import LedgerBatch, SourceRow, WorkRow, WorkStatus
from curator.jobs.release.work import Outcome, ReleaseSettings, ReleaseTask
from curator.model.identity import Identifier
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.quarantine import Quarantined, Reason
from curator.policy.dependents import load_dependents
from curator.policy.gates import load_gates
from curator.policy.header import load_header_policy

STAGE = "release"
SEALED_FOR = "source"
"""The purpose under which source references are sealed."""


class Recorder:
    """One run's memory: what was released before, and what this run releases and holds."""

    def __init__(
        self, context: JobContext, settings: ReleaseSettings, identifiers: Mapping[str, frozenset[Identifier]]
    ) -> None:
        self.reasons: Counter[Reason] = Counter()
        self.new_count = 0
        self.uid: Callable[[str], str] = str if "retain-uids" in settings.options else context.pseudonyms.uid
        self._context = context
        self._settings = settings
        self._identifiers = identifiers
        self._storage = LocalDisk(context.released)
        self._digest = rule_digest(context, settings)
        self._before = context.ledger.all_done(STAGE, self._digest)
        self._content_at = {row.output_path: _content(row) for row in self._before.values() if row.output_path}
        self._released: set[str] = set()

    @property
    def released_count(self) -> int:
        """How many instances are released, by this run or before."""
        return len(self._released)

    def released_among(self, sources: Iterable[SourceInstance]) -> frozenset[str]:
        """The replaced SOP Instance UIDs of those of `sources` that are released."""
        return frozenset(uid for source in sources if (uid := self.uid(source.SOPInstanceUID)) in self._released)

    def is_done(self, source: SourceInstance) -> bool:
        """Whether the instance lies released already, made from the same bytes, rules and identifiers."""
        row = self._before.get(self._item_id(source.reference))
        if row is None or row.status is not WorkStatus.DONE or row.detail != self._fingerprint(source):
            return False
        if not self._storage.exists(row.output_path):
            return False
        self._released.add(self.uid(source.SOPInstanceUID))
        return True

    def is_contested(self, source: SourceInstance) -> bool:
        """Whether another file of other content was released under the same SOP Instance UID; both are then held."""
        if self._item_id(source.reference) in self._before or source.subject is None:
            return False
        path = released_path(
            self._context.pseudonyms.patient_code(source.subject),
            self.uid(source.StudyInstanceUID),
            self.uid(source.SeriesInstanceUID),
            self.uid(source.SOPInstanceUID),
        )
        if self._content_at.get(path, source.content_id) == source.content_id or not self._storage.exists(path):
            return False
        self.hold([held(source, Reason.SOP_INSTANCE_UID_CONFLICT, "an earlier run released other content")])
        return True

    def task(self, source: SourceInstance) -> ReleaseTask:
        """What a worker is given."""
        return ReleaseTask(settings=self._settings, source=source, identifiers=self._of_person(source))

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """A group of results, in one transaction; nothing for none."""
        if not outcomes:
            return
        with self._context.ledger.batch() as batch:
            written = [outcome.record for outcome in outcomes if outcome.record is not None]
            contradictions = clashes(batch.connection, written)
            for outcome in outcomes:
                record = outcome.record
                reason = outcome.reason if record is None else contradictions.get(record.SOPInstanceUID)
                if reason is not None:
                    self._hold(batch, held(outcome.source, reason, outcome.detail))
                if record is None:
                    continue
                if reason is None:
                    self._keep(batch, outcome.source, record)
                else:
                    self._storage.remove(record.path)

    def hold(self, holds: Sequence[Held]) -> None:
        """Items that are held back, in one transaction; nothing for none."""
        if holds:
            with self._context.ledger.batch() as batch:
                for one in holds:
                    self._hold(batch, one)

    def withdraw(self, scanned: Sequence[SourceInstance]) -> None:
        """Take back what earlier runs released of these files and this run does not."""
        stale = {self.uid(source.SOPInstanceUID) for source in scanned} - self._released
        with self._context.engine.connect() as connection:
            recorded = [one for one in instances(connection) if one.SOPInstanceUID in stale]
        if not recorded:
            return
        with self._context.ledger.batch() as batch:
            for one in recorded:
                self._storage.remove(one.path)
                forget_instance(batch.connection, one.SOPInstanceUID)
            batch.record_event("withdrawn", stage=STAGE, instances=len(recorded))

    def _keep(self, batch: LedgerBatch, source: SourceInstance, record: ReleasedInstance) -> None:
        item_id = self._item_id(source.reference)
        self._released.add(record.SOPInstanceUID)
        self.new_count += 1
        record_instances(batch.connection, [record])
        batch.record_source(
            SourceRow(
                item_id=item_id,
                content_id=source.content_id,
                sealed_source=self._sealed(source.reference),
                size_bytes=source.size_bytes,
            )
        )
        batch.record_done(
            WorkRow(
                stage=STAGE,
                item_id=item_id,
                rule_digest=self._digest,
                output_path=record.path,
                output_sha256=record.sha256,
                detail=self._fingerprint(source),
            )
        )

    def _hold(self, batch: LedgerBatch, one: Held) -> None:
        self.reasons[one.reason] += 1
        entry = Quarantined(
            item_id=self._item_id(one.reference),
            reason=one.reason,
            stage=STAGE,
            content_id=one.content_id,
            sealed_source=self._sealed(one.reference),
            detail=one.detail,
        )
        batch.record_quarantine(entry, rule_digest=self._digest)

    def _item_id(self, reference: str) -> str:
        return self._context.pseudonyms.item_id(reference)

    def _sealed(self, reference: str) -> bytes:
        return self._context.seal.seal(reference, purpose=SEALED_FOR)

    def _of_person(self, source: SourceInstance) -> frozenset[Identifier]:
        if source.subject is None:
            return frozenset()
        return self._identifiers[self._context.pseudonyms.patient_code(source.subject)]

    def _fingerprint(self, source: SourceInstance) -> str:
        """Keyed digests of the bytes and of what was searched in them: when either changes, the item is done again."""
        known = "\n".join(f"{one.kind}:{one.value}" for one in sorted(self._of_person(source)))
        return f"{source.content_id}:{self._context.pseudonyms.item_id(known)}"


def _content(row: WorkRow) -> str:
    return row.detail.partition(":")[0]


def rule_digest(context: JobContext, settings: ReleaseSettings) -> str:
    """SHA-256 of everything that decides an output besides the file and its person."""
    policy = load_header_policy(context.rules, profile=settings.profile, options=settings.options)
    parts = (
        __version__,
        policy.digest,
        load_gates(context.rules).digest,
        *sorted(load_dependents(context.rules)),
        context.key.key_id,
        context.key.domain,
        str(settings.longest_shift_weeks),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
