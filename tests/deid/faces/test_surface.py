"""The new skin and what fills it follow from the key; the window, and what lies outside it, do not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from face_tools import SECRET, SMALL, THREE_MM, few_looks
from scipy import ndimage
from treated_heads import FRONT, scan_of

from curator.deid.faces.fill import Filled, filled
from curator.deid.faces.ladder import random_of
from curator.deid.faces.levels import levels_of
from curator.deid.faces.open_ends import rays_of, reach_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import Style, _relief, curtain_for, spread
from curator.deid.faces.view import View, view_of
from curator.deid.faces.windows import front_window, sockets_of
from curator.deid.faces.zone import Curtain, Window, Zone
from curator.imaging.frame import Frame, patient_frame
from curator.imaging.resample import CpuResampler
from curator.model.faces import FaceMode
from curator.testing.heads import HeadPlan, make_head
from curator.testing.heads.plan import FIELDS_OF_VIEW, FieldOfView

NUMBERS = few_looks().numbers
STEP_MM = 2.0
OTHER = b"another study's"
ROUND, SOFT = Style(is_round=True, is_soft=False), Style(is_round=True, is_soft=True)
ENDS = ("no vault", "above brow", "cut below eyes")


@dataclass(frozen=True)
class Seen:
    scan: Scan
    view: View
    window: Window

    def curtain(self, secret: bytes, *, shell_mm: float = 22.0, style: Style = ROUND) -> Curtain:
        found = curtain_for(
            self.view, self.window, shell_mm=shell_mm, smoothing_mm=20.0, volume=self.scan.volume, numbers=NUMBERS,
            random=random_of(secret, "relief"), style=style,
        )  # fmt: skip
        assert found is not None
        return found

    def filled(self, secret: bytes, mode: FaceMode = FaceMode.SMOOTH) -> Filled:
        zone = Zone((self.curtain(secret),))
        return filled(self.scan, zone, (self.view,), mode=mode, random=random_of(secret, "fill"))


@pytest.fixture(scope="module")
def seen() -> Seen:
    """A head from the front at two millimetres, with the window that its true landmarks give."""
    head = make_head(HeadPlan(spacing_mm=THREE_MM, field_of_view=SMALL))
    scan = scan_of(head)
    view = view_of(scan, patient_frame(scan.volume, step_mm=STEP_MM), CpuResampler())
    places = view.frame.voxels_of(np.array([head.landmarks_mm[name] for name in FRONT]))
    x, eye, chin = places[:, 0].mean(), places[0, 2], places[-1, 2]
    brow = eye + 20.0 / STEP_MM
    top, bottom = brow + 30.0 / STEP_MM, chin - 30.0 / STEP_MM
    window = Window(x, (top + bottom) / 2, 70.0 / STEP_MM, (top - bottom) / 2, eye, brow)
    return Seen(scan, view, window)


def test_the_same_key_gives_the_same_bytes(seen: Seen) -> None:
    one, same = seen.filled(SECRET), seen.filled(SECRET)
    np.testing.assert_array_equal(one.mask, same.mask)
    assert one.stored.tobytes() == same.stored.tobytes()


def test_a_soft_edge_takes_less_behind_the_skin_there_and_as_much_within(seen: Seen) -> None:
    hard, soft = seen.curtain(SECRET), seen.curtain(SECRET, style=SOFT)
    np.testing.assert_array_equal(hard.weight, soft.weight)
    less_mm = (hard.back - soft.back) * STEP_MM
    within, edge = hard.weight > 0.9, (hard.weight > 0) & (hard.weight < 0.2)
    within = ndimage.binary_erosion(within, iterations=12)
    np.testing.assert_array_equal(hard.skin[within], soft.skin[within])
    assert np.abs(less_mm[within]).max() < 0.01
    assert less_mm[edge].mean() > 0.5
    assert less_mm.min() > -0.01


def test_every_shell_ends_before_the_poles_of_the_temporal_lobes(seen: Seen) -> None:
    """14 to 24 mm under the eyes and 36 to 56 mm aside a child's lie 24 mm and more behind the shape of its head."""
    skin, window = seen.view.skin, seen.window
    z, x = np.mgrid[0 : skin.shape[0], 0 : skin.shape[1]]
    under, aside = (window.eye_z - z) * STEP_MM, np.abs(x - window.x) * STEP_MM
    before_lobes = (under > 14) & (under < 24) & (aside > 36) & (aside < 56)
    shape = spread(np.nan_to_num(skin), np.isfinite(skin), 9.0 / STEP_MM)
    for shell_mm, key in product((22.0, 30.0, 36.0), (SECRET, b"a", b"b", b"c")):
        curtain = seen.curtain(key, shell_mm=shell_mm)
        behind = ((curtain.back - shape) * STEP_MM)[before_lobes & curtain.is_inside]
        assert behind.size > 50
        assert behind.max() < 24.0


def test_another_key_gives_another_relief_in_the_same_window(seen: Seen) -> None:
    one, other = seen.curtain(SECRET), seen.curtain(OTHER)
    np.testing.assert_array_equal(one.weight, other.weight)
    core = one.weight > 0.9
    apart = (one.skin - other.skin)[core] * STEP_MM
    # Two reliefs, each of bumps and of pleats that are as good as a sine; less where the brain lets none lie back.
    alone = np.hypot(NUMBERS.relief_mm, NUMBERS.pleat_mm / np.sqrt(2))
    assert 0.5 * alone < apart.std() < 2 * alone
    assert seen.filled(SECRET).stored.tobytes() != seen.filled(OTHER).stored.tobytes()


def test_pleats_run_from_top_to_bottom_at_a_place_and_a_breadth_that_the_key_gives() -> None:
    """Of a relief's variation nearly all is across a face; how broad a pleat is, and where it is, no other key says."""
    peaks = []
    for number in range(12):
        relief = _relief((120, 160), random_of(SECRET, str(number)), NUMBERS, 1.0)
        across, down = (np.gradient(relief, axis=axis).std() for axis in (1, 0))
        assert across > 4 * down
        assert 0.6 * NUMBERS.pleat_mm < relief.std() < 1.2 * NUMBERS.pleat_mm
        power = np.abs(np.fft.rfft(relief.mean(axis=0), 1600)) ** 2
        power[:20] = 0
        peaks.append(1600 / int(power.argmax()))
    assert all(0.85 < peak / NUMBERS.pleat_breadth_mm < 1.15 for peak in peaks)
    assert np.ptp(peaks) > 1.0
    same, other = (_relief((120, 160), random_of(SECRET, name), NUMBERS, 1.0) for name in "ab")
    np.testing.assert_array_equal(same, _relief((120, 160), random_of(SECRET, "a"), NUMBERS, 1.0))
    assert np.abs(same - other).max() > NUMBERS.pleat_mm
    # In millimetres, whatever the voxels of a view.
    coarse = _relief((60, 80), random_of(SECRET, "a"), NUMBERS, 2.0) * 2.0
    assert coarse.std() == pytest.approx(same.std(), rel=0.15)


def test_the_old_skin_is_behind_no_curtain_and_the_window_ends_where_it_ends(seen: Seen) -> None:
    curtain, skin = seen.curtain(SECRET), seen.view.skin
    is_skin = np.isfinite(skin)
    assert (curtain.is_inside & is_skin).sum() > 2000
    assert (curtain.back > skin)[curtain.is_inside & is_skin].all()
    # Beside the outline everything becomes air, as far as a voxel may reach past it.
    is_beside = curtain.is_inside & ~is_skin
    assert is_beside.any()
    assert (curtain.skin > curtain.back)[is_beside].all()
    reach = rays_of(reach_of(seen.scan.volume.affine_lps, seen.view), seen.view.frame.step_mm)
    assert ndimage.maximum_filter(is_skin, size=reach)[is_beside].all()
    # At the edge the new skin is the old one.
    edge = curtain.is_inside & is_skin & (curtain.weight < 0.02)
    assert np.abs(curtain.skin - skin)[edge].max() * STEP_MM < 2.0


def test_the_mean_of_many_releases_does_not_tell_the_old_features(seen: Seen) -> None:
    """Averaging takes the relief away, and what is left is the shape of the head over centimetres."""
    skin = seen.view.skin
    is_skin = np.isfinite(skin)
    curtains = [seen.curtain(bytes([number])) for number in range(12)]
    core = (curtains[0].weight > 0.9) & is_skin
    mean = np.mean([curtain.skin for curtain in curtains], axis=0)

    def features(surface: np.ndarray) -> np.ndarray:
        depth = np.where(is_skin, surface, 0).astype(np.float32)
        return (depth - spread(depth, is_skin, 8.0 / STEP_MM))[core]

    old, new = features(skin), features(mean)
    assert old.std() > 3 * new.std()
    assert np.corrcoef(old, features(skin + 0.1))[0, 1] > 0.99


def test_each_mode_fills_in_its_own_way(seen: Seen) -> None:
    smooth, noise, zero = (seen.filled(SECRET, mode) for mode in (FaceMode.SMOOTH, FaceMode.NOISE, FaceMode.ZERO))
    np.testing.assert_array_equal(smooth.mask, noise.mask)
    np.testing.assert_array_equal(smooth.mask, zero.mask)
    assert len(np.unique(zero.stored)) == 1
    assert zero.stored[0] <= smooth.stored.min()
    tissue = seen.view.levels.threshold
    assert 0.05 < (smooth.stored > tissue).mean() < 0.95
    # Noise differs from neighbour to neighbour; a smooth skin hangs together.
    is_deep = smooth.stored > tissue
    jumps = [np.abs(np.diff(one.stored[is_deep].astype(float))).mean() for one in (smooth, noise)]
    assert jumps[1] > 1.3 * jumps[0]


def test_a_window_without_skin_has_no_curtain(seen: Seen) -> None:
    beside = Window(-500.0, -500.0, 5.0, 5.0, 0.0, 1.0)
    random = random_of(SECRET, "relief")
    found = curtain_for(
        seen.view, beside, shell_mm=22.0, smoothing_mm=20.0, volume=seen.scan.volume, numbers=NUMBERS, random=random,
        style=ROUND,
    )  # fmt: skip
    assert found is None


@pytest.mark.parametrize(
    ("view", "oblique_deg"),
    [
        *((FIELDS_OF_VIEW[name], (tilt, 0.0, 0.0)) for name in ENDS for tilt in (-22.0, 22.0)),
        *((FieldOfView(side_mm=side), (0.0, 0.0, tilt)) for side in (35.0, 45.0) for tilt in (-22.0, 5.0, 22.0)),
    ],
)
def test_a_brain_that_lies_open_at_an_end_of_the_scan_is_not_skin(
    view: FieldOfView, oblique_deg: tuple[float, float, float]
) -> None:
    head = make_head(HeadPlan(spacing_mm=THREE_MM, field_of_view=view, oblique_deg=oblique_deg))
    scan = scan_of(head)
    seen = view_of(scan, patient_frame(scan.volume, step_mm=STEP_MM), CpuResampler())
    window = front_window(seen, NUMBERS)
    curtain = curtain_for(
        seen, window, shell_mm=30.0, smoothing_mm=24.0, volume=scan.volume, numbers=NUMBERS,
        random=random_of(SECRET, "relief"), style=ROUND,
    )  # fmt: skip
    assert curtain is not None
    new = filled(scan, Zone((curtain,)), (seen,), mode=FaceMode.SMOOTH, random=random_of(SECRET, "fill"))
    assert new.mask.any()
    assert not (new.mask & head.brain).any()
    # Nothing else is left out of the window: all skin that lies farther inside the scan than two voxels.
    skin, z_x = seen.skin, np.indices(seen.frame.shape[::2])
    z, x = z_x[0].ravel(), z_x[1].ravel()
    is_wanted = np.isfinite(skin).ravel() & (window.weight(skin.shape, ramp=1.0).ravel() > 0)
    z, x = z[is_wanted], x[is_wanted]
    indices = seen.frame.indices_in(scan.volume.affine_lps)
    at = np.stack([x, skin[z, x], z], axis=1) @ indices[:3, :3].T + indices[:3, 3]
    is_deep = ((at > 2) & (at < np.array(scan.volume.shape[::-1]) - 3)).all(axis=1)
    assert is_deep.sum() > 50
    # Next to a fold of the skin a ray's neighbour may have met the end.
    assert curtain.is_inside[z, x][is_deep].mean() > 0.99


@pytest.mark.parametrize("side_mm", [97.0, 35.0])
def test_the_height_of_the_eyes_does_not_change_with_the_breadth_of_the_scan(side_mm: float) -> None:
    """Where no sockets are seen, which these cut off: by the length of the head, of which the scan has all."""
    plan = HeadPlan(spacing_mm=THREE_MM, field_of_view=FieldOfView(side_mm=side_mm, bottom_mm=20.0))
    head = make_head(plan)
    seen = view_of(scan_of(head), patient_frame(head.volume, step_mm=STEP_MM), CpuResampler())
    eye = seen.frame.voxels_of(np.array([head.landmarks_mm["left pupil"]]))[0, 2]
    assert abs(front_window(seen, NUMBERS).eye_z - eye) * STEP_MM < 12.0


def _bent(*, first: int, ridge: int, hollows_mm: float, eyes: int, top: int = 130) -> View:
    """A body from the height `first` up to `top` with a ridge across it and two hollows, heights in mm, as a view."""
    z, y, x = np.mgrid[0 : top + 10, 0:60, 0:120].astype(np.float32)
    brow = 8 * np.exp(-(((z - ridge) / 12) ** 2))
    pits = sum(np.exp(-(((z - eyes) / 6) ** 2) - ((x - 60 - side) / 9) ** 2) for side in (-30, 30))
    body = np.clip(y - (30 - brow + hollows_mm * pits), 0, 1)
    is_there = (z >= first) & (z < top) & (x >= 10) & (x < 110)
    even = np.where(is_there, body, 0).astype(np.float32)
    frame = Frame(np.diag([1.0, 1.0, 1.0, 1.0]), even.shape)
    return View(frame, levels_of(even), even, even)


@pytest.mark.parametrize("first", [0, 20, 32])
def test_a_forehead_that_turns_inwards_at_its_lower_end_has_no_sockets(first: int) -> None:
    assert sockets_of(_bent(first=first, ridge=first + 22, hollows_mm=0.0, eyes=0)) is None


@pytest.mark.parametrize("first", [0, 20, 32])
def test_two_hollows_under_a_ridge_are_sockets(first: int) -> None:
    found = sockets_of(_bent(first=first, ridge=80, hollows_mm=8.0, eyes=62))
    assert found is not None
    assert abs(found[0] - 62) < 4


def test_sockets_are_seen_a_little_above_the_end_of_a_scan_and_nothing_is_in_an_empty_one() -> None:
    near = sockets_of(_bent(first=52, ridge=80, hollows_mm=8.0, eyes=62))
    assert near is not None
    assert abs(near[0] - 62) < 4
    assert sockets_of(_bent(first=140, ridge=80, hollows_mm=0.0, eyes=62)) is None


@pytest.mark.parametrize(("top", "are_sockets"), [(130, True), (205, True), (220, False), (290, False)])
def test_hollows_farther_below_the_top_than_any_eye_are_no_sockets(top: int, are_sockets: bool) -> None:
    """As those of a neck under a jaw; eyes lie 115 mm below the top of a head."""
    found = sockets_of(_bent(first=0, ridge=80, hollows_mm=8.0, eyes=62, top=top))
    assert (found is not None) is are_sockets
