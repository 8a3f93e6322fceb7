"""CSV read strictly: the tables that rules refer to.

The law: a table has exactly the columns that its reader knows, and every row has a cell for each.

Sources: RFC 4180.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from curator.errors import ConfigurationError
from curator.strict import nearest


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by column; `name` is the table with the line, as errors say it."""

    name: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def one_of(self, column: str, allowed: Collection[str]) -> str:
        """A cell from a closed list.

        Raises:
            ConfigurationError: it says something else; the nearest allowed word is named.
        """
        if self[column] not in allowed:
            raise self.wrong(column, f"knows no {self[column]!r}{nearest(self[column], allowed)}")
        return self[column]

    def wrong(self, column: str, what: str) -> ConfigurationError:
        """The error to raise for the cell of `column`."""
        return ConfigurationError(f"[{self.name}] {column}: {what}")


def cells_of(content: bytes, *, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row's cells with the line it ends on, the header first; blank lines are none, nor is an empty table.

    Raises:
        ConfigurationError: it is not CSV in UTF-8.
    """
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name} is not CSV: {error}") from error


def parse_csv(content: bytes, *, name: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a table that has exactly these columns; none for a header alone.

    Raises:
        ConfigurationError: a column is missing or unknown, or a row has too few or too many cells.
    """
    lines = cells_of(content, name=name)
    _, header = next(lines, (0, list[str]()))
    for column in header:
        if column not in columns:
            raise ConfigurationError(f"{name} has no column {column!r}{nearest(column, columns)}")
    if header != list(columns):
        raise ConfigurationError(f"{name}: the columns must be {', '.join(columns)}, in this order")
    rows = []
    for line, cells in lines:
        if len(cells) != len(columns):
            raise ConfigurationError(f"{name}, line {line}: {len(cells)} cells, the header has {len(columns)}")
        rows.append(Row(f"{name}, line {line}", dict(zip(columns, cells, strict=True))))
    return rows
