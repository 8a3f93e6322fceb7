"""The geometric proof on surfaces of closed form: what of old features a new surface tells, and what is no feature."""

from __future__ import annotations

import numpy as np
import pytest
from face_tools import few_looks

from curator.deid.faces.levels import Levels
from curator.deid.faces.proof import Geometry, geometry
from curator.deid.faces.view import View
from curator.deid.faces.zone import Curtain
from curator.imaging.frame import Frame

NUMBERS = few_looks().numbers
HEIGHT, DEPTH, WIDTH = 120, 90, 100
PLANE = 30.0
Z, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
FRAME = Frame(np.eye(4), (HEIGHT, DEPTH, WIDTH))


def bump(z: float, x: float, breadth: float) -> np.ndarray:
    return np.exp(-((Z - z) ** 2 + (X - x) ** 2) / (2 * breadth**2))


# A nose stands out, two eyes lie deep; mm behind the plane.
FEATURES = (-18 * bump(55, 50, 8) + 9 * bump(75, 30, 7) + 9 * bump(75, 70, 7)).astype(np.float32)
FLAT = np.zeros_like(FEATURES)
RELIEF = (3 * (np.sin(X / 9) * np.cos(Z / 11))).astype(np.float32)


def view(depth: np.ndarray) -> View:
    """A body behind a surface, whose values rise so gently that every threshold meets it within two voxels."""
    y = np.arange(DEPTH, dtype=np.float32)[None, :, None]
    values = np.clip((y - depth[:, None, :].astype(np.float32)) * 0.4 + 0.24, 0, 1)
    return View(FRAME, Levels(air=0.0, tissue=1.0, threshold=0.5, noise=0.0), values, values)


def proven(
    old: np.ndarray,
    new: np.ndarray,
    *,
    thick: float = 22.0,
    meant: np.ndarray | float = 0.0,
    mask: np.ndarray | None = None,
) -> Geometry:
    skin = np.full((HEIGHT, WIDTH), PLANE, np.float32) + np.float32(meant)
    curtain = Curtain(FRAME, np.ones_like(skin), skin, skin + np.float32(thick), np.full_like(skin, thick))
    mask = np.ones(FRAME.shape, np.bool_) if mask is None else mask
    return geometry(view(PLANE + old), view(PLANE + new), mask, np.eye(4), curtain, NUMBERS)


@pytest.mark.parametrize(
    ("thick", "kept_from", "is_counted"),
    [(22.0, 1, True), (10.0, 1, False), (10.0, 0, True), (22.0, 2, False)],
    ids=["behind the skin", "behind the skin before a brain", "skin before a brain", "beyond what the skin tells"],
)
def test_old_skin_that_stays_is_counted(thick: float, kept_from: int, is_counted: bool) -> None:
    """A zone that keeps off the brain may end behind the voxel that has the skin, and no zone before it."""
    mask = np.ones(FRAME.shape, np.bool_)
    mask[:, int(PLANE) + kept_from :] = False
    found = proven(FLAT, FLAT, thick=thick, mask=mask)
    assert (found.unchanged == found.rays) is is_counted
    assert (found.unchanged == 0) is not is_counted


@pytest.mark.parametrize(
    ("new", "least"),
    [(FEATURES, 0.95), (0.3 * FEATURES, 0.95), (-0.3 * FEATURES, 0.95), (0.5 * FEATURES + RELIEF, 0.5)],
    ids=["the old surface", "less of it", "its reverse", "under a relief"],
)
def test_features_are_had_back_however_weak_or_reversed(new: np.ndarray, least: float) -> None:
    found = proven(FEATURES, new)
    assert found.rays > 5000
    assert found.recovered > least
    assert not found.is_proven(NUMBERS)


@pytest.mark.parametrize(
    "new",
    [0 * X, 0.04 * (Z - 60), 0.001 * (Z - 60) ** 2 - 0.02 * (X - 50), RELIEF],
    ids=["what was meant", "a slope", "a bend", "a relief of its own"],
)
def test_what_is_no_feature_tells_none(new: np.ndarray) -> None:
    found = proven(FEATURES, new)
    assert found.recovered < 0.2
    assert found.is_proven(NUMBERS)


def test_an_old_surface_that_leans_is_not_had_back_from_a_slope() -> None:
    leaning = FEATURES + 0.2 * (Z - 60)
    assert proven(leaning, 0.04 * (Z - 60)).recovered < 0.2
    assert proven(leaning, 0.3 * FEATURES).recovered > 0.9


def test_a_surface_that_lacks_the_relief_is_not_like_the_old_skin_for_that() -> None:
    assert proven(FEATURES, 0 * X, meant=RELIEF).recovered < 0.2


def test_a_vault_has_no_features_to_be_had_back() -> None:
    assert proven(0.2 * FEATURES, 0.2 * FEATURES).recovered == 0.0


def test_what_stays_behind_a_thin_zone_is_no_skin_and_behind_a_thick_one_it_counts() -> None:
    """Over the brain nothing deeper may go: a skull there is as round as its skin."""
    assert proven(FEATURES, FEATURES / 3 + 16, thick=6.0).recovered == 0.0
    assert proven(FEATURES, FEATURES / 3 + 16, thick=22.0).recovered > 0.9
