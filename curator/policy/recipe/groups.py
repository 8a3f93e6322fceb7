"""The groups of a recipe: fields by other fields' names, and fields that hold values of others.

The law: a value is searched as it is written, in any case; it is no pattern, so that the `^` of a name finds the name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from curator.dicom.dictionary import TEXT_VRS
from curator.dicom.elements import DataSet
from curator.dicom.numbers import NUMBER_VRS, numbers_of
from curator.dicom.text import text_of, values_of
from curator.policy.recipe.expand import Field, matches
from curator.policy.recipe.lines import GroupLine


def grouped_fields(lines: Sequence[GroupLine], fields: Iterable[Field]) -> frozenset[int]:
    """The numbers of the fields that a `%fields` group names."""
    return frozenset(field.number for field in fields if any(matches(line.expression, field) for line in lines))


def grouped_values(lines: Sequence[GroupLine], fields: Collection[Field], data_set: DataSet) -> frozenset[str]:
    """The values that a `%values` group takes from a data set, in lower case; an empty value is none."""
    found = (
        text
        for line in lines
        for field in fields
        if matches(line.expression, field)
        for text in (_split(line, field, data_set) if line.splits else values_in(field, data_set))
    )
    return frozenset(text.lower() for text in found if text)


def values_in(field: Field, data_set: DataSet) -> tuple[str, ...]:
    """The values of an element of the file as text; none for sequences, pixels and what is not in the file."""
    if field.element is None or field.element.items is not None:
        return ()
    raw = data_set.raw(field.element)
    if field.vr in TEXT_VRS:
        return values_of(raw, field.vr, field.encodings)
    if field.vr in NUMBER_VRS:
        return tuple(map(str, numbers_of(raw, field.vr, data_set.syntax.order)))
    text = raw.decode("latin-1").strip(" \0")
    return (text,) if field.vr == "UN" and text.isprintable() else ()


def _split(line: GroupLine, field: Field, data_set: DataSet) -> Iterator[str]:
    if field.element is None or field.vr not in TEXT_VRS:
        return
    whole = text_of(data_set.raw(field.element), field.vr, field.encodings)
    yield from (part for part in whole.split(line.split_by) if len(part) >= line.shortest)
