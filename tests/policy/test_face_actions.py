"""What the option clean-recognizable-visual-features makes of each kind of instance (rows F01, F04)."""

from __future__ import annotations

import pytest
from test_pixel_actions import CAPTURE, CT, GATES, PHOTOGRAPH, made

from curator.bundled import bundled_folder
from curator.model.quarantine import Reason
from curator.policy.dependents import load_dependents, shapeless_classes
from curator.policy.gates import Handling, names_head, pixel_action

MR, MESH = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.68.1"
HEADS = [
    {"BodyPartExamined": "HEAD"},
    {"BodyPartExamined": ""},
    {"descriptors": ("t1_mprage_sag",)},
    {"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
    {"plane": None},
    {"SOPClassUID": MR, "Modality": "MR", "BodyPartExamined": "BRAIN"},
]


@pytest.mark.parametrize("changes", HEADS)
def test_F01_any_doubt_of_any_kind_sends_a_cross_section_to_defacing(changes: dict[str, object]) -> None:
    """By body part, words, kind of image or geometry alone: no single tag decides."""
    action = pixel_action(GATES, made(**changes), faces=True)
    assert (action.handling, action.defaces) == (Handling.PASS, True)
    assert action.finding is not None
    assert action.finding.reason is Reason.FACE_POSSIBLE


@pytest.mark.parametrize("changes", HEADS)
@pytest.mark.parametrize("pixels", [True, False])
def test_F01_without_the_option_they_stay_held(changes: dict[str, object], pixels: bool) -> None:
    action = pixel_action(GATES, made(**changes), pixels=pixels)
    assert (action.handling, action.defaces) == (Handling.HOLD, False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SOPClassUID": MESH, "Modality": "SMR"}, Reason.FACE_POSSIBLE),
        ({"SOPClassUID": CAPTURE, "Modality": "MR", "BodyPartExamined": ""}, Reason.FACE_POSSIBLE),
        ({"SOPClassUID": CAPTURE, "Modality": "CT", "descriptors": ("Schädel",)}, Reason.FACE_POSSIBLE),
    ],
)
def test_surfaces_and_captures_of_heads_stay_held_under_both_options(
    changes: dict[str, object], reason: Reason
) -> None:
    action = pixel_action(GATES, made(**changes), faces=True)
    assert (action.handling, action.defaces) == (Handling.HOLD, False)
    assert action.finding is not None
    assert action.finding.reason is reason


@pytest.mark.parametrize("pixels", [True, False])
def test_what_may_have_text_and_a_face_needs_both_options(pixels: bool) -> None:
    image = made(BurnedInAnnotation="YES", BodyPartExamined="HEAD")
    action = pixel_action(GATES, image, pixels=pixels, faces=True)
    assert (action.handling, action.defaces) == ((Handling.LOOK, True) if pixels else (Handling.HOLD, False))
    assert pixel_action(GATES, image, pixels=pixels).handling is Handling.HOLD


def test_F04_photographs_are_searched_for_faces_whatever_is_said_of_heads() -> None:
    for faces in (True, False):
        action = pixel_action(GATES, made(SOPClassUID=PHOTOGRAPH, Modality="XC"), faces=faces)
        assert (action.handling, action.defaces) == (Handling.PHOTOGRAPH, False)
    assert pixel_action(GATES, made(SOPClassUID=PHOTOGRAPH, Modality="XC"), pixels=False).handling is Handling.HOLD


def test_a_plain_cross_section_is_not_looked_at() -> None:
    action = pixel_action(GATES, made(), faces=True)
    assert (action.handling, action.defaces, action.finding) == (Handling.PASS, False, None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, False),
        ({"BodyPartExamined": ""}, None),
        ({"BodyPartExamined": "", "descriptors": ("CT Schädel",)}, True),
        ({"descriptors": ("CT Schädel",)}, None),
        ({"SOPClassUID": CT, "BodyPartExamined": "HEAD"}, True),
    ],
)
def test_F01_what_a_header_says_of_the_part_is_a_hint_that_may_contradict_itself(
    changes: dict[str, object], says: bool | None
) -> None:
    assert names_head(GATES, made(**changes)) is says


def test_a_registration_follows_its_images_and_has_nothing_to_cut() -> None:
    rules = bundled_folder("rules")
    assert shapeless_classes(rules) == {"1.2.840.10008.5.1.4.1.1.66.1"} < load_dependents(rules)
