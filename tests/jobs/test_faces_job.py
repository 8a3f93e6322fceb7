"""Jobs under the option clean-recognizable-visual-features: what goes, what stays, and what says so.

What looks at heads is a stand-in here (`head_samples`), so that every voxel is known; `test_faces_real` has the real
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from archive_samples import digests, rows
from head_samples import FRONT_MM, Heads, head_study, use_stand_in
from pydicom import Dataset, dcmread

from curator.testing.heads import (
    write_localizer,
    write_segmentation,
    write_structure_set,
)

MARKED = ("NO", True)
UNMARKED = (None, False)
SLICES = 32


def marks(one: Dataset) -> tuple[str | None, bool]:
    """What an instance says of faces: the attribute and whether the method code is there."""
    codes = [code.CodeValue for code in one.DeidentificationMethodCodeSequence]
    return one.get("RecognizableVisualFeatures"), "113102" in codes


def is_front(one: Dataset) -> np.ndarray:
    """Which pixels of an axial slice lie in front of the plane of the stand-in, `(Y, X)`."""
    rows_mm = one.ImagePositionPatient[1] + np.arange(one.Rows) * one.PixelSpacing[0]
    return np.broadcast_to((rows_mm < FRONT_MM - 1e-3)[:, None], (one.Rows, one.Columns))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]) -> Iterator[tuple[Heads, Any]]:
    """One study: a head with a second series that the gates pass, a localizer, and all that follows from a head."""
    heads = Heads(tmp_path_factory.mktemp("heads"), run_curator)
    visit, one = head_study(heads.source)
    write_localizer(visit, one.head.plan)
    write_segmentation(visit, one)
    write_structure_set(visit, one)
    assert run_curator("init", heads.workspace, "--keys", heads.root / "keys" / "key.json").code == 0
    with pytest.MonkeyPatch.context() as patch:
        use_stand_in(patch)
        yield heads, heads.run()


def slices(heads: Heads) -> list[tuple[Dataset, Dataset]]:
    """Source and release of every slice of the head that went."""
    sources = {
        (round(float(one.ImagePositionPatient[2]), 3)): one
        for one in map(dcmread, sorted(heads.source.rglob("*.dcm")))
        if one.Modality == "MR" and one.SeriesDescription == "T1 MPRAGE"
    }
    return [(sources[round(float(one.ImagePositionPatient[2]), 3)], one) for one in heads.released()]


def test_F02_what_lies_in_the_zone_is_new_and_every_other_voxel_is_bit_identical(made: tuple[Heads, Any]) -> None:
    heads, done = made
    pairs = slices(heads)
    assert (done.code, len(pairs)) == (1, SLICES), done.err
    changed = wanted = 0
    for before, after in pairs:
        front = is_front(before)
        old, new = before.pixel_array, after.pixel_array
        assert np.array_equal(old[~front], new[~front])
        changed += int((old[front] != new[front]).sum())
        wanted += int(front.sum())
        # The stand-in puts 1 to 89 everywhere, a head's own skin is far brighter.
        assert new[front].max() < 90
        for keyword in ("Rows", "Columns", "BitsStored", "PixelRepresentation", "PixelSpacing", "SliceThickness"):
            assert before[keyword].value == after[keyword].value
        assert before.ImageOrientationPatient == after.ImageOrientationPatient
        assert before.file_meta.TransferSyntaxUID == after.file_meta.TransferSyntaxUID
    assert changed > 0.9 * wanted > 10_000


def test_F02_the_markers_stand_where_something_was_proven_and_nowhere_else(made: tuple[Heads, Any]) -> None:
    heads, _ = made
    assert {marks(one) for one in heads.released()} == {MARKED}
    assert {marks(one) for one in heads.released("SEG")} == {MARKED}
    assert {marks(one) for one in heads.released("RTSTRUCT")} == {UNMARKED}


def test_a_localizer_that_nobody_can_judge_is_held_and_leaves_nothing(made: tuple[Heads, Any]) -> None:
    heads, done = made
    assert done.json()["quarantined"] == {"face_doubtful": 3}
    assert all("LOCALIZER" not in one.ImageType for one in heads.released())
    shown = heads.run_curator("jobs", "quarantine", "-w", heads.workspace, "--json").json()
    assert {one["detail"] for one in shown} == {"too few slices"}


def test_F03_masks_and_contours_lose_what_their_images_lost(made: tuple[Heads, Any]) -> None:
    heads, _ = made
    (mask,) = heads.released("SEG")
    (source,) = map(dcmread, heads.source.rglob("SEG*.dcm"))
    frames = zip(source.pixel_array, mask.pixel_array, mask.PerFrameFunctionalGroupsSequence, strict=True)
    measures = mask.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    lost = 0
    for before, after, groups in frames:
        y0 = groups.PlanePositionSequence[0].ImagePositionPatient[1]
        front = y0 + np.arange(mask.Rows) * float(measures.PixelSpacing[0]) < FRONT_MM - 1e-3
        assert not after[front].any()
        assert np.array_equal(before[~front], after[~front])
        lost += int(before[front].sum())
    assert lost > 1000
    (structures,) = heads.released("RTSTRUCT")
    points = [
        np.array(contour.ContourData, float).reshape(-1, 3)
        for roi in structures.ROIContourSequence
        for contour in roi.get("ContourSequence", ())
    ]
    assert points
    assert min(float(one[:, 1].min()) for one in points) > FRONT_MM - 0.5


def test_the_ledger_has_the_numbers_and_the_house_keeps_the_zone(made: tuple[Heads, Any]) -> None:
    heads, _ = made
    found = [json.loads(text)["faces"] for (text,) in rows(heads.workspace, "SELECT evidence FROM pixel_evidence")]
    defaced = [one for one in found if "stacks" in one and one["stacks"][0]["status"] == "defaced"]
    assert len(defaced) == SLICES
    assert all(one["stacks"][0]["changed_mm3"] > 1e5 for one in defaced)
    (zone,) = (heads.workspace / "faces").rglob("*.dcm")
    kept = dcmread(zone)
    released = {one.SOPInstanceUID for one in heads.released()}
    named = {
        item.ReferencedSOPInstanceUID
        for series in kept.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    assert named <= released
    assert int(kept.pixel_array.sum()) == defaced[0]["stacks"][0]["voxels_changed"]
    assert not list(heads.workspace.glob(".faces-*"))
    assert not list(heads.out.rglob("*.npz"))


def test_a_second_run_changes_nothing_and_looks_at_no_head_again(
    made: tuple[Heads, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, done = made

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    use_stand_in(monkeypatch, never)
    before = digests(heads.root)
    again = heads.run()
    assert again.json() == done.json() | {"released_new": 0}
    assert digests(heads.root) == before


def test_without_the_option_all_of_it_is_held_as_ever(made: tuple[Heads, Any]) -> None:
    heads, _ = made
    plain = heads.run("--what-if", options=()).json()
    asked = heads.run("--what-if").json()
    assert (plain["would_release"], plain["would_deface"]) == (0, 0)
    assert plain["would_quarantine"] == {"face_possible": SLICES + 3, "reference_unresolved": 2}
    assert (asked["would_release"], asked["would_deface"]) == (SLICES + 5, SLICES + 3)
