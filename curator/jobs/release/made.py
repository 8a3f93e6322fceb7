"""Under which rules and which key an output was made.

The law: whatever decides an output besides its file and its person is in the digest; another key is another digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from curator import __version__
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.context import JobContext
from curator.jobs.release.equipment import ReleaseSettings, policy_of
from curator.jobs.release.looking import FACE_OPTION, PIXEL_OPTION, encoder_digest, face_digest, pixel_digest
from curator.model.keys import Key, KeyRing
from curator.policy.dependents import load_dependents
from curator.policy.gates import load_gates


def made_under(key: Key) -> str:
    """How the detail of a ledger's row ends that was made under this key."""
    return f"{key.key_id}/{key.epoch}"


def overturned_ids(references: Iterable[str], ring: KeyRing) -> frozenset[str]:
    """The names that items had under retired keys; nothing where there are none."""
    earlier = [Pseudonyms(key) for key in ring.retired]
    return frozenset(one.item_id(reference) for reference in references for one in earlier) if earlier else frozenset()


def rule_digest(context: JobContext, settings: ReleaseSettings) -> str:
    """SHA-256 of everything that decides an output besides the file and its person."""
    policy = policy_of(settings)
    parts = (
        __version__,
        policy.digest,
        load_gates(context.rules).digest,
        *sorted(load_dependents(context.rules)),
        context.key.key_id,
        context.key.domain,
        context.workspace.mode,
        str(settings.longest_shift_weeks),
        encoder_digest(context.rules),
        *((pixel_digest(context.rules),) if PIXEL_OPTION in policy.options else ()),
        *(_of_faces(context.rules, settings) if FACE_OPTION in policy.options else ()),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _of_faces(rules: Path, settings: ReleaseSettings) -> tuple[str, ...]:
    wish = settings.faces
    return (face_digest(rules), wish.mode.value, f"ears {wish.ears}", f"teeth {wish.teeth}")
