"""A small archive of abdominal CT slices, as little as the engine takes, and jobs over it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.8.498.4711"
# Spelt so that no word of them comes up by chance in codes, digests or the engine's own words.
SECRETS = ("Quendolyn", "Zwackelmann", "XQ-90817263", "Hospital Wuppenstedt", "Zwirbelmoser")


@dataclass(frozen=True)
class Slice:
    """One image; `patient` and `study` number what they identify."""

    patient: int = 0
    study: int = 0
    instance: int = 1
    shade: int = 0

    @property
    def patient_id(self) -> str:
        return f"{SECRETS[2]}{self.patient}"

    def dataset(self) -> Dataset:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CT
        dataset.SOPClassUID = CT
        dataset.PatientName = f"{SECRETS[1]}^{SECRETS[0]}"
        dataset.PatientID = self.patient_id
        dataset.PatientBirthDate = "19551013"
        dataset.StudyDate = "20190430"
        dataset.StudyTime = "101500"
        dataset.InstitutionName = SECRETS[3]
        dataset.ReferringPhysicianName = SECRETS[4]
        dataset.StudyInstanceUID = f"{ROOT}.{self.study}"
        dataset.SeriesInstanceUID = f"{ROOT}.{self.study}.1"
        dataset.SOPInstanceUID = f"{ROOT}.{self.study}.1.{self.instance}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.FrameOfReferenceUID = f"{ROOT}.{self.study}.9"
        dataset.Modality = "CT"
        dataset.BodyPartExamined = "ABDOMEN"
        dataset.SeriesDescription = "Abdomen native 5.0"
        dataset.Manufacturer = "SIEMENS"
        dataset.ManufacturerModelName = "SOMATOM Force"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.PatientPosition = "FFS"
        dataset.InstanceNumber = self.instance
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [0, 0, 5 * self.instance]
        dataset.PixelSpacing = [8, 8]  # a field of view that no head coil has
        dataset.SliceThickness = 5
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows = dataset.Columns = 48
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 0
        dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
        row = np.arange(48, dtype="<u2") * 7 + self.shade + self.instance
        dataset.PixelData = np.broadcast_to(row, (48, 48)).tobytes()
        return dataset

    def save(self, path: Path) -> Path:
        return save(self.dataset(), path)


def save(dataset: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_series(folder: Path, *, patient: int, count: int = 3) -> list[Path]:
    """One study of one patient."""
    slices = (Slice(patient=patient, study=patient, instance=number) for number in range(1, count + 1))
    return [one.save(folder / f"{SECRETS[1]}-{patient}" / f"{one.instance}.dcm") for one in slices]


def write_job(path: Path, workspace: Path, paths: list[Path], more: str = "") -> Path:
    listed = json.dumps([str(one) for one in paths])
    path.write_text(f'name = "sample"\nworkspace = "{workspace}"\n[ingest]\npaths = {listed}\n{more}', encoding="utf-8")
    return path


def digests(root: Path) -> dict[str, tuple[str, int]]:
    """Content and time of change of every file, and the names of all folders."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not path.is_symlink():
            found[name] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        else:
            found[name] = ("", 0)
    return found


def contents(root: Path) -> dict[str, str]:
    """The SHA-256 of every file."""
    return {name: digest for name, (digest, _) in digests(root).items() if digest}


_ALL = (
    "SELECT * FROM instance ORDER BY SOPInstanceUID",
    "SELECT * FROM annotation ORDER BY annotation_id",
    "SELECT * FROM reference ORDER BY 1, 2",
    "SELECT * FROM work ORDER BY stage, item_id, rule_digest",
    "SELECT * FROM quarantine ORDER BY item_id",
    "SELECT * FROM source ORDER BY item_id",
    "SELECT * FROM stage_result ORDER BY job, stage",
    "SELECT * FROM audit ORDER BY sequence",
)


def rows(workspace: Path, *queries: str) -> list[tuple[object, ...]]:
    """What the catalogue and the ledger say; without a query all of it."""
    with closing(sqlite3.connect(workspace / "curator.sqlite")) as connection:
        return [row for query in queries or _ALL for row in connection.execute(query)]


def leaks(text: str | bytes) -> list[str]:
    """The secrets in what was printed or written."""
    data = text.encode() if isinstance(text, str) else text
    return [secret for secret in SECRETS if secret.lower().encode() in data.lower()]


def leaks_under(root: Path) -> list[tuple[str, str]]:
    """The secrets in all files below `root` and in their names."""
    found = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        found += [(name, secret) for secret in leaks(name)]
        if path.is_file():
            found += [(name, secret) for secret in leaks(path.read_bytes())]
    return found
