"""A visit of one invented patient to a scanner, and the series it leaves behind.

The law: what refers to a series knows it by its own UIDs and lies in its frame of reference.

Sources: DICOM PS3.3 C.7.6.2 (image plane), C.7.4.1 (frame of reference).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.testing.answer_key import MadeFile
from curator.testing.header import plant_uid, start_page
from curator.testing.heads.phantom import Head
from curator.testing.people import cast
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.segmentation import ReferencedImage
from curator.testing.study import Study, study_folder

SHARED_FRAME = 99
"""The number of the frame of reference that the series of a study share."""
_POSITION_REFERENCE = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """Where files are written, and whose study they belong to."""

    hospital: Hospital
    study: Study

    def write(self, page: Page, name: str, *, modality: str, shows_face: bool) -> Path:
        """Write one instance into the study's folder; its path."""
        folder, seeds = study_folder(self.study)
        made = MadeFile(f"{folder}/{name}.dcm", modality, self.study.patient.index, shows_face=shows_face)
        self.hospital.write_dicom(page, made, envelope=Envelope(seeds=tuple(seeds)))
        return self.hospital.root / made.file


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What a header says of a series; `frame` numbers its frame of reference, `body_part` None leaves it out."""

    number: int = 1
    description: str = "T1 MPRAGE"
    body_part: str | None = "HEAD"
    frame: int = SHARED_FRAME


@dataclass(frozen=True, slots=True)
class WrittenSeries:
    """A series as others refer to it; `images` and `files` are in the order of the volume's slices.

    An enhanced object has one file, and every image names it.
    """

    head: Head
    plan: SeriesPlan
    sop_class: str
    uid: str = field(repr=False)
    images: tuple[ReferencedImage, ...] = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)


def start_visit(
    root: Path, *, patient: int = 0, modality: str = "MR", description: str = "MR Head", number: int = 3, seed: int = 0
) -> Visit:
    """A visit whose files go below `root`; nothing is written yet. `patient` is 0 to 17, `modality` MR, CT or PT."""
    people = cast(seed)
    return Visit(Hospital(root, seed), Study(people, people.patients[patient], modality, number, description))


def image_page(visit: Visit, head: Head, series: SeriesPlan, *, sop_class: str) -> Page:
    """What all images of a series share, apart from their place and pixels."""
    page = start_page(visit.study, sop_class, series=series.number, modality=head.plan.contrast.modality)
    page.put("SeriesDescription", series.description)
    if series.body_part is not None:
        page.put("BodyPartExamined", series.body_part)
    page.put("PatientPosition", head.plan.position)
    frame_of_reference(page, visit, series.frame)
    put_pixel_format(page, head.volume.shape[1], head.volume.shape[2])
    return page


def frame_of_reference(page: Page, visit: Visit, frame: int) -> None:
    """The frame of reference with a number."""
    plant_uid(page, "FrameOfReferenceUID", visit.study, visit.study.uid(frame))
    page.put("PositionReferenceIndicator", _POSITION_REFERENCE)


def put_pixel_format(page: Page, rows: int, columns: int, *, is_signed: bool = False) -> None:
    """16 bits of grey."""
    page.put("Rows", rows)
    page.put("Columns", columns)
    for keyword, value in (("SamplesPerPixel", 1), ("BitsAllocated", 16), ("BitsStored", 16), ("HighBit", 15)):
        page.put(keyword, value)
    page.put("PhotometricInterpretation", "MONOCHROME2")
    page.put("PixelRepresentation", int(is_signed))


def orientation(head: Head) -> list[str]:
    """Image Orientation (Patient) of a volume's slices."""
    columns = head.volume.affine_lps[:3, :2]
    return decimals((columns / np.linalg.norm(columns, axis=0)).T.ravel())


def origin(head: Head, index: int) -> tuple[float, float, float]:
    """Where the first voxel of a slice lies, LPS mm."""
    x, y, z = head.volume.affine_lps[:3, 2] * index + head.volume.affine_lps[:3, 3]
    return (float(x), float(y), float(z))


def decimals(values: Sequence[float] | NDArray[np.float64]) -> list[str]:
    """Numbers as DS values of at most 16 characters."""
    return [f"{round(float(value), 9) + 0.0:.9g}" for value in values]
