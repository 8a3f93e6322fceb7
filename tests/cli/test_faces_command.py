"""`curator deid faces` on NIfTI files, all real: a make-believe head and what the phantom knows of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from curator.testing.heads import Head, HeadPlan, make_head

# Voxels of LPS lie in NIfTI's RAS by this.
TURN = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Command:
    """A head in a file with a name in its name and header, a workspace, and what the command made of them."""

    root: Path
    run: Callable[..., Any]
    head: Head
    done: Any

    @property
    def source(self) -> Path:
        return self.root / "in" / "Zwackelmann.nii.gz"

    @property
    def arguments(self) -> tuple[object, ...]:
        return (
            "deid", "faces", self.source.parent, "--out", self.root / "out", "-w", self.root / "workspace", "--json",
        )  # fmt: skip

    @property
    def written(self) -> Path:
        (one,) = (self.root / "out").iterdir()
        return one

    @property
    def voxels(self) -> np.ndarray:
        """What was written, `(Z, Y, X)` as the head's own."""
        return np.asarray(nibabel.load(self.written).dataobj).T


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]) -> Command:
    root = tmp_path_factory.mktemp("nifti")
    head = make_head(HeadPlan(spacing_mm=(3.0, 3.0, 3.0), person=1))
    made = Command(root, run_curator, head, None)
    image = nibabel.Nifti1Image(head.volume.stored.T, TURN @ head.volume.affine_lps)
    image.header["descrip"] = b"Zwackelmann"
    made.source.parent.mkdir()
    nibabel.save(image, made.source)
    assert run_curator("init", root / "workspace", "--keys", root / "keys" / "key.json").code == 0
    return Command(root, run_curator, head, run_curator(*made.arguments))


def test_a_nifti_file_goes_without_its_face(command: Command) -> None:
    (row,) = command.done.json()
    assert (command.done.code, row["status"], row["out"]) == (0, "defaced", command.written.name)
    before, after = nibabel.load(command.source), nibabel.load(command.written)
    np.testing.assert_array_equal(before.affine, after.affine)
    assert before.get_data_dtype() == after.get_data_dtype()
    changed = command.voxels != command.head.volume.stored
    assert not (changed & command.head.brain).any()
    # From the middle of the brain upwards half of the head lies behind it; below are the sides of the neck, and beside
    # it the ears, which go too where a key needs the last rung.
    up, back, middle = np.argwhere(command.head.brain).mean(axis=0).astype(int)
    assert not changed[up:, back:, middle - 10 : middle + 10].any()
    back_to_voxels = np.linalg.inv(command.head.volume.affine_lps)
    for name in ("nasion", "nose tip", "right mouth corner", "left mouth corner", "chin"):
        x, y, z = np.rint(back_to_voxels[:3, :3] @ command.head.landmarks_mm[name] + back_to_voxels[:3, 3]).astype(int)
        around = (slice(z - 1, z + 2), slice(y - 1, y + 2), slice(x - 1, x + 2))
        assert changed[around].mean() > 0.7, name


def test_the_attack_sees_a_face_before_and_none_after(command: Command) -> None:
    assert command.run("deid", "faces", "--audit", command.source, "--json").code == 1
    assert command.run("deid", "faces", "--audit", command.written, "--json").code == 0


def test_a_nifti_file_goes_without_a_word(command: Command) -> None:
    assert b"Zwackelmann" not in gzip.decompress(command.written.read_bytes())
    assert "Zwackelmann" not in command.done.out + command.done.err + command.written.name


def test_the_same_file_gives_the_same_bytes_and_never_goes_where_it_came_from(command: Command) -> None:
    again = command.written.read_bytes()
    assert command.run(*command.arguments).code == 0
    assert command.written.read_bytes() == again
    into = ("--out", command.source.parent, "-w", command.root / "workspace")
    assert command.run("deid", "faces", command.source.parent, *into).code == 3


def test_what_would_be_done_is_told_and_nothing_is_written(command: Command) -> None:
    files = sorted(command.root.rglob("*"))
    shown = command.run("deid", "faces", command.source, "--what-if", "--json")
    assert (shown.code, [one["status"] for one in shown.json()]) == (0, ["defaced"])
    assert sorted(command.root.rglob("*")) == files


def test_a_file_that_is_no_volume_is_held_with_its_reason(tmp_path: Path, run_curator: Callable[..., Any]) -> None:
    broken = tmp_path / "broken.nii"
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4)), broken)
    broken.write_bytes(broken.read_bytes()[:-20])
    done = run_curator("deid", "faces", broken, "--what-if", "--json")
    assert (done.code, [one["status"] for one in done.json()]) == (1, ["quarantined"])
    assert "truncated" in done.json()[0]["why"]
