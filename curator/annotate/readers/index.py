"""The annotation index: whose masks belong to which series.

    path,SeriesInstanceUID,author,role,tool
    masks/7.nii.gz,1.2.3,A. Reader,radiologist,editor 5

The law: the index speaks of source identifiers and authors by name; nothing of it is shown.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from curator.errors import ConfigurationError
from curator.strict import nearest

COLUMNS = ("path", "SeriesInstanceUID", "author", "role", "tool")
_REQUIRED = ("path", "SeriesInstanceUID", "author")


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
