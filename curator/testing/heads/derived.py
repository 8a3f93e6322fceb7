"""What is made of a head scan and traces its face: a segmentation, contours and a dose.

The law: each refers to the images of its series by their own UIDs, in their frame, and its outline is the head's skin.

Sources: DICOM PS3.3 A.51 (SEG), A.19 (RT Structure Set), A.18 (RT Dose), C.8.8.3.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.model.annotation import Label
from curator.testing.header import plant_uid, set_instance, start_page
from curator.testing.heads.phantom import Head, make_head
from curator.testing.heads.tissues import Mask
from curator.testing.heads.visit import (
    Visit,
    WrittenSeries,
    decimals,
    frame_of_reference,
    orientation,
    origin,
    put_pixel_format,
)
from curator.testing.planting import Page
from curator.testing.segmentation import Drawing, segmentation_page

BRAIN, HEAD = Label(1, "Brain", "12738006", "SCT"), Label(2, "Head", "69536005", "SCT")
STRUCTURE_SET, DOSE = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.481.2"
_DOSE_SPACING_MM = 4.0
_DOSE_PEAK_GY, _DOSE_SPREAD_MM, _DOSE_SCALING = 50.0, 55.0, 0.002


def write_segmentation(visit: Visit, source: WrittenSeries, *, series: int = 20) -> Path:
    """A SEG with the brain (1) and the rest of the head up to the skin (2)."""
    head, study = source.head, visit.study
    mask = np.where(head.brain, BRAIN.value, np.where(head.inside, HEAD.value, 0)).astype(np.uint8)
    drawing = Drawing(
        labels=(BRAIN, HEAD),
        spacing_mm=head.volume.spacing_mm,
        title="Head",
        body_part="HEAD",
        source_class=source.sop_class,
        orientation=tuple(orientation(head)),
        frame_of_reference=study.uid(source.plan.frame),
    )
    page = segmentation_page(
        study,
        mask,
        series=series,
        source_series=source.plan.number,
        images=list(source.images),
        drawing=drawing,
    )
    return visit.write(page, f"SEG{series:02d}", modality="SEG", shows_face=False)


def write_structure_set(visit: Visit, source: WrittenSeries, *, series: int = 40) -> Path:
    """An RTSTRUCT with the contours of the skin (`BODY`) and of the brain (`BRAIN`) on every slice."""
    study = visit.study
    page = start_page(study, STRUCTURE_SET, series=series, modality="RTSTRUCT")
    set_instance(page, study, series=series, instance=1)
    frame_of_reference(page, visit, source.plan.frame)
    page.put("StructureSetLabel", "HEAD")
    page.put("StructureSetDate", study.day)
    page.put("StructureSetTime", "130000")
    page.put("ApprovalStatus", "UNAPPROVED")
    _referenced_frame(page, visit, source)
    for number, (name, kind, mask) in enumerate(
        (("BODY", "EXTERNAL", source.head.inside), ("BRAIN", "ORGAN", source.head.brain)), start=1
    ):
        structure = page.item("StructureSetROISequence")
        structure.put("ROINumber", number)
        plant_uid(structure, "ReferencedFrameOfReferenceUID", study, study.uid(source.plan.frame))
        structure.put("ROIName", name)
        structure.put("ROIGenerationAlgorithm", "AUTOMATIC")
        observation = page.item("RTROIObservationsSequence")
        observation.put("ObservationNumber", number)
        observation.put("ReferencedROINumber", number)
        observation.put("RTROIInterpretedType", kind)
        observation.put("ROIInterpreter", "")
        contours = page.item("ROIContourSequence")
        contours.put("ReferencedROINumber", number)
        contours.put("ROIDisplayColor", [0, 127 * number, 255])
        for index in range(mask.shape[0]):
            _contours(contours, mask[index], source, index)
    return visit.write(page, f"RTSTRUCT{series:02d}", modality="RTSTRUCT", shows_face=False)


def write_dose(visit: Visit, source: WrittenSeries, *, series: int = 41) -> Path:
    """An RTDOSE around the middle of the brain on a coarse grid of its own, zero outside the skin: it has a face."""
    study, plan = visit.study, source.head.plan
    coarse = make_head(replace(plan, spacing_mm=(_DOSE_SPACING_MM,) * 3, is_reversed=False))
    stored = _dose(coarse)
    page = start_page(study, DOSE, series=series, modality="RTDOSE")
    set_instance(page, study, series=series, instance=1)
    frame_of_reference(page, visit, source.plan.frame)
    put_pixel_format(page, stored.shape[1], stored.shape[2])
    page.put("PixelSpacing", decimals((_DOSE_SPACING_MM, _DOSE_SPACING_MM)))
    page.put("SliceThickness", "")
    page.put("ImageOrientationPatient", orientation(coarse))
    page.put("ImagePositionPatient", decimals(origin(coarse, 0)))
    page.put("NumberOfFrames", stored.shape[0])
    page.put("FrameIncrementPointer", 0x3004000C)
    page.put("GridFrameOffsetVector", decimals(_DOSE_SPACING_MM * np.arange(stored.shape[0], dtype=np.float64)))
    page.put("DoseUnits", "GY")
    page.put("DoseType", "PHYSICAL")
    page.put("DoseSummationType", "PLAN")
    plan_reference = page.item("ReferencedRTPlanSequence")
    plan_reference.put("ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.481.5")
    plant_uid(plan_reference, "ReferencedSOPInstanceUID", study, study.uid(42, 1))
    page.put("DoseGridScaling", f"{_DOSE_SCALING:g}")
    page.put("PixelData", np.ascontiguousarray(stored, "<u2").tobytes(), "OW")
    return visit.write(page, f"RTDOSE{series:02d}", modality="RTDOSE", shows_face=plan.face == "whole")


def _dose(head: Head) -> NDArray[np.uint16]:
    """Dose over `_DOSE_SCALING`, `(Z, Y, X)`: a bell around the brain's middle, some of it all through the head."""
    middle = np.argwhere(head.brain).mean(axis=0) if head.brain.any() else np.array(head.volume.shape) / 2
    squared = sum(
        ((index - at) * step) ** 2
        for index, at, step in zip(np.indices(head.volume.shape), middle, head.volume.spacing_mm, strict=True)
    )
    dose = _DOSE_PEAK_GY * (0.05 + np.exp(-np.asarray(squared) / (2 * _DOSE_SPREAD_MM**2)))
    return np.asarray(np.rint(np.where(head.inside, dose, 0.0) / _DOSE_SCALING), np.uint16)


def _referenced_frame(page: Page, visit: Visit, source: WrittenSeries) -> None:
    study = visit.study
    frame = page.item("ReferencedFrameOfReferenceSequence")
    plant_uid(frame, "FrameOfReferenceUID", study, study.uid(source.plan.frame))
    visited = frame.item("RTReferencedStudySequence")
    visited.put("ReferencedSOPClassUID", "1.2.840.10008.3.1.2.3.1")
    plant_uid(visited, "ReferencedSOPInstanceUID", study, study.uid())
    series = visited.item("RTReferencedSeriesSequence")
    plant_uid(series, "SeriesInstanceUID", study, source.uid)
    for uid in dict.fromkeys(image.sop_instance_uid for image in source.images):
        item = series.item("ContourImageSequence")
        item.put("ReferencedSOPClassUID", source.sop_class)
        plant_uid(item, "ReferencedSOPInstanceUID", study, uid)


def _contours(page: Page, inside: Mask, source: WrittenSeries, index: int) -> None:
    """Closed polygons through the centres of a slice's border voxels, LPS mm."""
    affine = source.head.volume.affine_lps
    found, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in found:
        if len(outline) < 3:
            continue
        contour = page.item("ContourSequence")
        image = contour.item("ContourImageSequence")
        image.put("ReferencedSOPClassUID", source.sop_class)
        image.put("ReferencedSOPInstanceUID", source.images[index].sop_instance_uid)
        contour.put("ContourGeometricType", "CLOSED_PLANAR")
        contour.put("NumberOfContourPoints", len(outline))
        voxels = outline.reshape(-1, 2).astype(np.float64)
        points = voxels @ affine[:3, :2].T + affine[:3, 2] * index + affine[:3, 3]
        contour.put("ContourData", [f"{value + 0.0:.6g}" for value in points.ravel()])
