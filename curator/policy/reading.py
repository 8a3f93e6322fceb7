"""Strict reading of rule files.

The law: what a rule file says is understood completely or refused; a key that nobody reads is an error that names the
nearest one that somebody does.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import cast

from curator.errors import ConfigurationError
from curator.strict import nearest

Table = Mapping[str, object]
_TAG = re.compile(r"[0-9A-F]{8}")
_TAG_MASK = re.compile(r"[0-9A-Fx]{8}")


def read_bytes(path: Path) -> bytes:
    """The bytes of a rule file.

    Raises:
        ConfigurationError: it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"rule file {path.parent.name}/{path.name} cannot be read: {error.strerror}"
        ) from error


def parse_toml(text: bytes, *, where: str) -> Table:
    """A TOML document as nested mappings.

    Raises:
        ConfigurationError: it is not TOML.
    """
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where} is not TOML: {error}") from error


def only(table: Table, *, where: str, required: Collection[str], optional: Collection[str] = ()) -> Table:
    """The same table, once it is certain that it has every required key and no unknown one.

    Raises:
        ConfigurationError: a key is missing or unknown.
    """
    known = {*required, *optional}
    for key in table:
        if key not in known:
            raise ConfigurationError(f'{where}: unknown key "{key}"{nearest(key, known)}')
    for key in required:
        if key not in table:
            raise ConfigurationError(f'{where}: the key "{key}" is missing')
    return table


def text(table: Table, key: str, *, where: str, default: str = "") -> str:
    """A string of a table.

    Raises:
        ConfigurationError: it is something else.
    """
    value = table.get(key, default)
    if not isinstance(value, str):
        raise ConfigurationError(f'{where}: "{key}" must be a string')
    return value


def texts(table: Table, key: str, *, where: str) -> tuple[str, ...]:
    """A list of strings of a table, empty where the key is absent.

    Raises:
        ConfigurationError: it is something else.
    """
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ConfigurationError(f'{where}: "{key}" must be a list of strings')
    return tuple(value)


def subtables(table: Table, key: str, *, where: str) -> tuple[Table, ...]:
    """A list of tables, empty where the key is absent.

    Raises:
        ConfigurationError: it is something else.
    """
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ConfigurationError(f'{where}: "{key}" must be a list of tables')
    return cast("tuple[Table, ...]", tuple(value))


def parse_csv(content: bytes, *, where: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV table that has exactly these columns, by column.

    Raises:
        ConfigurationError: a column is missing or unknown, or a row has too few or too many cells.
    """
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    for name in reader.fieldnames or ():
        if name not in columns:
            raise ConfigurationError(f'{where}: unknown column "{name}"{nearest(name, columns)}')
    if list(reader.fieldnames or ()) != list(columns):
        raise ConfigurationError(f"{where}: the columns must be {', '.join(columns)}, in this order")
    rows = list(reader)
    for number, row in enumerate(rows, start=2):
        # DictReader files surplus cells under None and fills missing ones with None.
        if None in row or None in row.values():
            raise ConfigurationError(f"{where}, line {number}: not {len(columns)} cells")
    return rows


def tag_of(value: str, *, where: str) -> int:
    """A tag written as eight upper-case hexadecimal digits.

    Raises:
        ConfigurationError: it is written otherwise.
    """
    if not _TAG.fullmatch(value):
        raise ConfigurationError(f'{where}: "{value}" is not a tag of eight upper-case hexadecimal digits')
    return int(value, 16)


def tag_mask_of(value: str, *, where: str) -> tuple[int, int]:
    """A tag in which `x` stands for any digit, as (fixed bits, their mask).

    Raises:
        ConfigurationError: it is written otherwise.
    """
    if not _TAG_MASK.fullmatch(value):
        raise ConfigurationError(f'{where}: "{value}" is not a tag of eight upper-case hexadecimal digits or x')
    mask = int("".join("0" if digit == "x" else "F" for digit in value), 16)
    return int(value.replace("x", "0"), 16), mask


def member(value: str, known: Mapping[str, object], *, where: str) -> str:
    """The same name, once it is certain that it is known.

    Raises:
        ConfigurationError: it is not; the sentence names the nearest one that is.
    """
    if value not in known:
        raise ConfigurationError(f'{where}: "{value}" is unknown{nearest(value, known)}')
    return value


def truth(table: Table, key: str, *, where: str) -> bool | None:
    """A boolean of a table, None where the key is absent.

    Raises:
        ConfigurationError: it is something else.
    """
    value = table.get(key)
    if value is not None and not isinstance(value, bool):
        raise ConfigurationError(f'{where}: "{key}" must be true or false')
    return value


def wrong(what: str, *, where: str) -> ConfigurationError:
    """The error for a rule that says something it cannot mean."""
    return ConfigurationError(f"{where}: {what}")


def twice(name: str, *, where: str) -> ConfigurationError:
    """The error for something that stands twice where it may stand once."""
    return ConfigurationError(f'{where}: "{name}" stands twice')
