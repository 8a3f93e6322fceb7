"""Scans of one head are laid over each other to within millimetres, whatever made them; what does not fit is told."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from curator.adapters.rigid_registration import SimpleItkRegistrar
from curator.model.volume import Volume
from curator.testing.heads import (
    Contrast,
    Head,
    HeadPlan,
    Pose,
    Subject,
    lps_between,
    make_head,
    multi_contrast,
    pet_ct,
)
from curator.testing.heads.plan import CUT_BELOW_NOSE, WHOLE, WIDE

REGISTRAR = SimpleItkRegistrar()
MOST_MM = 4.0
PERSON = HeadPlan(person=3, strength=1.7, pose=Pose((2.0, 3.0, -4.0), (5.0, -10.0, 20.0)))
STRAIGHT = HeadPlan(person=1, spacing_mm=(3.0, 3.0, 3.0))


@cache
def made(plan: HeadPlan) -> Head:
    return make_head(plan)


def face_error_mm(one: Head, other: Head) -> float:
    """How far the farthest landmark of the face lies from where it should."""
    motion = REGISTRAR.rigid(one.volume, other.volume)
    assert motion is not None
    points = np.array([(*place, 1.0) for place in one.landmarks_mm.values()])
    assert len(points) > 5
    away = points @ motion.T - points @ lps_between(one, other).T
    return float(np.linalg.norm(away[:, :3], axis=1).max())


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (2, 1)], ids=["T1-T2", "T1-FLAIR", "FLAIR-T2"])
def test_contrasts_of_one_head(first: int, second: int) -> None:
    parts = [part.plan for part in multi_contrast(PERSON, coarse=2.0)]
    assert face_error_mm(made(parts[first]), made(parts[second])) < MOST_MM


def test_pet_and_ct_with_the_head_moved_between() -> None:
    ct, pet = (part.plan for part in pet_ct(PERSON, is_one_frame=False, coarse=2.0))
    assert face_error_mm(made(ct), made(pet)) < MOST_MM
    assert face_error_mm(made(pet), made(ct)) < MOST_MM


@pytest.mark.parametrize(
    ("turn_deg", "shift_mm", "view"),
    [
        ((15.0, 0.0, 0.0), (25.0, 0.0, 0.0), WHOLE),
        ((0.0, -15.0, 0.0), (0.0, 0.0, -25.0), CUT_BELOW_NOSE),
        ((-9.0, 8.0, 9.0), (14.0, -14.0, 14.0), CUT_BELOW_NOSE),
    ],
)
def test_large_motions_and_other_fields_of_view(turn_deg, shift_mm, view) -> None:
    moved = replace(STRAIGHT, contrast=Contrast.T2, pose=Pose(turn_deg, shift_mm), field_of_view=view, take=1)
    assert face_error_mm(made(STRAIGHT), made(moved)) < MOST_MM


def test_the_motion_back_is_the_inverse() -> None:
    moved = made(replace(STRAIGHT, contrast=Contrast.CT, pose=Pose((4.0, -3.0, 5.0), (10.0, 5.0, -8.0))))
    there, back = (
        REGISTRAR.rigid(*pair)
        for pair in ((made(STRAIGHT).volume, moved.volume), (moved.volume, made(STRAIGHT).volume))
    )
    assert there is not None
    assert back is not None
    np.testing.assert_allclose(back @ there, np.eye(4), atol=2.0)
    np.testing.assert_allclose((back @ there)[:3, :3], np.eye(3), atol=0.02)


def test_the_same_volumes_give_the_same_motion_and_stay_as_they_are() -> None:
    one, other = made(STRAIGHT).volume, made(replace(STRAIGHT, contrast=Contrast.FLAIR, take=2)).volume
    before = one.stored.copy(), other.stored.copy()
    first, second = REGISTRAR.rigid(one, other), REGISTRAR.rigid(one, other)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[3], [0, 0, 0, 1])
    np.testing.assert_allclose(first[:3, :3] @ first[:3, :3].T, np.eye(3), atol=1e-9)
    np.testing.assert_array_equal(one.stored, before[0])
    np.testing.assert_array_equal(other.stored, before[1])


@pytest.mark.parametrize("subject", [Subject.BOTTLE, Subject.TRUNK])
def test_a_head_is_laid_over_nothing_else(subject: Subject) -> None:
    """Nor is what comes out for another reason a motion that the study would believe."""
    view = WIDE if subject is Subject.TRUNK else WHOLE
    other = made(replace(STRAIGHT, subject=subject, contrast=Contrast.T2, field_of_view=view))
    assert REGISTRAR.rigid(made(STRAIGHT).volume, other.volume) is None


def test_a_volume_of_one_value_is_laid_over_nothing() -> None:
    flat = Volume(stored=np.full((40, 40, 40), 7, np.int16), affine_lps=np.diag([3.0, 3.0, 3.0, 1.0]))
    assert REGISTRAR.rigid(flat, made(STRAIGHT).volume) is None
    assert REGISTRAR.rigid(made(STRAIGHT).volume, flat) is None


def test_a_few_slices_are_laid_over_nothing() -> None:
    volume = made(STRAIGHT).volume
    assert REGISTRAR.rigid(volume, replace(volume, stored=volume.stored[:5])) is None
