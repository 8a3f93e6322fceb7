"""Turns the standard's tables into the format that ships under `rules/header`.

Run as `python tests/rules/generate_tables.py SOURCE RULES` where SOURCE holds the tables as CSV. The law: the same
source gives the same bytes; `test_tables.py` compares them with what is committed.

Sources: DICOM PS3.15 2026d, (c) NEMA; PS3.3 (attribute types); PS3.6 (dictionary, as pydicom carries it).
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom.datadict import keyword_dict

EDITION = "2026d"
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


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8")


def basic_profile(source: Path) -> bytes:
    """Table E.1-1: one row per attribute, `x` in a tag stands for any digit of a repeating group."""
    rows = []
    for row in _read(source / "ps3_15_table_e1.csv"):
        cells = [row[name.replace("-", "_")] for name in OPTION_COLUMNS]
        vr = row["vr"].rstrip("?").replace("/", " or ")
        rows.append([row["tag"], row["keyword"], vr, row["name"], row["basic"], *cells])
    return _written(["tag", "keyword", "vr", "name", "basic", *OPTION_COLUMNS], rows)


def iod_types(source: Path) -> tuple[bytes, bytes]:
    """Types by (tag, path), and the sets of SOP Classes that share one; a path is tags joined by `/`."""
    tags = {keyword: f"{tag:08X}" for keyword, tag in keyword_dict.items()}
    classes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in _read(source / "iod_required_types_top.csv"):
        classes[(row["tag"], "", row["type"])].add(row["sop_class_uid"])
    for row in _read(source / "iod_required_types_nested_compound.csv"):
        path = "/".join(tags[keyword] for keyword in row["path"].split("/"))
        classes[(row["tag"], path, row["type"])].add(row["sop_class_uid"])
    names: dict[tuple[str, ...], str] = {}
    rows = []
    for key in sorted(classes):
        members = tuple(sorted(classes[key]))
        names.setdefault(members, f"S{len(names) + 1:03d}")
        rows.append([*key, names[members]])
    sets = [[name, " ".join(members)] for members, name in names.items()]
    return _written(["tag", "path", "type", "set"], rows), _written(["set", "sop_classes"], sets)


def methods(source: Path) -> bytes:
    """CID 7050: the code that says which option was applied."""
    rows = []
    for row in _read(source / "cid_7050.csv"):
        option = row["option"].replace("_", "-")
        rows.append([option, row["code_value"], row["scheme"], row["meaning"], row["ps3_15_section"]])
    return _written(["option", "code_value", "coding_scheme", "code_meaning", "section"], rows)


def safe_private(source: Path) -> bytes:
    """Table E.3.10-1: safe private attributes by creator, group and the low byte of the element, for any block."""
    rows = []
    for row in _read(source / "safe_private_e3_10_1.csv"):
        element = row["element"].removeprefix("xx")
        vr = row["vr"].replace("/", " or ")
        rows.append([row["private_creator"], row["group"], element, vr, row["vm"], row["name"]])
    return _written(["private_creator", "group", "element", "vr", "vm", "name"], rows)


def dictionary() -> bytes:
    """PS3.6 as (tag, VR): which even-group attributes exist, and how their values are written."""
    rows = [[f"{tag:08X}", entry[0]] for tag, entry in DicomDictionary.items() if entry[0] != "NONE"]
    rows += [
        [mask.upper().replace("X", "x"), entry[0]] for mask, entry in RepeatersDictionary.items() if entry[0] != "NONE"
    ]
    return _written(["tag", "vr"], sorted(rows))


def tables(source: Path) -> dict[str, bytes]:
    """Every generated file of `rules/header` by name, `edition.toml` with their digests last."""
    types, sets = iod_types(source)
    made = {
        "basic_profile.csv": basic_profile(source),
        "dictionary.csv": dictionary(),
        "iod_class_sets.csv": sets,
        "iod_types.csv": types,
        "methods.csv": methods(source),
        "safe_private.csv": safe_private(source),
    }
    made["edition.toml"] = edition(made)
    return made


def edition(made: dict[str, bytes]) -> bytes:
    """The edition and, of each table, the number of rows and the SHA-256."""
    lines = [
        "# Written by tests/rules/generate_tables.py. A table that is not what it says here is refused.",
        f'edition = "{EDITION}"',
        f'citation = "DICOM PS3.15 {EDITION}, (c) NEMA"',
    ]
    for name in sorted(made):
        rows = made[name].count(b"\n") - 1
        digest = hashlib.sha256(made[name]).hexdigest()
        lines += ["", "[[table]]", f'name = "{name}"', f"rows = {rows}", f'sha256 = "{digest}"']
    return ("\n".join(lines) + "\n").encode("utf-8")


if __name__ == "__main__":
    for file_name, content in tables(Path(sys.argv[1])).items():
        (Path(sys.argv[2]) / "header" / file_name).write_bytes(content)
