"""Where in a header words may name a body region.

The places are data, one a row of `rules/ingest/descriptors.csv`: a keyword, or `SequenceKeyword/Keyword`; they count at
any depth.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydicom.datadict import keyword_dict

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.policy.reading import member, parse_csv, read_bytes

_FOLDER, _FILE = "ingest", "descriptors.csv"
_WHERE = f"{_FOLDER}/{_FILE}"
_COLUMNS = ("id", "place", "why", "source", "example")
_DEEPEST = 2

DescriptorPlaces = frozenset[tuple[int, ...]]
"""Tags from the outermost named sequence to the element."""


@lru_cache(maxsize=8)
def load_descriptors(rules: Path) -> DescriptorPlaces:
    """The places that the rules folder lists; none for a table without rows.

    Raises:
        ConfigurationError: the table or a value in it is missing, an id repeats, or a keyword is unknown.
    """
    rows = parse_csv(read_bytes(rules / _FOLDER / _FILE), where=_WHERE, columns=_COLUMNS)
    seen: set[str] = set()
    for row in rows:
        if row["id"] in seen:
            raise ConfigurationError(f"{_WHERE}: the id {row['id']} stands twice")
        if not all(row.values()):
            raise ConfigurationError(f"{_WHERE}, {row['id']}: {', '.join(_COLUMNS)} are all needed")
        seen.add(row["id"])
    return frozenset(_place(row["place"], where=f"{_WHERE}, {row['id']}") for row in rows)


def bundled_descriptors() -> DescriptorPlaces:
    """The places that this copy of the engine ships with."""
    return load_descriptors(bundled_folder("rules"))


def is_descriptor(places: DescriptorPlaces, path: tuple[int, ...], tag: int) -> bool:
    """Whether the element `tag` inside the sequences `path` is at one of the places."""
    return (tag,) in places or (bool(path) and (path[-1], tag) in places)


def _place(text: str, *, where: str) -> tuple[int, ...]:
    keywords = text.split("/")
    if len(keywords) > _DEEPEST:
        raise ConfigurationError(f"{where}: a place is Keyword or SequenceKeyword/Keyword")
    return tuple(keyword_dict[member(keyword, keyword_dict, where=where)] for keyword in keywords)
