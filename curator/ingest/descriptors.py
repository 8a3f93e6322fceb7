"""Where in a header words may name a body region.

The places are data: `rules/ingest/descriptors.csv`, one a row, as a keyword or as `SequenceKeyword/Keyword`, at any depth.
"""

from __future__ import annotations

import csv
import difflib
from functools import lru_cache
from pathlib import Path

from pydicom.datadict import keyword_dict

from curator.bundled import bundled_folder
from curator.dicom.dictionary import tag_of
from curator.errors import RuleError

_FILE = Path("ingest") / "descriptors.csv"
_COLUMNS = ("id", "place", "why", "source", "example")

_DEEPEST = 2

DescriptorPlaces = frozenset[tuple[int, ...]]
"""Tags from the outermost named sequence to the element."""


@lru_cache(maxsize=8)
def load_descriptors(rules: Path) -> DescriptorPlaces:
    """The places that the rules folder lists.

    Raises:
        RuleError: the table is not there, a column or value is missing, an id repeats or a keyword is unknown.
    """
    try:
        with (rules / _FILE).open(newline="", encoding="utf-8") as table:
            reader = csv.DictReader(table)
            rows = list(reader)
    except OSError as error:
        raise RuleError(f"{_FILE.as_posix()} cannot be read") from error
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise RuleError(f"{_FILE.as_posix()}: its columns are not {', '.join(_COLUMNS)}")
    if len({row["id"] for row in rows}) < len(rows):
        raise RuleError(f"{_FILE.as_posix()}: an id stands twice")
    for row in rows:
        if any(not row[column] for column in _COLUMNS):
            raise RuleError(f"{_FILE.as_posix()}, {row['id']}: id, place, why, source and example are all needed")
    return frozenset(_place(row["place"], row["id"]) for row in rows)


def bundled_descriptors() -> DescriptorPlaces:
    """The places that this copy of the engine ships with."""
    return load_descriptors(bundled_folder("rules"))


def is_descriptor(places: DescriptorPlaces, path: tuple[int, ...], tag: int) -> bool:
    """Whether the element `tag` inside the sequences `path` is at one of the places."""
    return (tag,) in places or (bool(path) and (path[-1], tag) in places)


def _place(text: str, rule_id: str) -> tuple[int, ...]:
    keywords = text.split("/")
    if len(keywords) > _DEEPEST:
        raise RuleError(f"{_FILE.as_posix()}, {rule_id}: a place is Keyword or SequenceKeyword/Keyword")
    return tuple(_tag(keyword, rule_id) for keyword in keywords)


def _tag(keyword: str, rule_id: str) -> int:
    try:
        return tag_of(keyword)
    except KeyError:
        near = difflib.get_close_matches(keyword, keyword_dict, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise RuleError(f"{_FILE.as_posix()}, {rule_id}: no keyword {keyword}{hint}") from None
