"""Reads a frozen dataset: its lock, its items and splits, its volumes and masks.

The law: nothing outside the dataset's folder is opened, and a dataset that is not laid out as the manifest says is
refused, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import blosc2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curator.errors import IntegrityError, UsageError
from curator.model.annotation import Label
from curator.model.manifest import (
    ANNOTATIONS_NAME,
    ITEMS_NAME,
    LOCK_NAME,
    SPLITS_NAME,
    AnnotationRow,
    Item,
    Split,
    SplitRow,
)
from trainers.files import read_json

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

Row = TypeVar("Row", Item, SplitRow, AnnotationRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetIdentity:
    """Which dataset, to the byte: the Merkle root covers every file of it."""

    name: str
    version: str
    merkle_root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDataset:
    """A dataset's manifest; `items` are sorted by `item_id`, `labels` by value, background not among them."""

    folder: Path
    identity: DatasetIdentity
    labels: tuple[Label, ...]
    items: tuple[Item, ...]
    splits: Mapping[str, Split]

    def members(self, split: Split | None = None, *, annotated: bool = False) -> tuple[Item, ...]:
        """The items of one split (all for None), only those with a mask where `annotated`; may be empty."""
        return tuple(
            item
            for item in self.items
            if (split is None or self.splits.get(item.item_id) is split) and (item.mask_path or not annotated)
        )


def read_dataset(folder: Path) -> FrozenDataset:
    """The manifest of the dataset in `folder`; no volume is read.

    Raises:
        UsageError: there is no dataset in `folder`.
        IntegrityError: its lock or manifest is not as laid down.
    """
    if not (folder / LOCK_NAME).is_file():
        raise UsageError(f"no frozen dataset here: {LOCK_NAME} is missing; freeze one with `curator dataset freeze`")
    lock = read_json(folder / LOCK_NAME)
    identity = DatasetIdentity(**{name: _text(lock, name) for name in ("name", "version", "merkle_root")})
    items = sorted(_rows(folder / ITEMS_NAME, Item), key=lambda item: item.item_id)
    for item in items:
        if not _SAFE_NAME.fullmatch(item.item_id):
            raise IntegrityError("an item_id of the manifest cannot be a file name; freeze the dataset again")
    splits = {row.item_id: Split(row.split) for row in _rows(folder / SPLITS_NAME, SplitRow)}
    return FrozenDataset(folder=folder, identity=identity, labels=_labels(lock), items=tuple(items), splits=splits)


def read_annotations(dataset: FrozenDataset) -> tuple[AnnotationRow, ...]:
    """Every author's annotation, sorted by id; empty where the dataset has no such table.

    Raises:
        IntegrityError: the table is not as laid down.
    """
    if not (dataset.folder / ANNOTATIONS_NAME).is_file():
        return ()
    return tuple(sorted(_rows(dataset.folder / ANNOTATIONS_NAME, AnnotationRow), key=lambda row: row.annotation_id))


def read_array(dataset: FrozenDataset, path: str) -> NDArray[Any]:
    """The array at `path`, `(Z, Y, X)`, stored values.

    Raises:
        IntegrityError: `path` leaves the dataset's folder, or nothing readable of three axes lies there.
    """
    folder = dataset.folder.resolve()
    file = (folder / path).resolve()
    if not path or not file.is_relative_to(folder) or not file.is_file():
        raise IntegrityError("the manifest names an array that is not in the dataset; run `curator dataset verify`")
    try:
        array = np.asarray(blosc2.open(str(file), mode="r")[...])
    except (RuntimeError, ValueError, OSError) as error:
        raise IntegrityError("an array of the dataset cannot be read; run `curator dataset verify`") from error
    if array.ndim != 3:
        raise IntegrityError(f"an array of the dataset has {array.ndim} axes and not three")
    return array


def read_image(dataset: FrozenDataset, item: Item) -> NDArray[np.float32]:
    """The rescaled values of one item (Hounsfield units for CT), `(Z, Y, X)`.

    Raises:
        IntegrityError: the volume is not of the shape the manifest states.
    """
    stored = read_array(dataset, item.volume_path)
    if stored.shape != item.shape:
        raise IntegrityError("a volume is not of the shape its manifest row states; run `curator dataset verify`")
    return stored.astype(np.float32) * np.float32(item.rescale_slope) + np.float32(item.rescale_intercept)


def read_mask(dataset: FrozenDataset, item: Item) -> NDArray[np.uint8]:
    """The consensus mask of one item, `(Z, Y, X)` label values.

    Raises:
        IntegrityError: it is not on the grid of its volume.
    """
    mask = read_array(dataset, item.mask_path)
    if mask.shape != item.shape:
        raise IntegrityError("a mask is not on the grid of its volume; run `curator dataset verify`")
    return mask.astype(np.uint8)


def _rows(path: Path, record: type[Row]) -> list[Row]:
    columns = [field.name for field in fields(record)]
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(f"{path.name} is missing or not Parquet; run `curator dataset verify`") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise IntegrityError(f"{path.name} has no column {missing[0]}; it was frozen by another version")
    return [
        record(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
        for row in table.select(columns).to_pylist()
    ]


def _text(lock: Mapping[str, Any], name: str) -> str:
    value = lock.get(name)
    if not isinstance(value, str):
        raise IntegrityError(f"{LOCK_NAME} does not state {name!r}")
    return value


def _labels(lock: Mapping[str, Any]) -> tuple[Label, ...]:
    known = {field.name for field in fields(Label)}
    try:
        labels = [Label(**{key: entry[key] for key in entry if key in known}) for entry in lock["labels"]]
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"{LOCK_NAME} does not state its labels as a list of value and name") from error
    values = [label.value for label in labels]
    if len(set(values)) != len(values) or not all(isinstance(value, int) and 0 < value < 256 for value in values):
        raise IntegrityError(f"{LOCK_NAME} states label values that are repeated or not from 1 to 255")
    return tuple(sorted(labels))
