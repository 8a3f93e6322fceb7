"""What a worker does with the masks of one image: read each onto the image's grid and write it under its author's code.

Everything here crosses process borders; one bad mask stays one bad mask, and a bad image spoils its own masks only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.annotate.readers.dicom_seg import read_seg
from curator.annotate.readers.index import IndexEntry
from curator.annotate.readers.labels import LabelTable
from curator.annotate.readers.listed import read_annotation
from curator.catalog.record import AnnotationRecord
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.imaging.nifti import nifti_bytes
from curator.imaging.series import read_series
from curator.model.annotation import Annotation
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.model.series import CatalogSeries
from curator.model.volume import Volume

FOLDER = "annotations"
_SEG_ROLE, _SEG_TOOL = "author", "DICOM SEG"
_SEGMENTATION = "segmentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSource:
    """One mask to import: a file of an index, or the released SEG series `seg`.

    `target` is the released series it lies on, None where there is none; `problem` is why the mask cannot even be
    looked at, None where it can.
    """

    item_id: str
    reference: str = field(repr=False)
    content_id: str
    size_bytes: int = 0
    entry: IndexEntry | None = field(repr=False, default=None)
    seg: CatalogSeries | None = None
    target: CatalogSeries | None = None
    problem: Reason | None = None

    @property
    def fingerprint(self) -> str:
        """Changes when the mask, what is said of it, or its image does; the key makes it say nothing by itself."""
        image = ",".join(self.target.sha256s) if self.target is not None else ""
        said = (self.entry.author, self.entry.role, self.entry.tool) if self.entry is not None else ()
        return hashlib.sha256(repr((__version__, self.content_id, image, said)).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskTask:
    """All masks of one image, so that the image is read once."""

    key: Key
    table: LabelTable
    released: Path = field(repr=False)
    workspace: Path = field(repr=False)
    image: CatalogSeries
    sources: tuple[MaskSource, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskOutcome:
    """What became of one mask: a record, or a reason with its structural detail."""

    source: MaskSource
    record: AnnotationRecord | None = None
    reason: Reason | None = None
    detail: str = ""


def import_masks(task: MaskTask) -> list[MaskOutcome]:
    """One outcome a source, in their order. This is a job boundary: whatever goes wrong stays with the item."""
    try:
        image = read_series([task.released / path for path in task.image.paths])
    except Exception as error:  # noqa: BLE001 - see the docstring
        reason, detail = _blamed(error)
        return [MaskOutcome(source=one, reason=reason, detail=detail) for one in task.sources]
    return [_import_one(task, source, image) for source in task.sources]


def _import_one(task: MaskTask, source: MaskSource, image: Volume) -> MaskOutcome:
    try:
        annotation = _annotation(task, source, image)
        path = f"{FOLDER}/{annotation.SeriesInstanceUID}/{annotation.author_code}-{source.item_id[:8]}.nii.gz"
        content = nifti_bytes(Volume(stored=annotation.mask, affine_lps=image.affine_lps))
        stored = LocalDisk(task.workspace).write(path, [content])
    except Exception as error:  # noqa: BLE001 - one item's defect must not end the job
        reason, detail = _blamed(error)
        return MaskOutcome(source=source, reason=reason, detail=detail)
    record = AnnotationRecord(
        SeriesInstanceUID=annotation.SeriesInstanceUID,
        author_code=annotation.author_code,
        role=annotation.role,
        tool=annotation.tool,
        kind=_SEGMENTATION,
        labels=annotation.labels,
        mask_path=stored.path,
        mask_sha256=stored.sha256,
    )
    return MaskOutcome(source=source, record=record)


def _blamed(error: Exception) -> tuple[Reason, str]:
    """The reason and its detail; of a foreign error only the type, for its message may quote a header."""
    if isinstance(error, ItemError):
        return error.reason, error.detail
    return Reason.INTERNAL_ERROR, type(error).__name__


def _annotation(task: MaskTask, source: MaskSource, image: Volume) -> Annotation:
    if source.entry is not None:
        pseudonyms = Pseudonyms(task.key)
        return read_annotation(
            source.entry,
            image=image,
            table=task.table,
            uid=lambda _: task.image.SeriesInstanceUID,
            author_code=pseudonyms.author_code,
        )
    if source.seg is None:
        raise ItemError(Reason.ANNOTATION_INVALID, "neither an index entry nor a SEG")
    seg = read_seg(task.released / source.seg.paths[0], image=image, table=task.table)
    return Annotation(
        SeriesInstanceUID=task.image.SeriesInstanceUID,
        author_code=source.seg.author_code,
        role=_SEG_ROLE,
        tool=_SEG_TOOL,
        labels=seg.labels,
        mask=seg.mask,
    )
