from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.record import record_instances
from curator.catalog.schema import head_revision
from curator.cli import root
from curator.errors import ConfigurationError, CuratorError, UsageError
from curator.jobs.workspace import create_workspace
from curator.model.instance import ReleasedInstance


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(root, [str(one) for one in arguments])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return create_workspace(tmp_path / "ws", key_file=tmp_path / "keys" / "key.json").root


@pytest.fixture
def filled(workspace: Path) -> Path:
    assert _run("db", "upgrade", "-w", workspace).exit_code == 0
    engine = open_engine(f"sqlite:///{workspace / 'curator.sqlite'}")
    text = dict.fromkeys((name for name, kind in ReleasedInstance.__annotations__.items() if kind == "str"), "")
    vendors = ["SIEMENS", "Siemens Healthineers", "GE MEDICAL SYSTEMS", "TOSHIBA"]
    with write_transaction(engine) as connection:
        for number, manufacturer in enumerate(vendors):
            own = {
                "SOPInstanceUID": f"2.25.{number}",
                "SeriesInstanceUID": f"2.25.1{number}",
                "Manufacturer": manufacturer,
                "centre_code": f"C{number % 2}",
                "patient_code": f"P{number}",
                "Modality": "MR",
            }
            one = ReleasedInstance(**text | own, Rows=1, Columns=1, NumberOfFrames=1, references=(), size_bytes=1)
            record_instances(connection, [one])
    engine.dispose()
    return workspace


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_upgrade_says_what_it_did_and_does_nothing_twice(workspace: Path) -> None:
    database = workspace / "curator.sqlite"
    what_if = _run("db", "upgrade", "-w", workspace, "--what-if")
    assert (what_if.exit_code, what_if.stdout) == (0, "would apply 0001, 0002, 0003\n")
    assert not database.exists()

    first = _run("db", "upgrade", "-w", workspace)
    assert (first.exit_code, first.stdout) == (0, f"at revision {head_revision()}, applied 0001, 0002, 0003\n")
    before = _digest(database)

    second = _run("db", "upgrade", "--url", f"sqlite:///{database}")
    assert (second.exit_code, second.stdout) == (0, f"at revision {head_revision()}, nothing to apply\n")
    assert _digest(database) == before


def test_upgrade_needs_one_database(tmp_path: Path) -> None:
    assert _run("db", "upgrade").exit_code == 2
    assert _run("db", "upgrade", "-w", tmp_path, "--url", "sqlite:///x").exit_code == 2


def test_query_lists_series_and_changes_no_byte(filled: Path) -> None:
    before = _digest(filled / "curator.sqlite")
    result = _run("catalog", "query", "-w", filled)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "patient_code",
        "SeriesInstanceUID",
        "Modality",
        "BodyPartExamined",
        "vendor",
        "ManufacturerModelName",
        "instances",
    ]
    assert [line.split() for line in lines[1:-1]] == [
        ["P0", "2.25.10", "MR", "Siemens", "1"],
        ["P1", "2.25.11", "MR", "Siemens", "1"],
        ["P2", "2.25.12", "MR", "GE", "1"],
        ["P3", "2.25.13", "MR", "Canon", "1"],
    ]
    assert lines[-1] == "4 series of 4 patients"
    assert _digest(filled / "curator.sqlite") == before


def test_query_filters_and_speaks_to_machines(filled: Path) -> None:
    result = _run("catalog", "query", "-w", filled, "--where", "vendor=Siemens", "--where", "centre_code=C1", "--json")
    assert [one["SeriesInstanceUID"] for one in json.loads(result.stdout)] == ["2.25.11"]
    assert json.loads(_run("catalog", "query", "-w", filled, "--where", "vendor=", "--json").stdout) == []


def test_a_wrong_condition_is_a_usage_error(filled: Path) -> None:
    assert _run("catalog", "query", "-w", filled, "--where", "vendor").exit_code == 2
    wrong = _run("catalog", "query", "-w", filled, "--where", "vendr=GE")
    assert isinstance(wrong.exception, UsageError)
    assert "did you mean 'vendor'" in str(wrong.exception)


def test_diversity_counts_and_measures(filled: Path) -> None:
    found = json.loads(_run("catalog", "diversity", "-w", filled, "--json").stdout)
    vendor = found["attributes"][0]
    assert vendor["counts"] == [["Siemens", 2], ["Canon", 1], ["GE", 1]]
    assert vendor["effective_number"] == pytest.approx(2 * 2**0.5)
    assert found["vendor_by_centre"]["cells"] == [[0, 1], [1, 0], [1, 1]]

    printed = _run("catalog", "diversity", "-w", filled).stdout
    assert "vendor: 3 values, effective number 2.83, evenness 0.95" in printed
    assert "BodyPartExamined: 1 values" in printed
    assert "vendor by centre_code: shared information 0.50" in printed


def test_a_workspace_without_a_database_says_what_to_do(workspace: Path, tmp_path: Path) -> None:
    result = _run("catalog", "query", "-w", workspace)
    assert isinstance(result.exception, UsageError)
    assert "curator db upgrade" in str(result.exception)
    assert not (workspace / "curator.sqlite").exists()
    nowhere = _run("catalog", "diversity", "-w", tmp_path / "nowhere")
    assert isinstance(nowhere.exception, ConfigurationError)
    assert isinstance(nowhere.exception, CuratorError)
