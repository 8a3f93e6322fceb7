"""Writes rows only where they differ from what is stored.

The law: writing what is already there leaves the database's bytes as they were, and rows go in by primary key, in
whatever order they were given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Table, select, tuple_

from curator.catalog.database import upsert

T = TypeVar("T")
CHUNK = 500
"""Rows asked for in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535."""


Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The primary keys of the rows that were new, and of those that took the place of different ones."""

    inserted: tuple[Key, ...]
    altered: tuple[Key, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """All keys that were written."""
        return frozenset(self.inserted + self.altered)


def write_changed(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> Written:
    """Insert or overwrite the rows that are not stored exactly so; of two with one key, the last counts."""
    keys = [column.name for column in table.primary_key]
    wanted = {tuple(row[key] for key in keys): row for row in rows}
    inserted: list[Key] = []
    altered: list[Key] = []
    for part in chunks(sorted(wanted)):
        stored = _stored(connection, table, part)
        fresh = [key for key in part if key not in stored]
        different = [key for key in part if key in stored and stored[key] != wanted[key]]
        upsert(connection, table, [wanted[key] for key in fresh + different])
        inserted += fresh
        altered += different
    return Written(tuple(inserted), tuple(altered))


def chunks(items: Sequence[T], *, size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`items` in parts of at most `size`, in their order; nothing for no items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def canonical_json(value: object) -> str:
    """One text for one value: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: the value holds NaN or an infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _stored(connection: Connection, table: Table, keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
    columns = list(table.primary_key)
    single = len(columns) == 1
    condition = columns[0].in_([key[0] for key in keys]) if single else tuple_(*columns).in_(keys)
    found = connection.execute(select(table).where(condition)).mappings()
    return {tuple(row[column.name] for column in columns): dict(row) for row in found}
