"""What follows from a finding: the instance leaves the release, its item goes into quarantine with the place.

The law: what the proof found wrong is not in the release when the job ends, nor is what cannot stand without it. A
file that no job recorded is nobody's to take away: it stays a finding.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from curator.adapters.local_disk import LocalDisk
from curator.catalog.query import policy_digests, released_paths
from curator.catalog.record import forget_instances
from curator.deid.references import check_references
from curator.deid.verify import Defect
from curator.jobs.context import JobContext
from curator.jobs.ledger import LedgerBatch, WorkRow, WorkStatus
from curator.jobs.proof import Finding, Proof
from curator.jobs.release.record import STAGE
from curator.model.quarantine import Quarantined, Reason
from curator.policy.dependents import load_dependents
from curator.policy.recipe.laid import load_policy

_LOST_LINKS = frozenset({Defect.REFERENCE_MISSING.value, Defect.REFERENCE_CONTRADICTS.value})
# Whose fault it is that a file is there twice cannot be told from the files.
_OF_NO_CONSEQUENCE = frozenset({Defect.SAME_INSTANCE_TWICE.value})
# What another job's options allowed is for that job to judge.
_BY_THE_OPTIONS = frozenset({Defect.FOREIGN_UID.value, Defect.PRIVATE_ELEMENT.value})
_MOST_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What was taken back, by reason, and which findings are about files that stay."""

    reasons: Mapping[Reason, int] = field(default_factory=dict)
    remaining: tuple[Finding, ...] = ()

    @property
    def count(self) -> int:
        """How many instances were taken back."""
        return sum(self.reasons.values())


def withdraw(context: JobContext, proof: Proof) -> Withdrawn:
    """Take back everything that a proof found wrong, in one transaction; nothing for no findings."""
    if not proof.findings:
        return Withdrawn()
    rows = {
        row.output_path: row
        for row in context.ledger.current(STAGE).values()
        if row.status is WorkStatus.DONE and row.output_path
    }
    wrong = _consequential(context, proof, rows)
    _spread(context, proof, wrong, rows)
    taken = {path: rows[path] for path in sorted(wrong)}
    reasons: Counter[Reason] = Counter()
    if taken:
        with context.ledger.batch() as batch:
            uids = {path: uid for uid, path in released_paths(batch.connection).items()}
            for path, row in taken.items():
                reasons[_take_back(context, batch, row, findings=wrong[path])] += 1
            forget_instances(batch.connection, (uids[path] for path in taken if path in uids))
            batch.record_event("withdrawn", stage="verify", instances=len(taken))
    gone = {finding for findings in wrong.values() for finding in findings}
    return Withdrawn(
        reasons={reason: reasons[reason] for reason in Reason if reasons[reason]},
        remaining=tuple(finding for finding in proof.findings if finding not in gone),
    )


def _consequential(context: JobContext, proof: Proof, rows: Mapping[str, WorkRow]) -> defaultdict[str, list[Finding]]:
    """Findings that a recorded instance has to go for, by its path."""
    job = context.job
    policy = load_policy(context.rules, profile=job.profile, options=job.options, recipe=job.recipe)
    with context.engine.connect() as connection:
        made_under = policy_digests(connection)
    by_keyed_name = {context.pseudonyms.item_id(path): path for path in rows}
    wrong: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in proof.findings:
        path = finding.file if finding.file in rows else by_keyed_name.get(finding.file)
        if path is None or finding.defect in _OF_NO_CONSEQUENCE:
            continue
        if finding.defect in _BY_THE_OPTIONS and made_under.get(path) != policy.digest:
            continue
        wrong[path].append(finding)
    return wrong


def _spread(
    context: JobContext, proof: Proof, wrong: defaultdict[str, list[Finding]], rows: Mapping[str, WorkRow]
) -> None:
    """Add to `wrong` what cannot stand without what is in it already, until nothing new is found."""
    needs_images = load_dependents(context.rules).__contains__
    while True:
        left = (links for links in proof.links if links.file not in wrong)
        lost = check_references(left, needs_images=needs_images).wrong
        found = {
            path: [Finding(file=path, defect=one.defect.value, place=one.place) for one in defects]
            for path, defects in lost.items()
            if path in rows and any(one.defect.value in _LOST_LINKS for one in defects)
        }
        if not found:
            return
        for path, findings in found.items():
            wrong[path] += findings


def _take_back(context: JobContext, batch: LedgerBatch, row: WorkRow, *, findings: Iterable[Finding]) -> Reason:
    LocalDisk(context.released).remove(row.output_path)
    source = context.ledger.source(row.item_id)
    said = list(dict.fromkeys(f"{one.defect} in {one.place}" for one in findings))
    is_link = all(one.defect in _LOST_LINKS for one in findings)
    reason = Reason.REFERENCE_UNRESOLVED if is_link else Reason.RESIDUAL_IDENTIFIER
    entry = Quarantined(
        item_id=row.item_id,
        reason=reason,
        stage=STAGE,
        content_id=source.content_id if source is not None else "",
        sealed_source=source.sealed_source if source is not None else b"",
        detail="; ".join(said[:_MOST_PLACES]) + (f"; and {len(said) - _MOST_PLACES} more" * (len(said) > _MOST_PLACES)),
    )
    batch.record_quarantine(entry, rule_digest=row.rule_digest)
    return reason
