"""The committed tables are what the generator makes of the standard's."""

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from pydicom.datadict import dictionary_VR

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT.parent / "shared" / "standards"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_tables", Path(__file__).with_name("generate_tables.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the standard's tables lie beside the project, not in it")
def test_committed_tables_are_generated(rules: Path) -> None:
    # The dictionary is pydicom's, which grows with its releases; it has a test of its own.
    made = generator().tables(SOURCE)
    for name in sorted(set(made) - {"dictionary.csv", "edition.toml"}):
        assert made[name] == (rules / "header" / name).read_bytes(), name
    committed = {name: (rules / "header" / name).read_bytes() for name in made if name != "edition.toml"}
    assert generator().edition(committed) == (rules / "header" / "edition.toml").read_bytes()


def test_dictionary_agrees_with_pydicom(rules: Path) -> None:
    with (rules / "header" / "dictionary.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if "x" not in row["tag"]]
    assert len(rows) > 5000
    for row in rows:
        assert dictionary_VR(int(row["tag"], 16)) == row["vr"], row["tag"]


def test_rules_stay_small(rules: Path) -> None:
    assert sum(path.stat().st_size for path in rules.rglob("*") if path.is_file()) < 1_200_000
