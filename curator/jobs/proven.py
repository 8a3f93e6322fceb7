"""What the last proof over a release came to, in the audit log.

The law: a proof that says what the last one said is not written again, so a job that is done leaves the database as it
was; a proof stands for the release it was made of and for no other.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from curator.catalog.query import release_digest
from curator.deid.verify import Defect
from curator.jobs import audit
from curator.jobs.context import JobContext
from curator.jobs.proof import Proof
from curator.jobs.withdrawal import Withdrawn
from curator.model.summary import Tally, Verification

EVENT = "verified"


def record_proof(context: JobContext, proof: Proof, withdrawn: Withdrawn) -> None:
    """Write what a proof came to into the audit log, where it differs from what the last one came to."""
    defects = Counter(one.defect for one in proof.findings)
    with context.engine.connect() as connection:
        fields: dict[str, audit.Value] = {
            "files": proof.files,
            "remaining": len(withdrawn.remaining),
            "withdrawn": withdrawn.count,
            "references_resolved": proof.references_resolved,
            "references_outside": proof.references_outside,
            "release": release_digest(connection),
            **{f"defect_{defect}": count for defect, count in sorted(defects.items())},
        }
        if fields == _last(connection):
            return
    with context.ledger.batch() as batch:
        batch.record_event(EVENT, **fields)


def last_proof(connection: Connection) -> Verification | None:
    """The last proof; None where there was none, or the release is another one by now."""
    fields = _last(connection)
    if not fields or fields["release"] != release_digest(connection):
        return None
    counts = {defect.value: fields.get(f"defect_{defect.value}") for defect in Defect}
    return Verification(
        files=_count(fields, "files"),
        residuals=_count(fields, "remaining"),
        by_defect=tuple(Tally(name, int(count)) for name, count in sorted(counts.items()) if count is not None),
        withdrawn=_count(fields, "withdrawn"),
        references_resolved=_count(fields, "references_resolved"),
        references_outside=_count(fields, "references_outside"),
    )


def _last(connection: Connection) -> dict[str, audit.Value]:
    found = (entry.fields for entry in reversed(audit.entries(connection)) if entry.event == EVENT)
    return dict(next(found, {}))


def _count(fields: dict[str, audit.Value], name: str) -> int:
    return int(fields[name])
