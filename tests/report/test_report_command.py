"""`curator report` as a steward types it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from gathering_samples import evaluated_run, filled_workspace, frozen_dataset

from curator.cli.report import group
from curator.errors import CuratorError, UsageError


def report(*arguments: object) -> Result:
    done = CliRunner().invoke(group, [str(each) for each in arguments])
    if isinstance(done.exception, CuratorError):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one dataset and one run."""
    workspace = filled_workspace(tmp_path_factory.mktemp("job"))
    dataset = frozen_dataset(workspace.datasets)
    evaluated_run(workspace.runs / "one", dataset)
    return workspace.root


def test_a_workspace_with_one_dataset_and_run_tells_all(folder: Path, tmp_path: Path) -> None:
    done = report(folder, "--out", tmp_path / "r.html")
    assert done.exit_code == 0
    assert "release, diversity, agreement, dataset, training, evaluation" in done.stdout
    assert hashlib.sha256((tmp_path / "r.html").read_bytes()).hexdigest() in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize("place", ["datasets/toy@1.0.0", "runs/one"])
def test_a_dataset_or_a_run_alone(folder: Path, tmp_path: Path, place: str) -> None:
    assert report(folder / place, "--out", tmp_path / "r.html").exit_code == 0
    assert b"toy 1.0.0" in (tmp_path / "r.html").read_bytes()


def test_what_if_writes_nothing(folder: Path, tmp_path: Path) -> None:
    done = report(folder, "--out", tmp_path / "deep" / "r.html", "--what-if")
    assert done.exit_code == 0 and "would write" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_json_alone_stands_on_stdout(folder: Path, tmp_path: Path) -> None:
    done = report(folder, "--out", tmp_path / "r.html", "--json")
    content = json.loads(done.stdout)
    assert content["release"]["files_in"] == 6 and content["dataset"]["items"] == 8
    assert "wrote" in done.stderr


def test_of_several_none_is_guessed(folder: Path, tmp_path: Path) -> None:
    other = filled_workspace(tmp_path)
    for name in ("a", "b"):
        frozen_dataset(other.datasets / name)
        (other.datasets / name / "toy@1.0.0").rename(other.datasets / f"{name}@1.0.0")
    unnamed = report(other.root, "--out", tmp_path / "r.html", "--what-if")
    assert "dataset" not in unnamed.stdout
    named = report(other.root, "--dataset", other.datasets / "a@1.0.0", "--out", tmp_path / "r.html", "--what-if")
    assert "dataset" in named.stdout


def test_inside_a_dataset_nothing_is_written(folder: Path) -> None:
    with pytest.raises(UsageError, match="never changes"):
        report(folder, "--out", folder / "datasets" / "toy@1.0.0" / "r.html")
