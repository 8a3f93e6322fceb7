"""Reads a frozen dataset, for trainers and reports.

The law: reading trusts the bytes; `verify` is what checks them.
"""

from __future__ import annotations

from pathlib import Path

from curator.dataset.rows import read_rows
from curator.dataset.seal import lock_from
from curator.dataset.volumes import open_array, read_array
from curator.errors import IntegrityError
from curator.model.lock import DatasetLock
from curator.model.manifest import (
    ANNOTATIONS_NAME,
    ITEMS_NAME,
    LOCK_NAME,
    PALETTE_NAME,
    SPLITS_NAME,
    AnnotationRow,
    Item,
    SplitRow,
)
from curator.model.votes import PaletteRow

__all__ = [
    "open_array",
    "read_annotations",
    "read_array",
    "read_card",
    "read_items",
    "read_lock",
    "read_palette",
    "read_splits",
]


def read_lock(dataset: Path) -> DatasetLock:
    """What the dataset says about itself.

    Raises:
        IntegrityError: there is no lock, or it is not in canonical form.
    """
    try:
        content = (dataset / LOCK_NAME).read_bytes()
    except OSError as error:
        raise IntegrityError(f"this folder has no readable {LOCK_NAME}: not a frozen dataset") from error
    return lock_from(content)


def read_items(dataset: Path) -> list[Item]:
    """All items, sorted by `item_id`.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    return read_rows(dataset / ITEMS_NAME, Item)


def read_annotations(dataset: Path) -> list[AnnotationRow]:
    """All authors' masks, sorted by item and annotation.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    return read_rows(dataset / ANNOTATIONS_NAME, AnnotationRow)


def read_splits(dataset: Path) -> list[SplitRow]:
    """Where each item went, sorted by `item_id`.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    return read_rows(dataset / SPLITS_NAME, SplitRow)


def read_palette(dataset: Path) -> list[PaletteRow]:
    """All joint votes, sorted by item and pattern.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    return read_rows(dataset / PALETTE_NAME, PaletteRow)


def read_card(dataset: Path) -> str:
    """The dataset card, Markdown.

    Raises:
        IntegrityError: there is none.
    """
    try:
        return (dataset / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IntegrityError("this folder has no readable README.md: not a frozen dataset") from error
