"""How round a head is, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.deid.faces.roundness import roundness

SHAPE = (120, 180)
EVERYWHERE = np.ones(SHAPE, np.bool_)


def an_ellipse(half_breadth: float, half_length: float, *, middle: float = 90.0) -> tuple[np.ndarray, np.ndarray]:
    """The front of an upright elliptic cylinder `(Z, X)`, and where it is."""
    across = np.abs(np.arange(SHAPE[1]) - middle) / half_breadth
    depth = 20.0 + half_length * (1 - np.sqrt(np.clip(1 - across**2, 0, 1)))
    return np.tile(depth.astype(np.float32), (SHAPE[0], 1)), np.tile(across <= 1, (SHAPE[0], 1))


@settings(max_examples=25, deadline=None)
@given(st.floats(55.0, 80.0), st.floats(75.0, 95.0), st.sampled_from([1.0, 0.8]))
def test_the_front_of_an_ellipse_is_all_roundness(half_breadth: float, half_length: float, step_mm: float) -> None:
    depth, is_hit = an_ellipse(half_breadth, half_length / step_mm)
    rest = (depth - roundness(depth, is_hit, step_mm=step_mm))[
        :, np.abs(np.arange(SHAPE[1]) - 90) < 0.85 * half_breadth
    ]
    assert np.ptp(depth[is_hit]) > 40
    assert np.ptp(rest) * step_mm < 6.0


def test_a_plate_has_none() -> None:
    assert np.abs(roundness(np.full(SHAPE, 30, np.float32), EVERYWHERE, step_mm=1.0)).max() < 1e-3


def test_a_hollow_is_not_round() -> None:
    depth, is_hit = an_ellipse(70.0, 85.0)
    assert np.abs(roundness(40 - depth, is_hit & (depth < 70), step_mm=1.0)).max() < 1e-3


def test_what_only_one_face_has_hardly_moves_it() -> None:
    """A nose of 20 mm, eyes of 6 mm and a broad chin of 10 mm."""
    depth, is_hit = an_ellipse(70.0, 85.0)
    z, x = np.indices(SHAPE)

    def bump(row: float, column: float, breadth: float, height: float) -> np.ndarray:
        return height * np.exp(-(((z - row) / breadth) ** 2 + ((x - column) / breadth) ** 2))

    features = -bump(60, 90, 12, 20) + bump(75, 60, 10, 6) + bump(75, 120, 10, 6) - bump(25, 90, 18, 10)
    moved = roundness((depth + features).astype(np.float32), is_hit, step_mm=1.0) - roundness(
        depth, is_hit, step_mm=1.0
    )
    inner = np.abs(x - 90) < 60
    assert np.abs(moved[inner]).max() < 0.25 * 20
    # Nor is what moves sharper than centimetres from top to bottom.
    assert np.abs(np.diff(moved, axis=0))[:, inner[0]].max() < 0.15


def test_ears_do_not_make_a_head_broader() -> None:
    depth, is_hit = an_ellipse(70.0, 85.0)
    eared, with_ears = depth.copy(), is_hit.copy()
    for side in (slice(5, 20), slice(160, 175)):
        eared[50:85, side], with_ears[50:85, side] = 110.0, True
    np.testing.assert_allclose(
        roundness(eared, with_ears, step_mm=1.0)[:, 30:150], roundness(depth, is_hit, step_mm=1.0)[:, 30:150], atol=0.5
    )


@pytest.mark.parametrize("is_hit", [~EVERYWHERE, np.arange(SHAPE[1])[None, :] < np.full((SHAPE[0], 1), 5)])
def test_where_there_is_next_to_nothing_nothing_is_round(is_hit: np.ndarray) -> None:
    assert not roundness(np.full(SHAPE, 9, np.float32), is_hit, step_mm=1.0).any()
