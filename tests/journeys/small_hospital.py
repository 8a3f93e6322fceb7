"""Four patients of the make-believe hospital: what a whole journey needs, in a tenth of its time."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from curator.testing import AnswerKey
from curator.testing.abdominal_study import write_abdominal_study
from curator.testing.annotation_files import write_annotation_index
from curator.testing.burned_text import write_capture
from curator.testing.head_study import HEAD_SCANS, write_head_study
from curator.testing.objects import write_objects
from curator.testing.people import cast
from curator.testing.planting import Hospital
from curator.testing.report_object import REPORTS, write_report

PATIENTS = 4
DATASET = """
[annotate]
index = "{hospital}/annotations/annotations.csv"
labels = "{hospital}/annotations/labels.toml"

[dataset]
name = "abdomen"
version = "1.0.0"
size = "all"
balance_by = ["vendor"]
stratify_by = ["vendor"]
consensus = "staple"
filters = {{ Modality = ["CT"], BodyPartExamined = ["ABDOMEN"], require_annotations = true, minimum_annotators = 3 }}
split = {{ train = 0.5, validation = 0.25, test = 0.25 }}

[report]
out = "{workspace}/report.html"
"""


@dataclass(frozen=True)
class SmallHospital:
    root: Path
    key: AnswerKey

    def files(self, modality: str) -> list[Path]:
        return [self.root / made.file for made in self.key.files if made.modality == modality]


def make_small_hospital(root: Path) -> SmallHospital:
    """Two of its three structure sets, and two of its segmentations, refer to images that cannot be released."""
    people = cast(0)
    hospital = Hospital(root, 0)
    index = []
    for patient in people.patients[:PATIENTS]:
        index += write_abdominal_study(hospital, people, patient)
    write_annotation_index(hospital, people, index)
    write_head_study(hospital, people, HEAD_SCANS[0])
    # One frame of grey: a cine takes a reader ten times as long.
    write_capture(hospital, people, 4)
    patient_index, sop_class = REPORTS[0]
    write_report(hospital, people, patient_index, sop_class=sop_class)
    write_objects(hospital, people)
    head = [root / made.file for made in hospital.files if made.shows_face]
    segmentation = next(root / made.file for made in hospital.files if made.modality == "SEG")
    _write_odd_segmentations(segmentation, head)
    return SmallHospital(root, hospital.key())


def _write_odd_segmentations(template: Path, head: list[Path]) -> None:
    """One of a head, whose images are held, and one that refers to nothing."""
    of_head, of_nothing = dcmread(template), dcmread(template)
    images = [dcmread(path, stop_before_pixels=True) for path in head]
    for number, dataset in enumerate((of_head, of_nothing), start=1):
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID}.{number}"
    _refer_to(of_head, [str(image.SOPInstanceUID) for image in images])
    of_head.ReferencedSeriesSequence[0].SeriesInstanceUID = images[0].SeriesInstanceUID
    _refer_to(of_nothing, [])
    of_head.save_as(template.with_name("SEG-head.dcm"), enforce_file_format=True)
    of_nothing.save_as(template.with_name("SEG-nothing.dcm"), enforce_file_format=True)


def _refer_to(dataset: Dataset, uids: list[str]) -> None:
    """Let every reference to an instance name one of `uids`, or be gone where there are none."""
    for element in [*dataset]:
        if element.VR != "SQ":
            continue
        referring = [item for item in element.value if "ReferencedSOPInstanceUID" in item]
        if referring and not uids:
            del dataset[element.tag]
            continue
        for number, item in enumerate(referring):
            item.ReferencedSOPInstanceUID = uids[number % len(uids)]
        for item in element.value:
            _refer_to(item, uids)


def write_job(path: Path, workspace: Path, hospital: Path, more: str = DATASET) -> Path:
    head = f'name = "small"\nworkspace = "{workspace}"\n[ingest]\npaths = ["{hospital}/dicom"]\n'
    path.write_text(head + more.format(hospital=hospital, workspace=workspace), encoding="utf-8")
    return path


def state(root: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of change of every file under `root`."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        path.relative_to(root).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def contents(root: Path) -> dict[str, str]:
    return {name: digest for name, (digest, _) in state(root).items()}


def tables(workspace: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, sorted."""
    with closing(sqlite3.connect(workspace / "curator.sqlite")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in sorted(names)}
