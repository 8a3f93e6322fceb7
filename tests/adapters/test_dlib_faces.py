"""Faces are found in any of four directions, large and small; other pictures have none (row F04)."""

from __future__ import annotations

import pickle
from functools import cache

import cv2
import numpy as np
import pytest

from curator.adapters import dlib_faces, dlib_weights
from curator.adapters.dlib_faces import DlibFaces
from curator.errors import ConfigurationError
from curator.model.pixels import Box
from curator.testing.photograph import make_photograph

HISTOGRAMS, BOTH = DlibFaces(coarse_pixels=0), DlibFaces()
# Where the phantom's eyes, nose and mouth are in a photograph of 200 x 200.
FEATURES = Box(80, 63, 147, 137)


@cache
def photograph(*, yaw_deg: float = 0.0, is_from_behind: bool = False) -> np.ndarray:
    return make_photograph(0, 0, yaw_deg=yaw_deg, is_from_behind=is_from_behind)


def turned(box: Box, turns: int, side: int = 200) -> Box:
    """Where the box is after so many quarter turns counter-clockwise of a square picture."""
    for _ in range(turns):
        box = Box(side - box.right, box.top, side - box.left, box.bottom)
    return box


@pytest.mark.parametrize("turns", range(4))
def test_F04_a_face_is_found_whichever_way_the_camera_was_held(turns: int) -> None:
    picture = np.ascontiguousarray(np.rot90(photograph(), turns))
    (found,) = HISTOGRAMS.faces(picture)
    assert FEATURES.area > 0.4 * found.area
    features = turned(FEATURES, turns)
    shared = Box(
        max(found.top, features.top),
        max(found.left, features.left),
        min(found.bottom, features.bottom),
        min(found.right, features.right),
    )
    assert shared.area > 0.95 * features.area


def test_F04_a_profile_is_found_by_the_network() -> None:
    picture = photograph(yaw_deg=75.0)
    assert HISTOGRAMS.faces(picture) == ()
    (found,) = DlibFaces().faces(picture)
    assert found.meets(FEATURES)


def test_no_face_in_the_back_of_a_head_or_in_noise() -> None:
    rng = np.random.default_rng(7)
    for picture in (photograph(is_from_behind=True), rng.integers(0, 255, (100, 120, 3), np.uint8)):
        assert DlibFaces(coarse_pixels=20_000).faces(picture) == ()
    assert HISTOGRAMS.faces(np.zeros((1, 1), np.uint8)) == ()
    assert HISTOGRAMS.faces(np.zeros((400, 3), np.uint8)) == ()


@pytest.mark.parametrize("scale", [0.4, 0.6, 4.0])
def test_F04_small_and_large_faces_are_found_at_their_place(scale: float) -> None:
    picture = np.asarray(cv2.resize(photograph(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    (found,) = HISTOGRAMS.faces(picture)
    (usual,) = HISTOGRAMS.faces(photograph())
    for edge, expected in zip(
        (found.top, found.left, found.bottom, found.right),
        (usual.top, usual.left, usual.bottom, usual.right),
        strict=True,
    ):
        assert edge / scale == pytest.approx(expected, abs=24)


def test_two_faces_are_two_boxes_and_grey_pictures_count_too() -> None:
    pair = cv2.cvtColor(np.hstack([photograph(), photograph()]), cv2.COLOR_RGB2GRAY)
    first, second = sorted(HISTOGRAMS.faces(pair), key=lambda box: box.left)
    assert first.right < 200 < second.left


def test_a_picture_seen_before_has_the_boxes_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    found = HISTOGRAMS.faces(photograph())
    monkeypatch.setattr(dlib_faces, "_histograms", lambda: pytest.fail("looked at twice"))
    assert HISTOGRAMS.faces(photograph().copy()) == found
    with pytest.raises(pytest.fail.Exception, match="twice"):
        HISTOGRAMS.faces(photograph()[1:])


def test_a_finder_crosses_to_another_process_and_says_what_it_is() -> None:
    assert pickle.loads(pickle.dumps(BOTH)) == BOTH
    assert BOTH.name != HISTOGRAMS.name
    assert "dlib" in BOTH.name


def test_without_weights_it_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_weights, "_PACKAGE", "a_package_that_nobody_has")
    dlib_faces._network.cache_clear()
    with pytest.raises(ConfigurationError, match="a_package_that_nobody_has"):
        BOTH.faces(np.zeros((24, 24), np.uint8))
    with pytest.raises(ConfigurationError, match="not installed"):
        _ = BOTH.name
    dlib_faces._network.cache_clear()
