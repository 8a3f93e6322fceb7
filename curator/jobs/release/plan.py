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
from itertools import chain
from typing import overload

from curator.errors import ItemError
from curator.ingest.compact import shared_part
from curator.ingest.scanned import Held, Scanned, held
from curator.ingest.triage import Verdicts, verdicts
from curator.jobs.release.heads import HeadStudies
from curator.jobs.release.looking import FACE_OPTION, PIXEL_OPTION
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.gates import GateFinding, Gates, Handling, PixelAction, pixel_action
from curator.ports import Subjects

Judge = Callable[[SourceInstance], PixelAction]
# Series lie together; what the files of one say alike is judged once.
_JUDGED_AT_ONCE = 8


def judge_of(gates: Gates, options: Collection[str]) -> Judge:
    """What says of an instance whether it may pass, has to be looked at or defaced, or is held, as by default."""
    return partial(pixel_action, gates, pixels=PIXEL_OPTION in options, faces=FACE_OPTION in options)


class Chosen(Sequence[SourceInstance]):
    """Some of the scanned instances by their numbers, each completed when it is asked for."""

    __slots__ = ("_found", "_numbers", "_scanned")

    def __init__(self, scanned: Sequence[Scanned], found: Verdicts, numbers: Iterable[int] = ()) -> None:
        self._scanned = scanned
        self._found = found
        self._numbers = array("q", numbers)

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

    `first` are instances that stand on their own, `heads` studies whose slices are defaced together, `dependent` those
    to try after all of them, `held` those with a reason; `looked` says, by reference, whose pixels have to be looked at
    before they may go, and how. `identifiers` is by patient code and holds everybody's, those of held instances too: a
    name may be complete in a held file only. `found` is what all files together say of each.
    """

    first: Chosen
    heads: tuple[Chosen, ...]
    dependent: Chosen
    held: tuple[Held, ...]
    looked: Mapping[str, Handling] = field(repr=False)
    identifiers: Mapping[str, frozenset[Identifier]] = field(repr=False)
    found: Verdicts = field(repr=False)

    @property
    def standing(self) -> Iterator[SourceInstance]:
        """All that does not depend on others."""
        return chain(self.first, *self.heads)

    @property
    def candidates(self) -> Iterator[SourceInstance]:
        """All that may be released."""
        return chain(self.standing, self.dependent)

    @property
    def numbers(self) -> Iterator[int]:
        """The numbers of all that may be released."""
        return chain.from_iterable(one.numbers for one in (self.first, *self.heads, self.dependent))


def plan_release(
    scanned: Sequence[Scanned],
    *,
    judge: Judge,
    is_dependent: Callable[[SourceInstance], bool],
    subjects: Subjects,
    defaces: bool = False,
) -> Plan:
    """The plan for everything one scan found, sorted by reference; all empty for nothing. Everybody in it is settled.

    `judge` sees of an instance what it shares with others of its series; `defaces` says that it may want some defaced.

    Raises:
        KeyMaterialError: `subjects` cannot settle them.
    """
    found = verdicts(scanned)
    known = _known(scanned, found)
    subjects.settle(known.keys())
    codes, unmapped = _codes(known, subjects)
    first, dependent = array("q"), array("q")
    heads = HeadStudies()
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
        elif action.handling is Handling.HOLD or (action.defaces and is_dependent(source)):
            holds.append(_held_for(source, action.finding))
        else:
            if action.handling is not Handling.PASS:
                looked[source.reference] = action.handling
            if is_dependent(source):
                dependent.append(number)
            else:
                first.append(number)
                if defaces:
                    heads.add(number, source, defaces=action.defaces)
    grouped = heads.groups()
    in_heads = frozenset(chain.from_iterable(grouped))
    return Plan(
        first=Chosen(scanned, found, (number for number in first if number not in in_heads)),
        heads=tuple(Chosen(scanned, found, numbers) for numbers in grouped),
        dependent=Chosen(scanned, found, dependent),
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
