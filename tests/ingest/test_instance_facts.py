"""What the scan says of one instance is what its header says, at every depth."""

from __future__ import annotations

import csv

import pytest
from ingest_samples import TASK, as_bytes, sample
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRBigEndian, ImplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError, ItemError
from curator.ingest.descriptors import bundled_descriptors, load_descriptors
from curator.ingest.facts import instance_facts, is_storage_class
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.model.quarantine import Reason
from curator.policy.header import load_header_policy

POLICY = load_header_policy(bundled_folder("rules"))


def facts(data: bytes) -> SourceInstance:
    return instance_facts(data, reference="/where", content_id="c" * 64, policy=POLICY)


def refused(data: bytes) -> tuple[Reason, str]:
    with pytest.raises(ItemError) as error:
        facts(data)
    return error.value.reason, error.value.detail


def item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1", ExplicitVRBigEndian, "1.2.840.10008.1.2.1.99"]
)
def test_the_header_is_read_in_every_syntax(syntax: str) -> None:
    dataset = sample(
        IssuerOfPatientID="HOSPITAL",
        FrameOfReferenceUID="1.2.3.4.5",
        BodyPartExamined="CHEST",
        Manufacturer="ACME",
        ManufacturerModelName="Scan 3000",
        InstitutionName="Clinic",
        BurnedInAnnotation="NO",
        ImageType=["ORIGINAL", "PRIMARY"],
        Rows=513,
        Columns=2,
        NumberOfFrames=3,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_FULL",
        BitsAllocated=8,
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[-1.5, 2, 3e1],
        PixelSpacing=[0.5, 0.25],
        SliceThickness=5,
        PixelData=bytes(2),
    )
    dataset["PixelData"].VR = "OW"
    data = as_bytes(dataset, syntax=syntax)
    found = facts(data)
    assert found.subject == SubjectKey("4711-0815", "HOSPITAL")
    assert (found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID) == (
        "1.2.3.4.2",
        "1.2.3.4.3",
        "1.2.3.4.1",
    )
    assert (found.SOPClassUID, found.TransferSyntaxUID) == (str(dataset.SOPClassUID), syntax)
    assert (found.FrameOfReferenceUID, found.Modality, found.BodyPartExamined) == ("1.2.3.4.5", "CT", "CHEST")
    assert (found.Manufacturer, found.ManufacturerModelName, found.InstitutionName) == ("ACME", "Scan 3000", "Clinic")
    assert (found.BurnedInAnnotation, found.ImageType) == ("NO", ("ORIGINAL", "PRIMARY"))
    assert (found.Rows, found.Columns, found.NumberOfFrames) == (513, 2, 3)
    assert (found.SamplesPerPixel, found.PhotometricInterpretation, found.BitsAllocated) == (3, "YBR_FULL", 8)
    assert found.has_pixel_data
    assert not found.has_encapsulated_document
    assert found.plane == PlaneGeometry(
        ImageOrientationPatient=(1, 0, 0, 0, 1, 0),
        ImagePositionPatient=(-1.5, 2, 30),
        PixelSpacing=(0.5, 0.25),
        SliceThickness=5,
    )
    assert (found.reference, found.content_id, found.size_bytes) == ("/where", "c" * 64, len(data))


def test_what_a_header_does_not_say_is_empty() -> None:
    found = facts(as_bytes(sample(Modality=None)))
    assert (found.Modality, found.Manufacturer, found.author, found.ImageType) == ("", "", "", ())
    assert (found.Rows, found.Columns, found.NumberOfFrames, found.plane) == (0, 0, 1, None)
    assert (found.SamplesPerPixel, found.PhotometricInterpretation, found.BitsAllocated) == (0, "", 0)
    assert not found.has_pixel_data


@pytest.mark.parametrize("patient_id", [None, "", "   ", "\t"])
def test_without_a_patient_id_there_is_no_subject(patient_id: str | None) -> None:
    assert facts(as_bytes(sample(PatientID=patient_id))).subject is None


def test_identifiers_come_from_every_depth_in_their_own_character_set() -> None:
    inner = item(PersonName="Inner^Person", InstitutionName="Inner Hospital")
    greek = item(SpecificCharacterSet="ISO_IR 126", PersonName="Διονυσιος^Α")
    deep = item(PersonIdentificationCodeSequence=Sequence([]), PersonName="Deep^Person")
    greek.PersonIdentificationCodeSequence = Sequence([item(CodeValue="1")])
    inner.VerifyingObserverSequence = Sequence([deep])
    dataset = sample(
        SpecificCharacterSet="ISO_IR 100",
        PatientName="Buc^Jérôme",
        PatientBirthDate="19610229",
        OtherPatientIDs=["ONE-1", "TWO-2"],
        AccessionNumber="",
        ReferringPhysicianIdentificationSequence=Sequence([inner, greek]),
    )
    block = dataset.private_block(0x0009, "ACME", create=True)
    block.add_new(1, "PN", "Private^Person")
    found = facts(as_bytes(dataset)).identifiers
    named = {one.value for one in found if one.kind is IdentifierKind.PERSON_NAME}
    assert named == {"Buc^Jérôme", "Inner^Person", "Deep^Person", "Διονυσιος^Α", "Private^Person"}
    assert {
        Identifier(IdentifierKind.DATE, "19610229"),
        Identifier(IdentifierKind.ID, "ONE-1"),
        Identifier(IdentifierKind.ID, "TWO-2"),
        Identifier(IdentifierKind.ID, "4711-0815"),
        Identifier(IdentifierKind.TEXT, "Inner Hospital"),
        Identifier(IdentifierKind.UID, "1.2.3.4.1"),
    } <= found
    assert all(one.value for one in found)
    assert not any(one.value.startswith("1.2.840.10008.") for one in found)


def test_references_come_from_every_depth() -> None:
    deep = item(
        ReferencedSOPSequence=Sequence(
            [item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID="1.9.2")]
        )
    )
    dataset = sample(
        ReferencedImageSequence=Sequence([item(ReferencedSOPInstanceUID="1.9.1"), item(ReferencedSOPInstanceUID="")]),
        ReferencedSeriesSequence=Sequence([deep]),
    )
    assert facts(as_bytes(dataset)).references == {"1.9.1", "1.9.2"}


def test_descriptors_come_from_the_listed_places_only() -> None:
    region = item(AnatomicRegionSequence=Sequence([item(CodeMeaning="Head")]))
    dataset = sample(
        StudyDescription="study text",
        SeriesDescription="series text",
        ProtocolName="protocol text",
        ImageComments="comment",
        AnatomicRegionSequence=Sequence([item(CodeMeaning="Brain")]),
        SegmentSequence=Sequence([region]),
        ConceptNameCodeSequence=Sequence([item(CodeMeaning="not a place")]),
        StationName="not a place",
    )
    expected = {"study text", "series text", "protocol text", "comment", "Brain", "Head"}
    assert set(facts(as_bytes(dataset)).descriptors) == expected


def test_the_author_is_the_content_creator_or_else_the_interpreter() -> None:
    observations = Sequence([item(ROIInterpreter=""), item(ROIInterpreter="Reader^Two")])
    assert facts(as_bytes(sample(RTROIObservationsSequence=observations))).author == "Reader^Two"
    both = sample(ContentCreatorName="Reader^One", RTROIObservationsSequence=observations)
    assert facts(as_bytes(both)).author == "Reader^One"
    assert facts(as_bytes(sample(OperatorsName="Operator^X"))).author == ""


def enhanced(per_frame: list[Dataset], shared: Dataset) -> bytes:
    dataset = sample(SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(per_frame))
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    return as_bytes(dataset)


def test_an_enhanced_object_lies_where_its_first_frame_does() -> None:
    shared = item(
        PlaneOrientationSequence=Sequence([item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[1, 2], SliceThickness=3)]),
    )
    frames = [item(PlanePositionSequence=Sequence([item(ImagePositionPatient=[x, 0, 0])])) for x in (7, 8)]
    found = facts(enhanced(frames, shared))
    assert found.NumberOfFrames == 2
    assert found.plane == PlaneGeometry(
        ImageOrientationPatient=(0, 1, 0, 0, 0, -1),
        ImagePositionPatient=(7, 0, 0),
        PixelSpacing=(1, 2),
        SliceThickness=3,
    )
    assert facts(enhanced([item(), item()], shared)).plane is None


@pytest.mark.parametrize("name", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_a_missing_or_doubled_uid_is_malformed(name: str) -> None:
    reason, detail = refused(as_bytes(sample(**{name: None})))
    assert reason is Reason.MALFORMED
    assert name in detail
    assert refused(as_bytes(sample(**{name: ""})))[0] is Reason.MALFORMED
    reason, detail = refused(
        as_bytes(sample(**{name: ["1.2.3", "1.2.4"]}), MediaStorageSOPClassUID="", MediaStorageSOPInstanceUID="")
    )
    assert (reason, "2 values" in detail) == (Reason.MALFORMED, True)


def test_an_identifying_element_that_stands_twice_is_malformed() -> None:
    data = as_bytes(sample())
    patient_id = b"\x10\x00\x20\x00LO\x0a\x004711-0815 "
    assert data.count(patient_id) == 1
    reason, detail = refused(data.replace(patient_id, patient_id + patient_id.replace(b"4711", b"9999")))
    assert reason is Reason.MALFORMED
    assert "PatientID" in detail
    assert "4711" not in detail


@pytest.mark.parametrize("name", ["MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"])
def test_file_meta_that_contradicts_the_data_set_is_malformed(name: str) -> None:
    reason, detail = refused(as_bytes(sample(), **{name: "1.2.840.10008.5.1.4.1.1.4"}))
    assert reason is Reason.MALFORMED
    assert "contradicts" in detail


@pytest.mark.parametrize("uid", ["1.2.3.4", "1.3.12.2.1107.5.9.1", "1.2.840.10008.1.1", "1.2.840.10008.1.20.1"])
def test_a_private_or_foreign_class_is_unsupported(uid: str) -> None:
    assert refused(as_bytes(sample(SOPClassUID=uid)))[0] is Reason.UNSUPPORTED_OBJECT


def test_a_media_directory_is_named_as_one() -> None:
    directory = sample(SOPClassUID=None, SOPInstanceUID=None, DirectoryRecordSequence=Sequence([]))
    assert refused(as_bytes(directory, MediaStorageSOPClassUID="1.2.840.10008.1.3.10"))[0] is Reason.DICOMDIR
    assert refused(as_bytes(directory))[0] is Reason.DICOMDIR


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5"])
def test_a_number_of_frames_that_is_none_is_malformed(count: str) -> None:
    data = as_bytes(sample(NumberOfFrames=1234))
    assert refused(data.replace(b"IS\x04\x001234", b"IS\x04\x00" + count.ljust(4).encode()))[0] is Reason.MALFORMED


@pytest.mark.parametrize("numbers", [[1, 0, 0, 0, 1], [], ["1", "0", "0", "0", "1", "1e999"]])
def test_geometry_that_is_not_said_in_full_is_none(numbers: list[float]) -> None:
    dataset = sample(ImageOrientationPatient=numbers, ImagePositionPatient=[0, 0, 0], PixelSpacing=[1, 1])
    assert facts(as_bytes(dataset)).plane is None


@pytest.mark.parametrize(
    ("uid", "stored"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True),
        ("1.2.840.10008.5.1.4.1.1.66.4", True),
        ("1.2.840.10008.5.1.4.34.7", True),
        ("1.2.840.10008.5.1.1.30", True),
        ("1.2.840.10008.1.3.10", False),
        ("1.2.840.10008.1.20.2", False),
        ("1.2.840.10008.1.20.1.1", False),
        ("1.2.840.10008.5.1.4.1.2.1.1", False),
        ("", False),
        ("Jane Doe", False),
    ],
)
def test_storage_classes(uid: str, *, stored: bool) -> None:
    assert is_storage_class(uid) is stored


def test_a_class_newer_than_pydicom_is_known_from_the_policys_tables() -> None:
    label_map = "1.2.840.10008.5.1.4.1.1.66.7"
    assert facts(as_bytes(sample(SOPClassUID=label_map))).SOPClassUID == label_map


def test_nothing_of_the_patient_is_shown() -> None:
    shown = repr(facts(as_bytes(sample(InstitutionName="Planted Hospital", StudyDescription="Planted text"))))
    for planted in ("Planted", "4711", "1.2.3.4", "/where"):
        assert planted not in shown
    assert "SECRET" not in repr(TASK)


HEAD = "id,place,why,source,example\n"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (HEAD + "A,StudyDescriptionn,w,s,e\n", "StudyDescription"),
        (HEAD + "A,StudyDescription,,s,e\n", "are all needed"),
        (HEAD + "A,StudyDescription,w,s,e\nA,ProtocolName,w,s,e\n", "stands twice"),
        (HEAD + "A,AnatomicRegionSequence/AnatomicRegionSequence/CodeMeaning,w,s,e\n", "SequenceKeyword/Keyword"),
        ("id,place\nA,StudyDescription\n", "columns"),
    ],
)
def test_a_wrong_table_of_places_is_named(tmp_path_factory: pytest.TempPathFactory, table: str, complaint: str) -> None:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "ingest").mkdir()
    (folder / "ingest" / "descriptors.csv").write_text(table)
    with pytest.raises(ConfigurationError, match=complaint):
        load_descriptors(folder)


def test_the_bundled_places_are_read() -> None:
    assert (0x00081030,) in bundled_descriptors()
    assert (0x00082218, 0x00080104) in bundled_descriptors()


def _rows() -> list[dict[str, str]]:
    with (bundled_folder("rules") / "ingest" / "descriptors.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["id"])
@pytest.mark.parametrize("depth", [0, 2])
def test_each_example_of_a_place_is_a_descriptor(row: dict[str, str], depth: int) -> None:
    *sequences, name = row["place"].split("/")
    dataset = item(**{name: row["example"]})
    for sequence in [*reversed(sequences), *["RequestAttributesSequence"] * depth]:
        dataset = item(**{sequence: Sequence([dataset])})
    (element,) = dataset
    assert facts(as_bytes(sample(**{element.keyword: element.value}))).descriptors == (row["example"],)
