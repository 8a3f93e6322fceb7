"""A made-up head is what its plan says, on any grid, and its truth is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from head_views import values_at
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from curator.imaging.nifti import nifti_bytes, read_nifti
from curator.testing.heads import (
    FIELDS_OF_VIEW,
    Contrast,
    FieldOfView,
    HeadPlan,
    Pose,
    Subject,
    make_head,
    random_heads,
    skin_distance_mm,
)
from curator.testing.heads.grid import CHILD_SCALE, plan_grid, turned
from curator.testing.heads.plan import TIGHT, WIDE, WITH_NECK

_COARSE = HeadPlan(spacing_mm=(3.0, 3.0, 3.0))
_POSITIONS = ("HFS", "HFP", "HFDL", "HFDR", "FFS", "FFP", "FFDL", "FFDR")
_SILENT_CT = HeadPlan(
    contrast=Contrast.CT, spacing_mm=(1.5, 1.5, 1.5), noise=0.0, pose=Pose((8.0, -5.0, 6.0), (4.0, -12.0, 31.0))
)
_GRIDS = {
    "sagittal": {"plane": "sagittal", "spacing_mm": (2.0, 1.0, 1.5)},
    "coronal feet first": {"plane": "coronal", "position": "FFS", "spacing_mm": (2.5, 1.5, 1.5)},
    "oblique prone": {"position": "HFP", "oblique_deg": (20.0, -10.0, 25.0), "spacing_mm": (3.0, 1.0, 1.0)},
    "decubitus": {"position": "FFDR", "is_reversed": True, "spacing_mm": (2.0, 2.0, 2.0)},
    "tight": {"field_of_view": TIGHT, "spacing_mm": (2.0, 2.0, 2.0)},
}


def test_a_head_is_a_pure_function_of_its_plan():
    plan = replace(_COARSE, shading=2.0, oblique_deg=(5.0, 0.0, 0.0))
    one, same = make_head(plan), make_head(plan)
    assert one.volume.stored.tobytes() == same.volume.stored.tobytes()
    assert one.landmarks_mm == same.landmarks_mm
    other = make_head(replace(plan, take=1))
    assert (one.volume.stored != other.volume.stored).mean() > 0.5
    np.testing.assert_array_equal(one.inside, other.inside)


def test_people_differ_and_more_so_with_strength():
    def changed(strength: float) -> float:
        shapes = [make_head(replace(_COARSE, person=person, strength=strength)).inside for person in range(4)]
        pairs = [(one != other).sum() / one.sum() for i, one in enumerate(shapes) for other in shapes[:i]]
        return float(np.mean(pairs))

    usual, strong = changed(1.0), changed(1.7)
    assert 0.01 < usual < strong < 0.2


@pytest.fixture(scope="module")
def reference():
    """A noiseless CT with the head turned, and points around which it is even."""
    head = make_head(replace(_SILENT_CT, field_of_view=WIDE))
    stored = head.volume.stored
    is_even = ndimage.maximum_filter(stored, 7) - ndimage.minimum_filter(stored, 7) < 20
    is_face = np.zeros_like(is_even)
    is_face[20:-20, 20:-20, 20:-20] = True
    indices = np.argwhere(is_even & is_face)
    rng = np.random.default_rng(0)
    chosen = indices[rng.choice(len(indices), 4000, replace=False)][:, ::-1]
    points = chosen @ head.volume.affine_lps[:3, :3].T + head.volume.affine_lps[:3, 3]
    return points, values_at(head.volume, points)


@pytest.mark.parametrize("name", _GRIDS)
def test_a_place_in_the_patient_has_its_value_on_whatever_grid(name: str, reference):
    points, expected = reference
    volume = make_head(replace(_SILENT_CT, **_GRIDS[name])).volume
    found = values_at(volume, points, fill=np.nan)
    is_seen = np.isfinite(found)
    assert is_seen.sum() > 500
    assert {value < -500 for value in expected[is_seen]} == {True, False}
    np.testing.assert_allclose(found[is_seen], expected[is_seen], atol=20)


@settings(max_examples=60, deadline=None)
@given(
    position=st.sampled_from(_POSITIONS),
    plane=st.sampled_from(["axial", "sagittal", "coronal"]),
    spacing=st.tuples(*[st.floats(0.5, 6.0)] * 3),
    oblique=st.tuples(*[st.floats(-25.0, 25.0)] * 3),
    shift=st.tuples(*[st.floats(-50.0, 50.0)] * 3),
)
def test_a_grid_is_regular_right_handed_and_centred_on_its_field_of_view(position, plane, spacing, oblique, shift):
    plan = HeadPlan(position=position, plane=plane, spacing_mm=spacing, oblique_deg=oblique, pose=Pose(shift_mm=shift))
    grid = plan_grid(plan)
    columns = grid.affine_lps[:3, :3]
    np.testing.assert_allclose(np.linalg.norm(columns, axis=0), spacing[::-1])
    assert np.linalg.det(columns / np.linalg.norm(columns, axis=0)) == pytest.approx(1.0)
    middle = grid.affine_lps @ [*((np.array(grid.shape[::-1]) - 1) / 2), 1.0]
    view = plan.field_of_view
    centre = (0.0, (view.front_mm + view.back_mm) / 2, (view.bottom_mm + view.top_mm) / 2)
    np.testing.assert_allclose(middle[:3], np.add(centre, shift), atol=1e-6)


@pytest.mark.parametrize(
    ("position", "row", "column"),
    [
        ("HFS", (1, 0, 0), (0, 1, 0)),
        ("HFP", (-1, 0, 0), (0, -1, 0)),
        ("FFS", (-1, 0, 0), (0, 1, 0)),
        ("HFDL", (0, -1, 0), (1, 0, 0)),
        ("HFDR", (0, 1, 0), (-1, 0, 0)),
    ],
)
def test_a_scanner_sees_what_is_down_at_the_bottom(position: str, row, column):
    affine = plan_grid(HeadPlan(position=position)).affine_lps
    np.testing.assert_allclose(affine[:3, 0], row, atol=1e-12)
    np.testing.assert_allclose(affine[:3, 1], column, atol=1e-12)


@pytest.mark.parametrize("name", FIELDS_OF_VIEW)
@pytest.mark.parametrize("is_child", [False, True], ids=["adult", "child"])
def test_a_field_of_view_ends_where_it_says(name: str, is_child: bool):
    view, scale = FIELDS_OF_VIEW[name], CHILD_SCALE if is_child else 1.0
    grid = plan_grid(HeadPlan(field_of_view=view, is_child=is_child))
    low = grid.affine_lps[:3, 3] - 0.5
    high = low + np.array(grid.shape[::-1])
    np.testing.assert_allclose(low, np.multiply((-view.side_mm, view.front_mm, view.bottom_mm), scale), atol=0.6)
    np.testing.assert_allclose(high, np.multiply((view.side_mm, view.back_mm, view.top_mm), scale), atol=0.6)


def test_what_is_seen_of_the_face_depends_on_the_field_of_view():
    seen = {name: HeadPlan(field_of_view=view).face for name, view in FIELDS_OF_VIEW.items()}
    assert {name for name, face in seen.items() if face == "none"} == {"above brow", "vault"}
    assert {name for name, face in seen.items() if face == "whole"} == {
        *("whole", "with neck", "cut at chin", "no vault", "wide")
    }
    assert HeadPlan(is_stripped=True).face == HeadPlan(subject=Subject.LIMB).face == "none"


@pytest.mark.parametrize("is_child", [False, True], ids=["adult", "child"])
def test_the_brain_lies_inside_the_skull(is_child: bool):
    plan = replace(_COARSE, spacing_mm=(2.0, 2.0, 2.0), contrast=Contrast.CT, is_child=is_child, noise=0.0)
    head = make_head(plan)
    scale = CHILD_SCALE if is_child else 1.0
    indices = np.argwhere(head.brain)[:, ::-1]
    points = indices @ head.volume.affine_lps[:3, :3].T + head.volume.affine_lps[:3, 3]
    assert skin_distance_mm(plan, points).max() < -12.0 * scale
    litres = head.brain.sum() * 8 / 1e6
    assert 1.0 * scale**3 < litres < 1.5 * scale**3
    hounsfield = head.volume.stored[head.brain].astype(float) + head.volume.rescale_intercept
    assert np.mean((hounsfield > 0) & (hounsfield < 60)) > 0.95
    # Whatever leaves the brain straight upwards meets bone.
    bone = head.volume.stored + head.volume.rescale_intercept > 400
    above = np.maximum.accumulate(bone[::-1], axis=0)[::-1]
    assert above[head.brain].all()


@pytest.mark.parametrize(
    "plan", [_SILENT_CT, replace(_SILENT_CT, person=3, strength=1.7), replace(_SILENT_CT, is_child=True)]
)
def test_landmarks_lie_on_the_skin(plan: HeadPlan):
    head = make_head(replace(plan, field_of_view=WITH_NECK))
    points = np.array(list(head.landmarks_mm.values()))
    assert np.abs(skin_distance_mm(plan, points)).max() < 0.3
    middle = np.array(plan.pose.shift_mm)
    to_front, left = _turn(plan) @ (0.0, -1.0, 0.0), _turn(plan) @ (1.0, 0.0, 0.0)
    for name, at in head.landmarks_mm.items():
        outwards = to_front if "ear" not in name else left * (1 if "left" in name else -1)
        outside, inside = values_at(head.volume, np.array([at + 2.5 * outwards, at - 2.5 * outwards]))
        assert outside < -500 < inside, name
    sides = [np.dot(head.landmarks_mm[f"{side} pupil"] - middle, left) for side in ("left", "right")]
    assert sides[0] > 20 > -20 > sides[1]


def _turn(plan: HeadPlan):
    """Head axes in patient axes, by the names of the angles: x, then y, then z."""
    a, b, c = np.deg2rad(plan.pose.turn_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def test_no_brain_lies_in_the_orbits():
    head = make_head(replace(_COARSE, spacing_mm=(2.0, 2.0, 2.0)))
    voxels_from_lps = np.linalg.inv(head.volume.affine_lps)
    for side in ("left", "right"):
        for depth_mm in (5.0, 15.0, 25.0, 35.0):
            behind = np.add(head.landmarks_mm[f"{side} pupil"], (0.0, depth_mm, 0.0))
            x, y, z = np.rint(voxels_from_lps @ [*behind, 1.0]).astype(int)[:3]
            assert not head.brain[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3].any()


def test_turns_are_right_handed_about_x_then_y_then_z():
    np.testing.assert_allclose(turned((90.0, 0.0, 0.0)) @ (0, 1, 0), (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(turned((0.0, 90.0, 0.0)) @ (0, 0, 1), (1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(turned((0.0, 0.0, 90.0)) @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(turned((90.0, 90.0, 90.0)) @ (0, 1, 0), (0, 1, 0), atol=1e-12)


def test_a_stripped_brain_lies_on_exact_zeros():
    head = make_head(replace(_COARSE, is_stripped=True))
    assert not head.volume.stored[~head.brain].any()
    assert (head.volume.stored[head.brain] > 0).mean() > 0.99


def test_a_coil_shades_the_head_as_much_as_asked():
    even, shaded = (make_head(replace(_COARSE, noise=0.0, shading=shading)).volume.stored for shading in (1.0, 3.0))
    ratio = shaded[even > 150] / even[even > 150]
    assert 2.0 < ratio.max() / ratio.min() < 3.1
    assert ratio.max() > 1.3


def test_a_table_lies_on_the_side_that_is_down():
    wide = replace(_COARSE, contrast=Contrast.CT, field_of_view=WIDE, noise=0.0)
    for position, axis, sign in (("HFS", 1, 1), ("HFP", 1, -1), ("HFDL", 0, 1), ("HFDR", 0, -1)):
        plain, tabled = (make_head(replace(wide, position=position, has_table=has)) for has in (False, True))
        added = np.argwhere(tabled.volume.stored > plain.volume.stored + 100)[:, ::-1]
        places = added @ plain.volume.affine_lps[:3, :3].T + plain.volume.affine_lps[:3, 3]
        assert (places[:, axis] * sign > 25).all()
        assert len(places) > 1000


def test_pet_is_hot_in_the_brain_and_faint_in_the_skin():
    head = make_head(replace(_COARSE, contrast=Contrast.PET))
    uptake = head.volume.stored * head.volume.rescale_slope
    brain, rest = uptake[head.brain].mean(), uptake[head.inside & ~head.brain].mean()
    assert brain > 4 * rest > 4 * 3 * uptake[~head.inside].mean() > 0


@pytest.mark.parametrize("subject", [subject for subject in Subject if subject is not Subject.HEAD])
def test_what_is_no_head_has_no_landmarks(subject: Subject):
    other = make_head(replace(_COARSE, subject=subject))
    assert not other.landmarks_mm
    assert other.inside.mean() > 0.05
    assert other.brain.any() == (subject is Subject.ANIMAL)


def test_nifti_keeps_slices_that_run_against_their_normal(tmp_path):
    volume = make_head(replace(_COARSE, is_reversed=True, position="FFP")).volume
    path = tmp_path / "head.nii.gz"
    path.write_bytes(nifti_bytes(volume))
    found = read_nifti(path)
    np.testing.assert_array_equal(found.stored, volume.stored)
    np.testing.assert_allclose(found.affine_lps, volume.affine_lps, atol=1e-4)
    assert np.linalg.det(found.affine_lps) < 0


def test_random_heads_come_in_all_kinds():
    plans = random_heads(5, 50)
    assert plans[:20] == random_heads(5, 20) != random_heads(6, 20)
    assert {plan.contrast for plan in plans} == set(Contrast)
    assert {plan.plane for plan in plans} == {"axial", "sagittal", "coronal"}
    assert {plan.position for plan in plans} == set(_POSITIONS)
    assert {plan.face for plan in plans} == {"whole", "part", "none"}
    assert {plan.is_child for plan in plans} == {plan.has_table for plan in plans} == {True, False}
    assert max(abs(angle) for plan in plans for angle in plan.oblique_deg) > 15
    spacings = [step for plan in plans for step in plan.spacing_mm]
    assert 0.5 <= min(spacings) < 0.7
    assert 4.5 < max(spacings) <= 6.0
    assert max(np.prod(plan_grid(plan).shape) for plan in plans) < 40e6


def test_an_empty_field_of_view_is_one_voxel():
    empty = replace(_COARSE, field_of_view=FieldOfView(200.0, 200.0, -200.0, -200.0, 0.0))
    assert make_head(empty).volume.shape == (1, 1, 1)
