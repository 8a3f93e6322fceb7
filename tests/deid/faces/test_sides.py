"""What is seen from a side is what a float volume that was turned shows there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from curator.adapters.torch_resampler import TorchResampler
from curator.deid.faces.sides import sides_of
from curator.deid.faces.view import picture_of
from curator.imaging.resample import CpuResampler
from curator.ports.faces import Field

CPU, TORCH = CpuResampler(), TorchResampler("cpu")
POSES = [(0.0, -20.0), (0.0, 0.0), (-30.0, 10.0), (195.0, 0.0), (15.0, 20.0)]
# Of 255; where a surface is steep a thirty-second of a voxel is a few of them.
ALIKE, NEARLY_ALL = 6, 0.995
# The shade of an outline follows from the ray that goes farthest, which may or may not meet anything.
OUTLINE = 4


def an_egg(shape: tuple[int, int, int] = (44, 48, 40), *, air: float = -1000.0, scale: float = 60.0) -> Field:
    """Values that rise inwards from `air`, broad at one end."""
    z, y, x = (axis - (length - 1) / 2 for axis, length in zip(np.indices(shape), shape, strict=True))
    inward = 16.0 - np.sqrt((z / 1.1) ** 2 + y * y + (x * (1 + z / 90)) ** 2)
    return np.asarray(air + scale * np.clip(inward, 0, None), np.float32)


def expected(values: Field, yaw: float, pitch: float, threshold: float, around: float) -> np.ndarray:
    return picture_of(CPU.turned(values, yaw_deg=yaw, pitch_deg=pitch, outside=around), threshold)


def is_alike(one: np.ndarray, other: np.ndarray) -> bool:
    within = ndimage.binary_erosion((one > 0) & (other > 0), iterations=OUTLINE)
    assert within.mean() > 0.02
    assert ((one > 0) == (other > 0)).mean() >= NEARLY_ALL
    return bool((np.abs(one.astype(int) - other)[within] <= ALIKE).mean() >= NEARLY_ALL)


@settings(max_examples=12, deadline=None)
@given(st.floats(-2000.0, 2000.0), st.floats(0.5, 500.0), st.floats(0.05, 0.6))
def test_a_side_is_what_a_turned_volume_shows(air: float, scale: float, share: float) -> None:
    values = an_egg(air=air, scale=scale)
    threshold = air + share * scale * 16
    for side in sides_of(values, POSES, [threshold], CPU, around=air):
        wanted = expected(values, side.yaw_deg, side.pitch_deg, threshold, air)
        assert is_alike(side.picture, wanted)


def test_all_thresholds_of_all_poses_come_in_their_order() -> None:
    values = an_egg()
    found = list(sides_of(values, POSES, [-700.0, -400.0], CPU, around=-1000.0))
    assert [(one.yaw_deg, one.pitch_deg, one.threshold) for one in found] == [
        (*pose, threshold) for pose in POSES for threshold in (-700.0, -400.0)
    ]
    low, high = ((one.picture > 0).sum() for one in found[:2])
    assert low > high > 0


def test_both_resamplers_show_the_same() -> None:
    values = an_egg()
    both = (sides_of(values, POSES, [-500.0], each, around=-1000.0) for each in (CPU, TORCH))
    assert all(is_alike(one.picture, other.picture) for one, other in zip(*both, strict=True))


@pytest.mark.parametrize("threshold", [-1000.0, -5000.0])
def test_a_threshold_below_everything_meets_the_front(threshold: float) -> None:
    values = an_egg() + np.float32(1.0)
    (side,) = sides_of(values, [(0.0, 0.0)], [threshold], CPU, around=-999.0)
    assert side.picture.min() > 0


def test_a_value_far_beyond_does_not_make_the_rest_coarse() -> None:
    """A speck a million times as bright as tissue, as in a broken scan."""
    values = an_egg()
    speck = values.copy()
    speck[22, 24, 20] = 1e9
    seen, wanted = (next(sides_of(one, [(15.0, 0.0)], [-600.0], CPU, around=-1000.0)) for one in (speck, values))
    np.testing.assert_array_equal(seen.picture, wanted.picture)


def test_no_threshold_and_no_pose_show_nothing() -> None:
    assert list(sides_of(an_egg(), POSES, [], CPU, around=0.0)) == []
    assert list(sides_of(an_egg(), [], [0.0], CPU, around=0.0)) == []
