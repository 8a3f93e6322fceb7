"""The face detector sees a face in the head, and none in its back."""

from __future__ import annotations

import dlib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from curator.testing.head import CT_LEVELS, MR_LEVELS, ORIGIN_MM, SHAPE, SPACING_MM, Levels, make_head

_PIXEL_MM = 0.7


def _first_hit_render(volume: NDArray[np.int16], *, threshold: float) -> NDArray[np.uint8]:
    """The surface as seen along the y axis, lit from the viewer."""
    dz, dy, dx = SPACING_MM
    fine = ndimage.zoom(volume.astype(np.float32), (dz / _PIXEL_MM, 1, dx / _PIXEL_MM), order=1)
    hit = fine > threshold
    first, is_hit = hit.argmax(axis=1), hit.any(axis=1)
    z, x = np.indices(first.shape)
    before, after = fine[z, np.maximum(first - 1, 0), x], fine[z, first, x]
    share = np.clip((threshold - before) / np.where(after == before, 1, after - before), 0, 1)
    depth = (np.maximum(first - 1, 0) + share) * dy
    depth = ndimage.gaussian_filter(np.where(is_hit, depth, depth[is_hit].max()), 1.0)
    slope_z, slope_x = np.gradient(depth, _PIXEL_MM)
    shade = 20 + 230 / np.sqrt(1 + slope_z**2 + slope_x**2)
    return np.ascontiguousarray(np.where(is_hit, shade, 0)[::-1].astype(np.uint8))


def _best_score(picture: NDArray[np.uint8]) -> float:
    _, scores, _ = dlib.get_frontal_face_detector().run(picture, 0, -1.0)
    return max(scores, default=-1.0)


@pytest.mark.parametrize(
    ("levels", "threshold", "person"), [(MR_LEVELS, 90, 0), (CT_LEVELS, -400, 7)], ids=["MR", "CT"]
)
def test_the_detector_sees_a_face_from_the_front_only(levels: Levels, threshold: float, person: int):
    volume = make_head(0, person, levels=levels)
    assert _best_score(_first_hit_render(volume, threshold=threshold)) > 0.5
    assert _best_score(_first_hit_render(volume[:, ::-1], threshold=threshold)) < 0.0


def test_people_differ_and_the_same_person_does_not():
    one = make_head(0, 1, levels=CT_LEVELS)
    np.testing.assert_array_equal(one, make_head(0, 1, levels=CT_LEVELS))
    other = make_head(0, 2, levels=CT_LEVELS)
    changed = np.mean((one > -400) != (other > -400))
    assert 0.005 < changed < 0.2


def test_the_head_is_as_large_as_a_head():
    volume = make_head(0, 0, levels=CT_LEVELS)
    assert volume.shape == SHAPE
    top = np.nonzero((volume > -400).any(axis=(1, 2)))[0].max() * SPACING_MM[0] + ORIGIN_MM[0]
    assert top == pytest.approx(115, abs=6)
    brain_ml = np.mean(np.abs(volume - 33) < 60) * volume.size * np.prod(SPACING_MM) / 1000
    assert 1000 < brain_ml < 4000
