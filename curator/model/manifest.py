"""The frozen dataset, as stages and trainers meet it.

Layout under the dataset folder:

    dataset.lock.json  README.md  SHA256SUMS
    manifest/items.parquet  annotations.parquet  splits.parquet
    selection/spec.toml  certificate.json  diversity.json
    volumes/<aa>/<sha256>.b2nd   masks/<aa>/<sha256>.b2nd   votes/<aa>/<sha256>.b2nd + votes/palette.parquet

The law: the same input, key, seed and versions give the same bytes. Column names of DICOM attributes are their
keywords; ours are snake_case. Field order here is column order there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LOCK_NAME = "dataset.lock.json"
ITEMS_NAME = "manifest/items.parquet"
ANNOTATIONS_NAME = "manifest/annotations.parquet"
SPLITS_NAME = "manifest/splits.parquet"
PALETTE_NAME = "votes/palette.parquet"
SUMS_NAME = "SHA256SUMS"


class Split(StrEnum):
    """Which part of a dataset an item belongs to; a patient is in one only."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One volume of a frozen dataset.

    `shape` and `spacing_mm` are `(z, y, x)`; `affine_lps` is row-major `(4, 4)`, see `model.volume`; paths are relative
    to the dataset folder. `mask_path` is the consensus mask, uint8 label values, empty where nobody annotated.
    `vendor` is the normalised manufacturer. `consensus` names the method the mask came from.
    """

    item_id: str
    patient_code: str
    centre_code: str
    device_code: str
    StudyInstanceUID: str
    SeriesInstanceUID: str
    FrameOfReferenceUID: str
    SOPClassUID: str
    Modality: str
    BodyPartExamined: str
    Manufacturer: str
    ManufacturerModelName: str
    vendor: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine_lps: tuple[float, ...]
    rescale_slope: float
    rescale_intercept: float
    volume_path: str
    volume_sha256: str
    mask_path: str
    mask_sha256: str
    votes_path: str
    votes_sha256: str
    consensus: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationRow:
    """One author's mask of one item; `label_values` and `label_names` run in parallel."""

    annotation_id: str
    item_id: str
    author_code: str
    role: str
    tool: str
    kind: str
    label_values: tuple[int, ...]
    label_names: tuple[str, ...]
    label_codes: tuple[str, ...]
    label_schemes: tuple[str, ...]
    mask_path: str
    mask_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRow:
    """Where one item went; `fold` is 0-based for cross-validation, -1 for the test split."""

    item_id: str
    patient_code: str
    split: Split
    fold: int
