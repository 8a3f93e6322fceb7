"""A study of a phantom loses its face and nothing else (rows F02, F03)."""

from __future__ import annotations

import numpy as np
import pytest
from face_tools import SECRET, centres_of
from head_views import best_score, surface_view
from treated_heads import FRONT, TOOLS, TreatedHead

from curator.deid.faces.ladder import random_of
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.model.faces import FaceStatus
from curator.testing.heads import skin_distance_mm

Study = dict[str, TreatedHead]
# What the phantoms' own tests count as skin.
_SKIN = {"T1": 90, "CT": 624}


@pytest.fixture(params=["T1", "CT"])
def one(request: pytest.FixtureRequest) -> TreatedHead:
    if request.param == "CT":
        return request.getfixturevalue("ct")
    return request.getfixturevalue("study")["t1"]


def skin_threshold(one: TreatedHead) -> int:
    return _SKIN[one.head.plan.contrast.value.upper()]


def test_F02_a_head_is_defaced_and_says_by_which_numbers(one: TreatedHead) -> None:
    outcome = one.treated.outcome
    assert outcome.status is FaceStatus.DEFACED
    assert one.numbers["before_hits"] >= 1
    assert one.numbers["after_hits"] == 0
    assert one.numbers["after_best"] <= TOOLS.rules.numbers.clean_score
    assert one.numbers["old_skin_kept"] == 0
    assert one.numbers["recovered"] <= TOOLS.rules.numbers.largest_recovery
    assert one.numbers["rank"] >= TOOLS.rules.numbers.least_rank
    assert one.numbers["changed_share"] == pytest.approx(one.mask.mean())


def test_F02_outside_the_mask_every_bit_is_kept_and_so_is_the_brain(one: TreatedHead) -> None:
    after, before = one.after, one.before
    assert after.dtype == before.dtype
    assert after.shape == before.shape
    np.testing.assert_array_equal(after[~one.mask], before[~one.mask])
    assert one.head.brain.sum() > 10_000
    assert not (one.mask & one.head.brain).any()
    np.testing.assert_array_equal(after[one.head.brain], before[one.head.brain])
    assert (after[one.mask] != before[one.mask]).mean() > 0.5


def test_F02_the_old_skin_around_every_landmark_of_the_face_is_gone(one: TreatedHead) -> None:
    everywhere = centres_of(one.scan.volume, np.ones(one.before.shape, np.bool_)).reshape(*one.before.shape, 3)
    for name in FRONT:
        near = np.linalg.norm(everywhere - one.head.landmarks_mm[name], axis=-1) < 12.0
        is_skin = np.zeros_like(near)
        is_skin[near] = np.abs(skin_distance_mm(one.head.plan, everywhere[near])) < 1.0
        assert is_skin.sum() > 20, name
        assert one.mask[is_skin].all(), name


def test_F02_what_changed_is_what_the_zone_holds(one: TreatedHead) -> None:
    assert one.treated.zone is not None
    held = one.treated.zone.holds(centres_of(one.scan.volume, np.ones_like(one.mask))).reshape(one.mask.shape)
    assert (held != one.mask).mean() < 1e-4


def test_F02_a_detector_of_the_tests_own_sees_the_face_before_and_not_after(one: TreatedHead) -> None:
    before, after = (
        best_score(surface_view(scan.volume, threshold=skin_threshold(one))) for scan in (one.scan, one.scan_after)
    )
    assert before > 0.3
    assert after <= 0.0


def test_new_values_stay_within_bounds_and_are_never_padding(ct: TreatedHead) -> None:
    new = ct.after[ct.mask]
    assert new.min() > 0
    assert new.max() <= 4095


def test_what_is_left_is_looked_at_in_two_frames(one: TreatedHead) -> None:
    numbers = TOOLS.rules.numbers
    poses = len(numbers.attack_yaws_deg) * len(numbers.attack_pitches_deg)
    assert one.numbers["after_looks"] > poses * (len(numbers.attack_levels) + len(numbers.attack_bright))


def test_new_tissue_and_air_are_those_of_the_scan(one: TreatedHead) -> None:
    """Both are found in the zone, about as the scan measures them elsewhere."""
    threshold = skin_threshold(one)
    new, kept = one.after[one.mask].astype(float), one.before[~one.mask].astype(float)
    is_new_tissue, is_tissue = new > threshold, kept > threshold
    assert 0.02 < is_new_tissue.mean() < 0.98
    contrast = np.median(kept[is_tissue]) - np.median(kept[~is_tissue])
    assert abs(np.median(new[~is_new_tissue]) - np.median(kept[~is_tissue])) < 0.1 * contrast
    assert kept[is_tissue].min() <= np.median(new[is_new_tissue]) <= np.percentile(kept[is_tissue], 99)


def test_F03_another_contrast_on_another_grid_loses_the_same_anatomy(study: Study) -> None:
    zone, other = study["t1"].treated.zone, study["t2"]
    assert zone is not None
    assert other.treated.outcome.status is FaceStatus.DEFACED
    assert other.numbers["carried"] == 1.0
    assert "carried" not in study["t1"].numbers
    held = zone.holds(centres_of(other.scan.volume, np.ones_like(other.mask))).reshape(other.mask.shape)
    assert 0.05 < held.mean() < 0.6
    assert (held != other.mask).mean() < 1e-4
    assert zone.holds(centres_of(other.scan.volume, other.mask)).mean() > 0.999
    np.testing.assert_array_equal(other.after[~other.mask], other.before[~other.mask])
    assert not (other.mask & other.head.brain).any()


def test_F03_a_single_slice_loses_the_zone_of_its_study(study: Study) -> None:
    zone, one = study["t1"].treated.zone, study["slice"]
    assert zone is not None
    assert one.before.shape[0] == 1
    assert one.treated.outcome.status is FaceStatus.DEFACED
    held = zone.holds(centres_of(one.scan.volume, np.ones_like(one.mask))).reshape(one.mask.shape)
    assert (held != one.mask).mean() < 1e-3
    np.testing.assert_array_equal(one.after[~one.mask], one.before[~one.mask])
    # The profile is gone: what was skin beside the nose and lips is new.
    centres = centres_of(one.scan.volume, np.ones_like(one.mask)).reshape(*one.mask.shape, 3)
    for name in ("nasion", "nose tip", "chin"):
        near = np.linalg.norm((centres - one.head.landmarks_mm[name])[..., 1:], axis=-1) < 8.0
        is_skin = np.zeros_like(near)
        is_skin[near] = np.abs(skin_distance_mm(one.head.plan, centres[near])) < 1.0
        assert is_skin.any(), name
        assert one.mask[is_skin].all(), name
    assert not (one.mask & one.head.brain).any()


def test_F03_a_projection_loses_every_line_through_the_zone(study: Study) -> None:
    zone, one = study["t1"].treated.zone, study["scout"]
    assert zone is not None
    assert one.treated.outcome.status is FaceStatus.DEFACED
    volume = one.head.volume
    centres = centres_of(volume, np.ones(volume.shape, np.bool_))
    is_crossed = zone.holds(centres).reshape(volume.shape).any(axis=0)
    assert 0.05 < is_crossed.mean() < 0.6
    # Lines are followed in steps, so that a corner of the zone may be cut.
    assert (is_crossed & ~one.mask[0]).mean() < 0.01
    np.testing.assert_array_equal(one.after[~one.mask], one.before[~one.mask])


def test_F03_flat_scans_without_a_head_in_their_frame_of_reference_are_held(study: Study) -> None:
    for scan in (study["slice"].scan, study["scout"].scan):
        (alone,) = treat_study([scan], TOOLS, wish=Wish(), secret=SECRET)
        assert alone.outcome.status is FaceStatus.QUARANTINED
        assert alone.filled is None


def test_no_scans_give_no_outcomes() -> None:
    assert treat_study([], TOOLS, wish=Wish(), secret=random_of(SECRET, "").bytes(4)) == ()
