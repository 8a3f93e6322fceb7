"""The bench's own renderer by closed form: a wall whose points are known, under boxes whose share of them is known."""

from __future__ import annotations

import face_likeness
import numpy as np
import pytest
from face_cases import middle_of_face
from face_views import PIXEL_MM, brain_as_seen, rendered

from curator.deid.faces.scan import Scan
from curator.testing.heads import HeadPlan, make_head

SIDE_MM = 80.0
X, Z = (axis.ravel() for axis in np.meshgrid(np.arange(0, SIDE_MM + 0.5, 0.5), np.arange(0, SIDE_MM + 0.5, 0.5)))
WALL = np.stack([X, np.zeros_like(X), Z], axis=1)
TO_THE_CAMERA = np.broadcast_to([0.0, -1.0, 0.0], WALL.shape)
IS_RIGHT = SIDE_MM / 2 < X


def box(seen, left_mm, top_mm, right_mm, bottom_mm):
    """A box in pixels around a part of the wall, given in mm of x and of z."""
    columns = [round((x - seen.left_mm) / PIXEL_MM) for x in (left_mm, right_mm)]
    rows = [round((seen.top_mm - z) / PIXEL_MM) for z in (top_mm, bottom_mm)]
    return columns[0], rows[0], columns[1], rows[1]


@pytest.mark.parametrize(("left", "right", "share"), [(4, 36, 0.0), (44, 76, 1.0), (20, 60, 0.5), (-60, -20, 0.0)])
def test_the_share_of_a_box_is_of_what_is_seen_in_it(left: float, right: float, share: float) -> None:
    seen = rendered(WALL, TO_THE_CAMERA, yaw_deg=0, pitch_deg=0)
    assert seen.share_of(IS_RIGHT, box(seen, left, 60, right, 20)) == pytest.approx(share, abs=0.03)


def test_what_is_not_seen_has_no_share() -> None:
    from_behind = rendered(WALL, TO_THE_CAMERA, yaw_deg=180, pitch_deg=0)
    assert not from_behind.picture.any()
    assert from_behind.share_of(IS_RIGHT, (0, 0, 100, 100)) == 0


@pytest.mark.parametrize("yaw", [0, 30])
def test_a_place_in_the_middle_of_a_box_is_in_it_and_one_at_its_edge_is_not(yaw: int) -> None:
    seen = rendered(WALL, TO_THE_CAMERA, yaw_deg=yaw, pitch_deg=0)
    place = np.array([SIDE_MM / 2, 0.0, SIDE_MM / 2])
    across = (seen.turn @ place)[0]
    for off, is_in in ((0.0, True), (0.42, True), (0.48, False)):
        around = box(seen, across - 20 + 40 * off, 60, across + 20 + 40 * off, 20)
        assert bool(seen.shows_in(place, around)) is is_in


def test_a_brain_is_seen_farther_out_in_a_pet_alone() -> None:
    brain = np.zeros((21, 21, 21), np.bool_)
    brain[10, 10, 10] = True
    seen = brain_as_seen(brain, (2.0, 1.0, 1.0), "PT")
    assert [int(seen[line].sum()) for line in ((slice(None), 10, 10), (10, slice(None), 10))] == [7, 13]
    assert np.array_equal(brain_as_seen(brain, (2.0, 1.0, 1.0), "MR"), brain)
    assert not brain_as_seen(np.zeros_like(brain), (2.0, 1.0, 1.0), "PT").any()


def test_a_head_with_its_face_is_the_most_alike_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_likeness, "_OTHERS", 4)
    head = make_head(HeadPlan(person=7, strength=1.7, spacing_mm=(2.0, 2.0, 2.0)))
    scan, face = Scan(volume=head.volume), middle_of_face(head)
    assert face_likeness.rank_among_others(scan, scan, face, (0, 0, 2)) == [1, 5]
    far_off = face + np.array([0.0, 0.0, 150.0])
    assert face_likeness.rank_among_others(scan, scan, far_off, (0, 0, 2)) == [0, 0]
    all_brain = np.ones(head.brain.shape, np.bool_)
    assert face_likeness.rank_among_others(scan, scan, face, (0, 0, 2), brain=all_brain) == [0, 0]
