"""What the ledger and the catalogue learn of a release run.

The law: an instance and its ledger row are recorded together or not at all, and what is held is taken back in the same
step; only the job's own process records.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.catalog.query import released_paths
from curator.catalog.record import clashes, forget_instances, record_instances
from curator.deid.instance import released_path
from curator.errors import ItemError
from curator.ingest.scanned import Held, Scanned, held
from curator.jobs.context import JobContext
from curator.jobs.ledger import LedgerBatch, SourceRow, WorkRow, WorkStatus, beside_of_held
from curator.jobs.release.equipment import ReleaseSettings
from curator.jobs.release.made import made_under, overturned_ids, rule_digest
from curator.jobs.release.places import Places, Scan, owners_of
from curator.jobs.release.plan import Plan
from curator.jobs.release.work import Outcome, ReleaseTask
from curator.model.identity import Identifier
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.positions import Positions
from curator.model.quarantine import Quarantined, Reason
from curator.policy.gates import Handling

STAGE = "release"
SEALED_FOR = "source"
"""The purpose under which source references are sealed."""
SETTLED = frozenset({Reason.FACE_DOUBTFUL, Reason.FACE_UNPROVEN})
"""What looking again at the same files by the same rules would find again."""
_ASKED_AGAIN = 512


class Recorder:
    """One run's memory: what was released before, and what this run releases and holds."""

    def __init__(
        self, context: JobContext, settings: ReleaseSettings, *, plan: Plan, scanned: Sequence[Scanned]
    ) -> None:
        self.reasons: Counter[Reason] = Counter()
        self.new_count = 0
        self.uid: Callable[[str], str] = str if "retain-uids" in settings.options else context.pseudonyms.uid
        self._context = context
        self._settings = settings
        self._identifiers = plan.identifiers
        self._looked = plan.looked
        self._storage = LocalDisk(context.released)
        self._digest = rule_digest(context, settings)
        self._known_digest = cache(self._digest_of_known)
        self._held_beside = cache(self._beside_of_held)
        # Files of a person lie together, and each is asked for several times.
        self._alias = lru_cache(maxsize=_ASKED_AGAIN)(context.subjects.subject_of)
        self._item_id = lru_cache(maxsize=_ASKED_AGAIN)(context.pseudonyms.item_id)
        everything = context.ledger.current(STAGE)
        self._overturned = overturned_ids((one.reference for one in scanned), context.ring)
        self._left_behind = {item: row for item, row in everything.items() if item in self._overturned}
        current = {item: row for item, row in everything.items() if item not in self._overturned}
        self._before = {item_id: row for item_id, row in current.items() if row.rule_digest == self._digest}
        self._content = {item_id: _content(row) for item_id, row in current.items()}
        self._places = self._placed(plan, scanned, {item: row.output_path for item, row in current.items()})
        with context.engine.connect() as connection:
            self._recorded = {path: uid for uid, path in released_paths(connection).items()}
        self._released = Positions()

    @property
    def released_count(self) -> int:
        """How many instances are released, by this run or before."""
        return len(self._released)

    def released_among(self, sources: Iterable[SourceInstance]) -> frozenset[str]:
        """The replaced SOP Instance UIDs of those of `sources` that are released."""
        return frozenset(uid for source in sources if (uid := self.uid(source.SOPInstanceUID)) in self._released)

    def is_released(self, uid: str) -> bool:
        """Whether the instance with this source UID is released, by this run so far or found done by it."""
        return self.uid(uid) in self._released

    def begin(self, holds: Sequence[Held]) -> None:
        """Take back what will lie elsewhere, and record what the plan holds, in one transaction.

        What was done under a retired key is taken back too: its items go by other names now.
        """
        entries = {entry.item_id for entry in self._context.ledger.quarantined() if entry.stage == STAGE}
        with self._context.ledger.batch() as batch:
            left_behind = {row.output_path for row in self._left_behind.values() if row.output_path}
            self._withdraw(batch, self._places.moved() | left_behind)
            for item_id in sorted(self._left_behind.keys() | (entries & self._overturned)):
                batch.clear_quarantine(item_id)
                batch.record_superseded(STAGE, item_id)
            self._hold(batch, holds)

    def hold(self, holds: Sequence[Held]) -> None:
        """Items that are held back, in one transaction; nothing for none."""
        if holds:
            with self._context.ledger.batch() as batch:
                self._hold(batch, holds)

    def is_done(self, source: SourceInstance, beside: str = "") -> bool:
        """Whether the instance lies released already, made from the same bytes, rules, identifiers and other files.

        It is then counted as released.
        """
        is_made = self.is_made(source, beside)
        if is_made:
            self._released.add(self.uid(source.SOPInstanceUID), 0)
        return is_made

    def is_made(self, source: SourceInstance, beside: str = "") -> bool:
        """As `is_done`, and nothing is counted."""
        item_id = self._item_id(source.reference)
        row = self._before.get(item_id)
        if row is None or row.status is not WorkStatus.DONE or row.detail != self._fingerprint(source, beside):
            return False
        if row.output_path != self._place(source) or row.output_path not in self._recorded:
            return False
        return self._storage.exists(row.output_path)

    def settled(self, source: SourceInstance, beside: str) -> Held | None:
        """The instance as it was held for its face, where it was by these rules and from the same files; else None.

        To look again would take half a minute and come to the same.
        """
        item_id = self._item_id(source.reference)
        row = self._before.get(item_id)
        if row is None or row.status is not WorkStatus.QUARANTINED or row.reason not in SETTLED:
            return None
        return held(source, row.reason, row.detail) if self._held_beside().get(item_id) == beside else None

    def is_contested(self, source: SourceInstance) -> bool:
        """Whether another job released the same SOP Instance UID already; what came later is then held.

        Only while the other job's file exists: the steward decides by removing one of the two.
        """
        rivals = self._places.rivals(self._item_id(source.reference))
        if not rivals:
            return False
        if all(self._content[item_id] == source.content_id for item_id in rivals):
            self.hold([held(source, Reason.DUPLICATE_CONTENT, "another job released the same bytes")])
        else:
            self.hold([held(source, Reason.SOP_INSTANCE_UID_CONFLICT, "another job released other content")])
        return True

    def task(self, source: SourceInstance, *, beside: str = "", zones: tuple[str, ...] = ()) -> ReleaseTask:
        """What a worker is given; see `ReleaseTask`."""
        if source.subject is None:
            raise ItemError(Reason.PATIENT_ID_MISSING)
        return ReleaseTask(
            settings=self._settings,
            source=source,
            alias=self._alias(source.subject),
            identifiers=self._of_person(source),
            handling=self._looked.get(source.reference, Handling.PASS),
            zones=zones,
            beside=beside,
        )

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """A group of results, in one transaction; nothing for none."""
        if not outcomes:
            return
        with self._context.ledger.batch() as batch:
            written = [outcome.record for outcome in outcomes if outcome.record is not None]
            contradictions = clashes(batch.connection, written)
            kept: list[ReleasedInstance] = []
            holds: list[Held] = []
            for outcome in outcomes:
                record = outcome.record
                if outcome.evidence is not None:
                    batch.record_evidence(self._item_id(outcome.source.reference), outcome.evidence)
                reason = outcome.reason if record is None else contradictions.get(record.SOPInstanceUID)
                if reason is not None:
                    holds.append(held(outcome.source, reason, outcome.detail))
                elif record is not None:
                    self._keep(batch, outcome.source, record, outcome.beside)
                    batch.record_applied(self._item_id(outcome.source.reference), outcome.applied)
                    kept.append(record)
            # All at once: the catalogue asks its questions by group, not by instance.
            self._hold(batch, holds)
            record_instances(batch.connection, kept)

    def discard(self, source: SourceInstance) -> None:
        """Remove what a worker that ended may have written of an instance: nobody says that it is proven."""
        self._storage.remove(self._place(source))

    def forget_gone(self) -> None:
        """Clear the quarantine of files that lay under this job's paths and do so no more."""
        entries = [entry for entry in self._context.ledger.quarantined() if entry.stage == STAGE]
        gone = [
            entry.item_id for entry in entries if entry.item_id not in self._places.scan.items and self._is_ours(entry)
        ]
        if gone:
            with self._context.ledger.batch() as batch:
                for item_id in gone:
                    batch.clear_quarantine(item_id)
                    batch.record_superseded(STAGE, item_id)

    def _placed(self, plan: Plan, scanned: Sequence[Scanned], paths: dict[str, str]) -> Places:
        scan = self._scan_of(plan, scanned)
        earlier = {item_id: path for item_id, path in paths.items() if path}
        contested = (
            item_id
            for path, owners in owners_of(earlier).items()
            if scan.paths.find(path)
            for item_id in owners
            if item_id not in scan.items
        )
        return Places(scan=scan, earlier=earlier, elsewhere=frozenset(filter(self._still_exists, contested)))

    def _scan_of(self, plan: Plan, scanned: Sequence[Scanned]) -> Scan:
        def path_of(number: int) -> str | None:
            one = scanned[number]
            if isinstance(one, Held):
                return None
            # Triage may have completed the issuer of a person in the plan.
            source = plan.found.candidate(one) if candidates[number] else one
            return self._place(source) if self._patient_code(source) else None

        candidates = bytearray(len(scanned))
        for number in plan.numbers:
            candidates[number] = True
        items, places = Positions(), Positions()
        for number, one in enumerate(scanned):
            items.add(self._item_id(one.reference), number)
            path = path_of(number)
            if path is not None:
                places.add(path, number)
        return Scan(items=items, paths=places, path_of=path_of, candidates=candidates)

    def _place(self, source: SourceInstance) -> str:
        return released_path(
            self._patient_code(source),
            self.uid(source.StudyInstanceUID),
            self.uid(source.SeriesInstanceUID),
            self.uid(source.SOPInstanceUID),
        )

    def _still_exists(self, item_id: str) -> bool:
        row = self._context.ledger.source(item_id)
        return row is not None and os.path.lexists(self._context.seal.open(row.sealed_source, purpose=SEALED_FOR))

    def _is_ours(self, entry: Quarantined) -> bool:
        reference = Path(self._context.seal.open(entry.sealed_source, purpose=SEALED_FOR))
        return any(reference.is_relative_to(root) for root in self._context.job.paths)

    def _keep(self, batch: LedgerBatch, source: SourceInstance, record: ReleasedInstance, beside: str) -> None:
        item_id = self._item_id(source.reference)
        self._released.add(record.SOPInstanceUID, 0)
        self.new_count += 1
        for other in self._places.gone(item_id):
            batch.record_superseded(STAGE, other)
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
                detail=self._fingerprint(source, beside),
            )
        )

    def _hold(self, batch: LedgerBatch, holds: Sequence[Held]) -> None:
        left = (self._places.left_by(self._item_id(one.reference)) for one in holds)
        self._withdraw(batch, frozenset().union(*left))
        for one in holds:
            self._hold_one(batch, one)

    def _hold_one(self, batch: LedgerBatch, one: Held) -> None:
        item_id = self._item_id(one.reference)
        self.reasons[one.reason] += 1
        for other in self._places.gone(item_id):
            batch.record_superseded(STAGE, other)
        entry = Quarantined(
            item_id=item_id,
            reason=one.reason,
            stage=STAGE,
            content_id=one.content_id,
            sealed_source=self._sealed(one.reference),
            detail=one.detail,
        )
        batch.record_quarantine(entry, rule_digest=self._digest)

    def _withdraw(self, batch: LedgerBatch, paths: Iterable[str]) -> None:
        """Take files out of the release and the catalogue; what is not there is no error."""
        uids: list[str] = []
        for path in sorted(paths):
            self._storage.remove(path)
            uid = self._recorded.pop(path, None)
            if uid is not None:
                uids.append(uid)
        forgotten = forget_instances(batch.connection, uids)
        if forgotten:
            batch.record_event("withdrawn", stage=STAGE, instances=forgotten)

    def _sealed(self, reference: str) -> bytes:
        return self._context.seal.seal(reference, purpose=SEALED_FOR)

    def _patient_code(self, source: SourceInstance) -> str:
        """The person's code; "" where there is none, or none may stand for them."""
        try:
            return self._alias(source.subject).patient_code if source.subject is not None else ""
        except ItemError:
            return ""

    def _of_person(self, source: SourceInstance) -> frozenset[Identifier]:
        return self._identifiers.get(self._patient_code(source), frozenset())

    def _fingerprint(self, source: SourceInstance, beside: str) -> str:
        """Keyed digests of the bytes and of what was searched in them: when either changes, the item is done again.

        So are those of other files that had a say.

        And the key's public name with its epoch, so that it is known under which each output was made.
        """
        known = self._known_digest(self._patient_code(source))
        other = f"+{beside}" if beside else ""
        return f"{source.content_id}:{known}{self._counted_from(source)}{other}:{made_under(self._context.key)}"

    def _counted_from(self, source: SourceInstance) -> str:
        """A keyed digest of the event from which days are counted, "" where they are not."""
        try:
            alias = self._alias(source.subject) if source.subject is not None else None
        except ItemError:
            return ""
        if alias is None or alias.origin is None:
            return ""
        said = f"{alias.origin.event_type} {alias.origin.day} {alias.shift_days}"
        return "." + self._context.pseudonyms.item_id(said)

    def _beside_of_held(self) -> dict[str, str]:
        with self._context.engine.connect() as connection:
            return beside_of_held(connection, STAGE, SETTLED)

    def _digest_of_known(self, patient_code: str) -> str:
        known = sorted(self._identifiers.get(patient_code, frozenset()))
        return self._context.pseudonyms.item_id("\n".join(f"{one.kind}:{one.value}" for one in known))


def _content(row: WorkRow) -> str:
    return row.detail.partition(":")[0]
