"""One abdominal CT with its three masks: DICOM SEG by the first author, NIfTI by the other two.

The law: all of them lie on the same grid and name the same labels by the same codes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curator.testing.abdomen import PROTOCOLS, RESCALE_INTERCEPT, SHAPE, Abdomen, make_abdomen
from curator.testing.abdominal_grid import CT_IMAGE, CT_SERIES, SEG_SERIES, image_grid, image_plane, referenced_images
from curator.testing.annotation_files import IndexRow, write_nifti
from curator.testing.annotators import HABITS, draw_mask
from curator.testing.answer_key import MadeFile
from curator.testing.header import set_instance, start_page
from curator.testing.localizer import write_localizers
from curator.testing.oddities import LISTED, Oddity
from curator.testing.people import Cast, Patient
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.segmentation import segmentation_page
from curator.testing.study import Study, study_folder


def write_abdominal_study(hospital: Hospital, people: Cast, patient: Patient) -> list[IndexRow]:
    """Write the CT and the masks of one patient; the lines of the index for those that are NIfTI."""
    study = Study(people, patient, "CT", 1, "CT Abdomen")
    protocol = PROTOCOLS[patient.index % len(PROTOCOLS)]
    abdomen = make_abdomen(hospital.seed, patient.index, protocol=protocol)
    write_localizers(hospital, study, abdomen)
    _write_ct(hospital, study, abdomen)
    masks = [draw_mask(abdomen.truth, hospital.seed, patient.index, author) for author in range(len(HABITS))]
    _write_segmentation(hospital, study, masks[0])
    return [write_nifti(hospital, study, masks[author], author) for author in range(1, len(HABITS))]


def _write_ct(hospital: Hospital, study: Study, abdomen: Abdomen) -> None:
    folder, path_seeds = study_folder(study)
    series = _ct_series(study)
    suffix = (".dcm", "", ".IMA")[study.patient.index % 3]
    syntax = "1.2.840.10008.1.2" if study.patient.index == 5 else Envelope().transfer_syntax
    stored = (abdomen.hounsfield - RESCALE_INTERCEPT).astype("<i2")
    for index in range(SHAPE[0]):
        page = series.copy()
        set_instance(page, study, series=CT_SERIES, instance=index + 1)
        image_plane(page, study.patient, index)
        page.put("PixelData", stored[index].tobytes(), "OW")
        envelope = Envelope(
            transfer_syntax=syntax, seeds=tuple(path_seeds), is_undefined_length=study.patient.index % 2 == 1
        )
        for oddity in _oddities_of(study.patient, index):
            envelope = oddity(page, study, envelope)
        made = MadeFile(f"{folder}/IM{index + 1:05d}{suffix}", "CT", study.patient.index)
        hospital.write_dicom(page, made, envelope=envelope)


def _oddities_of(patient: Patient, index: int) -> tuple[Oddity, ...]:
    """One odd place a slice in every second patient, so a leak is traced at once; the first has also all in one."""
    if patient.index % 2 == 0 and index < len(LISTED):
        return (LISTED[index],)
    return LISTED if patient.index == 0 and index == SHAPE[0] - 1 else ()


def _ct_series(study: Study) -> Page:
    protocol = PROTOCOLS[study.patient.index % len(PROTOCOLS)]
    page = start_page(study, CT_IMAGE, series=CT_SERIES)
    page.put("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"])
    page.put("SeriesDescription", f"Abdomen {protocol.contrast} 5.0 {protocol.kernel}")
    page.put("BodyPartExamined", "ABDOMEN")
    page.put("PatientPosition", "FFS")
    page.put("KVP", "120")
    page.put("ConvolutionKernel", protocol.kernel)
    if protocol.contrast != "native":
        page.put("ContrastBolusAgent", protocol.contrast)
    image_grid(page, study)
    page.put("PixelRepresentation", 1)
    page.put("RescaleIntercept", str(RESCALE_INTERCEPT))
    page.put("RescaleSlope", "1")
    page.put("RescaleType", "HU")
    page.put("WindowCenter", "60")
    page.put("WindowWidth", "400")
    return page


def _write_segmentation(hospital: Hospital, study: Study, mask: NDArray[np.uint8]) -> None:
    folder, path_seeds = study_folder(study)
    page = segmentation_page(study, mask, series=SEG_SERIES, source_series=CT_SERIES, images=referenced_images(study))
    made = MadeFile(f"{folder}/SEG{study.patient.index:04d}.dcm", "SEG", study.patient.index)
    hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds)))
