"""A recipe's filters: questions about a header that hold an instance back.

The law: a filter can hold, never release: what a group called `whitelist` lets pass the gates still judge. A line that
is written with `||` is an alternative, and one without is a further condition.

Sources: the deid package's documentation of filters; the CTP DICOM filter that they follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypedDict

from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.numbers import NUMBER_VRS, numbers_of
from curator.dicom.text import encodings_at_top, values_of
from curator.errors import RuleError
from curator.policy.recipe.lines import FilterTest, RecipeFilter

_COORDINATES = ("coordinates", "ctpcoordinates", "ctpkeepcoordinates", "keepcoordinates")
_WITH_VALUE = ("contains", "notcontains", "equals", "notequals")
_ALONE = ("missing", "present", "empty")
FILTER_WORDS = ("label", *_WITH_VALUE, *_ALONE, *_COORDINATES)
_LETS_PASS = "whitelist"
_OR = "or"
Values = Callable[[str], Sequence[str] | None]
_TAG = re.compile(r"0x([0-9a-f]{8})", re.IGNORECASE)


class _Line(TypedDict):
    """A line as the deid package parses it: parallel lists."""

    action: list[str]
    field: list[str]
    operator: str | None
    InnerOperators: list[str]
    value: list[str]


class _Label(TypedDict):
    name: str
    filters: list[_Line]
    coordinates: list[object]


def filters_of(parsed: object, *, name: str) -> tuple[RecipeFilter, ...]:
    """The filters that hold something back, of what the deid package's parser gives; none for no section.

    Raises:
        RuleError: a label has coordinates, which are no part of a recipe here, or asks for an unknown attribute.
    """
    groups: Mapping[str, Sequence[_Label]] = parsed if isinstance(parsed, dict) else {}
    boxed = [
        f"%filter {group} {_label(one)}" for group, labels in groups.items() for one in labels if one["coordinates"]
    ]
    if boxed:
        more = f" and {len(boxed) - 1} more" if len(boxed) > 1 else ""
        raise RuleError(
            f"{boxed[0]}{more}: boxes in pixels are blacked out by recipes that rules/pixels/layouts.toml names; "
            "leave coordinates out to hold instead"
        )
    return tuple(
        RecipeFilter(group, _label(one), tuple(_tests(line, name) for line in one["filters"]))
        for group, labels in groups.items()
        if group.lower() != _LETS_PASS
        for one in labels
    )


def held_by(filters: Sequence[RecipeFilter], data_set: DataSet) -> RecipeFilter | None:
    """The first filter that holds an instance back, None where none does."""
    return next((one for one in filters if holds(one, partial(values_at_top, data_set))), None)


def _label(label: _Label) -> str:
    return re.sub(r"^label\s*", "", label.get("name", ""), flags=re.IGNORECASE)


def _tests(line: _Line, name: str) -> tuple[FilterTest, ...]:
    operators = [line["operator"] or "and", *line["InnerOperators"]]
    tests = []
    # Only questions that take a value have one in the parser's list.
    values = iter(line["value"])
    for action, field, operator in zip(line["action"], line["field"], operators, strict=True):
        if not _TAG.fullmatch(field) and not _is_keyword(field):
            raise RuleError(
                f"{name}: %filter asks for {field!r}, which is neither a keyword nor a tag such as 0x00100010"
            )
        value = next(values) if action in _WITH_VALUE else ""
        if action in ("contains", "notcontains"):
            try:
                re.compile(value.lower())
            except re.error as error:
                raise RuleError(f"{name}: %filter {action} {field}: {value!r} is no pattern: {error}") from error
        tests.append(FilterTest(action, field, value, operator))
    return tuple(tests)


def _is_keyword(field: str) -> bool:
    try:
        tag_of(field)
    except KeyError:
        return False
    return True


def holds(one: RecipeFilter, values: Values) -> bool:
    """Whether a filter's questions are answered so that it applies; not for one that asks nothing.

    `values` gives what a field says, () where it is empty and None where it is absent.
    """
    return _joined((line[0].operator, _joined(_asked(line, values))) for line in one.lines if line)


def values_at_top(data_set: DataSet, field: str) -> tuple[str, ...] | None:
    """What the top level of a data set says in a field, a keyword or a tag; None where it is absent."""
    matched = _TAG.fullmatch(field)
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
