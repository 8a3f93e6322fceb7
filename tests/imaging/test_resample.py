"""Linear interpolation against closed forms: what is linear stays exact, and a turn is what the turned frame says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from curator.imaging.frame import Frame, turned_frame
from curator.imaging.resample import CpuResampler
from curator.ports.faces import Field

CPU = CpuResampler()
OUTSIDE = -300.0
SHAPE = (28, 33, 30)


def ramp(shape: tuple[int, int, int], slopes: tuple[float, float, float]) -> Field:
    z, y, x = np.indices(shape)
    return np.asarray(slopes[0] * x + slopes[1] * y + slopes[2] * z, np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.floats(-5.0, 5.0)] * 3),
    st.tuples(*[st.floats(-3.0, 12.0)] * 3),
    st.tuples(*[st.floats(0.3, 2.0)] * 3),
)
def test_a_linear_volume_is_met_exactly_and_what_lies_beyond_is_one_value(slopes, start, steps) -> None:
    values = ramp((9, 10, 11), slopes)
    indices = np.diag([*steps, 1.0])
    indices[:3, 3] = start
    taken = CPU.onto(values, indices, (6, 7, 8), outside=OUTSIDE)
    assert (taken.dtype, taken.shape) == (np.dtype(np.float32), (6, 7, 8))
    places = np.stack(np.indices((6, 7, 8))[::-1], -1) * np.array(steps) + np.array(start)
    last = np.array(values.shape[::-1]) - 1
    inside = ((places > 1e-6) & (places < last - 1e-6)).all(axis=-1)
    beyond = ((places < -1e-6) | (places > last + 1e-6)).any(axis=-1)
    np.testing.assert_allclose(taken[inside], (places @ np.array(slopes))[inside], atol=1e-3)
    assert (taken[beyond] == np.float32(OUTSIDE)).all()


@settings(max_examples=30, deadline=None)
@given(
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3),
    st.tuples(*[st.floats(0.3, 2.0)] * 3),
    st.tuples(*[st.floats(-2.0, 9.0)] * 3),
)
def test_along_axes_in_any_order_it_is_as_after_a_turn_that_is_none(order, signs, steps, start) -> None:
    """The same box turned by next to nothing is looked up in another way."""
    values = np.asarray(np.random.default_rng(2).normal(0, 100, (8, 9, 10)), np.float32)
    indices = np.eye(4)
    indices[:3, :3] = np.diag(np.array(signs) * steps)[list(order)]
    indices[:3, 3] = start
    turn = np.eye(4)
    turn[:2, :2] = [[1.0, -1e-6], [1e-6, 1.0]]
    shape = (6, 7, 8)
    straight, turned = (CPU.onto(values, matrix, shape, outside=OUTSIDE) for matrix in (indices, indices @ turn))
    places = np.stack(np.indices(shape)[::-1], -1) @ indices[:3, :3].T + indices[:3, 3]
    from_edge = np.minimum(places, np.array(values.shape[::-1]) - 1 - places)
    is_clear = (np.abs(from_edge) > 1e-3).all(axis=-1)
    np.testing.assert_allclose(straight[is_clear], turned[is_clear], atol=0.05)
    assert (straight[is_clear & (from_edge < 0).any(axis=-1)] == np.float32(OUTSIDE)).all()


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.uint8, np.float32])
def test_a_volume_laid_onto_its_own_box_is_itself(kind: type) -> None:
    values = np.random.default_rng(1).integers(0, 200, (5, 6, 7)).astype(kind)
    np.testing.assert_array_equal(CPU.onto(values, np.eye(4), values.shape, outside=0.0), values)


@settings(max_examples=12, deadline=None)
@given(st.floats(-40.0, 40.0), st.floats(-25.0, 25.0))
def test_what_is_turned_is_what_lies_in_the_turned_frame(yaw: float, pitch: float) -> None:
    noise = np.random.default_rng(0).normal(0, 100, SHAPE)
    values = np.asarray(ndimage.gaussian_filter(noise, 3.0) * 20, np.float32)
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = (-20.0, 7.0, 100.0)
    frame = Frame(affine, SHAPE)
    indices = turned_frame(frame, yaw_deg=yaw, pitch_deg=pitch).indices_in(frame.affine_lps)
    looked_up = CPU.onto(values, indices, SHAPE, outside=0.0)
    turned = CPU.turned(values, yaw_deg=yaw, pitch_deg=pitch, outside=0.0)
    middle = tuple(slice(8, length - 8) for length in SHAPE)
    contrast = float(values[middle].std())
    assert contrast > 10
    # Twice interpolated against once; a wrong sign or centre differs by the contrast itself.
    assert np.abs(turned - looked_up)[middle].max() < 0.2 * contrast
    for sign in ((-1, 1), (1, -1)):
        if min(abs(yaw), abs(pitch)) > 15:
            wrong = CPU.turned(values, yaw_deg=sign[0] * yaw, pitch_deg=sign[1] * pitch, outside=0.0)
            assert np.abs(wrong - looked_up)[middle].max() > 0.5 * contrast


def test_not_turning_changes_nothing() -> None:
    values = ramp((5, 6, 7), (1.0, 2.0, 3.0))
    np.testing.assert_array_equal(CPU.turned(values, yaw_deg=0.0, pitch_deg=0.0, outside=0.0), values)


def test_half_a_turn_shows_the_back() -> None:
    values = ramp((5, 7, 9), (1.0, 10.0, 100.0))
    turned = CPU.turned(values, yaw_deg=180.0, pitch_deg=0.0, outside=0.0)
    np.testing.assert_allclose(turned, values[:, ::-1, ::-1], atol=0.05)
