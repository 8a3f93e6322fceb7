"""The quarantine as a steward reads it.

The law: where an item came from is shown only to who holds the key, on request.
"""

from __future__ import annotations

from curator.errors import UsageError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.sealing import Seal
from curator.jobs.release.record import SEALED_FOR
from curator.jobs.status import ledger_of
from curator.jobs.workspace import Workspace
from curator.model.quarantine import REMEDY, Reason
from curator.strict import nearest


def quarantine_rows(workspace: Workspace, *, reason: str | None = None, reveal: bool = False) -> list[dict[str, str]]:
    """One row an item, sorted by reason and item; empty where nothing is held back.

    Raises:
        UsageError: no such reason code.
        KeyMaterialError: `reveal` without the workspace's key.
    """
    codes = [one.value for one in Reason]
    if reason is not None and reason not in codes:
        raise UsageError(f"no reason code {reason!r}{nearest(reason, codes)}")
    seal = _seal(workspace) if reveal else None
    with ledger_of(workspace) as ledger:
        held = ledger.quarantined() if ledger is not None else []
    entries = [entry for entry in held if reason in (None, entry.reason.value)]
    return [
        {
            "item": entry.item_id,
            "reason": entry.reason.value,
            "stage": entry.stage,
            "detail": entry.detail,
            "remedy": REMEDY[entry.reason],
            **({"source": seal.open(entry.sealed_source, purpose=SEALED_FOR)} if seal is not None else {}),
        }
        for entry in sorted(entries, key=lambda entry: (entry.reason.value, entry.item_id))
    ]


def _seal(workspace: Workspace) -> Seal:
    ring = workspace.load_ring()
    return Seal(Pseudonyms(ring.active), retired=map(Pseudonyms, ring.retired))
