"""The detector's maps: alike one by one and together, and asked for once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from curator.adapters import text_models
from curator.adapters.text_chances import chances
from curator.adapters.text_models import TextModels


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> TextModels:
    made = TextModels()
    asked: list[int] = []
    detected = made._detected

    def counted(pictures):
        asked.append(len(pictures))
        return detected(pictures)

    monkeypatch.setattr(made, "_detected", counted)
    made.asked = asked
    return made


def picture(text: str, *, shape: tuple[int, int] = (96, 160)) -> np.ndarray:
    drawn = np.full((*shape, 3), 20, np.uint8)
    cv2.putText(drawn, text, (6, 50), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (230, 230, 230), 1, cv2.LINE_AA)
    return drawn


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_maps_of_pictures_seen_together_are_those_seen_one_by_one(models, at_once):
    shapes = [(96, 160), (64, 200), (96, 160), (96, 160), (64, 200), (70, 70)]
    pictures = [picture(f"NAME {number}", shape=shape) for number, shape in enumerate(shapes)]
    alone = [TextModels().text_maps([one])[0] for one in pictures]
    models.at_once = at_once
    together = models.text_maps(pictures)
    for one, other, shown in zip(alone, together, pictures, strict=True):
        assert one.shape == shown.shape[:2]
        assert one.max() > 200
        np.testing.assert_array_equal(one, other)
    assert sorted(models.asked) == {1: [1] * 6, 2: [1, 1, 2, 2], 8: [1, 2, 3]}[at_once]


def test_a_large_picture_is_alike_in_batches_of_tiles(models):
    large = np.random.default_rng(3).normal(60, 8, (150, 4000, 3)).clip(0, 255).astype(np.uint8)
    cv2.putText(large, "SOMEBODY 4711", (1800, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (240, 240, 240), 2)
    alone = chances(TextModels(), large, 1.0)
    models.at_once = 4
    np.testing.assert_array_equal(chances(models, large, 1.0), alone)
    assert max(models.asked) > 1


def test_what_was_seen_is_not_looked_at_again(models):
    first = models.text_maps([picture("DOE"), picture("DOE")])
    again = models.text_maps([picture("DOE"), picture("ROE")])
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(again[0], again[1])
    assert models.asked == [1, 1]
    assert models.text_maps([]) == ()


def test_a_picture_of_the_same_bytes_and_another_shape_is_another(models):
    drawn = picture("DOE")
    models.text_maps([drawn])
    assert models.text_maps([drawn.reshape(160, 96, 3)])[0].shape == (160, 96)


def test_no_more_is_remembered_than_the_bound(models, monkeypatch):
    monkeypatch.setattr(text_models, "_MOST_REMEMBERED", 2)
    for name in ("A", "B", "C", "C", "B", "A"):
        models.text_maps([picture(name)])
    assert models.asked == [1, 1, 1, 1]
    assert len(models._seen) == 2
