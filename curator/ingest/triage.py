"""What can be told only from all files together: duplicates and contradictions.

The law: every file that goes in comes out once, as a candidate or held, and the order of files has no say. Where files
contradict each other all of them are held: which one is right is not ours to guess.

A file costs 88 bytes of memory while all are compared, and a study what it says of its patient.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from curator.identity.pseudonyms import normalized_id
from curator.ingest.scanned import Held, Scanned, held
from curator.model.identity import SubjectKey
from curator.model.instance import SourceInstance
from curator.model.positions import Positions
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True)
class Triage:
    """Instances to go on with and files held, both sorted by reference."""

    candidates: tuple[SourceInstance, ...]
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What all files together say of each.

    `reasons` says by number why an instance is held. `subjects` is by study whose it is, as the instances that are no
    duplicates say it, `everybody` as all say it; None where two are named or none.
    """

    reasons: Mapping[int, Reason]
    subjects: Mapping[str, SubjectKey | None] = field(repr=False)
    everybody: Mapping[str, SubjectKey | None] = field(repr=False)

    def candidate(self, one: SourceInstance) -> SourceInstance:
        """An instance that goes on; without an issuer it takes the one that the rest of its study names."""
        return _completed(one, self.subjects[one.StudyInstanceUID])

    def person(self, one: SourceInstance) -> SourceInstance:
        """Any instance, completed as everything that was scanned says, also what is held."""
        return _completed(one, self.everybody[one.StudyInstanceUID])


def triage(scanned: Sequence[Scanned]) -> Triage:
    """Sort `scanned` out; two empty tuples for nothing.

    An instance has one reason, the first of: DUPLICATE_CONTENT (all but the first reference of equal bytes),
    SOP_INSTANCE_UID_CONFLICT, PATIENT_ID_MISSING, PATIENT_ID_CONFLICT. A candidate without an issuer takes the one that
    the rest of its study names, so that one person keeps one code.
    """
    ordered = sorted(scanned, key=_reference)
    found = verdicts(ordered)
    holds: list[Held] = []
    candidates: list[SourceInstance] = []
    for number, one in enumerate(ordered):
        if isinstance(one, Held):
            holds.append(one)
        elif number in found.reasons:
            holds.append(held(one, found.reasons[number]))
        else:
            candidates.append(found.candidate(one))
    return Triage(tuple(candidates), tuple(holds))


def verdicts(scanned: Iterable[Scanned]) -> Verdicts:
    """The verdicts on files that come sorted by reference; they are looked at once."""
    seen = _Seen()
    for number, one in enumerate(scanned):
        if isinstance(one, SourceInstance):
            seen.add(number, one)
    return seen.verdicts()


def with_study_issuers(instances: Sequence[SourceInstance]) -> tuple[SourceInstance, ...]:
    """The same instances in the same order, one without an issuer with that of its study, as `triage` gives them.

    Where a study names two persons, or nobody an issuer, they stay as they are; empty for none.
    """
    found = verdicts(instances)
    return tuple(map(found.person, instances))


class _Seen:
    """What is kept of each instance while all are compared."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._contents = Positions()
        self._uids = Positions()
        self._study_of = array("q")
        self._subject_of = array("q")
        self._studies: dict[str, int] = {}
        self._subjects: dict[SubjectKey | None, int] = {}

    def add(self, number: int, one: SourceInstance) -> None:
        """The next instance in the order of references, and its number among all files."""
        self._contents.add(one.content_id, len(self._numbers))
        self._uids.add(one.SOPInstanceUID, len(self._numbers))
        self._numbers.append(number)
        self._study_of.append(self._studies.setdefault(one.StudyInstanceUID, len(self._studies)))
        self._subject_of.append(self._subjects.setdefault(one.subject, len(self._subjects)))

    def verdicts(self) -> Verdicts:
        """What they say of each other."""
        duplicates = {at for group in self._contents.repeated() for at in group[1:]}
        everybody = self._subjects_by_study(frozenset())
        subjects = self._subjects_by_study(duplicates) if duplicates else everybody
        reasons = dict.fromkeys((self._numbers[at] for at in sorted(duplicates)), Reason.DUPLICATE_CONTENT)
        for group in self._uids.repeated():
            contested = [at for at in group if at not in duplicates]
            if len(contested) > 1:
                reasons |= dict.fromkeys((self._numbers[at] for at in contested), Reason.SOP_INSTANCE_UID_CONFLICT)
        nobody = self._subjects.get(None)
        names = list(self._studies)
        for at, number in enumerate(self._numbers):
            if number not in reasons:
                if self._subject_of[at] == nobody:
                    reasons[number] = Reason.PATIENT_ID_MISSING
                elif subjects[names[self._study_of[at]]] is None:
                    reasons[number] = Reason.PATIENT_ID_CONFLICT
        return Verdicts(reasons, subjects, everybody)

    def _subjects_by_study(self, without: set[int] | frozenset[int]) -> Mapping[str, SubjectKey | None]:
        said: defaultdict[int, set[int]] = defaultdict(set)
        for at, (study, subject) in enumerate(zip(self._study_of, self._subject_of, strict=True)):
            if at not in without:
                said[study].add(subject)
        subjects = list(self._subjects)
        return {
            name: _one_subject(subjects[subject] for subject in said[number]) for name, number in self._studies.items()
        }


def _completed(instance: SourceInstance, subject: SubjectKey | None) -> SourceInstance:
    if instance.subject is None or subject is None:
        return instance
    completed = SubjectKey(instance.subject.patient_id, subject.issuer)
    return instance if completed == instance.subject else replace(instance, subject=completed)


def _reference(scanned: Scanned) -> str:
    return scanned.reference


def _one_subject(subjects: Iterable[SubjectKey | None]) -> SubjectKey | None:
    named = [subject for subject in subjects if subject is not None]
    patients = {normalized_id(subject.patient_id) for subject in named}
    issuers = {normalized_id(subject.issuer) for subject in named} - {""}
    if len(patients) != 1 or len(issuers) > 1:
        return None
    spelt = (subject.issuer for subject in named if normalized_id(subject.issuer))
    return SubjectKey(min(subject.patient_id for subject in named), min(spelt, default=""))
