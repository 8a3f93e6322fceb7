import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import ItemError
from curator.imaging.geometry import stacked, volume_geometry_problem
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason

ANGLE = math.radians(30)
OBLIQUE = (1.0, 0.0, 0.0, 0.0, math.cos(ANGLE), math.sin(ANGLE))
OBLIQUE_NORMAL = np.array([0.0, -math.sin(ANGLE), math.cos(ANGLE)])


def planes(count=5, *, step_mm=2.5, orientation=OBLIQUE, normal=OBLIQUE_NORMAL, origin=(-120.0, 40.0, 7.0)):
    return [
        PlaneGeometry(
            ImageOrientationPatient=orientation,
            ImagePositionPatient=tuple(float(v) for v in np.array(origin) + index * step_mm * normal),
            PixelSpacing=(0.7, 0.5),
            SliceThickness=3.0,
        )
        for index in range(count)
    ]


def moved(plane, vector):
    at = np.array(plane.ImagePositionPatient) + vector
    return replace(plane, ImagePositionPatient=tuple(float(v) for v in at))


def test_affine_is_the_standards_equation():
    stack = stacked(planes())
    expected = np.eye(4)
    expected[:3, 0] = [0.5, 0, 0]
    expected[:3, 1] = [0, 0.7 * math.cos(ANGLE), 0.7 * math.sin(ANGLE)]
    expected[:3, 2] = 2.5 * OBLIQUE_NORMAL
    expected[:3, 3] = [-120, 40, 7]
    np.testing.assert_allclose(stack.affine_lps, expected, atol=1e-12)
    assert stack.order == (0, 1, 2, 3, 4)


@given(st.permutations(range(7)))
def test_order_of_arrival_changes_no_bit(arrival):
    regular = planes(7)
    stack = stacked([regular[index] for index in arrival])
    assert [arrival[index] for index in stack.order] == list(range(7))
    assert stack.affine_lps.tobytes() == stacked(regular).affine_lps.tobytes()


@given(
    st.integers(2, 40),
    st.floats(0.3, 20),
    st.floats(-math.pi, math.pi),
    st.floats(-math.pi, math.pi),
    st.tuples(*[st.floats(-500, 500)] * 3),
)
def test_any_regular_stack_is_taken_and_right_handed(count, step_mm, yaw, pitch, origin):
    row = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    column = np.array([-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), math.sin(pitch)])
    normal = np.cross(row, column)
    regular = planes(count, step_mm=step_mm, orientation=(*row, *column), normal=normal, origin=origin)
    assert volume_geometry_problem(regular) is None
    affine = stacked(regular).affine_lps
    assert np.linalg.det(affine[:3, :3]) == pytest.approx(0.5 * 0.7 * step_mm)
    np.testing.assert_allclose(affine @ [0, 0, count - 1, 1], [*regular[-1].ImagePositionPatient, 1], atol=1e-6)


@pytest.mark.parametrize("missing", range(1, 6))
def test_one_missing_slice_is_seen_wherever_it_is_missing(missing):
    gapped = [plane for index, plane in enumerate(planes(7)) if index != missing]
    assert "2.00 times" in volume_geometry_problem(gapped)


def test_a_few_hundredths_of_a_millimetre_are_rounding():
    jitter = [moved(plane, 0.02 * (-1) ** index * OBLIQUE_NORMAL) for index, plane in enumerate(planes(6))]
    assert volume_geometry_problem(jitter) is None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: [*p, p[2]], "share a position"),
        (lambda p: [*p, moved(p[2], np.array([4.0, 0, 0]))], "share a position"),
        (lambda p: [*p[:-1], replace(p[-1], PixelSpacing=(0.7, 0.51))], "pixel spacing"),
        (lambda p: [*p[:-1], replace(p[-1], ImageOrientationPatient=(1, 0, 0, 0, 1, 0))], "one orientation"),
        (lambda p: [replace(p[0], ImageOrientationPatient=(1, 0, 0, 0.1, 1, 0))], "perpendicular"),
        (lambda p: [replace(p[0], ImageOrientationPatient=(2, 0, 0, 0, 1, 0))], "perpendicular"),
        (lambda p: [replace(p[0], PixelSpacing=(0.0, 0.5))], "not positive"),
        (lambda p: [replace(p[0], ImagePositionPatient=(math.nan, 0, 0))], "finite"),
        (lambda p: [moved(q, np.array([0.4 * i, 0, 0])) for i, q in enumerate(p)], "sideways"),
        (lambda p: p[:0], "no image"),
    ],
)
def test_each_irregularity_has_its_own_words(spoil, words):
    spoiled = spoil(planes())
    assert words in volume_geometry_problem(spoiled)
    with pytest.raises(ItemError, match=words) as caught:
        stacked(spoiled)
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_a_single_slice_is_as_thick_as_it_says():
    assert np.linalg.norm(stacked(planes(1)).affine_lps[:3, 2]) == pytest.approx(3.0)
    unstated = [replace(planes(1)[0], SliceThickness=None)]
    assert np.linalg.norm(stacked(unstated).affine_lps[:3, 2]) == pytest.approx(1.0)
