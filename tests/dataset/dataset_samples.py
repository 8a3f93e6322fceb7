"""A small catalogue with images and masks: 4 vendors, 3 centres, 12 patients of whom some have two series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from curator.dataset.freeze import Frozen, freeze
from curator.dataset.spec import DatasetSpec, spec_from_table
from curator.errors import ItemError
from curator.model.annotation import Annotation, Label
from curator.model.quarantine import Reason
from curator.model.series import CatalogSeries
from curator.model.volume import Volume
from curator.model.votes import Consensus, Votes

VENDORS = ("Siemens", "GE", "Philips", "Canon")
LIVER = Label(1, "liver", "10200004", "SCT")
SPLEEN = Label(2, "spleen", "78961009", "SCT")


def series_of(number: int, **changes: object) -> CatalogSeries:
    """Series `number`; each third belongs to the patient of the one before."""
    patient = number - (number % 3 == 2)
    series = CatalogSeries(
        SeriesInstanceUID=f"2.25.{number + 1}",
        StudyInstanceUID=f"2.25.9{patient}",
        FrameOfReferenceUID=f"2.25.8{number}",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        Modality="CT",
        BodyPartExamined="ABDOMEN",
        Manufacturer=VENDORS[number % 4].upper(),
        ManufacturerModelName="M",
        vendor=VENDORS[number % 4],
        patient_code=f"P{patient:04}",
        centre_code=f"C{patient % 3}",
        device_code=f"D{number % 5}",
        author_code="",
        instance_count=5,
        paths=(f"a/{number}.dcm",),
        sha256s=(f"{number:064x}",),
        annotators=("A1", "A2"),
    )
    return replace(series, **changes)


def catalogue(count: int = 18) -> list[CatalogSeries]:
    return [series_of(number) for number in range(count)]


def volume_of(series: CatalogSeries) -> Volume:
    """Noise of the series' own, `(5, 20, 18)` int16."""
    if series.Modality != "CT":
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "not an image")
    seed = int(series.SeriesInstanceUID.rsplit(".", 1)[1])
    stored = np.random.default_rng(seed).integers(-1000, 1000, (5, 20, 18)).astype(np.int16)
    affine = np.diag([0.5, 0.6, 3.0, 1.0])
    return Volume(stored=stored, affine_lps=affine, rescale_slope=1.0, rescale_intercept=-1024.0)


def annotation_of(series: CatalogSeries, author: str, at: int) -> Annotation:
    """A liver cube that starts at `at`, and a spleen voxel."""
    mask = np.zeros((5, 20, 18), np.uint8)
    mask[1:4, at : at + 6, 4:9] = 1
    mask[0, 0, 0] = 2
    return Annotation(
        SeriesInstanceUID=series.SeriesInstanceUID,
        author_code=author,
        role="radiologist",
        tool="T",
        labels=(LIVER, SPLEEN),
        mask=mask,
    )


def annotations_of(candidates: Sequence[CatalogSeries]) -> dict[str, list[Annotation]]:
    return {
        series.SeriesInstanceUID: [annotation_of(series, "A1", 3), annotation_of(series, "A2", 5)]
        for series in candidates
        if series.annotators
    }


def consensus(annotations: Sequence[Annotation]) -> Consensus:
    """The label most authors give each voxel, ties to the lower value."""
    masks = np.stack([annotation.mask for annotation in annotations])
    palette, index = np.unique(masks.reshape(len(masks), -1).T, axis=0, return_inverse=True)
    winners = np.array([np.bincount(votes).argmax() for votes in palette], np.uint8)
    shape = masks.shape[1:]
    votes = Votes(
        index=index.reshape(shape).astype(np.uint16),
        palette=palette,
        authors=tuple(annotation.author_code for annotation in annotations),
    )
    return Consensus(mask=winners[index].reshape(shape), votes=votes)


def spec_of(**changes: object) -> DatasetSpec:
    table = {
        "name": "abdomen",
        "version": "1.2.0",
        "seed": 7,
        "folds": 3,
        "balance_by": ["vendor", "centre_code"],
        "stratify_by": ["vendor", "centre_code"],
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
    }
    return spec_from_table(table | changes)


def frozen_at(
    out: Path,
    spec: DatasetSpec,
    candidates: Sequence[CatalogSeries],
    annotations: Mapping[str, Sequence[Annotation]] | None = None,
) -> Frozen:
    given = annotations_of(candidates) if annotations is None else annotations
    return freeze(out, spec, candidates, volume_of=volume_of, annotations=given, consensus=consensus)
