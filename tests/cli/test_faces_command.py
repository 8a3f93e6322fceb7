"""`curator deid faces` on NIfTI files, with a stand-in for what looks at heads."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "jobs"))

from head_samples import FRONT_MM, use_stand_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A volume 200 mm long, x to the right and y to the front as NIfTI has it."""
    voxels = np.random.default_rng(1).integers(100, 900, (20, 40, 18)).astype(np.int16)
    image = nibabel.Nifti1Image(
        voxels, np.diag([5.0, 5.0, 5.0, 1.0]) - [[0, 0, 0, 50], [0, 0, 0, 100], [0] * 4, [0] * 4]
    )
    image.header["descrip"] = b"Zwackelmann"
    path = tmp_path / "in" / "Zwackelmann.nii.gz"
    path.parent.mkdir()
    nibabel.save(image, path)
    return path


def test_a_nifti_file_goes_without_its_face_and_without_a_word(
    file: Path, tmp_path: Path, run_curator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stand_in(monkeypatch)
    workspace, out = tmp_path / "workspace", tmp_path / "out"
    assert run_curator("init", workspace, "--keys", tmp_path / "keys" / "key.json").code == 0
    shown = run_curator("deid", "faces", file, "--what-if", "--json")
    assert (shown.code, [one["status"] for one in shown.json()]) == (0, ["defaced"])
    assert not out.exists()
    arguments = ("deid", "faces", file.parent, "--out", out, "-w", workspace, "--json")
    done = run_curator(*arguments)
    (row,) = done.json()
    (written,) = out.iterdir()
    assert (done.code, row["status"], row["out"]) == (0, "defaced", written.name)
    assert b"Zwackelmann" not in gzip.decompress(written.read_bytes())
    assert "Zwackelmann" not in done.out + done.err + written.name
    before, after = nibabel.load(file), nibabel.load(written)
    np.testing.assert_array_equal(before.affine, after.affine)
    # LPS y is the negative of NIfTI's.
    front = -(np.arange(40) * 5.0 - 100) < FRONT_MM - 1e-3
    old, new = (np.asarray(one.dataobj) for one in (before, after))
    np.testing.assert_array_equal(old[:, ~front], new[:, ~front])
    assert old[:, front].min() >= 100 > new[:, front].max()
    again = written.read_bytes()
    assert run_curator(*arguments).code == 0
    assert written.read_bytes() == again
    assert run_curator("deid", "faces", file.parent, "--out", file.parent, "-w", workspace).code == 3


def test_a_file_that_is_no_volume_is_held_with_its_reason(
    tmp_path: Path, run_curator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stand_in(monkeypatch)
    broken = tmp_path / "broken.nii"
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4)), broken)
    broken.write_bytes(broken.read_bytes()[:-20])
    done = run_curator("deid", "faces", broken, "--what-if", "--json")
    assert (done.code, [one["status"] for one in done.json()]) == (1, ["quarantined"])
    assert "truncated" in done.json()[0]["why"]
