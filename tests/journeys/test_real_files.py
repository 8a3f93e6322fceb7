"""Real files of many makers and kinds: each is released or has a reason, nothing crashes, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pydicom
from small_hospital import contents, state, tables

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "seg_rt"


def test_each_is_released_or_has_a_reason_and_a_second_run_writes_nothing(tmp_path: Path, run_curator) -> None:
    bundled = Path(pydicom.__file__).parent / "data"
    paths = [path for path in (bundled / "test_files", bundled / "charset_files", SHARED) if path.is_dir()]
    files = [path for root in paths for path in root.rglob("*") if path.is_file()]
    workspace = tmp_path / "workspace"
    assert run_curator("init", workspace, "--keys", tmp_path / "key.json").code == 0
    arguments = ("deid", "run", *paths, "--out", workspace / "released", "-w", workspace, "--workers", 1, "--json")

    first = run_curator(*arguments)
    assert first.code == 1, first.err
    found = first.json()
    assert found["files"] == len(files) == found["released"] + sum(found["quarantined"].values())
    assert found["released"] == len(contents(workspace / "released")) > 10
    assert found["residual_findings"] == 0
    # A reason of ours would be a defect of ours.
    assert "internal_error" not in found["quarantined"]
    assert {"not_dicom", "truncated", "dicomdir", "sop_instance_uid_conflict"} <= found["quarantined"].keys()
    assert len(tables(workspace)["quarantine"]) == sum(found["quarantined"].values())

    before = state(workspace)
    assert run_curator(*arguments).json() == found | {"released_new": 0}
    assert state(workspace) == before
