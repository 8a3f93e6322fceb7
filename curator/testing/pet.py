"""PET of the abdomen, in the frame of the same patient's CT.

The law: the organs glow where the CT has them; slices lie on the CT's own positions, at twice its pixel spacing.
"""

from __future__ import annotations

import numpy as np

from curator.testing.abdomen import PROTOCOLS, SHAPE, SPACING_MM, make_abdomen
from curator.testing.abdominal_grid import image_grid, image_plane, slice_origin
from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.header import set_instance, start_page
from curator.testing.invented import random_stream
from curator.testing.people import Cast
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.study import Study, study_folder

PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
PET_PATIENTS = (1, 4, 9)
_SERIES = 3
_UPTAKE_KBQML = (3.0, 9.0, 6.0, 16.0)  # elsewhere, liver, spleen, kidney
_SLOPE = 2.5


def write_pet(hospital: Hospital, people: Cast, patient: int) -> None:
    """Write one PET series as the patient's second study, a file per slice."""
    study = Study(people, people.patients[patient], "PT", 2, "PET Abdomen")
    truth = make_abdomen(hospital.seed, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)]).truth
    uptake = np.asarray(_UPTAKE_KBQML)[truth].reshape(SHAPE[0], SHAPE[1] // 2, 2, SHAPE[2] // 2, 2).mean(axis=(2, 4))
    rng = random_stream(hospital.seed, "pet", patient)
    counts = rng.poisson(uptake * 40.0) / 40.0 * 1000.0
    stored = np.clip(np.rint(counts / _SLOPE), 0, 32767).astype("<i2")
    series = _series_page(study)
    folder, path_seeds = study_folder(study)
    for index in range(SHAPE[0]):
        page = series.copy()
        set_instance(page, study, series=_SERIES, instance=index + 1)
        image_plane(page, study.patient, index)
        x, y, z = slice_origin(study.patient, index)
        half_x, half_y = SPACING_MM[2] / 2, SPACING_MM[1] / 2
        page.put("ImagePositionPatient", [f"{value:g}" for value in (x + half_x, y + half_y, z)])
        page.put("ImageIndex", SHAPE[0] - index)
        page.put("PixelData", stored[index].tobytes(), "OW")
        made = MadeFile(f"{folder}/PT{index + 1:04d}", "PT", patient)
        hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds)))


def _series_page(study: Study) -> Page:
    page = start_page(study, PET_IMAGE, series=_SERIES)
    page.put("ImageType", ["ORIGINAL", "PRIMARY"])
    page.put("SeriesDescription", "PET AC")
    page.put("BodyPartExamined", "ABDOMEN")
    page.put("PatientPosition", "FFS")
    image_grid(page, study)
    page.put("Rows", SHAPE[1] // 2)
    page.put("Columns", SHAPE[2] // 2)
    page.put("PixelSpacing", [f"{2 * SPACING_MM[1]:g}", f"{2 * SPACING_MM[2]:g}"])
    page.put("PixelRepresentation", 1)
    page.put("RescaleIntercept", "0")
    page.put("RescaleSlope", str(_SLOPE))
    page.put("Units", "BQML")
    page.put("CountsSource", "EMISSION")
    page.put("SeriesType", ["STATIC", "IMAGE"])
    page.put("NumberOfSlices", SHAPE[0])
    page.put("CorrectedImage", ["ATTN", "DECY"])
    page.put("DecayCorrection", "START")
    page.put("FrameReferenceTime", "0")
    page.put("ActualFrameDuration", "120000")
    page.put("CollimatorType", "NONE")
    tracer = page.item("RadiopharmaceuticalInformationSequence")
    tracer.put("Radiopharmaceutical", "FDG")
    tracer.put("RadiopharmaceuticalStartTime", "110000")
    stamp = f"{study.day}110000.000000"
    tracer.plant("RadiopharmaceuticalStartDateTime", stamp, study.day, kind=PlantKind.DATE, searchable=False)
    tracer.put("RadionuclideTotalDose", "350000000")
    tracer.put("RadionuclideHalfLife", "6586.2")
    tracer.code("RadionuclideCodeSequence", "77004003", "SCT", "^18^Fluorine")
    return page
