"""Which instances to try, in which order, and what must not survive of each person. Pure but for settling aliases.

The law: an instance whose pixels or contours follow from other images is tried only after them, and only where all
that it refers to in this job was released.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import overload

from curator.errors import ItemError
from curator.ingest.compact import shared_part
from curator.ingest.scanned import Held, Scanned, held
from curator.ingest.triage import Verdicts, verdicts
from curator.jobs.release.looking import PIXEL_OPTION
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.gates import GateFinding, Gates, Handling, PixelAction, gate, pixel_action
from curator.ports import Subjects

Judge = Callable[[SourceInstance], PixelAction]
# Series lie together; what the files of one say alike is judged once.
_JUDGED_AT_ONCE = 8


def judge_of(gates: Gates, options: Collection[str]) -> Judge:
    """What says of an instance whether it may pass, has to be looked at or is held; nothing is looked at by default."""
    return partial(pixel_action if PIXEL_OPTION in options else _held_or_passed, gates)


def _held_or_passed(gates: Gates, source: SourceInstance) -> PixelAction:
    finding = gate(gates, source)
    return PixelAction(Handling.PASS if finding is None else Handling.HOLD, finding)


class Chosen(Sequence[SourceInstance]):
    """Some of the scanned instances by their numbers, each completed when it is asked for."""

    __slots__ = ("_found", "_numbers", "_scanned")

    def __init__(self, scanned: Sequence[Scanned], found: Verdicts) -> None:
        self._scanned = scanned
        self._found = found
        self._numbers = array("q")

    def add(self, number: int) -> None:
        """Choose the instance with this number."""
        self._numbers.append(number)

    @property
    def numbers(self) -> Sequence[int]:
        """Which were chosen."""
        return self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> SourceInstance: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[SourceInstance]: ...

    def __getitem__(self, at: int | slice) -> SourceInstance | Sequence[SourceInstance]:
        if isinstance(at, slice):
            return [self._at(number) for number in self._numbers[at]]
        return self._at(self._numbers[at])

    def __iter__(self) -> Iterator[SourceInstance]:
        return map(self._at, self._numbers)

    def _at(self, number: int) -> SourceInstance:
        one = self._scanned[number]
        assert isinstance(one, SourceInstance)
        return self._found.candidate(one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with scanned files.

    `first` are instances that stand on their own, `dependent` those to try after them, `held` those with a reason;
    `looked` says, by reference, whose pixels have to be looked at before they may go, and how. `identifiers` is by
    patient code and holds everybody's, those of held instances too: a name may be complete in a held file only. `found`
    is what all files together say of each.
    """

    first: Chosen
    dependent: Chosen
    held: tuple[Held, ...]
    looked: Mapping[str, Handling] = field(repr=False)
    identifiers: Mapping[str, frozenset[Identifier]] = field(repr=False)
    found: Verdicts = field(repr=False)


def plan_release(
    scanned: Sequence[Scanned], *, judge: Judge, is_dependent: Callable[[SourceInstance], bool], subjects: Subjects
) -> Plan:
    """The plan for everything one scan found, sorted by reference; all empty for nothing. Everybody in it is settled.

    `judge` sees of an instance what it shares with others of its series.

    Raises:
        KeyMaterialError: `subjects` cannot settle them.
    """
    found = verdicts(scanned)
    known = _known(scanned, found)
    subjects.settle(known.keys())
    codes, unmapped = _codes(known, subjects)
    first, dependent = Chosen(scanned, found), Chosen(scanned, found)
    holds: list[Held] = []
    looked: dict[str, Handling] = {}
    judged = lru_cache(maxsize=_JUDGED_AT_ONCE)(judge)
    for number, one in enumerate(scanned):
        if isinstance(one, Held):
            holds.append(one)
            continue
        if number in found.reasons:
            holds.append(held(one, found.reasons[number]))
            continue
        source = found.candidate(one)
        action = judged(shared_part(source))
        if source.subject in unmapped:
            holds.append(held(source, Reason.PATIENT_NOT_MAPPED, unmapped[source.subject]))
        elif action.handling is Handling.HOLD:
            holds.append(_held_for(source, action.finding))
        else:
            if action.handling is not Handling.PASS:
                looked[source.reference] = action.handling
            (dependent if is_dependent(source) else first).add(number)
    return Plan(
        first=first,
        dependent=dependent,
        held=tuple(holds),
        looked=looked,
        identifiers=_by_code(known, codes),
        found=found,
    )


def _held_for(source: SourceInstance, finding: GateFinding | None) -> Held:
    if finding is None:
        return held(source, Reason.BURNED_IN_TEXT_POSSIBLE, "no rule says why")
    return held(source, finding.reason, finding.rule_id)


def _known(scanned: Iterable[Scanned], found: Verdicts) -> dict[SubjectKey, set[Identifier]]:
    """Everybody who was met, with all their identifiers but UIDs: a file's own UIDs are searched in that file alone."""
    known: dict[SubjectKey, set[Identifier]] = defaultdict(set)
    last: tuple[SubjectKey | None, frozenset[Identifier]] = (None, frozenset())
    for number, one in enumerate(scanned):
        if isinstance(one, Held) or one.subject is None:
            continue
        person = found.person(one).subject
        if number not in found.reasons:
            candidate = found.candidate(one).subject
            if candidate is not None and candidate != person:
                known[candidate].update(())
        # The files of a series mostly say the same.
        if person is not None and (person, one.identifiers) != last:
            known[person].update(said for said in one.identifiers if said.kind is not IdentifierKind.UID)
            last = (person, one.identifiers)
    return known


def _by_code(
    known: Mapping[SubjectKey, Iterable[Identifier]], codes: Mapping[SubjectKey, str]
) -> dict[str, frozenset[Identifier]]:
    """Identifiers by patient code; who has no code is left out, for nothing of theirs is released."""
    gathered: dict[str, set[Identifier]] = defaultdict(set)
    for person, identifiers in known.items():
        if person in codes:
            gathered[codes[person]].update(identifiers)
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
