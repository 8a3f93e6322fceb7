"""What the gates hold back, and what they let pass."""

import dataclasses
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.model.quarantine import Reason
from curator.policy.conditions import field_of_view_mm, tilt_deg
from curator.policy.gates import Gates, gate, load_gates
from curator.policy.words import folded

RULES = bundled_folder("rules")
GATES = load_gates(RULES)
CT, MR, PET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
HEAD_WORDS = GATES.tables.words["faces/head_words.csv"]
SCREEN_WORDS = GATES.tables.words["pixels/screen_words.csv"]
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "standards"


def plane(spacing: tuple[float, float] = (0.8, 0.8), orientation: tuple[float, ...] = AXIAL) -> PlaneGeometry:
    a, b, c, d, e, f = orientation
    return PlaneGeometry(
        ImageOrientationPatient=(a, b, c, d, e, f), ImagePositionPatient=(0.0, 0.0, 0.0), PixelSpacing=spacing
    )


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
    plane=plane(),
    descriptors=("CT Abdomen nativ", "Portal venous 3.0 B30f"),
)


def reason_of(**changes: object) -> Reason | None:
    finding = gate(GATES, dataclasses.replace(ABDOMEN, **changes))  # type: ignore[arg-type] # each test knows its fields
    return finding.reason if finding else None


def test_an_abdominal_ct_passes() -> None:
    assert reason_of() is None
    assert reason_of(BodyPartExamined=" abdomen ") is None
    assert reason_of(SOPClassUID=MR, Modality="MR", BodyPartExamined="PELVIS") is None
    assert reason_of(SOPClassUID=PET, Modality="PT", BodyPartExamined="Liver") is None
    assert reason_of(PhotometricInterpretation="monochrome1 ", BitsAllocated=32) is None


@pytest.mark.parametrize("uid", sorted(uid for uid, found in GATES.tables.classes.items()))
def test_every_judged_class_but_cross_sections_and_grids_is_held_back(uid: str) -> None:
    family = GATES.tables.classes[uid].family
    passes = family in ("cross_sectional", "derived_grid")
    modality = sorted(GATES.tables.classes[uid].modalities or {"SEG"})[0]
    # A volume of an angiography unit is judged as one, and its modality stands for screens too.
    passes = passes and modality != "XA"
    assert (reason_of(SOPClassUID=uid, Modality=modality, BurnedInAnnotation="NO") is None) is passes


@pytest.mark.parametrize("annotation", ["YES", "yes", "YES "])
def test_declared_annotation_is_believed(annotation: str) -> None:
    assert reason_of(BurnedInAnnotation=annotation) is Reason.BURNED_IN_TEXT_POSSIBLE


@pytest.mark.parametrize(
    "changes",
    [
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"SOPClassUID": "1.3.46.670589.5.0.1"},
        {"SOPClassUID": ""},
        {"Modality": "OT"},
        {"Modality": ""},
        {"Modality": "MR"},
        {"ImageType": ()},
        {"ImageType": ("ORIGINAL",)},
        {"ImageType": ("DERIVED", "SECONDARY", "MPR")},
        {"ImageType": ("DERIVED", "PRIMARY", "SCREEN SAVE")},
        {"ImageType": ("DERIVED", "PRIMARY", "AXIAL")},
        {"ImageType": ("", "PRIMARY", "AXIAL")},
        {"SamplesPerPixel": 3},
        {"SamplesPerPixel": 0},
        {"PhotometricInterpretation": "RGB"},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": ""},
        {"BitsAllocated": 8},
        {"BitsAllocated": 1},
        {"BitsAllocated": 0},
        {"ImageType": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 PROT")},
        {"descriptors": ("Dose Report",)},
    ],
)
def test_doubt_about_pixels_holds_back(changes: dict[str, object]) -> None:
    assert reason_of(**changes) is Reason.BURNED_IN_TEXT_POSSIBLE


@pytest.mark.parametrize(
    "changes",
    [
        {"BodyPartExamined": ""},
        {"BodyPartExamined": "HEAD"},
        {"BodyPartExamined": "WHOLEBODY"},
        {"BodyPartExamined": "NECKCHESTABDPELV"},
        {"BodyPartExamined": "SHOULDER"},
        {"BodyPartExamined": "WRIST"},
        {"descriptors": ("KM Schädel",)},
        {"descriptors": ("SCHAEDEL^ROUTINE",)},
        {"descriptors": ("TÊTE et crâne",)},
        {"descriptors": ("AX_T2_FLAIR",)},
        {"descriptors": ("HEAD01",)},
        {"descriptors": ("ＨＥＡＤ",)},
        {"descriptors": ("头颅平扫",)},
        {"descriptors": ("мозг",)},
        {"descriptors": ("Whole-Body",)},
        {"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
        {"plane": None},
        {"Rows": 0},
        {"plane": plane((0.45, 0.45))},
        {"plane": plane((0.8, 0.4))},
        {"plane": plane((math.nan, 0.8))},
        {"plane": plane((-0.8, -0.8))},
        {"BodyPartExamined": "CHEST", "plane": plane(orientation=CORONAL)},
        {"BodyPartExamined": "CHEST", "plane": plane(orientation=(0.0,) * 6)},
    ],
)
def test_doubt_about_a_face_holds_back(changes: dict[str, object]) -> None:
    assert reason_of(**changes) is Reason.FACE_POSSIBLE


def test_a_chest_passes_only_across_the_body() -> None:
    assert reason_of(BodyPartExamined="CHEST") is None
    assert reason_of(BodyPartExamined="ABDOMEN", plane=plane(orientation=CORONAL)) is None


@pytest.mark.parametrize(
    "uid", ["1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.11.1"]
)
def test_objects_without_pixels_pass(uid: str) -> None:
    assert reason_of(SOPClassUID=uid, Modality="SR", has_pixel_data=False, plane=None, BodyPartExamined="") is None


def test_documents_are_named_as_such() -> None:
    assert reason_of(has_encapsulated_document=True) is Reason.ENCAPSULATED_DOCUMENT
    assert reason_of(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1", Modality="DOC") is Reason.ENCAPSULATED_DOCUMENT


anything = st.text(max_size=12)
between = st.text(alphabet=" _-./^0123456789,()[]\t", min_size=1, max_size=3)


@settings(deadline=None)
@given(
    word=st.sampled_from(HEAD_WORDS.stems),
    before=anything,
    after=anything,
    upper=st.booleans(),
    place=st.integers(0, 2),
)
def test_no_instance_that_speaks_of_a_head_passes(word: str, before: str, after: str, upper: bool, place: int) -> None:
    words = ["plain", "words"]
    words.insert(place, before + (word.upper() if upper else word) + after)
    assert reason_of(descriptors=tuple(words)) is not None


@settings(deadline=None)
@given(word=st.sampled_from(sorted(HEAD_WORDS.tokens)), before=between, after=between, upper=st.booleans())
def test_no_instance_that_speaks_of_a_head_in_a_short_word_passes(
    word: str, before: str, after: str, upper: bool
) -> None:
    description = f"ct{before}{word.upper() if upper else word}{after}nativ"
    assert reason_of(descriptors=(description,)) is Reason.FACE_POSSIBLE


@settings(deadline=None)
@given(
    modality=st.sampled_from(["CT", "MR", "PT", "NM"]),
    body_part=st.text(max_size=16),
    width=st.floats(0, 299.0),
    uid=st.sampled_from([CT, MR, PET]),
)
def test_no_small_field_of_view_passes(modality: str, body_part: str, width: float, uid: str) -> None:
    geometry = plane((width / 512, 1.0))
    assert reason_of(SOPClassUID=uid, Modality=modality, BodyPartExamined=body_part, plane=geometry) is not None


@settings(deadline=None)
@given(st.text())
def test_folding_is_idempotent(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    ("orientation", "degrees"),
    [(AXIAL, 0.0), (CORONAL, 90.0), ((0.0, 1.0, 0.0, 0.0, 0.0, -1.0), 90.0), ((1.0, 0.0, 0.0, 0.0, 1.0, 1.0), 45.0)],
)
def test_tilt(orientation: tuple[float, ...], degrees: float) -> None:
    assert tilt_deg(dataclasses.replace(ABDOMEN, plane=plane(orientation=orientation))) == pytest.approx(degrees)


def test_field_of_view_is_the_shorter_side() -> None:
    assert field_of_view_mm(dataclasses.replace(ABDOMEN, Rows=100, Columns=200, plane=plane((2.0, 0.5)))) == 100.0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the standard's list lies beside the project, not in it")
def test_no_body_part_of_the_head_or_neck_is_let_through() -> None:
    text = (SHARED / "head_neck_body_parts.txt").read_text(encoding="utf-8")
    terms = {term for line in text.splitlines() if not line.startswith("#") for term in line.split()}
    assert terms
    assert terms.isdisjoint(GATES.tables.body_parts["faces/body_parts.csv"])
    for term in terms:
        assert reason_of(BodyPartExamined=term) is Reason.FACE_POSSIBLE


def test_a_finding_says_nothing_of_the_instance(gates: Gates) -> None:
    finding = gate(gates, dataclasses.replace(ABDOMEN, descriptors=("Kopf Mustermann^Erika",)))
    assert finding is not None
    assert "Mustermann" not in repr(finding)
