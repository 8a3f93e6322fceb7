"""Which instances to try, in which order, and what must not survive of each person. Pure but for settling aliases.

The law: an instance whose pixels or contours follow from other images is tried only after them, and only where all
that it refers to in this job was released.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from curator.errors import ItemError
from curator.ingest.scanned import Held, Scanned, held
from curator.ingest.triage import triage, with_study_issuers
from curator.jobs.release.looking import PIXEL_OPTION
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.gates import GateFinding, Gates, Handling, PixelAction, gate, pixel_action
from curator.ports import Subjects

Judge = Callable[[SourceInstance], PixelAction]


def judge_of(gates: Gates, options: Collection[str]) -> Judge:
    """What says of an instance whether it may pass, has to be looked at or is held; nothing is looked at by default."""
    return partial(pixel_action if PIXEL_OPTION in options else _held_or_passed, gates)


def _held_or_passed(gates: Gates, source: SourceInstance) -> PixelAction:
    finding = gate(gates, source)
    return PixelAction(Handling.PASS if finding is None else Handling.HOLD, finding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with scanned files.

    `first` are instances that stand on their own, `dependent` those to try after them, `held` those with a reason;
    `looked` says, by reference, whose pixels have to be looked at before they may go, and how. `identifiers` is by
    patient code and holds everybody's, those of held instances too: a name may be complete in a held file only.
    """

    first: tuple[SourceInstance, ...]
    dependent: tuple[SourceInstance, ...]
    held: tuple[Held, ...]
    looked: Mapping[str, Handling] = field(repr=False)
    identifiers: Mapping[str, frozenset[Identifier]] = field(repr=False)


def plan_release(
    scanned: Sequence[Scanned], *, judge: Judge, is_dependent: Callable[[SourceInstance], bool], subjects: Subjects
) -> Plan:
    """The plan for everything one scan found; all empty for nothing. Everybody in it is settled.

    Raises:
        KeyMaterialError: `subjects` cannot settle them.
    """
    triaged = triage(scanned)
    sources = with_study_issuers([one for one in scanned if isinstance(one, SourceInstance)])
    met = {one.subject for one in (*sources, *triaged.candidates) if one.subject is not None}
    subjects.settle(met)
    codes, unmapped = _codes(met, subjects)
    first: list[SourceInstance] = []
    dependent: list[SourceInstance] = []
    holds = list(triaged.held)
    looked: dict[str, Handling] = {}
    for source in triaged.candidates:
        action = judge(source)
        if source.subject in unmapped:
            holds.append(held(source, Reason.PATIENT_NOT_MAPPED, unmapped[source.subject]))
        elif action.handling is Handling.HOLD:
            holds.append(_held_for(source, action.finding))
        else:
            if action.handling is not Handling.PASS:
                looked[source.reference] = action.handling
            (dependent if is_dependent(source) else first).append(source)
    return Plan(
        first=tuple(first),
        dependent=tuple(dependent),
        held=tuple(sorted(holds, key=lambda one: one.reference)),
        looked=looked,
        identifiers=identifiers_by_person(sources, codes),
    )


def _held_for(source: SourceInstance, finding: GateFinding | None) -> Held:
    if finding is None:
        return held(source, Reason.BURNED_IN_TEXT_POSSIBLE, "no rule says why")
    return held(source, finding.reason, finding.rule_id)


def identifiers_by_person(
    sources: Iterable[SourceInstance], codes: Mapping[SubjectKey, str]
) -> dict[str, frozenset[Identifier]]:
    """All identifiers but UIDs by patient code; a file's own UIDs are searched in that file alone.

    Who has no code is left out: nothing of theirs is released.
    """
    gathered: dict[str, set[Identifier]] = defaultdict(set)
    for source in sources:
        if source.subject is not None and source.subject in codes:
            own = (one for one in source.identifiers if one.kind is not IdentifierKind.UID)
            gathered[codes[source.subject]].update(own)
    return {code: frozenset(gathered[code]) for code in sorted(gathered)}


def _codes(
    people: Iterable[SubjectKey], subjects: Subjects
) -> tuple[dict[SubjectKey, str], dict[SubjectKey | None, str]]:
    """Everybody's code, and why those who have none have none."""
    codes: dict[SubjectKey, str] = {}
    unmapped: dict[SubjectKey | None, str] = {}
    for person in people:
        try:
            codes[person] = subjects.subject_of(person).patient_code
        except ItemError as error:
            unmapped[person] = error.detail
    return codes, unmapped


def resolvable(
    dependents: Sequence[SourceInstance], released_uids: Collection[str], uid: Callable[[str], str]
) -> tuple[tuple[SourceInstance, ...], tuple[Held, ...]]:
    """Dependents whose references were all released, and the others held as REFERENCE_UNRESOLVED.

    `released_uids` are replaced UIDs; `uid` replaces. One that refers to nothing cannot be judged and is held.
    """
    ready: list[SourceInstance] = []
    holds: list[Held] = []
    for source in dependents:
        missing = [one for one in source.references if uid(one) not in released_uids]
        if source.references and not missing:
            ready.append(source)
        else:
            detail = f"{len(missing)} of {len(source.references)} references are not released"
            holds.append(held(source, Reason.REFERENCE_UNRESOLVED, detail))
    return tuple(ready), tuple(holds)
