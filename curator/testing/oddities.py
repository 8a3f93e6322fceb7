"""The odd places identifiers leak from, each as one small function.

The law: an oddity adds elements of its own and changes none, so that it can be put on any instance. `LISTED` ones are
caught by the rows of PS3.15 Table E.1-1 and by its rule on unknown and private elements; `UNLISTED` ones stand in
elements that the table keeps, where only a search for the patient's own values finds them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from curator.testing.answer_key import PlantKind
from curator.testing.header import plant_uid
from curator.testing.planting import Envelope, Page, with_meta, with_preamble
from curator.testing.study import Study, dicom_date

Oddity = Callable[[Page, Study, Envelope], Envelope]

_ID, _DATE, _NAME = PlantKind.ID, PlantKind.DATE, PlantKind.PERSON_NAME


def preamble(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """The 128 bytes before DICM."""
    patient = study.patient
    return with_preamble(envelope, f"{patient.birth_name} {patient.record_number}", patient.birth_name,
                         patient.record_number)  # fmt: skip


def file_meta(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Group 0002."""
    patient = study.patient
    return with_meta(envelope, study.device.ae_title, f"{patient.mother}|{patient.other_id}", patient.mother,
                     patient.other_id)  # fmt: skip


def code_meaning(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A coded region whose meaning somebody typed."""
    region = page.code("AnatomicRegionSequence", "818983003", "SCT", "Abdomen")
    region.plant("CodeMeaning", f"Abdomen of {study.patient.birth_name}", study.patient.birth_name)
    return envelope


def unknown_even_element(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """An even group, yet in no dictionary."""
    page.plant(0x00089999, study.patient.birth_name, vr="LO")
    return envelope


def unknown_un_element(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """The same with VR UN."""
    text = f"{study.patient.mother}  {study.patient.record_number}"
    page.put(0x00104F00, text.encode("ascii"), "UN")
    page.note("(0010,4F00)", study.patient.mother, kind=_NAME)
    page.note("(0010,4F00)", study.patient.record_number, kind=_ID)
    return envelope


def overlay(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Overlays with a label and a bitmap of the name, and one that is only comments; three of the sixteen groups."""
    rows, columns = int(page.dataset.Rows), int(page.dataset.Columns)
    for group in (0x6000, 0x600E):
        base = group << 16
        page.put(base | 0x0010, rows, "US")
        page.put(base | 0x0011, columns, "US")
        page.put(base | 0x0040, "G", "CS")
        page.put(base | 0x0050, [1, 1], "SS")
        page.put(base | 0x0100, 1, "US")
        page.put(base | 0x0102, 0, "US")
        page.plant(base | 0x0022, study.patient.birth_name, vr="LO")
        page.plant(base | 0x1500, study.patient.mother, vr="LO")
        canvas = np.zeros((rows, columns), np.uint8)
        cv2.putText(canvas, study.patient.birth_name, (2, rows // 2), cv2.FONT_HERSHEY_PLAIN, 0.8, 1)
        page.put(base | 0x3000, np.packbits(canvas.ravel(), bitorder="little").tobytes(), "OW")
        page.note(f"({group:04X},3000)", study.patient.birth_name, kind=PlantKind.PIXEL_TEXT, searchable=False)
    # In a group of their own: GDCM refuses an overlay that has a bitmap and comments.
    reader = study.centre.reading.family
    page.plant(0x60044000, f"seen by {reader}", reader, vr="LT")
    return envelope


def trailing_padding(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Padding that is not empty."""
    content = f"{study.patient.birth_name} {study.patient.phone} ".encode("ascii")
    page.put(0xFFFCFFFC, content + b"\0" * (len(content) % 2), "OB")
    page.note("(FFFC,FFFC)", study.patient.birth_name, study.patient.phone)
    return envelope


def icon(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A thumbnail with the name in its pixels."""
    canvas = np.zeros((64, 64), np.uint8)
    cv2.putText(canvas, study.patient.birth_name, (1, 30), cv2.FONT_HERSHEY_PLAIN, 0.7, 255)
    image = page.item("IconImageSequence")
    for keyword, value in (("SamplesPerPixel", 1), ("Rows", 64), ("Columns", 64), ("BitsAllocated", 8),
                           ("BitsStored", 8), ("HighBit", 7), ("PixelRepresentation", 0)):  # fmt: skip
        image.put(keyword, value)
    image.put("PhotometricInterpretation", "MONOCHROME2")
    image.put("PixelData", canvas.tobytes(), "OB")
    image.note("(7FE0,0010)", study.patient.birth_name, kind=PlantKind.PIXEL_TEXT, searchable=False)
    return envelope


def original_attributes(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """What the header said before somebody corrected it."""
    patient = study.patient
    change = page.item("OriginalAttributesSequence")
    change.plant("AttributeModificationDateTime", f"{study.day}101500", study.day, kind=_DATE, searchable=False)
    change.plant("ModifyingSystem", study.device.station)
    change.plant("SourceOfPreviousValues", study.centre.name)
    change.put("ReasonForTheAttributeModification", "COERCE")
    before = change.item("ModifiedAttributesSequence")
    before.name("PatientName", patient.name)
    before.plant("PatientID", patient.other_id, kind=_ID)
    before.plant("PatientBirthDate", dicom_date(patient.birth_date), kind=_DATE)
    return envelope


def digital_signature(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A signature whose certificate names the signer."""
    parameters = page.item("MACParametersSequence")
    parameters.put("MACIDNumber", 1)
    parameters.put("MACCalculationTransferSyntaxUID", "1.2.840.10008.1.2.1")
    parameters.put("MACAlgorithm", "SHA256")
    parameters.put("DataElementsSigned", [0x00080018])
    signature = page.item("DigitalSignaturesSequence")
    signature.put("MACIDNumber", 1)
    plant_uid(signature, "DigitalSignatureUID", study, study.uid(90, 1))
    stamp = f"{study.day}120000.000000"
    signature.plant("DigitalSignatureDateTime", stamp, study.day, kind=_DATE, searchable=False)
    signature.put("CertificateType", "X509_1993_SIG")
    certificate = f"CN={study.centre.reading.plain};".encode("ascii")
    signature.put("CertificateOfSigner", certificate + b"\0" * (len(certificate) % 2))
    signature.note("(0400,0115)", *study.centre.reading.parts, kind=_NAME)
    signature.put("Signature", bytes(range(64)))
    return envelope


def curve(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A retired curve: labels and bytes."""
    for group in (0x5000, 0x501E):
        base = group << 16
        page.put(base | 0x0005, 1, "US")
        page.put(base | 0x0010, 8, "US")
        page.put(base | 0x0020, "TAC", "CS")
        page.plant(base | 0x0022, study.patient.birth_name, vr="LO")
        page.plant(base | 0x2500, study.patient.mother, vr="LO")
        content = study.patient.record_number.encode("ascii")
        page.put(base | 0x3000, content, "OW")
        page.note(f"({group:04X},3000)", study.patient.record_number, kind=_ID)
    return envelope


def private_text(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Private elements of several VRs in two blocks."""
    patient = study.patient
    page.put(0x00290010, "PHANTOM HEADER", "LO")
    page.plant(0x00291001, patient.birth_name, vr="LO")
    page.plant(0x00291002, f"{patient.mother}^", patient.mother, vr="PN", kind=_NAME)
    page.plant(0x00291003, dicom_date(patient.birth_date), vr="DA", kind=_DATE)
    page.plant(0x00291004, patient.record_number, vr="IS", kind=_ID)
    page.put(0x00290011, "PHANTOM SECOND", "LO")
    page.plant(0x00291101, f"{patient.street} {patient.town}", patient.street, patient.town, vr="UT")
    return envelope


def private_nested(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A private sequence, and a private element in a standard one."""
    page.put(0x00310010, "PHANTOM TREE", "LO")
    item = page.item(0x00311001, "SQ")
    item.name("PatientName", study.patient.name)
    item.put(0x00310010, "PHANTOM TREE", "LO")
    item.plant(0x00311002, study.patient.record_number, vr="LO", kind=_ID)
    region = page.code("AcquisitionContextSequence", "1", "99PHANTOM", "Context")
    region.put(0x00310010, "PHANTOM TREE", "LO")
    region.plant(0x00311003, study.patient.birth_name, vr="LO")
    return envelope


def private_unknown(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A private blob with a name, a UID and a date in it."""
    patient = study.patient
    blob = b"\x01\x00BLOB\x00" + f"{patient.birth_name}\0{study.uid()}\0{dicom_date(patient.birth_date)}\0".encode()
    blob += patient.mother.encode("utf-16-le")
    page.put(0x00330010, "PHANTOM BLOB", "LO")
    page.put(0x00331001, blob + b"\0" * (len(blob) % 2), "UN")
    page.note("(0033,1001)", patient.birth_name, kind=_NAME)
    page.note("(0033,1001)", patient.mother, kind=_NAME, codec="utf-16-le")
    page.note("(0033,1001)", study.device.uid_root, kind=PlantKind.UID)
    page.note("(0033,1001)", dicom_date(patient.birth_date), kind=_DATE)
    return envelope


def image_comments(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Free text about the image."""
    family, given = study.patient.name.parts[:2]
    text = f"{given} {family} *{study.patient.birth_date:%d.%m.%Y}, see {study.uid()}"
    page.plant("ImageComments", text, family, given)
    page.note("(0020,4000)", f"{study.patient.birth_date:%d.%m.%Y}", kind=_DATE)
    page.note("(0020,4000)", study.device.uid_root, kind=PlantKind.UID)
    return envelope


def deep(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """A name eight sequences down."""
    inner = page.item("RelatedSeriesSequence")
    for _ in range(7):
        inner = inner.item("PurposeOfReferenceCodeSequence")
    inner.name("PatientName", study.patient.name)
    inner.plant("PatientID", study.patient.record_number, kind=_ID)
    inner.plant("StudyDate", study.day, kind=_DATE, searchable=False)
    return envelope


def trial_and_contacts(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Elements that later editions and other departments add."""
    patient, centre = study.patient, study.centre
    page.plant("ClinicalTrialSiteName", centre.name)
    page.plant("ClinicalTrialSubjectID", patient.other_id, kind=_ID)
    page.plant("ResponsiblePerson", f"{patient.mother}^", patient.mother, kind=_NAME)
    page.plant("MedicalAlerts", f"ask {centre.referring.family}", centre.referring.family)
    page.plant("Allergies", f"see {patient.record_number}", patient.record_number, kind=_ID)
    page.plant("DetectorID", study.device.serial, kind=_ID)
    page.plant("CurrentPatientLocation", centre.department)
    page.plant("PerformedProcedureStepDescription", f"for {patient.birth_name}", patient.birth_name)
    page.plant("DerivationDescription", f"corrected by {centre.operator.family}", centre.operator.family)
    page.plant("DateOfLastCalibration", study.day, kind=_DATE, searchable=False)
    page.plant("SpecialNeeds", patient.town)
    return envelope


def kept_text(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Text and code strings that the table keeps."""
    page.plant("WindowCenterWidthExplanation", f"for {study.patient.birth_name}", study.patient.birth_name)
    page.plant("FilterType", study.patient.mother.upper()[:16], kind=_NAME)
    return envelope


def kept_numbers(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """Numbers as text that are a record number."""
    page.plant("AcquisitionNumber", study.patient.record_number, kind=_ID)
    page.plant("DataCollectionDiameter", study.patient.record_number, kind=_ID)
    return envelope


def kept_address(page: Page, study: Study, envelope: Envelope) -> Envelope:
    """An address of the study on a server."""
    url = f"https://{study.centre.town.lower()}.example/studies/{study.patient.record_number}"
    page.plant("RetrieveURL", url, study.centre.town.lower(), study.patient.record_number, kind=_ID)
    return envelope


LISTED: tuple[Oddity, ...] = (
    preamble,
    file_meta,
    code_meaning,
    unknown_even_element,
    unknown_un_element,
    overlay,
    trailing_padding,
    icon,
    original_attributes,
    digital_signature,
    curve,
    private_text,
    private_nested,
    private_unknown,
    image_comments,
    deep,
    trial_and_contacts,
)
UNLISTED: tuple[Oddity, ...] = (kept_text, kept_numbers, kept_address)
