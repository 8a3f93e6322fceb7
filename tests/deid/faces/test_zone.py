"""A zone is a function of place: hand-made curtains hold what lies in front of their backs, however it is asked."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curator.deid.faces.fill import filled
from curator.deid.faces.ladder import random_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import spread
from curator.deid.faces.zone import Curtain, Window, Zone
from curator.imaging.frame import Frame, patient_frame
from curator.model.faces import FaceMode
from curator.model.volume import Volume

ROWS, COLUMNS, DEEP = 12, 10, 30


def curtain_at(affine: np.ndarray) -> Curtain:
    """Rays of rows 3 to 8 and columns 2 to 6, everything new up to depth 7 there."""
    weight = np.zeros((ROWS, COLUMNS), np.float32)
    weight[3:9, 2:7] = 1.0
    flat = np.ones((ROWS, COLUMNS), np.float32)
    return Curtain(Frame(affine, (ROWS, DEEP, COLUMNS)), weight, 4 * flat, 7 * flat, 3 * flat)


def a_motion(angles: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    motion[:3, 3] = shift
    return motion


motions = st.builds(a_motion, st.tuples(*[st.floats(-180.0, 180.0)] * 3), st.tuples(*[st.floats(-100.0, 100.0)] * 3))
_AXES = (np.arange(-3.5, 14), np.arange(-8.5, 12), np.arange(-3.5, 15))
PLACES = np.stack(np.meshgrid(*_AXES, indexing="ij"), -1).reshape(-1, 3)
# A ray between one of the window and one beside it is inside.
EXPECTED = (
    (PLACES[:, 0] > 1) & (PLACES[:, 0] < 7) & (PLACES[:, 2] > 2) & (PLACES[:, 2] < 9) & (PLACES[:, 1] < 7)
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(motions)
def test_a_curtain_holds_what_lies_in_front_of_its_back_and_moves_with_the_patient(motion: np.ndarray) -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    zone = Zone((curtain_at(affine),))
    points = zone.curtains[0].frame.points_of(PLACES)
    assert 100 < EXPECTED.sum() < len(EXPECTED) / 2
    np.testing.assert_array_equal(zone.holds(points), EXPECTED)
    moved = zone.moved(motion)
    np.testing.assert_array_equal(moved.holds(points @ motion[:3, :3].T + motion[:3, 3]), EXPECTED)


def test_nothing_holds_nothing() -> None:
    zone = Zone((curtain_at(np.eye(4)),))
    assert zone.holds(np.empty((0, 3))).shape == (0,)
    assert not Zone(()).holds(PLACES).any()


def test_two_curtains_hold_what_either_holds() -> None:
    one = curtain_at(np.eye(4))
    other = curtain_at(a_motion((0.0, 0.0, 90.0), (20.0, -3.0, 2.0)))
    both = Zone((one, other)).holds(PLACES)
    np.testing.assert_array_equal(both, Zone((one,)).holds(PLACES) | Zone((other,)).holds(PLACES))
    assert (Zone((other,)).holds(PLACES) & ~Zone((one,)).holds(PLACES)).any()


@settings(max_examples=10, deadline=None)
@given(motions, st.sampled_from(list(FaceMode)))
def test_what_a_flat_scan_loses_is_what_the_zone_holds(motion: np.ndarray, mode: FaceMode) -> None:
    """The voxels that are new are those whose centres lie in the zone, on whatever grid; all else keeps every bit."""
    zone = Zone((curtain_at(np.diag([2.0, 2.0, 2.0, 1.0])),)).moved(motion)
    affine = motion @ np.array([[1.7, 0.2, 0, -4.3], [-0.2, 1.7, 0, -3.1], [0, 0, 6.0, 2.2], [0, 0, 0, 1.0]])
    stored = np.random.default_rng(5).integers(0, 3, (4, 20, 25)).astype(np.int16)
    stored[:, 5:, :] += 200
    scan = Scan(volume=Volume(stored=stored, affine_lps=affine), lowest=0, highest=230)
    new = filled(scan, zone, (None,), mode=mode, random=random_of(b"key", "fill"))
    indices = np.argwhere(np.ones(stored.shape, np.bool_))[:, ::-1]
    centres = indices @ affine[:3, :3].T + affine[:3, 3]
    held = zone.holds(centres).reshape(stored.shape)
    assert 0 < held.sum() < held.size
    # A centre within rounding of the zone's edge may go either way.
    assert (new.mask != held).mean() < 0.002
    after = new.onto(stored)
    np.testing.assert_array_equal(after[~new.mask], stored[~new.mask])
    assert after.dtype == stored.dtype
    assert after is not stored
    again = filled(scan, zone, (None,), mode=mode, random=random_of(b"key", "fill"))
    np.testing.assert_array_equal(again.stored, new.stored)
    assert after.min() >= 0
    assert after.max() <= 230


def test_a_scan_that_the_zone_does_not_meet_stays_as_it_is() -> None:
    affine = np.eye(4)
    affine[:3, 3] = 500.0
    scan = Scan(volume=Volume(stored=np.ones((2, 9, 9), np.int16), affine_lps=affine))
    new = filled(scan, Zone((curtain_at(np.eye(4)),)), (None,), mode=FaceMode.SMOOTH, random=random_of(b"", "fill"))
    assert not new.mask.any()
    np.testing.assert_array_equal(new.onto(scan.volume.stored), scan.volume.stored)


def test_a_projection_loses_every_line_that_passes_through_the_zone() -> None:
    """Seen from the side, all lines through the window in front of its back go; those behind the back stay."""
    zone = Zone((curtain_at(np.diag([2.0, 2.0, 2.0, 1.0])),))
    # Columns along y, rows down z, the picture far to the side of the head.
    affine = np.array([[0, 0, 5.0, 60.0], [1.0, 0, 0, -20.0], [0, -1.0, 0, 30.0], [0, 0, 0, 1.0]])
    stored = np.full((1, 40, 70), 90, np.int16)
    stored[:, :, :10] = 3
    scan = Scan(volume=Volume(stored=stored, affine_lps=affine), is_projection=True)
    mask = filled(scan, zone, (None,), mode=FaceMode.ZERO, random=random_of(b"", "fill")).mask[0]
    y, z = np.arange(70) - 20.0, 30.0 - np.arange(40)
    expected = ((z > 4) & (z < 18))[:, None] & (y < 14)[None, :]
    np.testing.assert_array_equal(mask, expected)
    beside = Scan(volume=scan.volume)
    assert not filled(beside, zone, (None,), mode=FaceMode.ZERO, random=random_of(b"", "fill")).mask.any()


def test_random_numbers_follow_from_key_and_purpose_alone() -> None:
    draws = {
        (secret, purpose): tuple(random_of(secret, purpose).integers(0, 2**62, 4))
        for secret in (b"a", b"b")
        for purpose in ("fill", "relief")
    }
    assert len(set(draws.values())) == len(draws)
    assert tuple(random_of(b"a", "fill").integers(0, 2**62, 4)) == draws[b"a", "fill"]


def test_a_window_weighs_nothing_outside_and_everything_in_its_middle() -> None:
    window = Window(x=30.0, z=40.0, half_x=20.0, half_z=25.0, eye_z=45.0, brow_z=50.0)
    weight = window.weight((80, 60), ramp=10.0)
    assert weight[40, 30] == 1.0
    assert weight.min() == 0.0
    assert weight.max() == 1.0
    z, x = np.nonzero(weight)
    assert (np.abs(x - 30) < 20).all()
    assert (np.abs(z - 40) < 25).all()
    # It falls all the way to the edge.
    assert (np.diff(weight[40, 30:]) <= 0).all()
    np.testing.assert_array_equal(weight[:, 30 - 20 : 31], weight[:, 30 : 30 + 21][:, ::-1])


def test_spread_values_are_judged_by_the_known_ones_alone() -> None:
    is_known = np.zeros((40, 40), np.bool_)
    is_known[:, :20] = True
    values = np.where(is_known, 5.0, -1e6).astype(np.float32)
    np.testing.assert_allclose(spread(values, is_known, 3.0)[is_known], 5.0, rtol=1e-4)


def test_a_patient_frame_sees_every_voxel_of_its_volume() -> None:
    volume = Volume(stored=np.zeros((4, 5, 6), np.int16), affine_lps=a_motion((10.0, 20.0, 30.0), (1.0, 2.0, 3.0)))
    frame = patient_frame(volume, step_mm=1.0)
    voxels = frame.voxels_of(volume.affine_lps[None, :3, 3])
    assert (voxels > -1e-6).all()
