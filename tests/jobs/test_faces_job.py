"""A whole job under the option clean-recognizable-visual-features, all real: what goes, what stays, what says so.

One make-believe head with all that follows from it, and a brain without a head; judged by what the phantom knows, by
SimpleITK and by dciodvfy.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from archive_samples import contents, digests, rows
from head_samples import Heads
from pydicom import Dataset, dcmread
from scipy import ndimage

from curator.imaging.series import read_series
from curator.testing.heads import (
    Head,
    HeadPlan,
    SeriesPlan,
    make_head,
    start_visit,
    write_localizer,
    write_segmentation,
    write_series,
    write_structure_set,
)
from curator.testing.leak_search import find_leaks

MARKED, UNMARKED = ("NO", True), (None, False)
LOCALIZER_SLICES = 3


@dataclass
class Job:
    """The folders of one job, the head and the brain that went through it, and what the command said."""

    heads: Heads
    head: Head
    brain: Head
    visit: Any
    done: Any

    @property
    def files(self) -> int:
        """How many instances there are, SEG and RTSTRUCT among them."""
        return len(self.head.volume.stored) + len(self.brain.volume.stored) + LOCALIZER_SLICES + 2

    def slices(self, head: Head) -> list[Path]:
        """The released slices of a volume, by place."""
        return slices_in(self.heads.out, head)

    def sources(self, head: Head) -> list[Path]:
        """Their sources."""
        return slices_in(self.heads.source, head)

    @cached_property
    def zones(self) -> list[Dataset]:
        """What the house keeps: a zone for every volume that lost one."""
        return [dcmread(path) for path in sorted((self.heads.workspace / "faces").rglob("*.dcm"))]

    @cached_property
    def zone(self) -> np.ndarray:
        """The zone of the head on its grid, `(Z, Y, X)`."""
        (kept,) = (one for one in self.zones if (one.Rows, one.Columns) == self.head.volume.shape[1:])
        mask = np.zeros(self.head.volume.shape, bool)
        origin, step = self.head.volume.affine_lps[2, 3], self.head.volume.affine_lps[2, 2]
        for frame, groups in zip(kept.pixel_array, kept.PerFrameFunctionalGroupsSequence, strict=True):
            mask[round((groups.PlanePositionSequence[0].ImagePositionPatient[2] - origin) / step)] = frame > 0
        return mask

    def in_zone(self, points_lps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether points `(N, 3)` surely lie in the zone, and whether they surely do not: a voxel's breadth is left."""
        deep, near = ndimage.binary_erosion(self.zone), ndimage.binary_dilation(self.zone)
        back = np.linalg.inv(self.head.volume.affine_lps)
        at = np.rint(points_lps @ back[:3, :3].T + back[:3, 3]).astype(int)[:, ::-1]
        is_scanned = ((at >= 0) & (at < self.zone.shape)).all(axis=1)
        at = np.where(is_scanned[:, None], at, 0)
        return is_scanned & deep[tuple(at.T)], is_scanned & ~near[tuple(at.T)]


def slices_in(folder: Path, head: Head) -> list[Path]:
    """The slices of a volume, which are told by their size."""
    found = {}
    for path in sorted(folder.rglob("*.dcm")):
        one = dcmread(path, stop_before_pixels=True)
        is_overview = "LOCALIZER" in one.get("ImageType", ())
        if one.Modality == "MR" and not is_overview and (one.Rows, one.Columns) == head.volume.shape[1:]:
            found[path] = float(one.ImagePositionPatient[2])
    return sorted(found, key=found.__getitem__)


def marks(one: Dataset) -> tuple[str | None, bool]:
    """What an instance says of faces: the attribute and whether the method code is there."""
    codes = [code.CodeValue for code in one.DeidentificationMethodCodeSequence]
    return one.get("RecognizableVisualFeatures"), "113102" in codes


def pixel_places(plane: Any, measures: Any, orientation: Any, shape: tuple[int, int]) -> np.ndarray:
    """The patient points of all pixels of a plane, `(Y * X, 3)`."""
    row, column = (np.array(orientation.ImageOrientationPatient[part], float) for part in (slice(3), slice(3, 6)))
    down, across = (float(step) for step in measures.PixelSpacing)
    y, x = np.indices(shape)
    origin = np.array(plane.ImagePositionPatient, float)
    return origin + x.reshape(-1, 1) * across * row + y.reshape(-1, 1) * down * column


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]) -> Job:
    heads = Heads(tmp_path_factory.mktemp("heads"), run_curator)
    head = make_head(HeadPlan(spacing_mm=(2.5, 2.5, 2.5), person=1))
    visit = start_visit(heads.source, patient=1)
    one = write_series(visit, head)
    write_localizer(visit, head.plan)
    write_segmentation(visit, one)
    write_structure_set(visit, one)
    brain = make_head(HeadPlan(spacing_mm=(4.0, 3.5, 3.5), person=2, is_stripped=True))
    write_series(start_visit(heads.source, patient=2), brain, SeriesPlan(description="T1 brain"))
    assert run_curator("init", heads.workspace, "--keys", heads.root / "keys" / "key.json").code == 0
    return Job(heads, head, brain, visit, heads.run())


def test_everything_went_and_nothing_was_held(job: Job) -> None:
    said = job.done.json()
    assert (job.done.code, said["quarantined"], said["released"]) == (0, {}, job.files), job.done.err


def test_F02_a_head_goes_without_its_face_and_all_else_bit_for_bit(job: Job) -> None:
    released, source, volume = read_series(job.slices(job.head)), read_series(job.sources(job.head)), job.head.volume
    np.testing.assert_array_equal(released.affine_lps, volume.affine_lps)
    assert released.stored.dtype == source.stored.dtype
    assert released.rescale_slope == source.rescale_slope
    assert np.array_equal(released.stored[~job.zone], volume.stored[~job.zone])
    # The brain is known to the phantom and to nothing that removes faces.
    assert not (job.zone & job.head.brain).any()
    skin = job.zone & job.head.inside
    assert skin.sum() > 10_000
    assert np.mean(released.stored[skin] == volume.stored[skin]) < 0.05


def test_F02_the_numbers_in_the_ledger_are_those_of_a_pass(job: Job) -> None:
    every = [json.loads(text)["faces"] for (text,) in rows(job.heads.workspace, "SELECT evidence FROM pixel_evidence")]
    stacks = [stack for one in every for stack in one.get("stacks", ())]
    passed = [one for one in stacks if one["status"] == "defaced" and one["numbers"].get("before_hits")]
    assert len(passed) == len(job.head.volume.stored)
    numbers = passed[0]["numbers"]
    assert numbers["after_hits"] == numbers["old_skin_kept"] == 0
    assert numbers["after_best"] <= -0.3
    assert numbers["recovered"] <= 0.45
    assert numbers["rank"] > 1
    assert passed[0]["voxels_changed"] == job.zone.sum()


def test_F02_the_markers_stand_where_something_was_proven_and_nowhere_else(job: Job) -> None:
    assert {marks(one) for one in job.heads.released()} == {MARKED}
    assert {marks(one) for one in job.heads.released("SEG")} == {MARKED}
    assert {marks(one) for one in job.heads.released("RTSTRUCT")} == {UNMARKED}


def test_F01_a_brain_alone_goes_as_it_is(job: Job) -> None:
    released = read_series(job.slices(job.brain))
    np.testing.assert_array_equal(released.stored, job.brain.volume.stored)
    np.testing.assert_array_equal(released.affine_lps, job.brain.volume.affine_lps)


def test_F03_a_localizer_loses_the_same_zone(job: Job) -> None:
    sources = {
        tuple(one.ImageOrientationPatient): one
        for one in map(dcmread, sorted(job.heads.source.rglob("*.dcm")))
        if "LOCALIZER" in one.get("ImageType", ())
    }
    overviews = [one for one in job.heads.released() if "LOCALIZER" in one.ImageType]
    assert len(overviews) == len(sources) == LOCALIZER_SLICES
    lost = 0
    for after in overviews:
        before = sources[tuple(after.ImageOrientationPatient)].pixel_array.ravel()
        inside, outside = job.in_zone(pixel_places(after, after, after, (after.Rows, after.Columns)))
        new = after.pixel_array.ravel()
        # Where the zone is thinner than a voxel of the head its mask cannot tell where the zone ends.
        assert np.mean(before[outside] != new[outside]) < 1e-3
        assert np.mean(before[inside] != new[inside]) > 0.9 or not inside.any()
        lost += int(inside.sum())
    assert lost > 2000


def test_F03_masks_lose_what_their_images_lost(job: Job) -> None:
    (mask,) = job.heads.released("SEG")
    (source,) = map(dcmread, job.heads.source.rglob("SEG*.dcm"))
    shared = mask.SharedFunctionalGroupsSequence[0]
    orientation, measures = shared.PlaneOrientationSequence[0], shared.PixelMeasuresSequence[0]
    lost = 0
    frames = zip(source.pixel_array, mask.pixel_array, mask.PerFrameFunctionalGroupsSequence, strict=True)
    for before, after, groups in frames:
        places = pixel_places(groups.PlanePositionSequence[0], measures, orientation, before.shape)
        inside, outside = job.in_zone(places)
        assert not after.ravel()[inside].any()
        assert np.array_equal(before.ravel()[outside], after.ravel()[outside])
        lost += int(before.ravel()[inside].sum())
    assert lost > 500


def test_F03_contours_lose_what_their_images_lost(job: Job) -> None:
    (structures,) = job.heads.released("RTSTRUCT")
    contours = [
        np.array(contour.ContourData, float).reshape(-1, 3)
        for roi in structures.ROIContourSequence
        for contour in roi.get("ContourSequence", ())
    ]
    assert len(contours) > 10
    assert not any(job.in_zone(points)[0].any() for points in contours)


def test_the_house_keeps_the_zone_and_the_release_has_nothing_of_it(job: Job) -> None:
    assert len(job.zones) == 1 + LOCALIZER_SLICES
    named = {
        item.ReferencedSOPInstanceUID
        for zone in job.zones
        for series in zone.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    assert named <= {one.SOPInstanceUID for one in job.heads.released()}
    assert not list(job.heads.workspace.glob(".faces-*"))
    assert not list(job.heads.out.rglob("*.npz"))
    for folder in (job.heads.workspace, job.heads.out):
        assert find_leaks(folder, job.visit.hospital.key()) == []


def test_simpleitk_loads_the_released_head_as_one_volume(job: Job) -> None:
    image = sitk.ReadImage([str(path) for path in job.slices(job.head)])
    np.testing.assert_allclose(image.GetOrigin(), job.head.volume.affine_lps[:3, 3], atol=1e-3)
    np.testing.assert_allclose(image.GetSpacing(), job.head.volume.spacing_mm[::-1], atol=1e-3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), read_series(job.slices(job.head)).stored)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_dciodvfy_finds_no_error_that_the_source_has_not(job: Job) -> None:
    middle = len(job.head.volume.stored) // 2
    before, after = (errors_of(paths[middle]) for paths in (job.sources(job.head), job.slices(job.head)))
    assert not after - before


def errors_of(path: Path) -> Counter[str]:
    said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, check=False)
    lines = said.stderr.decode("latin-1").splitlines()
    return Counter(line for line in lines if line.startswith("Error"))


def test_two_workers_write_what_one_writes_and_a_second_run_changes_nothing(job: Job) -> None:
    other = Heads(job.heads.root / "other", job.heads.run_curator)
    other.root.mkdir()
    other.source.symlink_to(job.heads.source)
    keys = job.heads.root / "keys" / "key.json"
    assert other.run_curator("init", other.workspace, "--keys", keys).code == 0
    done = other.run(workers=2)
    assert done.code == 0
    assert contents(other.out) == contents(job.heads.out)
    assert contents(other.workspace / "faces") == contents(job.heads.workspace / "faces")
    before = digests(other.root)
    assert other.run().json() == done.json() | {"released_new": 0}
    assert digests(other.root) == before


def test_the_attack_passes_the_release_and_fails_the_source(job: Job) -> None:
    run = job.heads.run_curator
    verified = run("deid", "verify", job.heads.out, "-w", job.heads.workspace, "--faces")
    assert verified.code == 0, verified.out
    released, source = (job.slices(job.head)[0].parent, job.heads.source)
    attacked = run("deid", "faces", "--audit", released, "--json")
    assert attacked.code == 0, attacked.out
    assert run("deid", "faces", "--audit", source, "--json").code == 1


def test_without_the_option_all_of_it_is_held_as_ever(job: Job) -> None:
    plain = job.heads.run("--what-if", options=()).json()
    asked = job.heads.run("--what-if").json()
    assert (plain["would_release"], plain["would_deface"]) == (0, 0)
    assert plain["would_quarantine"] == {"face_possible": job.files - 2, "reference_unresolved": 2}
    assert (asked["would_release"], asked["would_deface"]) == (job.files, job.files - 2)
