"""Where the slices of an abdominal CT lie, and what other objects need to refer to them.

The law: CT, PET, masks and contours of one patient share one frame of reference.
"""

from __future__ import annotations

from curator.testing.abdomen import SHAPE, SPACING_MM
from curator.testing.header import plant_uid
from curator.testing.people import Patient
from curator.testing.planting import Page
from curator.testing.segmentation import ReferencedImage
from curator.testing.study import Study

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
LOCALIZER_SERIES, CT_SERIES, SEG_SERIES = 1, 2, 20


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
