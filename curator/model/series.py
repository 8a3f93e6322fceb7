"""One released series as the catalogue gives it to the stages behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSeries:
    """A series and its files; every UID and code is a replacement, no value is a patient's.

    `paths` are relative to the release folder and sorted; `vendor` is the normalised manufacturer; `annotators` are
    the codes of the authors whose masks exist for it, sorted, empty where there are none.
    """

    SeriesInstanceUID: str
    StudyInstanceUID: str
    FrameOfReferenceUID: str
    SOPClassUID: str
    Modality: str
    BodyPartExamined: str
    Manufacturer: str
    ManufacturerModelName: str
    vendor: str
    patient_code: str
    centre_code: str
    device_code: str
    author_code: str
    instance_count: int
    paths: tuple[str, ...]
    sha256s: tuple[str, ...]
    references: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
