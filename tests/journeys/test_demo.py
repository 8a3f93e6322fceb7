"""`curator demo` with a small hospital and hardly any training; its full size is the README's to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_hospital import make_small_hospital, state

from curator.errors import UsageError
from curator.jobs.demo import Scale, demonstrate
from curator.testing import AnswerKey


def small(folder: Path, seed: int) -> AnswerKey:
    assert seed == 0
    return make_small_hospital(folder).key


def cut_off(folder: Path, seed: int) -> AnswerKey:
    (folder / "dicom").mkdir(parents=True)
    (folder / "dicom" / "half.dcm").write_bytes(b"not yet")
    raise KeyboardInterrupt


def show(out: Path, make, *, seed: int = 0):
    lines: list[str] = []
    scale = Scale(make=make, steps=2, bundled=False)
    keys = out.parent / "keys" / "key.json"
    return demonstrate(out, seed=seed, workers=1, keys=keys, report=lines.append, scale=scale), lines


def test_the_whole_journey_with_a_trained_model_and_again(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt):
        show(out, cut_off)

    result, lines = show(out, small)
    job = result.job
    assert (result.exit_code, result.surviving, result.pixels_surviving) == (0, 0, 0)
    assert result.pixels_read == 1
    assert result.planted > 100
    assert job.release.files == job.release.released + sum(job.release.quarantined.values())
    assert job.mean_dice is not None and 0.0 <= job.mean_dice <= 1.0
    assert job.report is not None and job.report.stat().st_size > 10_000
    assert not [value for value in small_values(out) if value in "\n".join(lines)]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rehearsal"]["surviving"] == 0
    assert not (out / "hospital" / "dicom" / "half.dcm").exists()

    before = state(out / "workspace")
    again, _ = show(out, small)
    assert again.job.release.new == 0
    assert again.to_json() == result.to_json() | {
        "released_new": 0,
        "annotations": dict(result.to_json()["annotations"]) | {"imported_new": 0},
    }
    assert state(out / "workspace") == before
    with pytest.raises(UsageError, match="seed 0"):
        show(out, small, seed=1)


def small_values(out: Path) -> tuple[str, ...]:
    return AnswerKey.from_json((out / "answer-key.json").read_text()).values_to_search()


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("do not touch")
    with pytest.raises(UsageError, match="empty folder"):
        show(tmp_path, small)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_key_beside_the_data_is_refused(tmp_path: Path, run_curator) -> None:
    done = run_curator("demo", "--out", tmp_path / "demo", "--keys", tmp_path / "demo" / "workspace" / "key.json")
    assert (done.code, done.out) == (3, "")
    assert not (tmp_path / "demo").exists()
