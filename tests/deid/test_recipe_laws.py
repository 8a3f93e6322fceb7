"""Whatever a recipe says, nothing of the patient survives, and what is written is whole."""

from __future__ import annotations

from functools import cache
from io import BytesIO

from deid_samples import BUNDLED, PSEUDONYMS, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from curator.bundled import bundled_folder
from curator.deid.instance import deidentify
from curator.errors import ItemError, RuleError
from curator.ingest.facts import instance_facts
from curator.model.identity import IdentifierKind
from curator.model.quarantine import Reason
from curator.policy.header import load_header_policy
from curator.policy.recipe.laid import with_recipe
from curator.policy.recipe.read import parse_recipe

BASIC = load_header_policy(bundled_folder("rules"))
NAME, NUMBER, HOSPITAL, BORN = "Zwetschge^Knoedel", "PATID0815", "Hospital Wuppenstedt", "19551013"
FIELDS = st.sampled_from(
    [
        "ALL",
        "PatientAge",
        "PatientBirthDate",
        "PatientComments",
        "StudyDate",
        "SeriesDescription",
        "InstitutionName",
        "OtherPatientIDsSequence",
        "contains:Patient",
        "contains:UID",
        "contains:Name",
        "startswith:Study",
        "endswith:Date",
        "except:Image",
        "select:VR:LO",
        "select:VR:PN",
        "select:group:0010",
        "select:group:0009",
        '(0009,"GEMS_IDEN_01",01)',
        "00091001",
        "fields:some",
        "values:some",
    ]
)
VALUES = st.sampled_from(["X", "20200101", "010Y", "1", NAME, "Knoedel", NUMBER, HOSPITAL])
LINES = st.one_of(
    st.builds("{} {}".format, st.sampled_from(["KEEP", "BLANK", "REMOVE"]), FIELDS),
    st.builds("REPLACE {} {}".format, FIELDS, VALUES),
    st.builds("JITTER {} {}".format, FIELDS, st.sampled_from(["1", "-400"])),
    st.builds(
        "ADD {} {}".format, st.sampled_from(["PatientComments", "StudyDate", "ImageComments", "00091001"]), VALUES
    ),
)
GROUPS = ["%fields some", "FIELD contains:Descr", "%values some", "FIELD PatientName", 'SPLIT PatientName by="^"']


@cache
def planted() -> bytes:
    """A bundled CT with a patient in many places."""
    dataset = dcmread(BUNDLED / "CT_small.dcm")
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = NAME, NUMBER, BORN
    dataset.InstitutionName = HOSPITAL
    dataset.SeriesDescription = f"Abdomen of {NAME}"
    dataset.PatientComments = f"{NUMBER} was born {BORN}"
    dataset[0x00091001].value = f"by {HOSPITAL}"
    item = Dataset()
    item.PatientID, item.TypeOfPatientID = NUMBER, "TEXT"
    dataset.OtherPatientIDsSequence = [item]
    stream = BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def made(lines: list[str]) -> bytes | None:
    """What is written under a recipe; None where the recipe or the file is refused."""
    text = "\n".join(["FORMAT dicom", *GROUPS, "%header", *lines])
    try:
        policy = with_recipe(BASIC, parse_recipe(text.encode(), values={}, digest=text))
    except RuleError:
        return None
    source = instance_facts(planted(), reference="source", content_id="", policy=policy)
    subject = subject_of(NUMBER, identifiers=source.identifiers)
    try:
        done = deidentify(planted(), source, subject=subject, policy=policy, pseudonyms=PSEUDONYMS)
    except ItemError as error:
        assert error.reason is Reason.RESIDUAL_IDENTIFIER
        return None
    return b"".join(done.chunks)


@given(st.lists(LINES, min_size=1, max_size=6))
@settings(deadline=None, max_examples=150)
def test_nothing_of_the_patient_survives_any_recipe(lines):
    written = made(lines)
    if written is None:
        return
    for value in (NAME, "Zwetschge", "Knoedel", NUMBER, HOSPITAL, BORN):
        assert value.encode() not in written, lines
    dataset = dcmread(BytesIO(written))
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset.SOPInstanceUID.startswith("2.25.")
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.PatientID == subject_of(NUMBER).patient_code
    assert made(lines) == written


def test_the_law_is_tried_on_recipes_that_are_carried_out():
    for lines in (["KEEP ALL"], ["REMOVE ALL"], ["REPLACE contains:Name X", "KEEP endswith:Date"], ["JITTER ALL 3"]):
        assert made(lines) is not None, lines
    assert made([f"REPLACE SeriesDescription {NAME}"]) is None
    assert IdentifierKind.PERSON_NAME in {one.kind for one in identifiers()}


def identifiers():
    return instance_facts(planted(), reference="source", content_id="", policy=BASIC).identifiers
