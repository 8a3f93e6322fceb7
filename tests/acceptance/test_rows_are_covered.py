"""Each row of the acceptance table has a test whose source names its id.

Who builds an area adds its letter to `REQUIRED_AREAS`.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
TABLE = TESTS.parents[1] / "shared" / "acceptance" / "deidentification.psv"
REQUIRED_AREAS = "HIUTPEMXSROBG"
# Rows that we do not build, and why.
NOT_SHIPPED = {
    "P09": "further private dictionaries are an optional layer with a licence of its own",
    "O06": "the MIDI-B data and its validation script are not here; nothing else gives its score",
}
_ID = re.compile(r"(?<![A-Za-z0-9])[A-Z]\d{2}(?![0-9A-Za-z])")

pytestmark = pytest.mark.skipif(not TABLE.is_file(), reason="the acceptance table lies beside the project, not in it")


def rows() -> list[str]:
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream, delimiter="|", quoting=csv.QUOTE_NONE)]


@cache
def named() -> frozenset[str]:
    """Every id in the name of a test function or of one of its cases."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__).resolve():
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.lstrip().startswith("def test_") or "id=" in line or "ids=" in line:
                    found.update(_ID.findall(line.replace("_", " ")))
    return frozenset(found)


def test_the_table_is_the_one_we_know() -> None:
    assert len(rows()) == 111
    assert set(NOT_SHIPPED) <= set(rows())


@pytest.mark.parametrize("area", REQUIRED_AREAS)
def test_every_row_of_an_area_has_a_test(area: str) -> None:
    wanted = {row for row in rows() if row[0] == area} - NOT_SHIPPED.keys()
    assert wanted
    assert sorted(wanted - named()) == []
