"""`curator ingest scan` counts, names nothing, and its exit code says whether anything is held."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner, Result

from curator.cli.ingest import group
from curator.errors import ConfigurationError, UsageError
from curator.jobs.workspace import create_workspace

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "workspace", key_file=tmp_path / "keys" / "key.json")
    return tmp_path / "workspace"


def scan(workspace: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(group, ["scan", "-w", str(workspace), *map(str, arguments)])


def test_nothing_held_is_exit_code_0(workspace: Path) -> None:
    done = scan(workspace, BUNDLED / "CT_small.dcm", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "files": {"found": 1, "candidates": 1, "held": 0},
        "candidates": {"patients": 1, "studies": 1, "series": 1, "series_not_a_regular_volume": 0},
        "modality": {"CT": 1},
        "sop_class": {"CT Image Storage": 1},
        "held_by_reason": {},
    }
    assert "1/1" in done.stderr


def test_something_held_is_exit_code_1_and_no_source_is_named(workspace: Path) -> None:
    done = scan(workspace, BUNDLED)
    assert done.exit_code == 1
    assert "dicomdir" in done.stdout
    for said in (done.stdout, done.stderr):
        assert "CT_small" not in said
        assert "1CT1" not in said
        assert "CompressedSamples" not in said
        assert str(BUNDLED) not in said


def test_what_is_ignored_is_not_counted(workspace: Path) -> None:
    done = scan(workspace, BUNDLED, "--ignore", "dicomdirtests", "--ignore", "*.d*", "--json")
    assert json.loads(done.stdout)["files"]["candidates"] == 0
    assert json.loads(done.stdout)["files"]["found"] == 5


def test_scanning_writes_nothing(workspace: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.parent.rglob("*")}
    scan(workspace, BUNDLED / "CT_small.dcm")
    assert {path: path.stat().st_mtime_ns for path in workspace.parent.rglob("*")} == before


def test_a_path_or_workspace_that_is_not_there_is_a_usage_error(workspace: Path, tmp_path: Path) -> None:
    assert isinstance(scan(workspace, tmp_path / "nothing").exception, UsageError)
    assert isinstance(scan(tmp_path / "nowhere", BUNDLED).exception, ConfigurationError)
