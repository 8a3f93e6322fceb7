"""A toy frozen dataset: three ellipsoids of their own intensity in noise, in the layout of `curator.model.manifest`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curator.dataset.rows import rows_bytes
from curator.dataset.seal import lock_bytes, merkle_root
from curator.dataset.volumes import content_path, encode_volume
from curator.model import manifest
from curator.model.annotation import Label
from curator.model.lock import DatasetLock
from curator.model.manifest import AnnotationRow, Item, Split, SplitRow
from trainers.config import TrainConfig

LABELS = (Label(1, "liver"), Label(2, "spleen"), Label(5, "kidney"))
HOUNSFIELD = {1: 110.0, 2: 190.0, 5: 260.0}


def write_array(folder: Path, kind: str, array: np.ndarray) -> tuple[str, str]:
    content, digest = encode_volume(array)
    path = folder / content_path(kind, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content_path(kind, digest), digest


def ellipsoids(shape, spacing, rng):
    """HU image and mask; organs at anatomical places with jitter, so both place and intensity tell them apart."""
    extent = np.array(shape) * spacing
    grid = np.stack(
        np.meshgrid(*[(np.arange(n) + 0.5) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij"), -1
    )
    image = np.full(shape, -80.0)
    body = (((grid - extent / 2) / (extent * [9, 0.45, 0.45])) ** 2).sum(-1) < 1
    image[body] = 30.0
    image[~body] = -900.0
    mask = np.zeros(shape, np.uint8)
    places = {1: ((0.5, 0.45, 0.3), 0.17), 2: ((0.45, 0.5, 0.72), 0.11), 5: ((0.55, 0.7, 0.55), 0.1)}
    for value, (centre, radius) in places.items():
        middle = (np.array(centre) + rng.uniform(-0.04, 0.04, 3)) * extent
        radii = radius * extent * rng.uniform(0.85, 1.15, 3) * [1.8, 1, 1]
        inside = (((grid - middle) / radii) ** 2).sum(-1) < 1
        image[inside] = HOUNSFIELD[value] + rng.normal(0, 8)
        mask[inside] = value
    return (image + rng.normal(0, 25, shape)).round().astype(np.int16), mask


def toy_lock(folder: Path, labels: tuple[Label, ...]) -> DatasetLock:
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != manifest.LOCK_NAME
    }
    return DatasetLock(
        name="toy",
        version="1.0.0",
        layout_version=1,
        seed=0,
        spec_sha256="00" * 32,
        catalogue_sha256="00" * 32,
        tools={},
        policy_digests={},
        labels=labels,
        counts={},
        merkle_root=merkle_root(files),
        files=files,
    )


def write_dataset(
    folder: Path, *, shape=(12, 32, 32), spacing=(5.0, 3.0, 3.0), counts=(4, 2, 2), seed=0, labels_in_lock=3, **changed
) -> Path:
    """A dataset with (train, validation, test) counts; `changed` replaces fields of every item."""
    rng = np.random.default_rng(seed)
    items, splits, annotations = [], [], []
    order = [split for split, count in zip(Split, counts, strict=True) for _ in range(count)]
    for number, split in enumerate(order):
        image, mask = ellipsoids(shape, spacing, rng)
        volume_path, volume_sha256 = write_array(folder, "volumes", image + np.int16(1024))
        mask_path, mask_sha256 = write_array(folder, "masks", mask)
        affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
        affine[:3, 3] = (-100.0, -120.0, 40.0 + number)
        item = Item(
            item_id=f"item{number:03d}",
            patient_code=f"P{number:03d}",
            centre_code=f"C{number % 2}",
            device_code="D0",
            StudyInstanceUID=f"2.25.{number}1",
            SeriesInstanceUID=f"2.25.{number}2",
            FrameOfReferenceUID=f"2.25.{number}3",
            SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
            Modality="CT",
            BodyPartExamined="ABDOMEN",
            Manufacturer="Alpha" if number % 2 else "Beta",
            ManufacturerModelName="One",
            vendor="alpha" if number % 2 else "beta",
            shape=shape,
            spacing_mm=spacing,
            affine_lps=tuple(float(v) for v in affine.ravel()),
            rescale_slope=1.0,
            rescale_intercept=-1024.0,
            volume_path=volume_path,
            volume_sha256=volume_sha256,
            mask_path=mask_path,
            mask_sha256=mask_sha256,
            votes_path="",
            votes_sha256="",
            consensus="majority",
        )
        items.append(replace(item, **changed))
        splits.append(
            SplitRow(
                item_id=item.item_id, patient_code=item.patient_code, split=split, fold=-1 if split is Split.TEST else 0
            )
        )
        shifted_path, shifted_sha256 = write_array(folder, "masks", np.roll(mask, 1, axis=2))
        for author, path, sha256 in (("A", mask_path, mask_sha256), ("B", shifted_path, shifted_sha256)):
            annotations.append(
                AnnotationRow(
                    annotation_id=f"{item.item_id}-{author}",
                    item_id=item.item_id,
                    author_code=author,
                    role="radiologist",
                    tool="phantom",
                    kind="segmentation",
                    label_values=(1, 2, 5),
                    label_names=("liver", "spleen", "kidney"),
                    label_codes=("", "", ""),
                    label_schemes=("", "", ""),
                    mask_path=path,
                    mask_sha256=sha256,
                )
            )
    (folder / "manifest").mkdir(parents=True, exist_ok=True)
    for name, record, rows in (
        (manifest.ITEMS_NAME, Item, items),
        (manifest.SPLITS_NAME, SplitRow, splits),
        (manifest.ANNOTATIONS_NAME, AnnotationRow, annotations),
    ):
        (folder / name).write_bytes(rows_bytes(record, rows))
    (folder / manifest.LOCK_NAME).write_bytes(lock_bytes(toy_lock(folder, LABELS[:labels_in_lock])))
    return folder


@pytest.fixture(scope="session")
def toy_dataset(tmp_path_factory) -> Path:
    """Eight small cases: 4 train, 2 validation, 2 test."""
    return write_dataset(tmp_path_factory.mktemp("toy") / "toy@1.0.0")


@pytest.fixture
def make_dataset(tmp_path):
    """Writes another dataset: `make_dataset("name", shape=..., counts=...)`."""
    return lambda name, **how: write_dataset(tmp_path / name, **how)


@pytest.fixture
def tiny() -> TrainConfig:
    """Six steps of a two-level network: a fraction of a second."""
    return TrainConfig(
        patch_size=(8, 16, 16), batch_size=2, channels=(4, 8), steps=6, validate_every_steps=2, device="cpu", seed=7
    )
