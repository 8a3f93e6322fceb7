"""Who stands for whom in a workspace, and what the escrow learns of it.

The law: a person's alias is settled before anything of theirs is written, and by the job's own process.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from curator.adapters.escrow import Entry, Escrow
from curator.adapters.mapping_file import read_mapping
from curator.adapters.subjects import DerivedSubjects, DrawnSubjects, ListedSubjects
from curator.errors import KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.workspace import KeyMode, Workspace
from curator.model.instance import SourceInstance
from curator.model.keys import KeyRing
from curator.policy.dates import longest_shift_weeks
from curator.ports import Subjects

PERSON = "person"
"""The kind of the escrow's entries that say who a code stands for: a list of [Patient ID, issuer, name] as spelt."""
UID = "uid"
"""The kind of those that say which UID was replaced; the replacement is their name."""

Spelling: TypeAlias = tuple[str, str, str]


def subjects_of(workspace: Workspace, ring: KeyRing, rules: Path, *, kept: bool = True) -> Subjects:
    """What gives people their aliases, as the workspace is set up; `kept` is False for a rehearsal.

    Raises:
        RefusedError: the escrow or the mapping file cannot be used, or lies where data may leave.
        ConfigurationError: the mapping file is wrong.
    """
    escrow, epoch = workspace.escrow(ring), ring.active.epoch
    longest_weeks = longest_shift_weeks(rules)
    escrow.verify()
    if workspace.mode is KeyMode.RANDOM:
        return DrawnSubjects(escrow, epoch=epoch, longest_weeks=longest_weeks, kept=kept)
    pseudonyms = Pseudonyms(ring.active)
    shredded = frozenset(code for at, code in escrow.shredded() if at == epoch)
    if workspace.mapping_file is None:
        return DerivedSubjects(pseudonyms, longest_weeks=longest_weeks, shredded=shredded)
    codes = read_mapping(workspace.mapping_file, forbidden=workspace.forbidden_for_keys)
    return ListedSubjects(codes, pseudonyms, longest_weeks=longest_weeks, shredded=shredded)


def require_drawn(codes: Iterable[str], workspace: Workspace, ring: KeyRing) -> None:
    """Refuse to go on where codes are drawn and the escrow lacks some of the `codes` that stand in outputs.

    Drawn again, one person would be two.

    Raises:
        KeyMaterialError: it lacks them: the escrow was lost, or is an older copy.
    """
    if workspace.mode is not KeyMode.RANDOM:
        return
    escrow, epoch = workspace.escrow(ring), ring.active.epoch
    known = {code for at, code in escrow.people() if at == epoch}
    if not known.issuperset(codes):
        raise KeyMaterialError("the escrow beside the key lacks codes that were drawn: lost, or an older copy of it")


def person_entries(people: Iterable[tuple[str, SourceInstance]], escrow: Escrow, *, epoch: int) -> Iterator[Entry]:
    """Who each code stands for, what was known before included; nothing for nobody."""
    spelt: defaultdict[str, set[Spelling]] = defaultdict(set)
    for entry in escrow.read(PERSON):
        if entry.epoch == epoch:
            spelt[entry.code].update(spellings(entry))
    for code, source in people:
        if source.subject is not None:
            spelt[code].add((source.subject.patient_id, source.subject.issuer, source.PatientName))
    for code in sorted(spelt):
        yield Entry(epoch, code, PERSON, text=json.dumps(sorted(spelt[code])))


def uid_entries(people: Iterable[tuple[str, SourceInstance]], pseudonyms: Pseudonyms, *, epoch: int) -> Iterator[Entry]:
    """Which UID of each instance was replaced by which."""
    for code, source in people:
        own = (
            source.StudyInstanceUID,
            source.SeriesInstanceUID,
            source.SOPInstanceUID,
            source.FrameOfReferenceUID,
            *source.references,
        )
        for uid in sorted(set(filter(None, own))):
            if pseudonyms.uid(uid) != uid:
                yield Entry(epoch, code, UID, pseudonyms.uid(uid), uid)


def spellings(entry: Entry) -> list[Spelling]:
    """Patient ID, issuer and name of an entry of the kind `PERSON`, each as it was spelt."""
    return [(str(patient_id), str(issuer), str(name)) for patient_id, issuer, name in json.loads(entry.text)]
