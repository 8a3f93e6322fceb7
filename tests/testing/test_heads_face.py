"""The face detector sees a face in a made-up head from the front, none in its back, and none in what has no face."""

from __future__ import annotations

import pytest
from head_views import best_score, surface_view

from curator.testing.heads import Contrast, HeadPlan, Pose, Subject, make_head

_TWO_MM = (2.0, 2.0, 2.0)
_THRESHOLDS = {Contrast.CT: 624, Contrast.PET: 600}
_FACES = {
    "T1": HeadPlan(spacing_mm=_TWO_MM),
    "T1 of another person, turned": HeadPlan(
        person=5, strength=1.7, spacing_mm=_TWO_MM, pose=Pose((4.0, 3.0, 5.0), (5.0, -20.0, 30.0))
    ),
    "T2, oblique coronal, prone, shaded": HeadPlan(
        person=1, contrast=Contrast.T2, plane="coronal", position="FFP", oblique_deg=(20.0, 5.0, -10.0),
        spacing_mm=_TWO_MM, shading=3.0,
    ),
    "FLAIR in thick slices": HeadPlan(person=2, contrast=Contrast.FLAIR, spacing_mm=(5.0, 1.5, 1.5)),
    "child": HeadPlan(person=3, is_child=True, spacing_mm=(1.5, 1.5, 1.5)),
    "CT": HeadPlan(person=4, contrast=Contrast.CT, spacing_mm=_TWO_MM, has_table=True),
    "CT of another person": HeadPlan(person=7, strength=1.7, contrast=Contrast.CT, spacing_mm=_TWO_MM),
    "PET": HeadPlan(person=9, contrast=Contrast.PET, spacing_mm=_TWO_MM),
}  # fmt: skip
_FACELESS = {
    "stripped": HeadPlan(spacing_mm=_TWO_MM, is_stripped=True),
    "animal": HeadPlan(spacing_mm=_TWO_MM, subject=Subject.ANIMAL),
    "bottle": HeadPlan(spacing_mm=_TWO_MM, subject=Subject.BOTTLE, contrast=Contrast.T2),
    "limb": HeadPlan(spacing_mm=_TWO_MM, subject=Subject.LIMB),
}


def _score(plan: HeadPlan, *, is_from_behind: bool = False) -> float:
    volume = make_head(plan).volume
    threshold = _THRESHOLDS.get(plan.contrast, 90)
    view = surface_view(volume, threshold=threshold, centre_mm=plan.pose.shift_mm, is_from_behind=is_from_behind)
    return best_score(view)


@pytest.mark.parametrize("name", _FACES)
def test_a_face_is_seen_from_the_front_only(name: str):
    assert _score(_FACES[name]) > 0.5
    assert _score(_FACES[name], is_from_behind=True) < -0.3


@pytest.mark.parametrize("name", _FACELESS)
def test_no_face_is_seen_where_there_is_none(name: str):
    assert _score(_FACELESS[name]) < -0.1
