"""What a camera sees of shapes whose depth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.deid.faces.render import first_hits, shaded


def sphere(length: int, radius: float) -> np.ndarray:
    """Values that fall by 1 a voxel outwards, 0 on the sphere."""
    z, y, x = np.indices((length, length, length)) - (length - 1) / 2
    return np.asarray(radius - np.sqrt(z * z + y * y + x * x), np.float32)


@settings(max_examples=15, deadline=None)
@given(st.floats(6.0, 15.0), st.floats(-3.0, 3.0))
def test_a_sphere_has_the_depth_of_a_sphere(radius: float, threshold: float) -> None:
    length = 40
    depth = first_hits(sphere(length, radius), threshold)
    z, x = np.indices((length, length)) - (length - 1) / 2
    seen = radius - threshold
    off = np.hypot(z, x)
    clear = off < seen - 1
    expected = (length - 1) / 2 - np.sqrt(np.where(clear, seen**2 - off**2, 0))
    assert clear.sum() > 10
    assert np.abs(depth - expected)[clear].max() < 0.5
    assert np.isnan(depth[off > seen + 1]).all()


def test_a_surface_is_met_in_fractions_of_a_voxel() -> None:
    values = np.broadcast_to(np.arange(10, dtype=np.float32)[None, :, None], (3, 10, 4))
    np.testing.assert_allclose(first_hits(np.ascontiguousarray(values), 4.25), 4.25)


def test_what_begins_at_the_front_has_depth_nothing_and_the_front_one_hides_the_rest() -> None:
    values = np.zeros((1, 6, 3), np.float32)
    values[0, 0, 0] = values[0, 2, 1] = values[0, 5, 1] = 1.0
    depth = first_hits(values, 0.5)
    assert depth[0, 0] == 0.0
    assert depth[0, 1] == pytest.approx(1.5)
    assert np.isnan(depth[0, 2])


def test_nothing_is_black_and_what_faces_the_camera_is_brightest_with_its_top_up() -> None:
    assert not shaded(np.full((4, 5), np.nan, np.float32)).any()
    depth = first_hits(sphere(41, 15.0), 0.0)
    depth[:18] = np.nan
    picture = shaded(depth)
    assert (picture.dtype, picture.shape) == (np.dtype(np.uint8), (41, 41))
    # Row 20 of the depth is row 20 of the picture; what lies lower in the volume lies lower in the picture.
    assert picture[20, 20] == picture.max()
    assert picture[8, 20] > 0
    assert picture[32, 20] == 0
    assert picture[20, 20] > picture[20, 30] > picture[20, 33] > 0


def test_where_a_surface_lies_does_not_change_its_picture() -> None:
    depth = first_hits(sphere(41, 15.0), 0.0)
    np.testing.assert_array_equal(shaded(depth), shaded(depth + np.float32(7)))
