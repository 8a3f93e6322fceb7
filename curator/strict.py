"""TOML read strictly: an unknown key or a value of the wrong kind is an error that names the nearest right one.

The law: nothing that a steward wrote is ignored.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from curator.errors import ConfigurationError

T = TypeVar("T")
_LARGEST = 2**63 - 1


def nearest(word: str, known: Collection[str]) -> str:
    """`; did you mean 'x'?` for the closest known word, else the known words in a list."""
    words = sorted(map(str, known))
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(words)}"


@dataclass(frozen=True, slots=True)
class Table:
    """One TOML table under its dotted name."""

    name: str
    values: Mapping[str, object]

    def only(self, optional: Collection[str] = (), *, required: Collection[str] = ()) -> None:
        """Refuse every key that is neither optional nor required, and a table that lacks a required one.

        Raises:
            ConfigurationError: a key is unknown, and the nearest known one is named, or missing.
        """
        known = {*required, *optional}
        for key in self.values:
            if key not in known:
                raise ConfigurationError(f"[{self.name}] has no key {key!r}{nearest(key, known)}")
        for key in required:
            if key not in self.values:
                raise ConfigurationError(f"[{self.name}] needs the key {key!r}")

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of `key`; an integer serves where a float is asked for.

        Raises:
            ConfigurationError: it is missing without a default, or of another type.
        """
        if key not in self.values:
            if default is None:
                raise ConfigurationError(f"[{self.name}] needs the key {key!r}")
            return default
        value = self.values[key]
        if kind is float and type(value) is int:
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, f"must be of type {kind.__name__}")
        return value

    def maybe(self, key: str, kind: type[T]) -> T | None:
        """The value of `key`, None where it is absent.

        Raises:
            ConfigurationError: it is of another type.
        """
        return self.get(key, kind) if key in self.values else None

    def texts(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of distinct strings, () where it is absent.

        Raises:
            ConfigurationError: not a list of strings, one of them not allowed, or one twice.
        """
        values: list[str] = []
        for value in self.get(key, list, []):
            if not isinstance(value, str):
                raise self.wrong(key, "must be a list of strings")
            if allowed is not None and value not in allowed:
                raise self.wrong(key, f"knows no {value!r}{nearest(value, allowed)}")
            values.append(value)
        if len(set(values)) != len(values):
            raise self.wrong(key, "names the same value twice")
        return tuple(values)

    def one_of(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """A string from a closed list.

        Raises:
            ConfigurationError: missing without a default, or another string.
        """
        value = self.get(key, str, default)
        if value not in allowed:
            raise self.wrong(key, f"knows no {value!r}{nearest(value, allowed)}")
        return value

    def number(self, key: str, default: int | None = None, *, least: int, most: int = _LARGEST) -> int:
        """An integer between two bounds, both included.

        Raises:
            ConfigurationError: missing without a default, no integer, or out of bounds.
        """
        value = self.get(key, int, default)
        if not least <= value <= most:
            raise self.wrong(key, f"must be between {least} and {most}")
        return value

    def table(self, key: str) -> Table:
        """The table under `key`, an empty one where it is absent."""
        return Table(f"{self.name}.{key}", self.get(key, dict, {}))

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of an array of tables, none where it is absent; one with an `id` has it in its name.

        Raises:
            ConfigurationError: not an array of tables.
        """
        for number, values in enumerate(self.get(key, list, []), start=1):
            if not isinstance(values, dict):
                raise self.wrong(key, "must be an array of tables")
            called = f" ({values['id']})" if isinstance(values.get("id"), str) else ""
            yield Table(f"{self.name}.{key} {number}{called}", values)

    def wrong(self, key: str, what: str) -> ConfigurationError:
        """The error to raise for a value of `key`."""
        return ConfigurationError(f"[{self.name}] {key}: {what}")


def read_bytes(path: Path, *, name: str) -> bytes:
    """The bytes of a file that is called `name` in errors.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error


def parse_toml(content: bytes, *, name: str) -> Table:
    """A whole TOML document as a table called `name` in errors.

    Raises:
        ConfigurationError: it is not TOML.
    """
    try:
        return Table(name, tomllib.loads(content.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name} is not TOML: {error}") from error


def read_toml(path: Path, *, name: str) -> Table:
    """A whole TOML file as a table called `name` in errors.

    Raises:
        ConfigurationError: it cannot be read or is not TOML.
    """
    return parse_toml(read_bytes(path, name=name), name=name)
