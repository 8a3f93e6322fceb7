"""Masks that are no DICOM: NIfTI files and the index that says who drew them on what.

The law: a mask lies on the grid of its CT; the index and the files name their authors and patients, as real ones do.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, field

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from curator.testing.abdomen import LABELS, SPACING_MM
from curator.testing.abdominal_grid import CT_SERIES, slice_origin
from curator.testing.annotators import HABITS
from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.people import Cast
from curator.testing.planting import Hospital, Seed, file_name_seeds
from curator.testing.study import Study

INDEX_COLUMNS = ("path", "SeriesInstanceUID", "author", "role", "tool")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One line of the annotation index; `author` is 0-based."""

    path: str = field(repr=False)
    series_uid: str = field(repr=False)
    author: int


def write_nifti(hospital: Hospital, study: Study, mask: NDArray[np.uint8], author: int) -> IndexRow:
    """Write one author's mask; its line of the index. NIfTI's axes go right and forward, DICOM's left and back."""
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
        f'[[label]]\nvalue = {label.value}\nname = "{label.name}"\ncode_value = "{label.code_value}"\n'
        f'coding_scheme = "{label.coding_scheme}"\n'
        for label in LABELS
    )
    hospital.write(MadeFile("annotations/labels.toml", "", -1), labels.encode(), [])
