from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from curator.catalog.database import open_engine
from curator.catalog.record import AnnotationRecord
from curator.catalog.schema import upgrade
from curator.model.annotation import Label
from curator.model.instance import ReleasedInstance

VENDORS = ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems")


def _instance(number: int, **changes: object) -> ReleasedInstance:
    """Instance `number`: 4 to a series, 2 series to a study, 2 studies to a patient."""
    group = number // 4
    facts: dict[str, object] = {
        "SOPInstanceUID": f"2.25.{1000 + number}",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "SeriesInstanceUID": f"2.25.{2000 + group}",
        "StudyInstanceUID": f"2.25.{3000 + group // 2}",
        "FrameOfReferenceUID": f"2.25.{4000 + group // 2}",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "patient_code": f"P{group // 4:04d}",
        "centre_code": f"C{group % 2}",
        "device_code": f"D{group % 3}",
        "author_code": "",
        "Modality": "MR",
        "BodyPartExamined": "BRAIN",
        "Manufacturer": VENDORS[group % 3],
        "ManufacturerModelName": "Prisma",
        "Rows": 64,
        "Columns": 48,
        "NumberOfFrames": 1,
        "references": (f"2.25.{1000 + number + 1}",) if number % 2 else (),
        "path": f"p/{number}.dcm",
        "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "size_bytes": 5_000_000_000 + number,
        "policy_digest": "ab" * 32,
    }
    return ReleasedInstance(**(facts | changes))  # type: ignore[arg-type]


def _mask(series_uid: str, author_code: str = "A1", **changes: object) -> AnnotationRecord:
    facts: dict[str, object] = {
        "SeriesInstanceUID": series_uid,
        "author_code": author_code,
        "role": "radiologist",
        "tool": "nifti",
        "kind": "segmentation",
        "labels": (Label(1, "liver", "10200004", "SCT"), Label(2, "Milz ß")),
        "mask_path": f"masks/{author_code}.nii.gz",
        "mask_sha256": hashlib.sha256(f"{series_uid}{author_code}".encode()).hexdigest(),
    }
    return AnnotationRecord(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session", name="released")
def _released() -> Callable[..., ReleasedInstance]:
    return _instance


@pytest.fixture(scope="session", name="mask_of")
def _mask_of() -> Callable[..., AnnotationRecord]:
    return _mask


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A SQLite file at the newest schema."""
    path = tmp_path / "curator.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{database}")
    yield engine
    engine.dispose()
