"""One abdominal CT with its three masks: DICOM SEG by the first author, NIfTI by the other two.

The law: all of them lie on the same grid and name the same labels by the same codes.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field, replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from curator.testing.abdomen import LABELS, PROTOCOLS, SHAPE, SPACING_MM, Abdomen, make_abdomen
from curator.testing.annotators import HABITS, draw_mask
from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.header import Study, plant_uid, set_instance, start_page
from curator.testing.people import Cast, Patient
from curator.testing.planting import Envelope, Hospital, Page, Seed, file_name_seeds
from curator.testing.segmentation import ReferencedImage, segmentation_page

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
CT_SERIES, SEG_SERIES = 2, 20
INDEX_COLUMNS = ("path", "SeriesInstanceUID", "author", "role", "tool")
RESCALE_INTERCEPT = -1024


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the annotation index; `author` is 0-based."""

    path: str = field(repr=False)
    series_uid: str = field(repr=False)
    author: int


def study_folder(study: Study) -> tuple[str, list[Seed]]:
    """Where a study's files lie, and what that path gives away."""
    patient = study.patient
    family = patient.name.family
    known = [family.upper(), patient.record_number] if family.isascii() else [patient.record_number]
    folder = f"dicom/{study.centre.name}/{'_'.join(known)}/{study.day}_{study.modality}{study.number}"
    return folder, file_name_seeds(study.centre.name, *known)


def write_abdominal_study(hospital: Hospital, people: Cast, patient: Patient) -> list[IndexRow]:
    """Write the CT and the masks of one patient; the lines of the index for those that are NIfTI."""
    study = Study(people, patient, "CT", 1, "CT Abdomen")
    protocol = PROTOCOLS[patient.index % len(PROTOCOLS)]
    abdomen = make_abdomen(hospital.seed, patient.index, protocol=protocol)
    _write_ct(hospital, study, abdomen)
    masks = [draw_mask(abdomen.truth, hospital.seed, patient.index, author) for author in range(len(HABITS))]
    _write_segmentation(hospital, study, masks[0])
    return [_write_nifti(hospital, study, masks[author], author) for author in range(1, len(HABITS))]


def write_annotation_index(hospital: Hospital, people: Cast, rows: list[IndexRow]) -> None:
    """Write `annotations.csv` and `labels.toml`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(INDEX_COLUMNS)
    for row in rows:
        habit = HABITS[row.author]
        table.writerow((row.path, row.series_uid, people.authors[row.author].plain, habit.role, habit.tool))
    seeds = [Seed(part, PlantKind.PERSON_NAME, "content") for row in rows for part in people.authors[row.author].parts]
    roots = {device["CT"].uid_root for device in people.devices}
    seeds = sorted(set(seeds), key=lambda seed: seed.value) + [
        Seed(root, PlantKind.UID, "content") for root in sorted(roots)
    ]
    hospital.write(MadeFile("annotations/annotations.csv", "", -1), text.getvalue().encode(), seeds)
    labels = "\n".join(
        f'[labels.{label.value}]\nname = "{label.name}"\ncode_value = "{label.code_value}"\n'
        f'coding_scheme = "{label.coding_scheme}"\n'
        for label in LABELS
    )
    hospital.write(MadeFile("annotations/labels.toml", "", -1), labels.encode(), [])


def slice_origin(patient: Patient, index: int) -> tuple[float, float, float]:
    """Where the first voxel of a slice lies, LPS mm; `index` counts from the feet."""
    _, step_y, step_x = SPACING_MM
    half_x, half_y = step_x * (SHAPE[2] - 1) / 2, step_y * (SHAPE[1] - 1) / 2
    return (-half_x + patient.index % 3, -half_y - patient.index, -820.0 + 10 * patient.index + index * SPACING_MM[0])


def image_plane(page: Page, patient: Patient, index: int) -> None:
    """The position of one slice."""
    origin = slice_origin(patient, index)
    page.put("ImagePositionPatient", [f"{value:g}" for value in origin])
    page.put("SliceLocation", f"{origin[2]:g}")


def referenced_images(study: Study) -> list[ReferencedImage]:
    """The slices of the CT from the feet upwards, as other objects refer to them."""
    return [
        ReferencedImage(study.uid(CT_SERIES, index + 1), slice_origin(study.patient, index))
        for index in range(SHAPE[0])
    ]


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
        made = MadeFile(f"{folder}/IM{index + 1:05d}{suffix}", "CT", study.patient.index)
        envelope = replace(Envelope(transfer_syntax=syntax), seeds=tuple(path_seeds))
        hospital.write_dicom(page, made, envelope=envelope)


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


def image_grid(page: Page, study: Study) -> None:
    """The grid of an axial 16-bit slice of this patient's abdomen."""
    plant_uid(page, "FrameOfReferenceUID", study, study.frame_of_reference)
    page.put("PositionReferenceIndicator", "")
    page.put("ImageOrientationPatient", ["1", "0", "0", "0", "1", "0"])
    page.put("PixelSpacing", [f"{SPACING_MM[1]:g}", f"{SPACING_MM[2]:g}"])
    page.put("SliceThickness", f"{SPACING_MM[0]:g}")
    page.put("SamplesPerPixel", 1)
    page.put("PhotometricInterpretation", "MONOCHROME2")
    page.put("Rows", SHAPE[1])
    page.put("Columns", SHAPE[2])
    page.put("BitsAllocated", 16)
    page.put("BitsStored", 16)
    page.put("HighBit", 15)


def _write_segmentation(hospital: Hospital, study: Study, mask: NDArray[np.uint8]) -> None:
    folder, path_seeds = study_folder(study)
    page = segmentation_page(study, mask, series=SEG_SERIES, source_series=CT_SERIES, images=referenced_images(study))
    made = MadeFile(f"{folder}/SEG{study.patient.index:04d}.dcm", "SEG", study.patient.index)
    hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(path_seeds)))


def _write_nifti(hospital: Hospital, study: Study, mask: NDArray[np.uint8], author: int) -> IndexRow:
    """NIfTI's axes go to the right and the back: RAS, where DICOM's are LPS."""
    patient, writer = study.patient, study.people.authors[author]
    lps = np.diag([SPACING_MM[2], SPACING_MM[1], SPACING_MM[0], 1.0])
    lps[:3, 3] = slice_origin(patient, 0)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    image = nib.Nifti1Image(np.ascontiguousarray(mask.T), affine)  # type: ignore[no-untyped-call]  # nibabel's own
    image.header["descrip"] = f"{patient.record_number} by {writer.family}".encode()
    name = f"{patient.record_number}_{writer.family}.nii.gz"
    seeds = [
        Seed(patient.record_number, PlantKind.ID, "descrip"),
        Seed(writer.family, PlantKind.PERSON_NAME, "descrip"),
        *file_name_seeds(patient.record_number, writer.family),
    ]
    content = gzip.compress(image.to_bytes(), mtime=0)
    hospital.write(MadeFile(f"annotations/{name}", "", patient.index), content, seeds)
    return IndexRow(name, study.uid(CT_SERIES), author)
