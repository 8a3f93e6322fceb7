"""Independent readers get back the heads that were made, and all that refers to them lies on them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from head_views import values_at

from curator.imaging.series import read_series
from curator.testing.heads import (
    Contrast,
    Head,
    HeadPlan,
    Pose,
    SeriesPlan,
    lps_between,
    make_head,
    multi_contrast,
    pet_ct,
    skin_distance_mm,
    start_visit,
    write_dose,
    write_enhanced,
    write_localizer,
    write_scout,
    write_segmentation,
    write_series,
    write_structure_set,
    write_study,
)

_T1 = HeadPlan(spacing_mm=(5.0, 3.0, 3.0))
_CT = HeadPlan(contrast=Contrast.CT, spacing_mm=(5.0, 2.0, 2.0), pose=Pose((5.0, 0.0, 3.0), (0.0, -10.0, 40.0)))
_PLANS = {
    "T1": _T1,
    "T2 sagittal, feet first, oblique": replace(
        _T1, contrast=Contrast.T2, plane="sagittal", position="FFP", oblique_deg=(10.0, 3.0, -8.0)
    ),
    "CT decubitus": replace(_CT, position="HFDL", has_table=True),
}


def _header(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True)


def _same_place(image: sitk.Image, head: Head) -> None:
    affine = head.volume.affine_lps
    np.testing.assert_allclose(image.GetOrigin(), affine[:3, 3], atol=1e-4)
    directions = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    np.testing.assert_allclose(directions, affine[:3, :3], atol=1e-4)


@pytest.mark.parametrize("name", _PLANS)
def test_itk_and_the_engine_read_the_volume_that_was_made(name: str, tmp_path: Path):
    head = make_head(_PLANS[name])
    written = write_series(start_visit(tmp_path), head, SeriesPlan(4, "3D", None))
    volume = read_series(written.files[::-1])
    np.testing.assert_array_equal(volume.stored, head.volume.stored)
    np.testing.assert_allclose(volume.affine_lps, head.volume.affine_lps, atol=1e-5)
    assert volume.rescale_intercept == head.volume.rescale_intercept
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(written.files[0].parent), written.uid))
    image = reader.Execute()
    _same_place(image, head)
    values = head.volume.stored * head.volume.rescale_slope + head.volume.rescale_intercept
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), values)
    header = _header(written.files[0])
    assert header.PatientPosition == head.plan.position
    assert "BodyPartExamined" not in header


def test_each_pet_slice_has_a_slope_of_its_own(tmp_path: Path):
    head = make_head(HeadPlan(contrast=Contrast.PET, spacing_mm=(5.0, 4.0, 4.0)))
    written = write_series(start_visit(tmp_path, modality="PT"), head)
    slopes = [float(_header(path).RescaleSlope) for path in written.files]
    assert len(set(slopes)) > len(slopes) / 2
    volume = read_series(written.files)
    expected = head.volume.stored * head.volume.rescale_slope
    np.testing.assert_allclose(volume.stored, expected, atol=0.51 * max(slopes))


def test_an_enhanced_object_holds_the_whole_volume(tmp_path: Path):
    head = make_head(_PLANS["T2 sagittal, feet first, oblique"])
    written = write_enhanced(start_visit(tmp_path), head)
    (path,) = written.files
    volume = read_series([path])
    np.testing.assert_array_equal(volume.stored, head.volume.stored)
    np.testing.assert_allclose(volume.affine_lps, head.volume.affine_lps, atol=1e-5)
    image = highdicom.imread(path)
    assert image.get_volume().array.shape == head.volume.shape


def test_points_in_time_share_their_places_and_differ_in_noise(tmp_path: Path):
    moments = [make_head(replace(_T1, take=take)) for take in range(2)]
    written = write_series(start_visit(tmp_path), moments)
    depth = moments[0].volume.shape[0]
    assert len(written.files) == 2 * depth
    headers = [_header(path) for path in written.files]
    assert {header.SeriesInstanceUID for header in headers} == {written.uid}
    assert [header.TemporalPositionIdentifier for header in headers] == [1] * depth + [2] * depth
    for head, files in zip(moments, (written.files[:depth], written.files[depth:]), strict=True):
        np.testing.assert_array_equal(read_series(files).stored, head.volume.stored)
    with pytest.raises(ValueError, match="one grid"):
        write_series(start_visit(tmp_path / "other"), [moments[0], make_head(replace(_T1, position="FFS"))])
    with pytest.raises(ValueError, match="needs a head"):
        write_series(start_visit(tmp_path / "none"), [])


def test_a_localizer_shows_three_planes_of_the_head_where_it_lies(tmp_path: Path):
    plan = replace(_T1, noise=0.0, pose=Pose(shift_mm=(5.0, -20.0, 30.0)))
    files = write_localizer(start_visit(tmp_path), plan)
    whole = make_head(replace(plan, spacing_mm=(2.0, 2.0, 2.0))).volume
    normals = set()
    for path in files:
        slice_ = read_series([path])
        normals.add(tuple(np.rint(np.cross(slice_.affine_lps[:3, 0], slice_.affine_lps[:3, 1])).astype(int)))
        rows, columns = np.mgrid[10 : slice_.shape[1] - 10 : 4, 10 : slice_.shape[2] - 10 : 4]
        voxels = np.stack([columns.ravel(), rows.ravel(), np.zeros(rows.size), np.ones(rows.size)])
        expected = values_at(whole, (slice_.affine_lps @ voxels)[:3].T)
        found = slice_.stored[0, rows, columns].ravel()
        assert np.corrcoef(found, expected)[0, 1] > 0.85
    assert len(normals) == 3


def test_a_scout_is_a_projection_with_the_profile_in_it(tmp_path: Path):
    frontal, lateral = write_scout(start_visit(tmp_path, modality="CT"), _CT)
    for path in (frontal, lateral):
        assert "LOCALIZER" in _header(path).ImageType
    side = read_series([lateral])
    # Rows run down and columns to the back, so the nose makes the first column with anything in it.
    first = (side.stored[0] > side.stored[0].min() + 60).argmax(axis=1)
    rows_mm = side.affine_lps[2, 3] + side.affine_lps[2, 1] * np.arange(side.shape[1])
    near = [row for row, first_column in enumerate(first) if first_column and abs(rows_mm[row] - 40) < 100]
    foremost = min(near, key=lambda row: first[row])
    assert rows_mm[foremost] == pytest.approx(make_head(_CT).landmarks_mm["nose tip"][2], abs=12)


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory):
    visit = start_visit(tmp_path_factory.mktemp("ct"), modality="CT")
    return visit, write_series(visit, make_head(_CT), SeriesPlan(2, "H40s", frame=97))


def test_a_segmentation_lies_on_the_grid_of_its_images(ct):
    visit, source = ct
    seg = highdicom.seg.segread(write_segmentation(visit, source))
    assert seg.FrameOfReferenceUID == _header(source.files[0]).FrameOfReferenceUID
    referenced = {uid for _, _, uid in seg.get_source_image_uids()}
    assert referenced == {image.sop_instance_uid for image in source.images}
    volume = seg.get_volume(segment_numbers=[1])
    affine = source.head.volume.affine_lps
    frame = np.argwhere(np.asarray(volume.array)[..., 0])[:, :3]
    places = volume.map_indices_to_reference(frame)
    found = np.rint((places - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T).astype(int)[:, ::-1]
    assert {tuple(index) for index in found} == {tuple(index) for index in np.argwhere(source.head.brain)}


def test_contours_run_along_the_skin(ct):
    visit, source = ct
    dataset = pydicom.dcmread(write_structure_set(visit, source))
    skin, _ = dataset.ROIContourSequence
    points = np.concatenate([np.reshape(contour.ContourData, (-1, 3)) for contour in skin.ContourSequence])
    distance = skin_distance_mm(source.head.plan, points.astype(float))
    assert -3.5 < distance.min() < distance.max() < 0.1
    uids = {contour.ContourImageSequence[0].ReferencedSOPInstanceUID for contour in skin.ContourSequence}
    assert uids <= {image.sop_instance_uid for image in source.images}
    nose = np.linalg.norm(points - source.head.landmarks_mm["nose tip"], axis=1)
    assert nose.min() < 5


def test_a_dose_ends_at_the_skin(ct):
    visit, source = ct
    path = write_dose(visit, source)
    image = sitk.ReadImage(str(path))
    dose = sitk.GetArrayFromImage(image)
    indices = np.argwhere(np.ones_like(dose, bool))[::7]
    places = np.array([image.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]]) for index in indices])
    distance = skin_distance_mm(source.head.plan, places)
    values = dose[tuple(indices.T)]
    assert not values[distance > 0.5].any()
    assert values[distance < -0.5].all()
    assert _header(path).FrameOfReferenceUID == _header(source.files[0]).FrameOfReferenceUID


@pytest.mark.parametrize("is_one_frame", [True, False])
def test_pet_and_ct_show_one_head(is_one_frame: bool, tmp_path: Path):
    person = HeadPlan(person=2, pose=Pose((3.0, 0.0, -4.0), (2.0, -15.0, 20.0)))
    study = write_study(start_visit(tmp_path, modality="PT"), pet_ct(person, is_one_frame=is_one_frame, coarse=2.0))
    ct, pet = study.series
    frames = {_header(one.files[0]).FrameOfReferenceUID for one in study.series}
    assert len(frames) == (1 if is_one_frame else 2)
    assert len({_header(one.files[0]).StudyInstanceUID for one in study.series}) == 1
    moved = lps_between(ct.head, pet.head)
    assert np.allclose(moved, np.eye(4)) == is_one_frame
    for name, at in ct.head.landmarks_mm.items():
        np.testing.assert_allclose((moved @ [*at, 1.0])[:3], pet.head.landmarks_mm[name], atol=1e-6)
    brain = np.argwhere(ct.head.brain)[::50, ::-1]
    there = brain @ ct.head.volume.affine_lps[:3, :3].T + ct.head.volume.affine_lps[:3, 3]
    uptake = values_at(read_series(pet.files), (np.c_[there, np.ones(len(there))] @ moved.T)[:, :3])
    assert np.mean(uptake > 2000) > 0.97


def test_a_study_of_several_contrasts_shows_one_head_on_grids_of_their_own(tmp_path: Path):
    study = write_study(start_visit(tmp_path), multi_contrast(HeadPlan(person=6), coarse=2.5))
    t1, t2, flair = study.series
    frames = [_header(one.files[0]).FrameOfReferenceUID for one in study.series]
    assert frames[0] == frames[1] != frames[2]
    normals = [np.abs(np.linalg.inv(one.head.volume.affine_lps[:3, :3])[2]).argmax() for one in study.series]
    assert normals == [0, 2, 1]
    np.testing.assert_allclose(lps_between(t1.head, t2.head), np.eye(4), atol=1e-12)
    moved = lps_between(t1.head, flair.head)
    assert 5 < np.linalg.norm(moved[:3, 3]) < 15
    for name, at in t1.head.landmarks_mm.items():
        np.testing.assert_allclose((moved @ [*at, 1.0])[:3], flair.head.landmarks_mm[name], atol=1e-6)


def test_every_file_is_in_the_answer_key_and_says_whether_it_shows_a_face(tmp_path: Path):
    visit = start_visit(tmp_path)
    write_series(visit, make_head(_T1), SeriesPlan(1))
    write_series(visit, make_head(replace(_T1, is_stripped=True)), SeriesPlan(2))
    made = {tmp_path / made.file: made.shows_face for made in visit.hospital.key().files}
    assert set(made) == {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {_header(path).SeriesNumber: is_face for path, is_face in made.items()} == {1: True, 2: False}
    assert visit.hospital.key().values_to_search()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
def test_dciodvfy_finds_nothing_wrong_but_what_the_hospital_does_on_purpose(tmp_path: Path):
    visit = start_visit(tmp_path)
    thin = replace(_T1, spacing_mm=(20.0, 4.0, 4.0))
    write_series(visit, make_head(thin), SeriesPlan(1))
    write_series(visit, make_head(replace(thin, contrast=Contrast.PET)), SeriesPlan(2))
    source = write_series(visit, make_head(replace(thin, contrast=Contrast.CT)), SeriesPlan(3))
    write_enhanced(visit, make_head(thin), SeriesPlan(4))
    write_localizer(visit, thin)
    write_scout(visit, replace(thin, contrast=Contrast.CT))
    write_segmentation(visit, source)
    write_structure_set(visit, source)
    write_dose(visit, source)
    folders = {path.parent: path for path in tmp_path.rglob("S[0-9][0-9]/*.dcm")}
    files = [*folders.values(), *(path for path in tmp_path.rglob("*.dcm") if path.parent not in folders)]
    assert len(files) == 5 + 4
    for path in files:
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False, timeout=60).stderr
        errors = [line for line in said.decode("latin-1").splitlines() if line.startswith("Error")]
        # The order's protocol context is a short form of a content item in every file of the hospital.
        assert [line for line in errors if "ContentItemMacro" not in line] == []
        assert errors
