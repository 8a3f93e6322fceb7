"""What recipes let stay that the profile would not, in the audit log.

The law: it is written before anything is released under the recipe, once for each policy, and a report can find it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from curator.jobs import audit
from curator.jobs.context import JobContext

EVENT = "weakened"
_POLICY = "policy"


def record_weakened(context: JobContext, policy_digest: str, sentences: Sequence[str]) -> None:
    """Write the sentences of a policy into the audit log, where they do not stand there yet; nothing for none."""
    with context.engine.connect() as connection:
        if not sentences or policy_digest in weakened_under(connection):
            return
    numbered = {f"sentence_{number:03d}": sentence for number, sentence in enumerate(sentences, start=1)}
    with context.ledger.batch() as batch:
        batch.record_event(EVENT, **{_POLICY: policy_digest, **numbered})


def weakened_under(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """The sentences by the digest of their policy; nothing where no recipe was weaker than its profile."""
    return {
        str(entry.fields[_POLICY]): tuple(str(entry.fields[name]) for name in sorted(entry.fields) if name != _POLICY)
        for entry in audit.entries(connection)
        if entry.event == EVENT
    }
