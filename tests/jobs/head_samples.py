"""Studies of make-believe heads through jobs, and a stand-in for what looks at them.

The stand-in takes out everything in front of a plane: what a job makes of it can be foretold voxel by voxel.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from curator.deid.faces.fill import Filled
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.treated import Treated
from curator.deid.faces.zone import Curtain, Zone
from curator.imaging.frame import patient_frame
from curator.jobs.faces import treat, work
from curator.jobs.faces.task import HeadTask, TreatedHead
from curator.model.faces import FaceOutcome, FaceStatus
from curator.testing.heads import Contrast, HeadPlan, SeriesPlan, make_head, start_visit, write_series
from curator.testing.heads.visit import Visit, WrittenSeries

_RELEASE_HEAD = work.release_head
OPTION = ("--option", "retain-long-modified-dates", "--option", "clean-recognizable-visual-features")
FRONT_MM = -60.0
"""What lies farther to the front than this is taken out by the stand-in."""
SPACING_MM = (8.0, 6.0, 6.0)


def front_zone(scan: Scan) -> Zone:
    """Everything in front of the plane, as a zone."""
    frame = patient_frame(scan.volume, step_mm=4.0)
    depth = (FRONT_MM - frame.affine_lps[1, 3]) / frame.step_mm
    shape = (frame.shape[0], frame.shape[2])
    flat = np.full(shape, depth, np.float32)
    return Zone((Curtain(frame, np.ones(shape, np.float32), flat - 1, flat, flat * 0 + 1),))


def points_of(scan: Scan) -> np.ndarray:
    z, y, x = np.indices(scan.volume.shape)
    voxels = np.stack([x, y, z, np.ones_like(x)], axis=-1).reshape(-1, 4)
    return (voxels @ scan.volume.affine_lps.T)[:, :3]


def stand_in(scans: Sequence[Scan], _tools: FaceTools, *, wish: Wish, secret: bytes) -> tuple[Treated, ...]:
    """Every scan without its front; one of fewer than three slices is doubtful, and a CT shows nobody."""
    return tuple(_treated(scan, wish, secret) for scan in scans)


def _treated(scan: Scan, wish: Wish, secret: bytes) -> Treated:
    if scan.volume.shape[0] < 3:
        return Treated(outcome=FaceOutcome(status=FaceStatus.QUARANTINED, why="too few slices"))
    if scan.modality == "CT":
        return Treated(outcome=FaceOutcome(status=FaceStatus.NOT_APPLICABLE, why="no skin"))
    zone = front_zone(scan)
    mask = zone.holds(points_of(scan)).reshape(scan.volume.shape)
    random = np.random.default_rng(list(secret))
    new = random.integers(1, 90, int(mask.sum())).astype(scan.volume.stored.dtype)
    outcome = FaceOutcome(status=FaceStatus.DEFACED, why=f"stand-in, {wish.mode}", numbers={"after_best": -1.0})
    return Treated(outcome=outcome, filled=Filled(mask, new), zone=zone)


@dataclass(frozen=True)
class Heads:
    """A folder of sources, a workspace and what was released."""

    root: Path
    run_curator: Callable[..., Any]

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def run(self, *more: object, options: tuple[str, ...] = OPTION, workers: int = 1) -> Any:
        arguments = ("deid", "run", self.source, "--out", self.out, "-w", self.workspace, *options)
        return self.run_curator(*arguments, "--workers", workers, "--json", *more)

    def released(self, modality: str = "MR") -> list[Dataset]:
        found = [dcmread(path) for path in sorted(self.out.rglob("*.dcm"))]
        return [one for one in found if one.Modality == modality]


def head_study(
    root: Path, *, patient: int = 1, number: int = 3, contrast: str = "t1", series: SeriesPlan | None = None
) -> tuple[Visit, WrittenSeries]:
    """One coarse head, a file per slice."""
    plan = HeadPlan(spacing_mm=SPACING_MM, contrast=Contrast(contrast), person=patient)
    visit = start_visit(root, patient=patient, number=number, modality=plan.contrast.modality)
    return visit, write_series(visit, make_head(plan), series or SeriesPlan())


def use_stand_in(monkeypatch: pytest.MonkeyPatch, treat: Callable[..., Any] = stand_in) -> None:
    """Let jobs of this process treat studies with a stand-in."""
    for module in ("treat", "nifti"):
        monkeypatch.setattr(f"curator.jobs.faces.{module}.treat_study", treat)


def release_head_elsewhere(task: HeadTask) -> TreatedHead:
    """As `release_head` with the stand-in, for workers that are processes of their own."""
    treat.treat_study = stand_in  # type: ignore[assignment]
    return _RELEASE_HEAD(task)


def fatal_head(task: HeadTask) -> TreatedHead:
    """As `release_head_elsewhere`, but the worker ends when it has written some of a PET."""
    if task.tasks[0].source.Modality == "PT":
        release_head_elsewhere(dataclasses.replace(task, wanted=frozenset(range(5))))
        os._exit(9)
    return release_head_elsewhere(task)
