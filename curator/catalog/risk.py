"""How well people hide among each other in what was released.

A person is what all their instances say together: two examinations of one person make them easier to tell, not two
people. People of whom everything that could single them out is the same are a class.

The law: measures depend on who is alike and on nothing else: neither order nor codes nor names matter. What is proposed
is proven: its numbers are those of the same people after it.

Sources: Sweeney (2002), k-anonymity; Machanavajjhala et al. (2007), distinct l-diversity; Dankar and El Emam (2010),
prosecutor risk.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from curator.catalog.record import AnnotationRecord
from curator.catalog.risk_rules import OTHER, RARE, Quasi, RiskRules, coarser
from curator.catalog.vendors import VendorNames
from curator.model.instance import ReleasedInstance

Values: TypeAlias = frozenset[str]
LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Person:
    """One person's code and, by attribute, every value that any of their instances has."""

    patient_code: str
    values: Mapping[str, Values] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymity:
    """How well people hide: `k` is the smallest class, 0 for nobody; shares are of people, in [0, 1].

    `mean_risk` is the mean over people of one over their class's size, 0.0 for nobody.
    """

    people: int
    classes: int
    k: int
    unique_share: float
    below_share: float
    mean_risk: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """How many different values of a sensitive attribute the poorest class holds.

    `below_share` is the share of people in classes with too few of them, in [0, 1].
    """

    attribute: str
    least: int
    below_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rare:
    """A value that fewer people than the threshold have."""

    attribute: str
    value: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One attribute made coarser, after those before it: what it would be made by, and what it would come to."""

    attribute: str
    step: str
    after: Anonymity


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReport:
    """Everything about one release.

    `steps` is how each attribute was looked at; attributes that say nothing of anybody are in `silent`. `suggestions`
    lead, in order, to the threshold; `to_leave_out` are the people who then still stand out, `standing_out` those who
    do so now.
    """

    threshold_k: int
    threshold_l: int
    anonymity: Anonymity
    steps: Mapping[str, str]
    silent: tuple[str, ...]
    sensitive: tuple[Sensitive, ...]
    rare: tuple[Rare, ...]
    suggestions: tuple[Suggestion, ...]
    to_leave_out: tuple[str, ...]
    standing_out: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        """Whether everybody hides among as many as the threshold asks for."""
        return self.anonymity.below_share == 0.0


def people_of(
    instances: Iterable[ReleasedInstance], annotations: Iterable[AnnotationRecord], vendors: VendorNames
) -> tuple[Person, ...]:
    """Everybody in a release, sorted by code; nobody for no instances."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    person_of: dict[str, str] = {}
    for one in instances:
        said = values[one.patient_code]
        person_of[one.SeriesInstanceUID] = one.patient_code
        for attribute in _PLAIN:
            said[attribute].add(str(getattr(one, attribute)))
        said["device_model"].add(f"{vendors.vendor(one.Manufacturer)} / {one.ManufacturerModelName}")
    for mask in annotations:
        if mask.SeriesInstanceUID in person_of:
            values[person_of[mask.SeriesInstanceUID]]["labels"].update(label.name for label in mask.labels)
    return tuple(
        Person(code, {attribute: frozenset(found - {""}) for attribute, found in values[code].items()})
        for code in sorted(values)
    )


def risk_report(people: Sequence[Person], rules: RiskRules, *, k: int | None = None) -> RiskReport:
    """What a release risks and what would help; `k` takes the place of the rules' threshold."""
    threshold = rules.k if k is None else k
    telling = [one for one in rules.quasi if any(person.values.get(one.attribute) for person in people)]
    levels = {one.attribute: 0 for one in telling}
    classes = _classes(people, telling, levels, threshold)
    suggestions, left = _suggested(people, telling, threshold, rules.most_suppressed_percent)
    return RiskReport(
        threshold_k=threshold,
        threshold_l=rules.l,
        anonymity=anonymity(classes.values(), threshold),
        steps={one.attribute: one.steps[0] for one in telling},
        silent=tuple(one.attribute for one in rules.quasi if one not in telling),
        sensitive=tuple(_diversity(classes.values(), attribute, rules.l) for attribute in rules.sensitive),
        rare=_rare(people, telling, threshold),
        suggestions=suggestions,
        to_leave_out=left,
        standing_out=_standing_out(classes, threshold),
    )


def anonymity(classes: Iterable[Sequence[Person]], k: int) -> Anonymity:
    """The measures of people in classes; all zero for none."""
    sizes = [len(members) for members in classes]
    people = sum(sizes)
    share = 1 / people if people else 0.0
    return Anonymity(
        people=people,
        classes=len(sizes),
        k=min(sizes, default=0),
        unique_share=sum(size for size in sizes if size == 1) * share,
        below_share=sum(size for size in sizes if size < k) * share,
        mean_risk=len(sizes) * share,
    )


_PLAIN = (
    "PatientAge",
    "PatientSex",
    "EthnicGroup",
    "PatientWeight",
    "PatientSize",
    "centre_code",
    "StudyDate",
    "BodyPartExamined",
    "Modality",
)


def _classes(
    people: Sequence[Person], quasi: Sequence[Quasi], levels: Mapping[str, int], k: int
) -> dict[tuple[Values, ...], list[Person]]:
    """People by everything that could single them out, each attribute as coarse as its level says."""
    columns = [_column(people, one, levels[one.attribute], k) for one in quasi]
    classes: dict[tuple[Values, ...], list[Person]] = defaultdict(list)
    for number, person in enumerate(people):
        classes[tuple(column[number] for column in columns)].append(person)
    return classes


def _column(people: Sequence[Person], quasi: Quasi, level: int, k: int) -> list[Values]:
    """One attribute of everybody, at a level: the steps in order, and nothing at all behind the last."""
    if level >= len(quasi.steps):
        return [frozenset()] * len(people)
    step = quasi.steps[level]
    column = [
        frozenset(coarser(value, step) for value in person.values.get(quasi.attribute, frozenset()))
        for person in people
    ]
    if step != RARE:
        return column
    counts = Counter(value for values in column for value in values)
    return [frozenset(value if counts[value] >= k else OTHER for value in values) for values in column]


def _suggested(
    people: Sequence[Person], quasi: Sequence[Quasi], k: int, most_suppressed_percent: int
) -> tuple[tuple[Suggestion, ...], tuple[str, ...]]:
    """Steps that help most, one after the other, until few enough stand out; and who those are."""
    levels = {one.attribute: 0 for one in quasi}
    classes = _classes(people, quasi, levels, k)
    suggestions: list[Suggestion] = []
    while _below(classes, k) * 100 > most_suppressed_percent * len(people):
        candidates = [one for one in quasi if levels[one.attribute] < len(one.steps)]
        if not candidates:
            break
        # The first of equals, so that the order of the rules says what is given up first.
        tried = [
            (
                _below(changed := _classes(people, quasi, levels | {one.attribute: levels[one.attribute] + 1}, k), k),
                number,
                one,
                changed,
            )
            for number, one in enumerate(candidates)
        ]
        _, _, chosen, classes = min(tried, key=lambda one: one[:2])
        levels[chosen.attribute] += 1
        level = levels[chosen.attribute]
        step = chosen.steps[level] if level < len(chosen.steps) else LEFT_OUT
        suggestions.append(Suggestion(attribute=chosen.attribute, step=step, after=anonymity(classes.values(), k)))
    return tuple(suggestions), _standing_out(classes, k)


def _standing_out(classes: Mapping[tuple[Values, ...], Sequence[Person]], k: int) -> tuple[str, ...]:
    """The codes of people in classes that are too small, sorted."""
    small = (members for members in classes.values() if len(members) < k)
    return tuple(sorted(person.patient_code for members in small for person in members))


def _below(classes: Mapping[tuple[Values, ...], Sequence[Person]], k: int) -> int:
    return sum(len(members) for members in classes.values() if len(members) < k)


def _diversity(classes: Iterable[Sequence[Person]], attribute: str, least: int) -> Sensitive:
    found = [
        (len(members), len({value for person in members for value in person.values.get(attribute, frozenset())}))
        for members in classes
    ]
    people = sum(size for size, _ in found)
    # A class of whom nothing is known tells nothing.
    poor = sum(size for size, different in found if 0 < different < least)
    return Sensitive(
        attribute=attribute,
        least=min((different for _, different in found if different), default=0),
        below_share=poor / people if people else 0.0,
    )


def _rare(people: Sequence[Person], quasi: Sequence[Quasi], k: int) -> tuple[Rare, ...]:
    found = []
    for one in quasi:
        counts = Counter(value for values in _column(people, one, 0, k) for value in values)
        found += [
            Rare(attribute=one.attribute, value=value, people=count)
            for value, count in sorted(counts.items())
            if count < k
        ]
    return tuple(found)
