"""Contours, a presentation state and a scanned letter that belong to an abdominal CT.

The law: what refers to images refers to images of the hospital, by their own UIDs and in their own frame.

Sources: DICOM PS3.3 A.19 (RT Structure Set), A.33.1 (presentation state), A.45.1 (encapsulated PDF).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.testing.abdomen import LABELS, PROTOCOLS, SHAPE, SPACING_MM, make_abdomen
from curator.testing.abdominal_grid import CT_IMAGE, CT_SERIES, referenced_images
from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.header import plant_uid, set_instance, start_page
from curator.testing.people import Cast
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.segmentation import ReferencedImage
from curator.testing.study import Study, study_folder

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
STRUCTURE_SET_PATIENTS, PRESENTATION_STATE_PATIENTS, LETTER_PATIENTS = (2, 5, 8), (0,), (3,)


def write_objects(hospital: Hospital, people: Cast) -> None:
    """Write all of them."""
    for patient in STRUCTURE_SET_PATIENTS:
        study = Study(people, people.patients[patient], "CT", 1, "CT Abdomen")
        truth = make_abdomen(hospital.seed, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)]).truth
        _write(hospital, study, _structure_set(study, truth), "RTSTRUCT")
    for patient in PRESENTATION_STATE_PATIENTS:
        study = Study(people, people.patients[patient], "CT", 1, "CT Abdomen")
        _write(hospital, study, _presentation_state(study), "PR")
    for patient in LETTER_PATIENTS:
        study = Study(people, people.patients[patient], "CT", 1, "CT Abdomen")
        _write(hospital, study, _letter(study), "DOC")


def _write(hospital: Hospital, study: Study, page: Page, modality: str) -> None:
    folder, path_seeds = study_folder(study)
    made = MadeFile(f"{folder}/{modality}{study.patient.index:04d}.dcm", modality, study.patient.index)
    hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds)))


def _structure_set(study: Study, truth: NDArray[np.uint8]) -> Page:
    page = start_page(study, STRUCTURE_SET, series=40, modality="RTSTRUCT")
    set_instance(page, study, series=40, instance=1)
    author = study.people.authors[0]
    page.put("StructureSetLabel", "ORGANS")
    page.plant("StructureSetName", f"Plan {study.patient.birth_name}", study.patient.birth_name)
    page.plant("StructureSetDescription", f"for {study.centre.referring.family}", study.centre.referring.family)
    page.plant("StructureSetDate", study.day, kind=PlantKind.DATE, searchable=False)
    page.put("StructureSetTime", "130000")
    page.put("ApprovalStatus", "APPROVED")
    page.name("ReviewerName", study.centre.reading)
    page.plant("ReviewDate", study.day, kind=PlantKind.DATE, searchable=False)
    page.put("ReviewTime", "140000")
    images = referenced_images(study)
    _referenced_frame(page, study, images)
    for label in LABELS:
        structure = page.item("StructureSetROISequence")
        structure.put("ROINumber", label.value)
        plant_uid(structure, "ReferencedFrameOfReferenceUID", study, study.frame_of_reference)
        structure.put("ROIName", label.name)
        structure.plant("ROIDescription", f"by {author.family}", author.family)
        structure.put("ROIGenerationAlgorithm", "MANUAL")
        observation = page.item("RTROIObservationsSequence")
        observation.put("ObservationNumber", label.value)
        observation.put("ReferencedROINumber", label.value)
        observation.put("RTROIInterpretedType", "ORGAN")
        observation.name("ROIInterpreter", author)
        contours = page.item("ROIContourSequence")
        contours.put("ReferencedROINumber", label.value)
        contours.put("ROIDisplayColor", [255, 60 * label.value, 0])
        _contours(contours, truth == label.value, images)
    return page


def _referenced_frame(page: Page, study: Study, images: list[ReferencedImage]) -> None:
    frame = page.item("ReferencedFrameOfReferenceSequence")
    plant_uid(frame, "FrameOfReferenceUID", study, study.frame_of_reference)
    visit = frame.item("RTReferencedStudySequence")
    visit.put("ReferencedSOPClassUID", "1.2.840.10008.3.1.2.3.1")
    plant_uid(visit, "ReferencedSOPInstanceUID", study, study.uid())
    series = visit.item("RTReferencedSeriesSequence")
    plant_uid(series, "SeriesInstanceUID", study, study.uid(CT_SERIES))
    for image in images:
        item = series.item("ContourImageSequence")
        item.put("ReferencedSOPClassUID", CT_IMAGE)
        plant_uid(item, "ReferencedSOPInstanceUID", study, image.sop_instance_uid)


def _contours(page: Page, inside: NDArray[np.bool_], images: list[ReferencedImage]) -> None:
    """Closed polygons through the centres of the border voxels."""
    for index, image in enumerate(images):
        found, _ = cv2.findContours(inside[index].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for outline in found:
            if len(outline) < 3:
                continue
            contour = page.item("ContourSequence")
            source = contour.item("ContourImageSequence")
            source.put("ReferencedSOPClassUID", CT_IMAGE)
            source.put("ReferencedSOPInstanceUID", image.sop_instance_uid)
            contour.put("ContourGeometricType", "CLOSED_PLANAR")
            contour.put("NumberOfContourPoints", len(outline))
            x0, y0, z0 = image.origin
            points = [
                f"{value:g}"
                for column, row in outline.reshape(-1, 2)
                for value in (x0 + SPACING_MM[2] * column, y0 + SPACING_MM[1] * row, z0)
            ]
            contour.put("ContourData", points)


def _presentation_state(study: Study) -> Page:
    page = start_page(study, PRESENTATION_STATE, series=50, modality="PR")
    set_instance(page, study, series=50, instance=1)
    page.put("ContentLabel", "MARKED")
    page.plant("ContentDescription", f"for {study.centre.referring.family}", study.centre.referring.family)
    page.name("ContentCreatorName", study.centre.reading)
    page.plant("PresentationCreationDate", study.day, kind=PlantKind.DATE, searchable=False)
    page.put("PresentationCreationTime", "150000")
    image = referenced_images(study)[SHAPE[0] // 2]
    series = page.item("ReferencedSeriesSequence")
    plant_uid(series, "SeriesInstanceUID", study, study.uid(CT_SERIES))
    _reference(series, study, image)
    area = page.item("DisplayedAreaSelectionSequence")
    area.put("DisplayedAreaTopLeftHandCorner", [1, 1])
    area.put("DisplayedAreaBottomRightHandCorner", [SHAPE[2], SHAPE[1]])
    area.put("PresentationSizeMode", "SCALE TO FIT")
    area.put("PresentationPixelAspectRatio", [1, 1])
    layer = page.item("GraphicLayerSequence")
    layer.put("GraphicLayer", "NOTES")
    layer.put("GraphicLayerOrder", 1)
    annotation = page.item("GraphicAnnotationSequence")
    annotation.put("GraphicLayer", "NOTES")
    _reference(annotation, study, image)
    text = annotation.item("TextObjectSequence")
    words = f"{study.patient.name.plain} {study.patient.record_number}"
    text.plant("UnformattedTextValue", words, *study.patient.name.parts[:2], study.patient.record_number)
    text.put("AnchorPointAnnotationUnits", "PIXEL")
    text.put("AnchorPoint", [40.0, 40.0])
    text.put("AnchorPointVisibility", "N")
    page.put("PresentationLUTShape", "IDENTITY")
    return page


def _reference(page: Page, study: Study, image: ReferencedImage) -> None:
    reference = page.item("ReferencedImageSequence")
    reference.put("ReferencedSOPClassUID", CT_IMAGE)
    plant_uid(reference, "ReferencedSOPInstanceUID", study, image.sop_instance_uid)


def _letter(study: Study) -> Page:
    page = start_page(study, ENCAPSULATED_PDF, series=60, modality="DOC")
    set_instance(page, study, series=60, instance=1)
    patient = study.patient
    page.put("ConversionType", "WSD")
    page.put("BurnedInAnnotation", "YES")
    page.plant("DocumentTitle", f"Letter about {patient.birth_name}", patient.birth_name)
    page.item("ConceptNameCodeSequence")
    page.dataset["ConceptNameCodeSequence"].value.clear()
    page.put("MIMETypeOfEncapsulatedDocument", "application/pdf")
    hidden = (patient.birth_name, patient.record_number, study.centre.referring.family)
    content = _pdf(f"Re: {' '.join(hidden)}")
    page.put("EncapsulatedDocument", content + b"\0" * (len(content) % 2))
    page.note("(0042,0011)", *hidden)
    return page


def _pdf(line: str) -> bytes:
    """One page with one line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET"
    bodies = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    )
    text, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(text))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(bodies) + 1
    text += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{text}startxref\n{text.index('xref')}\n%%EOF\n".encode("ascii")
