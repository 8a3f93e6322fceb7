"""What two frozen datasets differ in, as a trainer would ask it.

The law: items are matched by what they are of, not by where they lie; two datasets with the same items, masks and
splits do not differ, whatever their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from curator.dataset.read import read_annotations, read_items, read_splits
from curator.model.manifest import AnnotationRow, Split


@dataclass(frozen=True, slots=True)
class Changed:
    """An item in both datasets, and the columns that differ."""

    item_id: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """An item that went to another split or fold; a fold of -1 is none."""

    item_id: str
    before: Split
    after: Split
    fold_before: int
    fold_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDiff:
    """The step from one dataset to another; every tuple is sorted by item."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Changed, ...]
    moved: tuple[Moved, ...]
    annotations_added: tuple[str, ...]
    annotations_removed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both datasets hold the same."""
        return not any(asdict(self).values())


def diff(before: Path, after: Path) -> DatasetDiff:
    """What must happen to `before` to become `after`.

    Raises:
        IntegrityError: a table of one of them is missing or damaged.
    """
    old = {item.item_id: asdict(item) for item in read_items(before)}
    new = {item.item_id: asdict(item) for item in read_items(after)}
    shared = sorted(set(old) & set(new))
    changed = [
        Changed(item_id, tuple(name for name, value in old[item_id].items() if new[item_id][name] != value))
        for item_id in shared
    ]
    masks_before = {row.annotation_id: row for row in read_annotations(before)}
    masks_after = {row.annotation_id: row for row in read_annotations(after)}
    return DatasetDiff(
        added=tuple(sorted(set(new) - set(old))),
        removed=tuple(sorted(set(old) - set(new))),
        changed=tuple(each for each in changed if each.columns),
        moved=_moved(before, after),
        annotations_added=_only_in(masks_after, masks_before),
        annotations_removed=_only_in(masks_before, masks_after),
    )


def _moved(before: Path, after: Path) -> tuple[Moved, ...]:
    places = {row.item_id: row for row in read_splits(before)}
    pairs = [(places[row.item_id], row) for row in read_splits(after) if row.item_id in places]
    return tuple(
        Moved(old.item_id, old.split, new.split, old.fold, new.fold)
        for old, new in pairs
        if (old.split, old.fold) != (new.split, new.fold)
    )


def _only_in(these: Mapping[str, AnnotationRow], those: Mapping[str, AnnotationRow]) -> tuple[str, ...]:
    """Annotations that are in one only, or in both with other labels."""
    return tuple(sorted(key for key, row in these.items() if those.get(key) != row))
