"""Filters as the deid package's parser gives them, taken apart: for gates (`filters`) and for boxes in pixels.

The law: nothing is judged here; a question that the parser wrote down comes out as it was asked.

Sources: the deid package's documentation of filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypedDict

from curator.dicom.dictionary import tag_of
from curator.policy.recipe.lines import FilterTest

PATTERNS = ("contains", "notcontains")
WITH_VALUE = (*PATTERNS, "equals", "notequals")
TAG = re.compile(r"0x([0-9a-f]{8})", re.IGNORECASE)


class ParsedLine(TypedDict):
    """A line of a filter: parallel lists, with values only for the questions that take one."""

    action: list[str]
    field: list[str]
    operator: str | None
    InnerOperators: list[str]
    value: list[str]


class ParsedLabel(TypedDict):
    """A label of a filter; each of its coordinates says whether it is spared, and where it is."""

    name: str
    filters: list[ParsedLine]
    coordinates: list[tuple[int, str]]


def label_of(label: ParsedLabel) -> str:
    """What a label is called; "" where it has no name."""
    return re.sub(r"^label\s*", "", label.get("name", ""), flags=re.IGNORECASE)


def questions_of(line: ParsedLine) -> Iterator[FilterTest]:
    """The questions of a line in order, "" for the value of one that takes none; nothing for an empty line."""
    operators = [line["operator"] or "and", *line["InnerOperators"]]
    values = iter(line["value"])
    for action, field, operator in zip(line["action"], line["field"], operators, strict=True):
        yield FilterTest(action, field, next(values) if action in WITH_VALUE else "", operator)


def is_attribute(field: str) -> bool:
    """Whether a field is a tag such as 0x00100010, or a keyword."""
    if TAG.fullmatch(field):
        return True
    try:
        tag_of(field)
    except KeyError:
        return False
    return True


def pattern_fault(asked: FilterTest) -> str:
    """What is wrong with the pattern that a question asks by; "" for a whole one, and for one that asks by none."""
    if asked.action not in PATTERNS:
        return ""
    try:
        re.compile(asked.value.lower())
    except re.error as error:
        return f"{asked.value!r} is no pattern: {error}"
    return ""
