"""Turns the standard's table of content items into the files that ship under `rules/structured`.

Run as `python tests/rules/generate_structured.py SOURCE RULES` where SOURCE holds the table as CSV. The law: the same
source gives the same bytes; `test_structured_tables.py` compares them with what is committed.

Sources: DICOM PS3.15 2026d Table E.3.4-1, (c) NEMA; retired SNOMED RT codes of SNOMED CT concepts as pydicom has them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydicom.sr._snomed_dict import mapping

EDITION = "2026d"
OPTION_COLUMNS = (
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-long-full-dates",
    "retain-long-modified-dates",
    "clean-descriptors",
)
# Schemes under which the same retired codes were written.
_RETIRED_SCHEMES = ("SRT", "SNM3", "99SDM")


def _written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8")


def tables(source: Path) -> dict[str, bytes]:
    """Every generated file of `rules/structured` by name, `edition.toml` with their digests last."""
    with (source / "sr_clean_codes_e3_4_1.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    concepts = _written(
        ["code_value", "scheme", "meaning", "value_type", "basic", *OPTION_COLUMNS],
        (
            [
                *(row[name] for name in ("code_value", "scheme", "meaning", "value_type", "basic")),
                *(row[name.replace("-", "_")] for name in OPTION_COLUMNS),
            ]
            for row in rows
        ),
    )
    current = sorted({row["code_value"] for row in rows if row["scheme"] == "SCT"})
    aliases = _written(
        ["scheme", "code_value", "of_scheme", "of_code_value"],
        (
            [scheme, mapping["SCT"][code], "SCT", code]
            for code in current
            if code in mapping["SCT"]
            for scheme in _RETIRED_SCHEMES
        ),
    )
    made = {"aliases.csv": aliases, "concepts.csv": concepts}
    made["edition.toml"] = edition(made)
    return made


def edition(made: dict[str, bytes]) -> bytes:
    """The edition and, of each table, the number of rows and the SHA-256."""
    lines = [
        "# Written by tests/rules/generate_structured.py. A table that is not what it says here is refused.",
        f'edition = "{EDITION}"',
        f'citation = "DICOM PS3.15 {EDITION} Table E.3.4-1, (c) NEMA"',
    ]
    for name in sorted(made):
        rows = made[name].count(b"\n") - 1
        digest = hashlib.sha256(made[name]).hexdigest()
        lines += ["", "[[table]]", f'name = "{name}"', f"rows = {rows}", f'sha256 = "{digest}"']
    return ("\n".join(lines) + "\n").encode("utf-8")


if __name__ == "__main__":
    for file_name, content in tables(Path(sys.argv[1])).items():
        (Path(sys.argv[2]) / "structured" / file_name).write_bytes(content)
