"""What can be told only from all files together: duplicates and contradictions.

The law: every file that goes in comes out once, as a candidate or held, and the order of files has no say. Where files
contradict each other all of them are held: which one is right is not ours to guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from curator.identity.pseudonyms import normalized_id
from curator.ingest.scanned import Held, Scanned, held
from curator.model.identity import SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True)
class Triage:
    """Instances to go on with and files held, both sorted by reference."""

    candidates: tuple[SourceInstance, ...]
    held: tuple[Held, ...]


def triage(scanned: Sequence[Scanned]) -> Triage:
    """Sort `scanned` out; two empty tuples for nothing.

    An instance has one reason, the first of: DUPLICATE_CONTENT (all but the first reference of equal bytes),
    SOP_INSTANCE_UID_CONFLICT, PATIENT_ID_MISSING, PATIENT_ID_CONFLICT. A candidate without an issuer takes the one that
    the rest of its study names, so that one person keeps one code.
    """
    instances = sorted((one for one in scanned if isinstance(one, SourceInstance)), key=_reference)
    holds = [one for one in scanned if isinstance(one, Held)]
    firsts, duplicates = _without_duplicates(instances)
    holds += (held(one, Reason.DUPLICATE_CONTENT) for one in duplicates)
    contested = {uid for uid, ones in _grouped(firsts, lambda one: one.SOPInstanceUID).items() if len(ones) > 1}
    subjects = _study_subjects(firsts)
    candidates: list[SourceInstance] = []
    for one in firsts:
        subject = subjects[one.StudyInstanceUID]
        if one.SOPInstanceUID in contested:
            holds.append(held(one, Reason.SOP_INSTANCE_UID_CONFLICT))
        elif one.subject is None:
            holds.append(held(one, Reason.PATIENT_ID_MISSING))
        elif subject is None:
            holds.append(held(one, Reason.PATIENT_ID_CONFLICT))
        else:
            candidates.append(_completed(one, subject))
    return Triage(tuple(candidates), tuple(sorted(holds, key=_reference)))


def with_study_issuers(instances: Sequence[SourceInstance]) -> tuple[SourceInstance, ...]:
    """The same instances in the same order, one without an issuer with that of its study, as `triage` gives them.

    Where a study names two persons, or nobody an issuer, they stay as they are; empty for none.
    """
    subjects = _study_subjects(instances)
    return tuple(_completed(one, subjects[one.StudyInstanceUID]) for one in instances)


def _completed(instance: SourceInstance, subject: SubjectKey | None) -> SourceInstance:
    if instance.subject is None or subject is None:
        return instance
    completed = SubjectKey(instance.subject.patient_id, subject.issuer)
    # A copy of each record of a large job would double what it keeps in memory.
    return instance if completed == instance.subject else replace(instance, subject=completed)


def _study_subjects(instances: Iterable[SourceInstance]) -> Mapping[str, SubjectKey | None]:
    """By study the one person whose it is; None where two are named or none. An absent issuer contradicts nobody."""
    studies = _grouped(instances, lambda one: one.StudyInstanceUID)
    return {uid: _one_subject(one.subject for one in ones) for uid, ones in studies.items()}


def _reference(scanned: Scanned) -> str:
    return scanned.reference


def _without_duplicates(instances: Sequence[SourceInstance]) -> tuple[list[SourceInstance], list[SourceInstance]]:
    """The first instance of each content, and all others, both in the order given."""
    seen: set[str] = set()
    firsts: list[SourceInstance] = []
    duplicates: list[SourceInstance] = []
    for one in instances:
        (duplicates if one.content_id in seen else firsts).append(one)
        seen.add(one.content_id)
    return firsts, duplicates


def _grouped(
    instances: Iterable[SourceInstance], key: Callable[[SourceInstance], str]
) -> Mapping[str, list[SourceInstance]]:
    groups: dict[str, list[SourceInstance]] = defaultdict(list)
    for one in instances:
        groups[key(one)].append(one)
    return groups


def _one_subject(subjects: Iterable[SubjectKey | None]) -> SubjectKey | None:
    named = [subject for subject in subjects if subject is not None]
    patients = {normalized_id(subject.patient_id) for subject in named}
    issuers = {normalized_id(subject.issuer) for subject in named} - {""}
    if len(patients) != 1 or len(issuers) > 1:
        return None
    spelt = (subject.issuer for subject in named if normalized_id(subject.issuer))
    return SubjectKey(min(subject.patient_id for subject in named), min(spelt, default=""))
