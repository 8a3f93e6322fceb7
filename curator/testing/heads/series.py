"""Head volumes as DICOM series, a file a slice; several points in time may share one series.

The law: a reader that stacks the slices by position gets back the volume that was made, to the bit for MR and CT; PET
is stored with a slope of its own in every slice.

Sources: DICOM PS3.3 A.3 (CT), A.4 (MR), A.21 (PET).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curator.testing.answer_key import PlantKind
from curator.testing.header import set_instance
from curator.testing.heads.phantom import Head
from curator.testing.heads.plan import Contrast
from curator.testing.heads.visit import SeriesPlan, Visit, WrittenSeries, decimals, image_page, orientation, origin
from curator.testing.planting import Page
from curator.testing.segmentation import ReferencedImage

CT_IMAGE, MR_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
_SOP_CLASSES = {"MR": MR_IMAGE, "CT": CT_IMAGE, "PT": PET_IMAGE}
# Repetition, echo and inversion time of each contrast, ms.
_TIMES_MS = {
    Contrast.T1: (2300.0, 2.98, 900.0),
    Contrast.T2: (5000.0, 98.0, None),
    Contrast.FLAIR: (9000.0, 110.0, 2500.0),
    Contrast.PD: (3000.0, 12.0, None),
}
_MOST_STORED = 32767


def write_series(visit: Visit, heads: Head | Sequence[Head], series: SeriesPlan | None = None) -> WrittenSeries:
    """Write a series, a file a slice; several heads on one grid are its points in time, one after the other.

    Raises:
        ValueError: there is no head, or they lie on different grids.
    """
    moments = [heads] if isinstance(heads, Head) else list(heads)
    series = series or SeriesPlan()
    _refuse_other_grids(moments)
    first = moments[0]
    shared = _shared_page(visit, first, series)
    depth = first.volume.shape[0]
    images, files = [], []
    for moment, head in enumerate(moments):
        for index in range(depth):
            number = moment * depth + index + 1
            page = shared.copy()
            set_instance(page, visit.study, series=series.number, instance=number)
            page.put("ImagePositionPatient", decimals(origin(head, index)))
            if len(moments) > 1:
                page.put("TemporalPositionIdentifier", moment + 1)
                page.put("NumberOfTemporalPositions", len(moments))
            _put_pixels(page, head, index)
            name = f"S{series.number:02d}/{number:04d}"
            modality, is_face = head.plan.contrast.modality, head.plan.face == "whole"
            files.append(visit.write(page, name, modality=modality, shows_face=is_face))
            images.append(ReferencedImage(visit.study.uid(series.number, number), origin(head, index)))
    uid, sop_class = visit.study.uid(series.number), _SOP_CLASSES[first.plan.contrast.modality]
    return WrittenSeries(first, series, sop_class, uid, tuple(images), tuple(files))


def _refuse_other_grids(moments: Sequence[Head]) -> None:
    if not moments:
        raise ValueError("a series needs a head")
    first = moments[0].volume
    for other in moments[1:]:
        if other.volume.shape != first.shape or not np.array_equal(other.volume.affine_lps, first.affine_lps):
            raise ValueError("points in time need one grid")


def _shared_page(visit: Visit, head: Head, series: SeriesPlan) -> Page:
    modality = head.plan.contrast.modality
    page = image_page(visit, head, series, sop_class=_SOP_CLASSES[modality])
    thickness, rows, columns = head.volume.spacing_mm
    page.put("PixelSpacing", decimals((rows, columns)))
    page.put("SliceThickness", decimals((thickness,))[0])
    page.put("ImageOrientationPatient", orientation(head))
    {"MR": _mr_module, "CT": _ct_module, "PT": _pet_module}[modality](page, visit, head)
    return page


def _put_pixels(page: Page, head: Head, index: int) -> None:
    stored = head.volume.stored[index]
    if head.plan.contrast is Contrast.PET:
        stored = _with_own_slope(page, np.asarray(stored, np.float64) * head.volume.rescale_slope)
        page.put("ImageIndex", index + 1)
    page.put("PixelData", np.ascontiguousarray(stored, "<i2").tobytes(), "OW")


def _with_own_slope(page: Page, activity: NDArray[np.float64]) -> NDArray[np.int16]:
    """A slice as stored with the slope that its own largest value asks for."""
    slope = decimals((max(float(activity.max()), 1.0) / _MOST_STORED,))[0]
    page.put("RescaleSlope", slope)
    return np.asarray(np.clip(np.rint(activity / float(slope)), 0, _MOST_STORED), np.int16)


def _mr_module(page: Page, _visit: Visit, head: Head) -> None:
    page.put("ImageType", ["ORIGINAL", "PRIMARY", "M"])
    repetition, echo, inversion = _TIMES_MS[head.plan.contrast]
    is_gradient = head.plan.contrast is Contrast.T1
    page.put("ScanningSequence", ["GR", "IR"] if is_gradient else "SE")
    page.put("SequenceVariant", "SP" if is_gradient else "SK")
    page.put("ScanOptions", "")
    page.put("MRAcquisitionType", "3D" if is_gradient else "2D")
    page.put("RepetitionTime", f"{repetition:g}")
    page.put("EchoTime", f"{echo:g}")
    page.put("EchoTrainLength", "1")
    if inversion is not None:
        page.put("InversionTime", f"{inversion:g}")
    page.put("MagneticFieldStrength", "3")


def _ct_module(page: Page, _visit: Visit, head: Head) -> None:
    page.put("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"])
    page.put("KVP", "120")
    page.put("AcquisitionNumber", 1)
    page.put("RescaleIntercept", f"{head.volume.rescale_intercept:g}")
    page.put("RescaleSlope", "1")
    page.put("RescaleType", "HU")


def _pet_module(page: Page, visit: Visit, head: Head) -> None:
    page.put("ImageType", ["ORIGINAL", "PRIMARY"])
    page.put("PixelRepresentation", 1)
    page.put("RescaleIntercept", "0")
    for keyword, value in _PET_MODULE:
        page.put(keyword, value)
    page.put("NumberOfSlices", head.volume.shape[0])
    # Coded here, so the standard forbids the short form.
    del page.dataset["PatientPosition"]
    lies = page.code("PatientOrientationCodeSequence", "102538003", "SCT", "recumbent")
    lies.code("PatientOrientationModifierCodeSequence", *_LIES[head.plan.position[2:]])
    first = _HEAD_FIRST if head.plan.position.startswith("HF") else _FEET_FIRST
    page.code("PatientGantryRelationshipCodeSequence", *first)
    tracer = page.item("RadiopharmaceuticalInformationSequence")
    tracer.put("Radiopharmaceutical", "FDG")
    tracer.put("RadiopharmaceuticalStartTime", "110000")
    stamp = f"{visit.study.day}110000.000000"
    tracer.plant("RadiopharmaceuticalStartDateTime", stamp, visit.study.day, kind=PlantKind.DATE, searchable=False)
    tracer.put("RadionuclideTotalDose", "350000000")
    tracer.put("RadionuclideHalfLife", "6586.2")
    tracer.code("RadionuclideCodeSequence", "77004003", "SCT", "^18^Fluorine")


_PET_MODULE = (
    ("Units", "BQML"),
    ("CountsSource", "EMISSION"),
    ("SeriesType", ["STATIC", "IMAGE"]),
    ("CorrectedImage", ["ATTN", "DECY"]),
    ("DecayCorrection", "START"),
    ("FrameReferenceTime", "0"),
    ("ActualFrameDuration", "120000"),
    ("CollimatorType", "NONE"),
    ("DecayFactor", "1"),
)
_LIES = {
    "S": ("40199007", "SCT", "supine"),
    "P": ("1240000", "SCT", "prone"),
    "DL": ("102535000", "SCT", "left lateral decubitus"),
    "DR": ("102536004", "SCT", "right lateral decubitus"),
}
_HEAD_FIRST, _FEET_FIRST = ("102540008", "SCT", "headfirst"), ("102541007", "SCT", "feet-first")
