"""What the option clean-pixel-data makes of each kind of instance (rows B08, B09, B10)."""

import dataclasses

import pytest

from curator.bundled import bundled_folder
from curator.model.decision import Action, ElementRef
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.model.quarantine import Reason
from curator.policy.gates import Handling, gate, load_gates, pixel_action
from curator.policy.header import decide, load_header_policy

GATES = load_gates(bundled_folder("rules"))
CLASSES = GATES.tables.classes
CT, CAPTURE, SLIDE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.77.1.6"
ULTRASOUND, PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.77.1.4"
LOOKED_AT = (Handling.LOOK, Handling.PHOTOGRAPH)

ABDOMEN = SourceInstance(
    reference="",
    content_id="",
    size_bytes=0,
    subject=None,
    StudyInstanceUID="",
    SeriesInstanceUID="",
    SOPInstanceUID="",
    SOPClassUID=CT,
    TransferSyntaxUID="",
    Modality="CT",
    BodyPartExamined="ABDOMEN",
    ImageType=("ORIGINAL", "PRIMARY", "AXIAL"),
    Rows=512,
    Columns=512,
    SamplesPerPixel=1,
    PhotometricInterpretation="MONOCHROME2",
    BitsAllocated=16,
    has_pixel_data=True,
    plane=PlaneGeometry(
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        ImagePositionPatient=(0.0, 0.0, 0.0),
        PixelSpacing=(0.8, 0.8),
    ),
    descriptors=("CT Abdomen nativ",),
)


def made(**changes: object) -> SourceInstance:
    return dataclasses.replace(ABDOMEN, **changes)  # type: ignore[arg-type] # each test knows its fields


def handling_of(**changes: object) -> Handling:
    return pixel_action(GATES, made(**changes)).handling


def test_a_plain_cross_section_passes_unread() -> None:
    action = pixel_action(GATES, ABDOMEN)
    assert (action.handling, action.finding) == (Handling.PASS, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SOPClassUID": CAPTURE}, Handling.PHOTOGRAPH),
        ({"SOPClassUID": CAPTURE, "descriptors": ("Dose Report",)}, Handling.PHOTOGRAPH),
        ({"ImageType": ("DERIVED", "SECONDARY", "SCREEN SAVE")}, Handling.LOOK),
        ({"ImageType": ("DERIVED", "PRIMARY", "AXIAL")}, Handling.LOOK),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 8}, Handling.LOOK),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Handling.LOOK),
        ({"BitsAllocated": 8}, Handling.LOOK),
        ({"descriptors": ("Scanned form",)}, Handling.LOOK),
        ({"BurnedInAnnotation": "YES"}, Handling.LOOK),
        ({"Modality": "OT"}, Handling.LOOK),
        ({"has_encapsulated_document": True}, Handling.HOLD),
    ],
)
def test_B08_captures_screens_and_declared_text_are_looked_at_or_held(
    changes: dict[str, object], expected: Handling
) -> None:
    assert handling_of(**changes) is expected


@pytest.mark.parametrize("uid", [SLIDE, CAPTURE, "1.2.3.4"])
@pytest.mark.parametrize("kind", ["LABEL", "OVERVIEW", "SLIDE LABEL", "MACRO", " label "])
def test_B09_label_and_overview_of_a_slide_are_never_released(uid: str, kind: str) -> None:
    image = made(SOPClassUID=uid, Modality="SM", ImageType=("ORIGINAL", "PRIMARY", kind, "NONE"))
    action = pixel_action(GATES, image)
    assert action.handling is Handling.HOLD
    assert action.finding is not None
    assert action.finding.reason is Reason.BURNED_IN_TEXT_POSSIBLE
    assert handling_of(SOPClassUID=SLIDE, Modality="SM", ImageType=("ORIGINAL", "PRIMARY", "VOLUME")) is Handling.LOOK


@pytest.mark.parametrize("tag", [0x22000002, 0x22000005])
def test_B09_what_the_label_and_its_barcode_say_is_not_kept(tag: int) -> None:
    decision = decide(load_header_policy(bundled_folder("rules")), ElementRef(tag=tag, vr="LT"))
    assert {decision.action, decision.otherwise} <= {Action.REMOVE, Action.EMPTY}


@pytest.mark.parametrize("says", ["NO", "", "no", "UNKNOWN"])
@pytest.mark.parametrize("uid", sorted(CLASSES))
def test_B10_what_the_flag_denies_is_looked_at_all_the_same(uid: str, says: str) -> None:
    modality = next(iter(sorted(CLASSES[uid].modalities)), "")
    image = made(SOPClassUID=uid, Modality=modality, BurnedInAnnotation=says)
    silent, declared = (
        pixel_action(GATES, dataclasses.replace(image, BurnedInAnnotation=what)) for what in ("", "YES")
    )
    assert pixel_action(GATES, image) == silent
    if CLASSES[uid].family not in ("cross_sectional", "derived_grid"):
        assert silent.handling is declared.handling is not Handling.PASS


@pytest.mark.parametrize("uid", sorted(CLASSES))
@pytest.mark.parametrize("says", ["NO", "YES"])
def test_whatever_the_gate_holds_is_looked_at_or_held(uid: str, says: str) -> None:
    image = made(SOPClassUID=uid, BurnedInAnnotation=says)
    assert (gate(GATES, image) is None) is (pixel_action(GATES, image).handling is Handling.PASS)


@pytest.mark.parametrize("family", sorted({found.family for found in CLASSES.values()}))
def test_every_family_has_been_judged(family: str) -> None:
    expected = {
        "audio": Handling.HOLD,
        "document": Handling.HOLD,
        "face_surface": Handling.HOLD,
        "secondary_capture": Handling.PHOTOGRAPH,
        "visible_light": Handling.PHOTOGRAPH,
        "ophthalmic": Handling.PHOTOGRAPH,
        "derived_grid": Handling.PASS,
    }
    for uid in (uid for uid, found in CLASSES.items() if found.family == family):
        modality = next(iter(sorted(CLASSES[uid].modalities)), "")
        wanted = expected.get(family, Handling.PASS if modality in ("CT", "MR", "PT", "NM") else Handling.LOOK)
        assert handling_of(SOPClassUID=uid, Modality=modality) is wanted, uid


@pytest.mark.parametrize("uid", ["", "1.2.3.4", "1.2.840.10008.5.1.4.1.1.4.3"])
def test_pixels_of_a_class_that_nobody_judged_stay_held(uid: str) -> None:
    assert handling_of(SOPClassUID=uid, Modality="US") is Handling.HOLD


@pytest.mark.parametrize(
    "changes",
    [
        {"descriptors": ("Patient Protocol", "CT Schädel")},
        {"Modality": "XC", "BodyPartExamined": "HEAD"},
        {"BurnedInAnnotation": "YES", "BodyPartExamined": ""},
        {"SOPClassUID": CAPTURE, "BodyPartExamined": ""},
        {"SOPClassUID": CAPTURE, "Modality": "MR", "descriptors": ("t1 mprage head",)},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.1", "Modality": "XA", "BodyPartExamined": "HEAD"},
    ],
)
def test_a_doubt_about_text_never_hides_one_about_a_face(changes: dict[str, object]) -> None:
    action = pixel_action(GATES, made(**changes))
    assert action.handling is Handling.HOLD
    assert action.finding is not None
    assert action.finding.reason is Reason.FACE_POSSIBLE


@pytest.mark.parametrize("uid", [ULTRASOUND, PHOTOGRAPH, CAPTURE])
def test_ultrasound_photographs_and_captures_are_looked_at(uid: str) -> None:
    assert handling_of(SOPClassUID=uid, Modality="OT", BodyPartExamined="HEAD", plane=None) in LOOKED_AT
