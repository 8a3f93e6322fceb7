"""The text reader on drawn pictures, with the networks themselves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from curator.adapters.rapid_text import RapidText
from curator.model.pixels import Route


@pytest.fixture(scope="module")
def lettered():
    """Letters on a noisy disc: two lines, one word taller than a line may be."""
    picture = np.random.default_rng(1).normal(60, 12, (400, 400)).clip(0, 255).astype(np.uint8)
    cv2.circle(picture, (200, 200), 130, 120, -1)
    cv2.putText(picture, "DOE JAMES 12.03.1961", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1)
    cv2.putText(picture, "MRN 4711-88", (250, 390), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 200, 1)
    cv2.putText(picture, "BIG", (80, 240), cv2.FONT_HERSHEY_SIMPLEX, 4, 255, 7)
    return picture


@pytest.fixture(scope="module")
def sightings(lettered):
    return RapidText().read(lettered)


def test_lines_are_read_top_to_bottom(sightings):
    assert [sighting.text for sighting in sightings] == ["DOE JAMES 12.03.1961", "BIG", "MRN 4711-88"]


def test_tall_text_comes_by_its_own_route(sightings):
    assert [sighting.route for sighting in sightings] == [Route.DETECTED, Route.TALL, Route.DETECTED]


def test_boxes_hold_the_ink(sightings, lettered):
    ink = lettered > 180
    for sighting in sightings:
        box = sighting.box
        ink[box.top : box.bottom, box.left : box.right] = False
    assert not ink.any()


def test_an_even_picture_shows_nothing():
    assert RapidText().read(np.full((64, 64), 90, dtype=np.uint8)) == ()
