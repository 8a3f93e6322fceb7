"""Brings the masks of several authors to one label table.

The law: two authors' masks are compared only after equal values mean the same. A label is the same as another if both
are coded and their codes are equal, or else if their names are, whatever the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from curator.errors import ItemError, UsageError
from curator.model.annotation import Annotation, Label
from curator.model.quarantine import Reason


def harmonised(annotation: Annotation, table: Sequence[Label]) -> Annotation:
    """`annotation` in the values of `table`; as it is where the table is empty. What the table lacks is background.

    Raises:
        ItemError: ANNOTATION_INVALID; the mask holds a value that the annotation's own labels do not name.
    """
    held = {int(value) for value in np.unique(annotation.mask)} - {0}
    unnamed = held - {label.value for label in annotation.labels}
    if unnamed:
        raise ItemError(Reason.ANNOTATION_INVALID, f"{len(unnamed)} mask values without a label")
    if not table:
        return replace(annotation, labels=tuple(sorted(label for label in annotation.labels if label.value)))
    lookup = np.zeros(256, np.uint8)
    labels = set()
    for label in annotation.labels:
        same = next((each for each in table if label.value and is_same(each, label)), None)
        if same is not None:
            lookup[label.value] = same.value
            labels.add(same)
    return replace(annotation, labels=tuple(sorted(labels)), mask=lookup[annotation.mask])


def is_same(one: Label, other: Label) -> bool:
    """Whether two labels mean the same class."""
    if one.code_value and other.code_value:
        return (one.coding_scheme, one.code_value) == (other.coding_scheme, other.code_value)
    return one.name.casefold() == other.name.casefold()


def table_of(labels: Iterable[Label]) -> tuple[Label, ...]:
    """The one table that all `labels` agree on, sorted by value; empty for none.

    Raises:
        UsageError: one value means two classes, or one class has two values.
    """
    table: list[Label] = []
    for label in sorted(set(labels)):
        clash = next((each for each in table if (each.value == label.value) is not is_same(each, label)), None)
        if clash is not None:
            raise UsageError(
                f"annotations disagree on label values {clash.value} and {label.value}: one value with two meanings or "
                "one meaning with two values; state the table as [[dataset.labels]]"
            )
        if not any(each.value == label.value for each in table):
            table.append(label)
    return tuple(table)
