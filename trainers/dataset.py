"""A frozen dataset as a trainer meets it: items with their splits, images and masks on one grid.

The law: nothing outside the dataset's folder is opened, and a dataset whose tables and arrays disagree is refused,
never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.dataset import read
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.manifest import AnnotationRow, Item, Split

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


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
        IntegrityError: there is no dataset, or its lock or manifest is not as laid down.
    """
    lock = read.read_lock(folder)
    items = sorted(read.read_items(folder), key=lambda item: item.item_id)
    if not all(_SAFE_NAME.fullmatch(item.item_id) for item in items):
        raise IntegrityError("an item_id of the manifest cannot be a file name; freeze the dataset again")
    values = [label.value for label in lock.labels]
    if len(set(values)) != len(values) or not all(0 < value < 256 for value in values):
        raise IntegrityError("the lock states label values that are repeated or not from 1 to 255")
    return FrozenDataset(
        folder=folder,
        identity=DatasetIdentity(name=lock.name, version=lock.version, merkle_root=lock.merkle_root),
        labels=tuple(sorted(lock.labels)),
        items=tuple(items),
        splits={row.item_id: row.split for row in read.read_splits(folder)},
    )


def read_annotations(dataset: FrozenDataset) -> tuple[AnnotationRow, ...]:
    """Every author's annotation, sorted by id; empty where there is none.

    Raises:
        IntegrityError: the table is not as laid down.
    """
    return tuple(sorted(read.read_annotations(dataset.folder), key=lambda row: row.annotation_id))


def read_image(dataset: FrozenDataset, item: Item) -> NDArray[np.float32]:
    """The rescaled values of one item (Hounsfield units for CT), `(Z, Y, X)`.

    Raises:
        IntegrityError: the volume is not there or not of the shape the manifest states.
    """
    stored = _array(dataset, item, item.volume_path).astype(np.float32)
    return stored * np.float32(item.rescale_slope) + np.float32(item.rescale_intercept)


def read_mask(dataset: FrozenDataset, item: Item, path: str | None = None) -> NDArray[np.uint8]:
    """The consensus mask of one item, or the mask of it at `path`: `(Z, Y, X)` label values.

    Raises:
        IntegrityError: it is not there or not on the grid of its volume.
    """
    return _array(dataset, item, item.mask_path if path is None else path).astype(np.uint8)


def _array(dataset: FrozenDataset, item: Item, path: str) -> NDArray[np.generic]:
    folder = dataset.folder.resolve()
    file = (folder / path).resolve()
    if not path or not file.is_relative_to(folder) or not file.is_file():
        raise IntegrityError("the manifest names an array that is not in the dataset; run `curator dataset verify`")
    array = read.read_array(file)
    if array.shape != item.shape:
        raise IntegrityError("an array is not on the grid its manifest row states; run `curator dataset verify`")
    return array
