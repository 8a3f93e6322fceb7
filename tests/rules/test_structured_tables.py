"""The committed table of content items is what the generator makes of the standard's."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from curator.errors import IntegrityError
from curator.policy.header import load_header_policy

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT.parent / "shared" / "standards"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structured", Path(__file__).with_name("generate_structured.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the standard's tables lie beside the project, not in it")
def test_S02_committed_tables_are_generated(rules: Path) -> None:
    for name, content in generator().tables(SOURCE).items():
        assert content == (rules / "structured" / name).read_bytes(), name


@pytest.mark.parametrize("name", ["concepts.csv", "aliases.csv"])
def test_an_altered_table_is_refused(rules: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(rules, tmp_path / "rules")
    path = copy / "structured" / name
    path.write_bytes(path.read_bytes().replace(b"SCT", b"SCX", 1))
    with pytest.raises(IntegrityError, match="is not the table"):
        load_header_policy(copy, options=["clean-structured-content"])
    load_header_policy(copy)


def test_the_digest_follows_what_cleaning_reads(rules: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rules, tmp_path / "rules")
    before = [load_header_policy(copy, options=options).digest for options in ((), ("clean-descriptors",))]
    path = copy / "text" / "allowed.csv"
    path.write_bytes(path.read_bytes() + b"zzz,anatomy\n")
    after = [load_header_policy(copy, options=options).digest for options in ((), ("clean-descriptors",))]
    assert before[0] == after[0]
    assert before[1] != after[1]
