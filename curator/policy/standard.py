"""The standard's own tables, refused when they are not what their digests say.

The law: what ships as the standard's word is the standard's word, byte for byte; a steward's changes belong in rules
of their own.

Sources: DICOM PS3.15 2026d, (c) NEMA; PS3.16 CID 7050; PS3.6.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from curator.dicom.dictionary import register
from curator.errors import ConfigurationError, IntegrityError
from curator.policy.csv_tables import parse_csv
from curator.policy.tags import tag_mask_of, tag_of
from curator.policy.types import AttributeTypes, attribute_types
from curator.strict import Table, parse_toml, read_bytes

OPTION_COLUMNS = (
    "retain-safe-private",
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-long-full-dates",
    "retain-long-modified-dates",
    "clean-descriptors",
    "clean-structured-content",
    "clean-graphics",
)
_EDITION = "header/edition.toml"
_TABLES = (
    "basic_profile.csv",
    "dictionary.csv",
    "iod_class_sets.csv",
    "iod_types.csv",
    "methods.csv",
    "safe_private.csv",
)
_PROFILE_COLUMNS = ("tag", "keyword", "vr", "name", "basic", *OPTION_COLUMNS)
# How the table writes the one row that stands for every private attribute.
PRIVATE_ROW = "ggggeeee"
_METHOD_COLUMNS = ("option", "code_value", "coding_scheme", "code_meaning", "section")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of Table E.1-1; `tag` is as written there, `cells` has the options that say something."""

    tag: str
    keyword: str
    vr: str
    basic: str
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class MethodCode:
    """A De-identification Method of CID 7050."""

    code_value: str
    coding_scheme: str
    code_meaning: str
    section: str


@dataclass(frozen=True, slots=True)
class Masked:
    """Entries by tag, exact ones first, then those that stand for a repeating group."""

    exact: dict[int, str]
    masks: tuple[tuple[int, int, str], ...]

    def find(self, tag: int) -> str | None:
        """The entry for a tag, None where there is none."""
        found = self.exact.get(tag)
        if found is None:
            for fixed, mask, entry in self.masks:
                if tag & mask == fixed:
                    return entry
        return found


@dataclass(frozen=True, slots=True)
class StandardTables:
    """Everything under `rules/header` that is the standard's.

    `rows` and `written_tags` work together: the second gives, for a tag, the key of the first (no private tag has one).
    `vrs` gives the VR of an attribute as the dictionary states it ("US or SS"). `safe_private` is Table E.3.10-1.
    `digest` covers the bytes of all tables.
    """

    edition: str
    citation: str
    rows: dict[str, TableRow]
    written_tags: Masked
    vrs: Masked
    types: AttributeTypes
    methods: dict[str, MethodCode]
    safe_private: bytes
    digest: str


def load_standard(folder: Path) -> StandardTables:
    """The tables of `rules/header`.

    Raises:
        IntegrityError: a table differs from its recorded digest or number of rows.
        ConfigurationError: a table is missing or malformed.
    """
    edition_text = read_bytes(folder / "edition.toml", name=_EDITION)
    edition = parse_toml(edition_text, name=_EDITION)
    edition.only(required=("edition", "citation", "table"))
    contents = {}
    for entry in edition.tables("table"):
        entry.only(required=("name", "rows", "sha256"))
        name = entry.get("name", str)
        contents[name] = _verified(folder / name, entry)
    for name in _TABLES:
        if name not in contents:
            raise ConfigurationError(f"{_EDITION}: no digest for {name}")
    rows = _profile_rows(contents["basic_profile.csv"])
    # The table is newer than the dictionary that reads files in implicit VR.
    register({int(row.tag, 16): row.vr.split(" or ")[0] for row in rows.values() if _is_tag(row)})
    return StandardTables(
        edition=edition.get("edition", str),
        citation=edition.get("citation", str),
        rows=rows,
        written_tags=_masked({tag: tag for tag in rows if tag != PRIVATE_ROW}, where="header/basic_profile.csv"),
        vrs=_dictionary(contents["dictionary.csv"]),
        types=attribute_types(contents["iod_types.csv"], contents["iod_class_sets.csv"]),
        methods=_methods(contents["methods.csv"]),
        safe_private=contents["safe_private.csv"],
        digest=hashlib.sha256(edition_text).hexdigest(),
    )


def _is_tag(row: TableRow) -> bool:
    return row.tag != PRIVATE_ROW and "x" not in row.tag


def _verified(path: Path, entry: Table) -> bytes:
    content = read_bytes(path, name=f"header/{path.name}")
    rows = content.count(b"\n") - 1
    if hashlib.sha256(content).hexdigest() != entry.get("sha256", str) or rows != entry.get("rows", int):
        raise IntegrityError(
            f"header/{path.name} is not the table that header/edition.toml describes; restore it, and put changes of "
            "your own into a profile"
        )
    return content


def _profile_rows(content: bytes) -> dict[str, TableRow]:
    rows = parse_csv(content, name="header/basic_profile.csv", columns=_PROFILE_COLUMNS)
    return {
        row["tag"]: TableRow(
            tag=row["tag"],
            keyword=row["keyword"],
            vr=row["vr"],
            basic=row["basic"],
            cells={name: row[name] for name in OPTION_COLUMNS if row[name]},
        )
        for row in rows
    }


def _masked(entries: dict[str, str], *, where: str) -> Masked:
    exact = {tag_of(tag, where=where): entry for tag, entry in entries.items() if "x" not in tag}
    masks = [(*tag_mask_of(tag, where=where), entry) for tag, entry in entries.items() if "x" in tag]
    return Masked(exact, tuple(masks))


def _dictionary(content: bytes) -> Masked:
    rows = parse_csv(content, name="header/dictionary.csv", columns=("tag", "vr"))
    return _masked({row["tag"]: row["vr"] for row in rows}, where="header/dictionary.csv")


def _methods(content: bytes) -> dict[str, MethodCode]:
    rows = parse_csv(content, name="header/methods.csv", columns=_METHOD_COLUMNS)
    return {
        row["option"]: MethodCode(row["code_value"], row["coding_scheme"], row["code_meaning"], row["section"])
        for row in rows
    }
