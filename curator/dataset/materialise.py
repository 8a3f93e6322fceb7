"""Turns one chosen series into the files and rows of a dataset.

The law: a series gives everything or an exclusion with its reason, and what it gives depends on it alone, so series can
be made in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from curator.dataset.canonical import sha256_hex
from curator.dataset.labels import harmonised
from curator.dataset.spec import DatasetSpec
from curator.dataset.volumes import content_path, encode, encode_volume
from curator.errors import ItemError
from curator.model.annotation import Annotation, Label
from curator.model.manifest import AnnotationRow, Item
from curator.model.quarantine import Reason
from curator.model.selection import Excluded
from curator.model.series import CatalogSeries
from curator.model.volume import Volume
from curator.model.votes import Consensus, PaletteRow

VolumeOf = Callable[[CatalogSeries], Volume]
ConsensusOf = Callable[[Sequence[Annotation]], Consensus]

_UINT8, _UINT16 = np.dtype(np.uint8), np.dtype(np.uint16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialised:
    """One item with its rows; `files` maps dataset paths to bytes."""

    item: Item
    annotations: tuple[AnnotationRow, ...]
    palette: tuple[PaletteRow, ...]
    labels: tuple[Label, ...]
    excluded: tuple[Excluded, ...]
    files: Mapping[str, bytes] = field(repr=False)


def item_id_of(series_instance_uid: str) -> str:
    """The item's short name: the first 16 hex digits of the SHA-256 of its replaced Series Instance UID."""
    return sha256_hex(series_instance_uid.encode())[:16]


def materialise(
    series: CatalogSeries,
    spec: DatasetSpec,
    *,
    volume_of: VolumeOf,
    annotations: Sequence[Annotation],
    consensus: ConsensusOf,
) -> Materialised:
    """The item that `series` becomes, with the masks of all authors that fit it.

    Raises:
        ItemError: its volume or consensus cannot be made, or too few masks are left for what `spec` requires.
    """
    volume = volume_of(series)
    content, sha256 = encode_volume(volume.stored)
    item = _item(series, volume, content_path("volumes", sha256), sha256)
    files = {item.volume_path: content}
    usable, excluded = _usable(annotations, volume.shape, spec)
    authors = len({annotation.author_code for annotation in usable})
    if authors < max(spec.filters.minimum_annotators, int(spec.filters.require_annotations)):
        raise ItemError(Reason.ANNOTATION_INVALID, f"{authors} authors left with usable masks")
    rows = []
    for annotation in usable:
        row, content = _annotation_row(annotation, item.item_id)
        files[row.mask_path] = content
        rows.append(row)
    palette: tuple[PaletteRow, ...] = ()
    if usable:
        agreed = consensus(usable)
        item, agreed_files = _with_consensus(item, agreed, spec)
        files |= agreed_files
        palette = _palette_rows(item.item_id, agreed)
    return Materialised(
        item=item,
        annotations=tuple(sorted(rows, key=lambda row: row.annotation_id)),
        palette=palette,
        labels=tuple(sorted({label for annotation in usable for label in annotation.labels})),
        excluded=excluded,
        files=files,
    )


def _usable(
    annotations: Sequence[Annotation], shape: tuple[int, int, int], spec: DatasetSpec
) -> tuple[list[Annotation], tuple[Excluded, ...]]:
    """The annotations that fit, harmonised, sorted and without repetition; and why the others do not."""
    usable: dict[tuple[str, str, str, str], Annotation] = {}
    excluded = []
    for annotation in annotations:
        try:
            if annotation.mask.shape != shape:
                raise ItemError(Reason.GEOMETRY_MISMATCH, f"mask {annotation.mask.shape} on image {shape}")
            fitting = harmonised(annotation, spec.labels)
        except ItemError as error:
            excluded.append(Excluded(annotation.SeriesInstanceUID, annotation.author_code, error.reason, error.detail))
            continue
        digest = sha256_hex(np.ascontiguousarray(fitting.mask).tobytes())
        usable[fitting.author_code, fitting.role, fitting.tool, digest] = fitting
    return [usable[key] for key in sorted(usable)], tuple(sorted(excluded))


def _item(series: CatalogSeries, volume: Volume, path: str, sha256: str) -> Item:
    return Item(
        item_id=item_id_of(series.SeriesInstanceUID),
        patient_code=series.patient_code,
        centre_code=series.centre_code,
        device_code=series.device_code,
        StudyInstanceUID=series.StudyInstanceUID,
        SeriesInstanceUID=series.SeriesInstanceUID,
        FrameOfReferenceUID=series.FrameOfReferenceUID,
        SOPClassUID=series.SOPClassUID,
        Modality=series.Modality,
        BodyPartExamined=series.BodyPartExamined,
        Manufacturer=series.Manufacturer,
        ManufacturerModelName=series.ManufacturerModelName,
        vendor=series.vendor,
        shape=volume.shape,
        spacing_mm=volume.spacing_mm,
        affine_lps=tuple(float(value) for value in volume.affine_lps.ravel()),
        rescale_slope=float(volume.rescale_slope),
        rescale_intercept=float(volume.rescale_intercept),
        volume_path=path,
        volume_sha256=sha256,
        mask_path="",
        mask_sha256="",
        votes_path="",
        votes_sha256="",
        consensus="",
    )


def _annotation_row(annotation: Annotation, item_id: str) -> tuple[AnnotationRow, bytes]:
    content = encode(annotation.mask, _UINT8)
    sha256 = sha256_hex(content)
    identity = "\0".join((item_id, annotation.author_code, annotation.role, annotation.tool, sha256))
    row = AnnotationRow(
        annotation_id=sha256_hex(identity.encode())[:16],
        item_id=item_id,
        author_code=annotation.author_code,
        role=annotation.role,
        tool=annotation.tool,
        kind="segmentation",
        label_values=tuple(label.value for label in annotation.labels),
        label_names=tuple(label.name for label in annotation.labels),
        label_codes=tuple(label.code_value for label in annotation.labels),
        label_schemes=tuple(label.coding_scheme for label in annotation.labels),
        mask_path=content_path("masks", sha256),
        mask_sha256=sha256,
    )
    return row, content


def _with_consensus(item: Item, agreed: Consensus, spec: DatasetSpec) -> tuple[Item, dict[str, bytes]]:
    if agreed.mask.shape != item.shape or agreed.votes.index.shape != item.shape:
        raise ItemError(Reason.GEOMETRY_MISMATCH, f"consensus {agreed.mask.shape} on image {item.shape}")
    mask, votes = encode(agreed.mask, _UINT8), encode(agreed.votes.index, _UINT16)
    item = replace(
        item,
        mask_path=content_path("masks", sha256_hex(mask)),
        mask_sha256=sha256_hex(mask),
        votes_path=content_path("votes", sha256_hex(votes)),
        votes_sha256=sha256_hex(votes),
        consensus=spec.consensus.value,
    )
    return item, {item.mask_path: mask, item.votes_path: votes}


def _palette_rows(item_id: str, agreed: Consensus) -> tuple[PaletteRow, ...]:
    return tuple(
        PaletteRow(
            item_id=item_id,
            pattern=pattern,
            author_codes=agreed.votes.authors,
            label_values=tuple(int(value) for value in votes),
        )
        for pattern, votes in enumerate(agreed.votes.palette)
    )
