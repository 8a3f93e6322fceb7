"""Where in a header words may name a body region.

The places are data, one a row of `rules/ingest/descriptors.csv`: a keyword, or `SequenceKeyword/Keyword`; they count at
any depth.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from curator.bundled import bundled_folder
from curator.dicom.tables import TAGS
from curator.errors import ConfigurationError
from curator.policy.csv_tables import Row, parse_csv
from curator.strict import nearest, read_bytes

_FOLDER, _FILE = "ingest", "descriptors.csv"
_NAME = f"{_FOLDER}/{_FILE}"
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
    rows = parse_csv(read_bytes(rules / _FOLDER / _FILE, name=_NAME), name=_NAME, columns=_COLUMNS)
    seen: set[str] = set()
    for row in rows:
        if row["id"] in seen:
            raise row.wrong("id", f"{row['id']} stands twice")
        if not all(row.cells.values()):
            raise ConfigurationError(f"[{row.name}] {', '.join(_COLUMNS)} are all needed")
        seen.add(row["id"])
    return frozenset(_place(row) for row in rows)


def bundled_descriptors() -> DescriptorPlaces:
    """The places that this copy of the engine ships with."""
    return load_descriptors(bundled_folder("rules"))


def is_descriptor(places: DescriptorPlaces, path: tuple[int, ...], tag: int) -> bool:
    """Whether the element `tag` inside the sequences `path` is at one of the places."""
    return (tag,) in places or (bool(path) and (path[-1], tag) in places)


def _place(row: Row) -> tuple[int, ...]:
    keywords = row["place"].split("/")
    if len(keywords) > _DEEPEST:
        raise row.wrong("place", "must be Keyword or SequenceKeyword/Keyword")
    for keyword in keywords:
        if keyword not in TAGS:
            raise row.wrong("place", f"knows no {keyword!r}{nearest(keyword, TAGS)}")
    return tuple(TAGS[keyword] for keyword in keywords)
