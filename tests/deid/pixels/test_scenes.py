"""What counts as a change, and what as motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.deid.pixels.scenes import TILE, Change, Scene
from curator.model.pixels import Box


def still(count: int, *, shape: tuple[int, ...] = (40, 56), kind: type = np.uint8) -> np.ndarray:
    """Frames that show one slope."""
    slope = np.linspace(0, 200, shape[1]).astype(kind)
    frame = np.broadcast_to(slope[:, np.newaxis] if len(shape) == 3 else slope, shape)
    return np.stack([frame] * count)


def scene_of(frames: np.ndarray) -> Scene:
    scene = Scene(0, frames[0])
    for frame in frames[1:]:
        assert scene.is_continued_by(frame)
        scene.add(frame)
    return scene


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, np.int32])
@pytest.mark.parametrize(("pixels", "changes"), [(3, 0), (4, 1)])
def test_a_tile_changes_by_four_pixels(kind, pixels, changes):
    frames = still(3, kind=np.uint8) // 2
    frames = frames.astype(kind)
    frames[2, 5, 2 : 2 + pixels] += 20
    assert len(scene_of(frames).changes()) == changes


def test_noise_is_no_change():
    noise = np.random.default_rng(0).integers(-3, 4, (12, 40, 56))
    frames = (still(12).astype(int) + 10 + noise).astype(np.uint8)
    assert scene_of(frames).changes() == ()


def test_what_comes_and_goes_holds_until_it_goes():
    frames = still(12)
    frames[4:9, 20:26, 20:40] = 255
    came, went = scene_of(frames).changes()
    assert came == Change(4, 9, Box(16, 16, 32, 48))
    assert (went.index, went.until) == (9, 12)


def test_colour_counts_in_each_channel():
    frames = still(4, shape=(40, 56, 3))
    frames[2:, 20:26, 20:26, 2] += 40
    assert [change.index for change in scene_of(frames).changes()] == [2]


def test_what_changes_time_and_again_is_the_moving_part():
    frames = still(16)
    frames[::2, 18:30, 18:30] = 255
    scene = scene_of(frames)
    assert scene.moving_box() == Box(16, 16, 32, 32)
    assert scene.changes() == ()


def test_an_unrelated_frame_ends_the_scene():
    frames = still(2)
    scene = Scene(0, frames[0])
    assert not scene.is_continued_by(frames[0, :, ::-1].copy())
    assert not scene.is_continued_by(frames[0, :20])


@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_law_projections_are_those_of_all_frames(count: int, seed: int):
    frames = np.random.default_rng(seed).integers(0, 256, (count, 2 * TILE + 3, 21), dtype=np.uint8)
    scene = Scene(0, frames[0])
    for frame in frames[1:]:
        scene.add(frame)
    assert np.array_equal(scene.highest, frames.max(axis=0))
    assert np.array_equal(scene.lowest, frames.min(axis=0))
    assert np.allclose(scene.mean, frames.mean(axis=0), atol=1e-3)


@given(st.integers(0, 2**32 - 1))
def test_law_no_new_thing_escapes(seed: int):
    """A block that differs from all that stood there lies in a change of its frame, or in the moving part."""
    dice = np.random.default_rng(seed)
    frames = still(10)
    index, top, left = int(dice.integers(1, 10)), int(dice.integers(0, 34)), int(dice.integers(0, 50))
    frames[index:, top : top + 4, left : left + 4] = 255 - frames[0, top : top + 4, left : left + 4]
    place = Box(top, left, top + 4, left + 4)
    apart = np.abs(frames[index].astype(int) - frames[0])[top : top + 4, left : left + 4]
    if apart.min() > 20:
        assert any(change.index == index and change.box.meets(place) for change in scene_of(frames).changes())
