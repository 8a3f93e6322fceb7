"""What a key holder does by hand: rotate, destroy, lead a code back to a person, and look at the log of it.

The law: each act needs the key and a reason, and stands in the audit log before it is done. The log holds codes, key
ids and reasons, never an original and never who asked; the time is the caller's clock.

Sources: ISO 25237 (controlled re-identification); NIST SP 800-57 1 5.3.5 (cryptoperiods), 8.3.4 (destruction).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curator.adapters.escrow import Entry, Escrow
from curator.adapters.keyfile import Keyfile, new_secret, refuse_placement
from curator.errors import KeyMaterialError, KeyPlacementError, RefusedError, UsageError
from curator.identity.pseudonyms import Pseudonyms, is_uid, normalized_subject
from curator.identity.ring import rotated, with_newest_wrapping, with_wrapping, without_epoch
from curator.jobs.context import alone_in
from curator.jobs.key_log import Clock, forget_sources, forget_unreadable, log, outputs_by_key
from curator.jobs.release.made import made_under
from curator.jobs.subjects import PERSON, UID, spellings
from curator.jobs.workspace import CONFIGURATION, Workspace
from curator.model.identity import IdentifierKind, SubjectKey
from curator.model.keys import Key, KeyRing

_NAMING = frozenset({IdentifierKind.PERSON_NAME, IdentifierKind.ID})
_SHORTEST_NAME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochState:
    """One epoch of a ring: `active`, `retired` or `shredded`; `outputs` of the workspace were made under it."""

    epoch: int
    key_id: str
    state: str
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What one code stands for, in one of the spellings that were met; of a UID only `uid` is said."""

    code: str
    patient_id: str = field(repr=False, default="")
    issuer: str = field(repr=False, default="")
    name: str = field(repr=False, default="")
    uid: str = field(repr=False, default="")


def make_key_file(path: Path, *, domain: str, what_if: bool = False) -> Key | None:
    """A new key in a new file; None where only asked what would be.

    Raises:
        KeyPlacementError: it would lie in a workspace or in a git checkout.
        KeyMaterialError: something lies there already, or the file cannot be made.
    """
    path = path.absolute()
    refuse_placement(path, forbidden=())
    if any((parent / CONFIGURATION).exists() for parent in path.resolve().parents):
        raise KeyPlacementError("the key file may not lie in a workspace: who gets the workspace gets it")
    if what_if:
        if path.exists() or path.is_symlink():
            raise KeyMaterialError("the key file exists already; a key is never overwritten")
        return None
    return Keyfile(path).create(domain=domain)


def epochs(workspace: Workspace) -> tuple[EpochState, ...]:
    """All epochs of the workspace's ring, oldest first.

    Raises:
        RefusedError: the key cannot be used.
    """
    ring = workspace.load_ring()
    counts = outputs_by_key(workspace)
    found = [
        EpochState(
            epoch=key.epoch,
            key_id=key.key_id,
            state="active" if key == ring.active else "retired",
            outputs=counts[made_under(key)],
        )
        for key in ring.keys
    ]
    found += [
        EpochState(epoch=one.epoch, key_id=one.key_id, state="shredded", outputs=counts[f"{one.key_id}/{one.epoch}"])
        for one in ring.shredded
    ]
    return tuple(sorted(found, key=lambda one: one.epoch))


def rotate(workspace: Workspace, *, reason: str, now: Clock) -> Key:
    """The new active key. The next run of each job makes its outputs anew under it; earlier keys stay readable.

    Raises:
        RefusedError: no reason, one that names a person, or the key cannot be used.
        UsageError: a job is running.
    """
    with alone_in(workspace):
        ring = _permitted(workspace, reason)
        later = rotated(ring, new_secret())
        named = {"from": ring.active.key_id, "to": later.active.key_id}
        log(workspace, "keys-rotate", {**named, "epoch": later.active.epoch, "reason": reason}, now)
        Keyfile(workspace.key_file).replace(later)
        workspace.renamed_key(later.active.key_id)
    return later.active


def rotate_wrapping(workspace: Workspace, *, reason: str, now: Clock) -> int:
    """How many data keys of the escrow were wrapped anew under a new wrapping key; the one before is destroyed.

    Raises:
        RefusedError: no reason, one that names a person, or the key or the escrow cannot be used.
        UsageError: a job is running.
    """
    with alone_in(workspace):
        ring = _permitted(workspace, reason)
        log(workspace, "keys-rotate-wrapping", {"reason": reason, "from": ring.wrapping[-1].key_id}, now)
        return _wrapped_anew(workspace, ring)


def shred_epoch(workspace: Workspace, epoch: int, *, reason: str, now: Clock) -> int:
    """Destroy a retired epoch's secret and all that only it opens; of how many people the escrow knew under it.

    What that achieves and what not: see `curator.adapters.escrow`. Done again, it does what is left to do: other
    workspaces that share the key file have rows in their own ledgers.

    Raises:
        RefusedError: it is the active epoch; no reason, one that names a person; the key cannot be used.
        UsageError: no such epoch; a job is running.
    """
    with alone_in(workspace):
        ring = _permitted(workspace, reason)
        later = without_epoch(ring, epoch)
        log(workspace, "keys-shred-epoch", {"reason": reason, "epoch": epoch}, now)
        if later != ring:
            Keyfile(workspace.key_file).replace(later)
            if workspace.key_id != later.active.key_id:
                workspace.renamed_key(later.active.key_id)
        count = workspace.escrow(later).forget_epoch(epoch)
        forget_unreadable(workspace, later)
    return count


def shred_person(workspace: Workspace, code: str, *, reason: str, now: Clock) -> int:
    """Destroy what leads from a patient's code back to them, in every epoch; how many rows of the escrow went.

    The wrapping key is replaced with it, so that copies of the escrow do not open either. What that achieves and what
    not: see `curator.adapters.escrow`. Their source files are held back from then on and what was released of them is
    taken back by the next run that meets those files; where codes are drawn they would come as somebody new.

    Raises:
        RefusedError: no reason, one that names a person; the key or the escrow cannot be used.
        UsageError: the escrow does not know the code; a job is running.
    """
    with alone_in(workspace):
        ring = _permitted(workspace, reason)
        escrow = workspace.escrow(ring)
        people = _same_person(escrow, code)
        log(workspace, "keys-shred-person", {"reason": reason, "codes": " ".join(sorted({c for _, c in people}))}, now)
        gone = escrow.shred(people)
        _wrapped_anew(workspace, ring)
        forget_sources(workspace, {one for _, one in people})
    return gone


def would_shred(workspace: Workspace, *, epoch: int | None = None, code: str | None = None) -> int:
    """How many people the escrow knows under the retired epoch, or 1 where it knows the code's person.

    Raises:
        RefusedError: it is the active epoch; the key or the escrow cannot be used.
        UsageError: no such epoch or code.
    """
    ring = workspace.load_ring()
    escrow = workspace.escrow(ring)
    if epoch is not None:
        without_epoch(ring, epoch)
        return sum(1 for at, _ in escrow.people() if at == epoch)
    return 1 if _same_person(escrow, code or "") else 0


def reidentify(workspace: Workspace, codes: Sequence[str], *, reason: str, now: Clock) -> tuple[Original, ...]:
    """Who or what each code stands for, in the order asked; a person has one row for each spelling that was met.

    Raises:
        RefusedError: no reason, one that names a person; the key or the escrow cannot be used.
        UsageError: a code is not in the escrow; the sentence says which by its number, for it may be an original.
    """
    ring = _permitted(workspace, reason)
    escrow = workspace.escrow(ring)
    found: list[Original] = []
    for number, code in enumerate(codes, start=1):
        rows = _originals(escrow, code)
        if not rows:
            log(workspace, "keys-reidentify-unknown", {"reason": reason, "asked": len(codes)}, now)
            raise UsageError(f"code {number} of {len(codes)} is not in the escrow: never given, or destroyed")
        found += rows
    asked = " ".join(dict.fromkeys(codes))
    log(workspace, "keys-reidentify", {"reason": reason, "codes": asked, "key": ring.active.key_id}, now)
    return tuple(found)


def _permitted(workspace: Workspace, reason: str) -> KeyRing:
    """The keys, for who gives a reason that may stand in the log."""
    if not reason.strip():
        raise RefusedError("this needs --reason: it will stand in the audit log")
    ring = workspace.load_ring()
    words = set(re.findall(r"\w+", reason.casefold()))
    known = workspace.vault(Pseudonyms(ring.active)).recall().values()
    naming = {one.value.casefold() for people in known for one in people if one.kind in _NAMING}
    for value in naming:
        parts = {part for part in re.findall(r"\w+", value) if len(part) >= _SHORTEST_NAME}
        if parts & words or (len(value) >= _SHORTEST_NAME and value in reason.casefold()):
            raise RefusedError("the reason names a person; the audit log may not: say it with a code")
    return ring


def _wrapped_anew(workspace: Workspace, ring: KeyRing) -> int:
    """Between the steps both wrapping keys are in the file: whenever this stops, every data key opens."""
    store, later = Keyfile(workspace.key_file), with_wrapping(ring, new_secret())
    store.replace(later)
    count = workspace.escrow(later).rewrap()
    store.replace(with_newest_wrapping(later))
    return count


def _originals(escrow: Escrow, code: str) -> list[Original]:
    if is_uid(code):
        found = {entry.text for entry in escrow.read(UID, name=code)}
        return [Original(code=code, uid=uid) for uid in sorted(found)]
    spelt = sorted({one for entry in escrow.read(PERSON, code=code) for one in spellings(entry)})
    return [Original(code=code, patient_id=patient, issuer=issuer, name=name) for patient, issuer, name in spelt]


def _same_person(escrow: Escrow, code: str) -> set[tuple[int, str]]:
    """Epoch and code of a person wherever the escrow knows them."""
    by_subject: defaultdict[SubjectKey, set[tuple[int, str]]] = defaultdict(set)
    for entry in escrow.read(PERSON):
        for subject in _subjects(entry):
            by_subject[subject].add((entry.epoch, entry.code))
    same = {one for people in by_subject.values() if any(known == code for _, known in people) for one in people}
    if not same:
        raise UsageError("the escrow knows no such code: never given, or destroyed")
    return same


def _subjects(entry: Entry) -> set[SubjectKey]:
    return {normalized_subject(SubjectKey(patient_id, issuer)) for patient_id, issuer, _ in spellings(entry)}
