"""A frame is a rigid placement: points and voxels are each other's inverse, and a turn keeps centre, step and shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curator.imaging.frame import (
    Frame,
    corners_of,
    cropped_frame,
    frame_around,
    patient_frame,
    turned_axes,
    turned_frame,
)
from curator.model.volume import Volume

angles = st.floats(-180.0, 180.0)
coordinates = st.floats(-200.0, 200.0)
some_points = st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=8)
shapes = st.tuples(*[st.integers(1, 60)] * 3)
LAWS = settings(max_examples=60, deadline=None)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    turn = Rotation.from_euler("xyz", draw(st.tuples(angles, angles, angles)), degrees=True)
    affine = np.eye(4)
    affine[:3, :3] = turn.as_matrix() * draw(st.floats(0.3, 5.0))
    affine[:3, 3] = draw(st.tuples(coordinates, coordinates, coordinates))
    return Frame(affine, draw(shapes))


def centre_of(frame: Frame) -> np.ndarray:
    return frame.points_of((np.array([frame.shape[::-1]], np.float64) - 1) / 2)[0]


@LAWS
@given(frames(), some_points)
def test_points_become_voxels_and_the_same_points_again(frame: Frame, points: list[tuple[float, ...]]) -> None:
    given_points = np.array(points)
    np.testing.assert_allclose(frame.points_of(frame.voxels_of(given_points)), given_points, atol=1e-8)


@LAWS
@given(frames(), frames(), some_points)
def test_an_index_in_a_volume_is_the_same_place(frame: Frame, other: Frame, voxels: list[tuple[float, ...]]) -> None:
    here = np.array(voxels)
    indices = frame.indices_in(other.affine_lps)
    there = here @ indices[:3, :3].T + indices[:3, 3]
    np.testing.assert_allclose(other.points_of(there), frame.points_of(here), atol=1e-6)


@LAWS
@given(frames(), angles, angles)
def test_a_turned_frame_keeps_centre_step_shape_and_hand(frame: Frame, yaw: float, pitch: float) -> None:
    turned = turned_frame(frame, yaw_deg=yaw, pitch_deg=pitch)
    assert turned.shape == frame.shape
    assert turned.step_mm == pytest.approx(frame.step_mm)
    np.testing.assert_allclose(centre_of(turned), centre_of(frame), atol=1e-8)
    axes = turned.affine_lps[:3, :3] / turned.step_mm
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)


@LAWS
@given(frames(), angles, angles)
def test_turning_back_gives_the_frame_again(frame: Frame, yaw: float, pitch: float) -> None:
    for turn in ({"yaw_deg": yaw}, {"pitch_deg": pitch}):
        back = {name: -angle for name, angle in turn.items()}
        again = turned_frame(turned_frame(frame, **turn), **back)
        np.testing.assert_allclose(again.affine_lps, frame.affine_lps, atol=1e-8)


@LAWS
@given(frames(), angles)
def test_each_turn_keeps_its_own_axis(frame: Frame, angle: float) -> None:
    axes = frame.affine_lps[:3, :3] / frame.step_mm
    for column, name in ((2, "yaw_deg"), (0, "pitch_deg"), (1, "roll_deg")):
        turned = turned_axes(frame, **{name: angle})
        np.testing.assert_allclose(turned[:, column], axes[:, column], atol=1e-12)
        other = (column + 1) % 3
        assert turned[:, other] @ axes[:, other] == pytest.approx(np.cos(np.deg2rad(angle)))


@LAWS
@given(frames(), st.tuples(*[st.integers(-20, 20)] * 3), shapes)
def test_a_part_of_a_frame_shows_the_same_places(
    frame: Frame, start: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    part = cropped_frame(frame, start, shape)
    assert part.shape == shape
    voxel = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(part.points_of(voxel), frame.points_of(voxel + np.array(start[::-1])), atol=1e-8)


@LAWS
@given(
    frames(), st.floats(0.5, 4.0), st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=9)
)
def test_a_frame_around_points_holds_them_and_little_more(
    axes_of: Frame, step: float, points: list[tuple[float, ...]]
) -> None:
    found = frame_around(np.array(points), axes_of.affine_lps[:3, :3] / axes_of.step_mm, step_mm=step)
    voxels = found.voxels_of(np.array(points))
    last = np.array(found.shape[::-1]) - 1
    assert (voxels >= -1e-5).all()
    assert (voxels <= last + 1e-5).all()
    # Not a voxel more than it takes, and as much too large on either side.
    assert (last - np.ptp(voxels, axis=0) < 1 + 1e-6).all()
    np.testing.assert_allclose(voxels.min(axis=0), last - voxels.max(axis=0), atol=1e-5)


def test_the_patient_frame_of_an_oblique_volume_holds_its_corners_along_the_patients_axes() -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (20.0, -35.0, 110.0), degrees=True).as_matrix() * (0.7, 1.1, 3.0)
    affine[:3, 3] = (10.0, -50.0, 900.0)
    volume = Volume(stored=np.zeros((7, 40, 30), np.int16), affine_lps=affine)
    frame = patient_frame(volume, step_mm=1.5)
    np.testing.assert_array_equal(frame.affine_lps[:3, :3], 1.5 * np.eye(3))
    voxels = frame.voxels_of(corners_of(volume))
    assert len(voxels) == 8
    assert (voxels >= -1e-5).all()
    assert (voxels <= np.array(frame.shape[::-1]) - 1 + 1e-5).all()
