"""A recipe's filters: questions about a header that hold an instance back.

The law: a filter can hold, never release: what a group called `whitelist` lets pass the gates still judge. A line that
is written with `||` is an alternative, and one without is a further condition.

Sources: the deid package's documentation of filters; the CTP DICOM filter that they follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.numbers import NUMBER_VRS, numbers_of
from curator.dicom.text import encodings_at_top, values_of
from curator.errors import RuleError
from curator.policy.recipe.lines import FilterTest, RecipeFilter
from curator.policy.recipe.parsed import (
    TAG,
    WITH_VALUE,
    ParsedLabel,
    ParsedLine,
    is_attribute,
    label_of,
    pattern_fault,
    questions_of,
)

_COORDINATES = ("coordinates", "ctpcoordinates", "ctpkeepcoordinates", "keepcoordinates")
_ALONE = ("missing", "present", "empty")
FILTER_WORDS = ("label", *WITH_VALUE, *_ALONE, *_COORDINATES)
_LETS_PASS = "whitelist"
_OR = "or"
Values = Callable[[str], Sequence[str] | None]


def filters_of(parsed: object, *, name: str) -> tuple[RecipeFilter, ...]:
    """The filters that hold something back, of what the deid package's parser gives; none for no section.

    Raises:
        RuleError: a label has coordinates, which are no part of a recipe here, or asks for an unknown attribute.
    """
    groups: Mapping[str, Sequence[ParsedLabel]] = parsed if isinstance(parsed, dict) else {}
    boxed = [
        f"%filter {group} {label_of(one)}" for group, labels in groups.items() for one in labels if one["coordinates"]
    ]
    if boxed:
        more = f" and {len(boxed) - 1} more" if len(boxed) > 1 else ""
        raise RuleError(
            f"{boxed[0]}{more}: boxes in pixels are blacked out by recipes that rules/pixels/layouts.toml names; "
            "leave coordinates out to hold instead"
        )
    return tuple(
        RecipeFilter(group, label_of(one), tuple(_tests(line, name) for line in one["filters"]))
        for group, labels in groups.items()
        if group.lower() != _LETS_PASS
        for one in labels
    )


def held_by(filters: Sequence[RecipeFilter], data_set: DataSet) -> RecipeFilter | None:
    """The first filter that holds an instance back, None where none does."""
    return next((one for one in filters if holds(one, partial(values_at_top, data_set))), None)


def _tests(line: ParsedLine, name: str) -> tuple[FilterTest, ...]:
    tests = tuple(questions_of(line))
    for one in tests:
        if not is_attribute(one.field):
            raise RuleError(
                f"{name}: %filter asks for {one.field!r}, which is neither a keyword nor a tag such as 0x00100010"
            )
        if fault := pattern_fault(one):
            raise RuleError(f"{name}: %filter {one.action} {one.field}: {fault}")
    return tests


def holds(one: RecipeFilter, values: Values) -> bool:
    """Whether a filter's questions are answered so that it applies; not for one that asks nothing.

    `values` gives what a field says, () where it is empty and None where it is absent.
    """
    return _joined((line[0].operator, _joined(_asked(line, values))) for line in one.lines if line)


def values_at_top(data_set: DataSet, field: str) -> tuple[str, ...] | None:
    """What the top level of a data set says in a field, a keyword or a tag; None where it is absent."""
    matched = TAG.fullmatch(field)
    element = data_set.first(int(matched[1], 16) if matched else tag_of(field))
    if element is None or element.items is not None:
        return None if element is None else ("",) * len(element.items or ())
    if element.vr in NUMBER_VRS:
        return tuple(map(str, numbers_of(data_set.raw(element), element.vr, data_set.syntax.order)))
    return values_of(data_set.raw(element), element.vr, encodings_at_top(data_set))


def _asked(line: Sequence[FilterTest], values: Values) -> Iterator[tuple[str, bool]]:
    for test in line:
        yield test.operator, _is_so(test, values(test.field))


def _joined(answers: Iterator[tuple[str, bool]]) -> bool:
    """The answers from left to right, the first one's operator left out; False for none."""
    held: bool | None = None
    for operator, answer in answers:
        joined = (held or answer) if operator == _OR else (held and answer)
        held = answer if held is None else joined
    return bool(held)


def _is_so(test: FilterTest, values: Sequence[str] | None) -> bool:
    if test.action == "missing":
        return values is None
    if test.action == "present":
        return values is not None
    if test.action == "empty":
        return values is not None and not values
    return _ASKS[test.action](test.value.lower().strip(), [value.lower() for value in values or ()])


_ASKS: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "contains": lambda wanted, values: any(re.search(wanted, value) for value in values),
    "notcontains": lambda wanted, values: not any(re.search(wanted, value) for value in values),
    "equals": lambda wanted, values: wanted in values,
    "notequals": lambda wanted, values: wanted not in values,
}
