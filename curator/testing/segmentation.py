"""DICOM SEG of several binary segments over a stack of axial slices.

The law: frames lie on the grid of the images they refer to, and empty frames are left out, as most writers do.

Sources: DICOM PS3.3 A.51, C.8.20.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.utils import pack_bits

from curator.model.annotation import Label
from curator.testing.abdomen import LABELS, SPACING_MM
from curator.testing.header import note_uid, plant_uid, set_instance, start_page
from curator.testing.planting import Page
from curator.testing.study import Study

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_RGB_TO_LAB = ([35000, 50000, 45000], [30000, 45000, 38000], [42000, 40000, 50000])


@dataclass(frozen=True, slots=True)
class ReferencedImage:
    """One slice that another object refers to; `origin` is LPS mm."""

    sop_instance_uid: str = field(repr=False)
    origin: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn on which grid: `labels` count from 1, `spacing_mm` is `(z, y, x)`.

    An empty `frame_of_reference` is that of the study.
    """

    labels: tuple[Label, ...]
    spacing_mm: tuple[float, float, float]
    title: str
    body_part: str
    source_class: str
    orientation: tuple[str, ...] = ("1", "0", "0", "0", "1", "0")
    frame_of_reference: str = field(repr=False, default="")


ABDOMEN = Drawing(LABELS, SPACING_MM, "Organs", "ABDOMEN", _CT_IMAGE)


def segmentation_page(
    study: Study,
    mask: NDArray[np.uint8],
    *,
    series: int,
    source_series: int,
    images: list[ReferencedImage],
    drawing: Drawing = ABDOMEN,
) -> Page:
    """A SEG of `mask`, `(Z, Y, X)` of the label values of `drawing`, whose slices are `images` in that order."""
    author = study.people.authors[0]
    page = start_page(study, SEGMENTATION, series=series, modality="SEG")
    set_instance(page, study, series=series, instance=1)
    page.put("ImageType", ["DERIVED", "PRIMARY"])
    page.put("SeriesDescription", drawing.title)
    page.put("BodyPartExamined", drawing.body_part)
    page.put("ContentLabel", drawing.title.upper())
    page.plant("ContentDescription", f"drawn by {author.plain}", *author.parts)
    page.name("ContentCreatorName", author)
    plant_uid(page, "FrameOfReferenceUID", study, drawing.frame_of_reference or study.frame_of_reference)
    page.put("PositionReferenceIndicator", "")
    _pixel_module(page, mask)
    for label in drawing.labels:
        _segment(page, label)
    _dimensions(page, study, series)
    _shared_groups(page, drawing)
    frames = [
        (label, index)
        for label in drawing.labels
        for index in range(mask.shape[0])
        if bool((mask[index] == label.value).any())
    ]
    for label, index in frames:
        _frame(page, study, label=label, index=index, image=images[index], source_class=drawing.source_class)
    _referenced_series(page, study, source_series=source_series, images=images, source_class=drawing.source_class)
    page.put("NumberOfFrames", len(frames))
    stack = np.stack([mask[index] == label.value for label, index in frames]).astype(np.uint8)
    page.put("PixelData", pack_bits(stack.ravel(), pad=True), "OB")
    return page


def _pixel_module(page: Page, mask: NDArray[np.uint8]) -> None:
    page.put("SamplesPerPixel", 1)
    page.put("PhotometricInterpretation", "MONOCHROME2")
    page.put("Rows", mask.shape[1])
    page.put("Columns", mask.shape[2])
    for keyword, value in (("BitsAllocated", 1), ("BitsStored", 1), ("HighBit", 0), ("PixelRepresentation", 0)):
        page.put(keyword, value)
    page.put("LossyImageCompression", "00")
    page.put("SegmentationType", "BINARY")
    page.put("SegmentsOverlap", "NO")


def _segment(page: Page, label: Label) -> None:
    segment = page.item("SegmentSequence")
    segment.put("SegmentNumber", label.value)
    segment.put("SegmentLabel", label.name)
    segment.put("SegmentAlgorithmType", "MANUAL")
    segment.put("RecommendedDisplayCIELabValue", _RGB_TO_LAB[label.value - 1])
    segment.code("SegmentedPropertyCategoryCodeSequence", "123037004", "SCT", "Anatomical Structure")
    segment.code("SegmentedPropertyTypeCodeSequence", label.code_value, label.coding_scheme, label.name)


def _dimensions(page: Page, study: Study, series: int) -> None:
    """Frames are counted by segment, then by position."""
    uid = study.uid(series, 900)
    organization = page.item("DimensionOrganizationSequence")
    plant_uid(organization, "DimensionOrganizationUID", study, uid)
    for pointer, group in ((0x0062000B, 0x0062000A), (0x00200032, 0x00209113)):
        index = page.item("DimensionIndexSequence")
        plant_uid(index, "DimensionOrganizationUID", study, uid)
        index.put("DimensionIndexPointer", pointer)
        index.put("FunctionalGroupPointer", group)


def _shared_groups(page: Page, drawing: Drawing) -> None:
    between, rows, columns = drawing.spacing_mm
    shared = page.item("SharedFunctionalGroupsSequence")
    measures = shared.item("PixelMeasuresSequence")
    measures.put("PixelSpacing", [f"{rows:g}", f"{columns:g}"])
    measures.put("SliceThickness", f"{between:g}")
    measures.put("SpacingBetweenSlices", f"{between:g}")
    orientation = shared.item("PlaneOrientationSequence")
    orientation.put("ImageOrientationPatient", list(drawing.orientation))


def _frame(page: Page, study: Study, *, label: Label, index: int, image: ReferencedImage, source_class: str) -> None:
    frame = page.item("PerFrameFunctionalGroupsSequence")
    derivation = frame.item("DerivationImageSequence")
    derivation.code("DerivationCodeSequence", "113076", "DCM", "Segmentation")
    source = derivation.item("SourceImageSequence")
    source.put("ReferencedSOPClassUID", source_class)
    source.put("ReferencedSOPInstanceUID", image.sop_instance_uid)
    source.code("PurposeOfReferenceCodeSequence", "121322", "DCM", "Source image for image processing operation")
    content = frame.item("FrameContentSequence")
    content.put("DimensionIndexValues", [label.value, index + 1])
    frame.item("PlanePositionSequence").put("ImagePositionPatient", [f"{value:g}" for value in image.origin])
    frame.item("SegmentIdentificationSequence").put("ReferencedSegmentNumber", label.value)
    if index == 0 or label.value == 1:
        note_uid(source, "ReferencedSOPInstanceUID", study, image.sop_instance_uid)


def _referenced_series(
    page: Page, study: Study, *, source_series: int, images: list[ReferencedImage], source_class: str
) -> None:
    series = page.item("ReferencedSeriesSequence")
    plant_uid(series, "SeriesInstanceUID", study, study.uid(source_series))
    for image in images:
        instance = series.item("ReferencedInstanceSequence")
        instance.put("ReferencedSOPClassUID", source_class)
        plant_uid(instance, "ReferencedSOPInstanceUID", study, image.sop_instance_uid)
