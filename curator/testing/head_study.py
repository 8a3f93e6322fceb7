"""Head volumes as scanners deliver them, with body parts as unreliable as real ones.

The law: every slice of a head whose face is in the volume says so in the answer key, whatever its header says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.testing.answer_key import MadeFile
from curator.testing.head import CT_LEVELS, MR_LEVELS, ORIGIN_MM, SPACING_MM, make_head
from curator.testing.header import plant_uid, set_instance, start_page
from curator.testing.people import Cast
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.study import Study, study_folder

CT_IMAGE, MR_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
_SERIES = 1
_CT_OFFSET = -1024


@dataclass(frozen=True, slots=True)
class HeadScan:
    """Who is scanned how, and what the header calls it; None leaves Body Part Examined out."""

    patient: int
    modality: str
    body_part: str | None
    study: str
    series: str
    is_sagittal: bool = False


HEAD_SCANS = (
    HeadScan(0, "MR", "HEAD", "MR Head", "T1 MPRAGE"),
    HeadScan(2, "MR", "BRAIN", "MR Brain", "T1 3D TFE"),
    HeadScan(6, "MR", None, "Protocol 7", "t1_gre"),
    HeadScan(7, "CT", "HEAD", "CT Head", "H40s 4.0"),
    HeadScan(16, "CT", "CHEST", "CT Thorax", "B30 4.0"),
    HeadScan(17, "MR", "HEAD", "MR Neuro", "SAG T1", is_sagittal=True),
)


def write_head_study(hospital: Hospital, people: Cast, scan: HeadScan) -> None:
    """Write one head, a file per slice; its patient's second study."""
    study = Study(people, people.patients[scan.patient], scan.modality, 2, scan.study)
    levels = MR_LEVELS if scan.modality == "MR" else CT_LEVELS
    volume = make_head(hospital.seed, scan.patient, levels=levels)
    series = _series_page(study, scan)
    folder, path_seeds = study_folder(study)
    for number, (picture, origin) in enumerate(_slices(volume, scan)):
        page = series.copy()
        set_instance(page, study, series=_SERIES, instance=number + 1)
        page.put("Rows", picture.shape[0])
        page.put("Columns", picture.shape[1])
        page.put("ImagePositionPatient", [f"{value:g}" for value in origin])
        stored = picture - _CT_OFFSET if scan.modality == "CT" else picture
        page.put("PixelData", np.ascontiguousarray(stored, "<i2").tobytes(), "OW")
        made = MadeFile(f"{folder}/{number + 1:04d}.dcm", scan.modality, scan.patient, shows_face=True)
        hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds)))


def _slices(volume: NDArray[np.int16], scan: HeadScan) -> list[tuple[NDArray[np.int16], tuple[float, float, float]]]:
    """The pictures of a scan with the position of each one's first voxel, LPS mm."""
    (z0, y0, x0), (dz, _, dx) = ORIGIN_MM, SPACING_MM
    if scan.is_sagittal:
        top = z0 + dz * (volume.shape[0] - 1)
        return [(volume[::-1, :, index], (x0 + dx * index, y0, top)) for index in range(volume.shape[2])]
    return [(volume[index], (x0, y0, z0 + dz * index)) for index in range(volume.shape[0])]


def _series_page(study: Study, scan: HeadScan) -> Page:
    page = start_page(study, MR_IMAGE if scan.modality == "MR" else CT_IMAGE, series=_SERIES)
    page.put("ImageType", ["ORIGINAL", "PRIMARY", "M" if scan.modality == "MR" else "AXIAL"])
    page.put("SeriesDescription", scan.series)
    if scan.body_part is not None:
        page.put("BodyPartExamined", scan.body_part)
    page.put("PatientPosition", "HFS")
    plant_uid(page, "FrameOfReferenceUID", study, study.frame_of_reference)
    page.put("PositionReferenceIndicator", "")
    dz, dy, dx = SPACING_MM
    rows, columns, thickness = (dz, dy, dx) if scan.is_sagittal else (dy, dx, dz)
    page.put("PixelSpacing", [f"{rows:g}", f"{columns:g}"])
    page.put("SliceThickness", f"{thickness:g}")
    sagittal, axial = ["0", "1", "0", "0", "0", "-1"], ["1", "0", "0", "0", "1", "0"]
    page.put("ImageOrientationPatient", sagittal if scan.is_sagittal else axial)
    for keyword, value in (("SamplesPerPixel", 1), ("BitsAllocated", 16), ("BitsStored", 16), ("HighBit", 15)):
        page.put(keyword, value)
    page.put("PhotometricInterpretation", "MONOCHROME2")
    page.put("PixelRepresentation", 1)
    _modality_module(page, scan)
    return page


def _modality_module(page: Page, scan: HeadScan) -> None:
    if scan.modality == "CT":
        page.put("KVP", "120")
        page.put("RescaleIntercept", str(_CT_OFFSET))
        page.put("RescaleSlope", "1")
        return
    page.put("ScanningSequence", "GR")
    page.put("SequenceVariant", "SP")
    page.put("ScanOptions", "")
    page.put("MRAcquisitionType", "3D")
    page.put("RepetitionTime", "2300")
    page.put("EchoTime", "2.98")
    page.put("EchoTrainLength", "1")
    page.put("MagneticFieldStrength", "3")
