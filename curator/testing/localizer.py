"""Overview images of the abdomen.

The law: the first one carries the values that the standard's table would let pass, so that no volume depends on them.
"""

from __future__ import annotations

import numpy as np

from curator.testing.abdomen import RESCALE_INTERCEPT, SHAPE, SPACING_MM, Abdomen
from curator.testing.abdominal_grid import CT_IMAGE, LOCALIZER_SERIES, image_grid, slice_origin
from curator.testing.answer_key import MadeFile
from curator.testing.header import set_instance, start_page
from curator.testing.oddities import UNLISTED
from curator.testing.planting import Envelope, Hospital, Page, with_trailing
from curator.testing.study import Study, study_folder


def write_localizers(hospital: Hospital, study: Study, abdomen: Abdomen) -> None:
    """Write a frontal and a lateral overview, each the mean along its rays."""
    folder, path_seeds = study_folder(study)
    for number, axis in enumerate((1, 2)):
        page = _localizer_page(study, number + 1, abdomen, axis=axis)
        envelope = Envelope(seeds=tuple(path_seeds))
        for oddity in UNLISTED if number == 0 and study.patient.index % 2 == 0 else ():
            envelope = oddity(page, study, envelope)
        if number == 1 and study.patient.index == 3:
            hidden = (study.patient.birth_name, study.patient.phone)
            envelope = with_trailing(envelope, " ".join(hidden), *hidden)
        made = MadeFile(f"{folder}/LOC{number + 1}.dcm", "CT", study.patient.index)
        hospital.write_dicom(page, made, envelope=envelope)


def _localizer_page(study: Study, number: int, abdomen: Abdomen, *, axis: int) -> Page:
    page = start_page(study, CT_IMAGE, series=LOCALIZER_SERIES)
    set_instance(page, study, series=LOCALIZER_SERIES, instance=number)
    picture = abdomen.hounsfield.mean(axis=axis)[::-1]
    page.put("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"])
    page.put("SeriesDescription", "Localizer")
    page.put("BodyPartExamined", "ABDOMEN")
    image_grid(page, study)
    page.put("Rows", picture.shape[0])
    page.put("PixelRepresentation", 1)
    page.put("RescaleIntercept", str(RESCALE_INTERCEPT))
    page.put("RescaleSlope", "1")
    page.put("PixelSpacing", [f"{SPACING_MM[0]:g}", f"{SPACING_MM[1]:g}"])
    left, back, foot = slice_origin(study.patient, 0)
    top = foot + SPACING_MM[0] * (SHAPE[0] - 1)
    origin, across = ((left, 0.0, top), ["1", "0", "0"]) if axis == 1 else ((0.0, back, top), ["0", "1", "0"])
    page.put("ImageOrientationPatient", [*across, "0", "0", "-1"])
    page.put("ImagePositionPatient", [f"{value:g}" for value in origin])
    page.put("PixelData", (np.rint(picture) - RESCALE_INTERCEPT).astype("<i2").tobytes(), "OW")
    return page
