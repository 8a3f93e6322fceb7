"""Structured reports that name people, days and images in their content tree.

The law: every report refers to images that are in the hospital, and lists them as its evidence.

Sources: DICOM PS3.3 A.35.1, A.35.3, C.17.
"""

from __future__ import annotations

from curator.testing.abdominal_grid import CT_IMAGE, CT_SERIES, referenced_images
from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.header import plant_uid, set_instance, start_page
from curator.testing.people import Cast, Name
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.study import Study, study_folder

BASIC_TEXT, COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.88.33"
REPORTS = ((1, BASIC_TEXT), (4, COMPREHENSIVE), (12, COMPREHENSIVE))
_SERIES = 30
_LIVER_SLICE = 13


def write_report(hospital: Hospital, people: Cast, patient: int, *, sop_class: str) -> None:
    """Write the report of one patient's abdominal CT."""
    study = Study(people, people.patients[patient], "CT", 1, "CT Abdomen")
    page = start_page(study, sop_class, series=_SERIES, modality="SR")
    set_instance(page, study, series=_SERIES, instance=1)
    page.put("SeriesDescription", "Report")
    page.put("CompletionFlag", "COMPLETE")
    page.put("VerificationFlag", "VERIFIED")
    page.item("ReferencedPerformedProcedureStepSequence")
    page.dataset["ReferencedPerformedProcedureStepSequence"].value.clear()
    page.code("PerformedProcedureCodeSequence", "P5-08000", "99PHANTOM", "CT of abdomen")
    _verifier(page, study)
    _evidence(page, study)
    _content(page, study, has_numbers=sop_class == COMPREHENSIVE)
    folder, path_seeds = study_folder(study)
    made = MadeFile(f"{folder}/SR{patient:04d}.dcm", "SR", patient)
    hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds), is_undefined_length=patient == 4))


def _verifier(page: Page, study: Study) -> None:
    observer = page.item("VerifyingObserverSequence")
    observer.name("VerifyingObserverName", study.centre.reading)
    observer.plant("VerifyingOrganization", study.centre.name)
    observer.plant("VerificationDateTime", f"{study.day}151500", study.day, kind=PlantKind.DATE, searchable=False)
    observer.code("VerifyingObserverIdentificationCodeSequence", "R2", "99PHANTOM", "Reading physician")
    author = page.item("AuthorObserverSequence")
    author.put("ObserverType", "PSN")
    author.name("PersonName", study.centre.performing)
    author.plant("InstitutionName", study.centre.name)


def _evidence(page: Page, study: Study) -> None:
    evidence = page.item("CurrentRequestedProcedureEvidenceSequence")
    plant_uid(evidence, "StudyInstanceUID", study, study.uid())
    series = evidence.item("ReferencedSeriesSequence")
    plant_uid(series, "SeriesInstanceUID", study, study.uid(CT_SERIES))
    _image_reference(series, study)


def _image_reference(page: Page, study: Study) -> None:
    reference = page.item("ReferencedSOPSequence")
    reference.put("ReferencedSOPClassUID", CT_IMAGE)
    image = referenced_images(study)[_LIVER_SLICE]
    plant_uid(reference, "ReferencedSOPInstanceUID", study, image.sop_instance_uid)


def _content(page: Page, study: Study, *, has_numbers: bool) -> None:
    patient, centre = study.patient, study.centre
    page.put("ValueType", "CONTAINER")
    page.put("ContinuityOfContent", "SEPARATE")
    _concept(page, "18748-4", "LN", "Diagnostic Imaging Report")
    _person(page, "121008", "Person Observer Name", centre.reading)
    _person(page, "121029", "Subject Name", patient.name)
    subject = _entry(page, "HAS OBS CONTEXT", "TEXT", ("121030", "DCM", "Subject ID"))
    subject.plant("TextValue", patient.record_number, kind=PlantKind.ID)
    born = _entry(page, "HAS OBS CONTEXT", "DATE", ("121031", "DCM", "Subject Birth Date"))
    day = f"{patient.birth_date:%Y%m%d}"
    born.plant("Date", day, kind=PlantKind.DATE)
    procedure = _entry(page, "HAS OBS CONTEXT", "UIDREF", ("121018", "DCM", "Procedure Study Instance UID"))
    plant_uid(procedure, "UID", study, study.uid())
    findings = _entry(page, "CONTAINS", "CONTAINER", ("121070", "DCM", "Findings"))
    findings.put("ContinuityOfContent", "SEPARATE")
    text = _entry(findings, "CONTAINS", "TEXT", ("121071", "DCM", "Finding"))
    words = f"{patient.name.plain} of {patient.street}, seen on {study.day}, sent by {centre.referring.plain}."
    text.plant("TextValue", words, *patient.name.parts[:2], patient.street, *centre.referring.parts)
    nested = _entry(findings, "CONTAINS", "CONTAINER", ("121072", "DCM", "Impressions"))
    nested.put("ContinuityOfContent", "CONTINUOUS")
    typed = _entry(nested, "CONTAINS", "CODE", ("121073", "DCM", "Impression"))
    typed.code("ConceptCodeSequence", "17621005", "SCT", "Normal").plant(
        "CodeMeaning", f"Normal for {patient.birth_name}", patient.birth_name
    )
    image = _entry(nested, "CONTAINS", "IMAGE", ("121112", "DCM", "Source of Measurement"))
    _image_reference(image, study)
    if has_numbers:
        length = _entry(findings, "CONTAINS", "NUM", ("410668003", "SCT", "Length"))
        measured = length.item("MeasuredValueSequence")
        measured.put("NumericValue", "143.5")
        measured.code("MeasurementUnitsCodeSequence", "mm", "UCUM", "millimeter")


def _entry(page: Page, relation: str, value_type: str, concept: tuple[str, str, str]) -> Page:
    item = page.item("ContentSequence")
    item.put("RelationshipType", relation)
    item.put("ValueType", value_type)
    _concept(item, *concept)
    return item


def _concept(page: Page, value: str, scheme: str, meaning: str) -> None:
    page.code("ConceptNameCodeSequence", value, scheme, meaning)


def _person(page: Page, concept: str, meaning: str, name: Name) -> None:
    _entry(page, "HAS OBS CONTEXT", "PNAME", (concept, "DCM", meaning)).name("PersonName", name)
