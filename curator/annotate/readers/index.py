"""The annotation index: whose masks belong to which series.

    path,SeriesInstanceUID,author,role,tool
    masks/7.nii.gz,1.2.3,A. Reader,radiologist,editor 5

The law: the index speaks of source identifiers and authors by name; an `Annotation` has only what replaces them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.annotate.readers.dicom_seg import read_seg
from curator.annotate.readers.labels import LabelTable
from curator.annotate.readers.nifti import read_nifti_mask
from curator.errors import ConfigurationError, ItemError
from curator.model.annotation import Annotation, Label
from curator.model.quarantine import Reason
from curator.model.volume import Volume
from curator.strict import nearest

COLUMNS = ("path", "SeriesInstanceUID", "author", "role", "tool")
_REQUIRED = ("path", "SeriesInstanceUID", "author")
_DICOM_MAGIC = b"DICM"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One row: `path` is resolved against the folder of the index; UID and author are the source's."""

    path: Path = field(repr=False)
    SeriesInstanceUID: str = field(repr=False)
    author: str = field(repr=False)
    role: str
    tool: str


def read_index(path: Path) -> tuple[IndexEntry, ...]:
    """The rows of an index in its order; () where it has a header only.

    Raises:
        ConfigurationError: it cannot be read, a column is unknown, missing or double, a row is too short or too long,
            lacks a value, or repeats a path.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = list(csv.reader(stream, strict=True)) or [[]]
    except OSError as error:
        raise ConfigurationError(f"the annotation index cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"the annotation index is no CSV in UTF-8 ({type(error).__name__})") from None
    _check_header(header)
    numbered = [(number, row) for number, row in enumerate(rows, start=2) if row]
    entries = tuple(
        _entry(path.parent, dict(zip(header, _checked(row, header, number), strict=True))) for number, row in numbered
    )
    seen: set[Path] = set()
    for (number, _), entry in zip(numbered, entries, strict=True):
        if entry.path in seen:
            raise ConfigurationError(f"row {number} of the annotation index repeats the path of an earlier row")
        seen.add(entry.path)
    return entries


def read_annotation(
    entry: IndexEntry,
    *,
    image: Volume,
    table: LabelTable,
    uid: Callable[[str], str],
    author_code: Callable[[str], str],
) -> Annotation:
    """The annotation of one row on the grid of `image`, NIfTI or DICOM SEG by content.

    `uid` and `author_code` give what replaces a source UID and an author's name. A NIfTI mask is taken to answer for
    every label of `table`, a SEG for the labels it has segments for.

    Raises:
        ItemError: as `read_nifti_mask` and `read_seg`.
    """
    mask, labels = _mask(entry.path, image, table)
    return Annotation(
        SeriesInstanceUID=uid(entry.SeriesInstanceUID),
        author_code=author_code(entry.author),
        role=entry.role,
        tool=entry.tool,
        labels=labels,
        mask=mask,
    )


def _mask(path: Path, image: Volume, table: LabelTable) -> tuple[NDArray[np.uint8], tuple[Label, ...]]:
    try:
        with path.open("rb") as stream:
            is_dicom = stream.read(132)[128:] == _DICOM_MAGIC
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, f"errno {error.errno}") from None
    if is_dicom:
        seg = read_seg(path, image=image, table=table)
        return seg.mask, seg.labels
    return read_nifti_mask(path, image=image, table=table), table.labels


def _check_header(header: list[str]) -> None:
    for column in header:
        if column not in COLUMNS:
            raise ConfigurationError(f"the annotation index has no column {column!r}{nearest(column, COLUMNS)}")
    missing = [column for column in COLUMNS if column not in header]
    if missing or len(header) > len(COLUMNS):
        raise ConfigurationError(f"the annotation index needs each of the columns {', '.join(COLUMNS)} once")


def _checked(row: list[str], header: list[str], number: int) -> list[str]:
    if len(row) != len(header):
        raise ConfigurationError(
            f"row {number} of the annotation index has {len(row)} values for {len(header)} columns"
        )
    values = [value.strip() for value in row]
    for column, value in zip(header, values, strict=True):
        if column in _REQUIRED and not value:
            raise ConfigurationError(f"row {number} of the annotation index has no {column}")
    return values


def _entry(folder: Path, values: dict[str, str]) -> IndexEntry:
    return IndexEntry(
        path=folder / values["path"],
        SeriesInstanceUID=values["SeriesInstanceUID"],
        author=values["author"],
        role=values["role"],
        tool=values["tool"],
    )
