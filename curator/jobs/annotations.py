"""The annotation stage: masks from an index and from released DICOM SEG, each on the grid of its image.

The law: a mask is imported under its author's code or held with a reason; a mask whose image was not released waits.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.annotate.readers.dicom_seg import read_seg, referenced_series
from curator.annotate.readers.index import IndexEntry, read_annotation, read_index
from curator.annotate.readers.labels import LabelTable, read_labels
from curator.catalog.query import annotation_records, series
from curator.catalog.record import AnnotationRecord, forget_annotation, record_annotations
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.imaging.nifti import nifti_bytes
from curator.imaging.series import read_series
from curator.jobs.context import JobContext
from curator.jobs.ledger import WorkRow, WorkStatus
from curator.jobs.progress import Progress
from curator.jobs.release.record import SEALED_FOR
from curator.model.annotation import Annotation
from curator.model.keys import Key
from curator.model.quarantine import Quarantined, Reason
from curator.model.series import CatalogSeries
from curator.model.volume import Volume

STAGE = "annotate"
FOLDER = "annotations"
_SEG_ROLE, _SEG_TOOL = "author", "DICOM SEG"
_SEGMENTATION = "segmentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationCounts:
    """What one run of the stage found: `masks` = `imported` + the sum of `quarantined`."""

    masks: int
    imported: int
    new: int
    quarantined: Mapping[Reason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One mask to import: a file of an index, or the released SEG series `seg`.

    `fingerprint` changes when the mask or its image does; the key makes it say nothing by itself.
    """

    item_id: str
    reference: str = field(repr=False)
    content_id: str
    entry: IndexEntry | None = field(repr=False, default=None)
    seg: CatalogSeries | None = None
    target: CatalogSeries | None = None

    @property
    def fingerprint(self) -> str:
        image = ",".join(self.target.sha256s) if self.target is not None else ""
        return hashlib.sha256(f"{__version__}\n{self.content_id}\n{image}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """All masks of one image, so that the image is read once."""

    key: Key
    table: LabelTable
    released: Path = field(repr=False)
    workspace: Path = field(repr=False)
    image: CatalogSeries
    sources: tuple[_Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Imported:
    source: _Source
    record: AnnotationRecord | None = None
    reason: Reason | None = None
    detail: str = ""


def annotate(context: JobContext) -> AnnotationCounts:
    """Import every mask that the job names; all zero where it names none.

    Raises:
        ConfigurationError: the index or the label table is wrong.
    """
    wanted = context.job.annotate
    if wanted is None:
        return AnnotationCounts(masks=0, imported=0, new=0)
    table = read_labels(wanted.labels)
    with context.engine.connect() as connection:
        catalogue = {one.SeriesInstanceUID: one for one in series(connection)}
        known = {one.mask_path: one for one in annotation_records(connection)}
    sources = [*_from_index(context, wanted.index, catalogue), *_from_segs(context, catalogue)]
    stage = _Stage(context, hashlib.sha256(repr((__version__, table)).encode()).hexdigest())
    tasks = stage.tasks(sources, table, known)
    progress = Progress(STAGE, len(sources), context.report)
    progress.at(len(sources) - sum(len(task.sources) for task in tasks))
    for results in context.executor.map(_import_all, tasks):
        stage.record(results)
        for result in results:
            progress.step(held=result.record is None)
    return AnnotationCounts(
        masks=len(sources),
        imported=len(sources) - stage.reasons.total(),
        new=stage.new,
        quarantined={reason: stage.reasons[reason] for reason in Reason if stage.reasons[reason]},
    )


def _from_index(context: JobContext, index: Path | None, catalogue: Mapping[str, CatalogSeries]) -> Iterator[_Source]:
    uid = str if "retain-uids" in context.job.options else context.pseudonyms.uid
    for entry in read_index(index) if index is not None else ():
        try:
            content_id = context.pseudonyms.content_id((entry.path.read_bytes(),))
        except OSError:
            # It stays in the list: its reading fails once more in a worker and gives the reason.
            content_id = ""
        yield _Source(
            item_id=context.pseudonyms.item_id(str(entry.path)),
            reference=str(entry.path),
            content_id=content_id,
            entry=entry,
            target=catalogue.get(uid(entry.SeriesInstanceUID)),
        )


def _from_segs(context: JobContext, catalogue: Mapping[str, CatalogSeries]) -> Iterator[_Source]:
    for seg in catalogue.values():
        if seg.Modality != "SEG":
            continue
        path = context.released / seg.paths[0]
        images = [catalogue[uid] for uid in referenced_series(path) if uid in catalogue]
        yield _Source(
            item_id=context.pseudonyms.item_id(seg.SeriesInstanceUID),
            reference=seg.paths[0],
            content_id=seg.sha256s[0],
            seg=seg,
            target=images[0] if len(images) == 1 and len(seg.paths) == 1 else None,
        )


class _Stage:
    """One run: what was imported before, and what is now."""

    def __init__(self, context: JobContext, digest: str) -> None:
        self.reasons: Counter[Reason] = Counter()
        self.new = 0
        self._context = context
        self._digest = digest
        self._before = context.ledger.all_done(STAGE, digest)

    def tasks(
        self, sources: Sequence[_Source], table: LabelTable, known: Mapping[str, AnnotationRecord]
    ) -> list[_Task]:
        """What is left to import, by image; a mask without a released image is held here."""
        waiting = [source for source in sources if source.target is None]
        self.record(
            [
                _Imported(source=source, reason=Reason.REFERENCE_UNRESOLVED, detail="its image is not released")
                for source in waiting
            ]
        )
        by_image: dict[str, list[_Source]] = defaultdict(list)
        for source in sources:
            if source.target is not None and not self._is_done(source, known):
                by_image[source.target.SeriesInstanceUID].append(source)
        workspace = self._context.workspace
        return [
            _Task(
                key=self._context.key,
                table=table,
                released=self._context.released,
                workspace=workspace.root,
                image=group[0].target,
                sources=tuple(group),
            )
            for _, group in sorted(by_image.items())
            if group[0].target is not None
        ]

    def _is_done(self, source: _Source, known: Mapping[str, AnnotationRecord]) -> bool:
        row = self._before.get(source.item_id)
        return (
            row is not None
            and row.status is WorkStatus.DONE
            and row.detail == source.fingerprint
            and row.output_path in known
            and LocalDisk(self._context.workspace.root).exists(row.output_path)
        )

    def record(self, results: Sequence[_Imported]) -> None:
        """Imported masks and held ones, in one transaction; nothing for none."""
        if not results:
            return
        with self._context.ledger.batch() as batch:
            for result in results:
                source = result.source
                if result.record is not None:
                    self.new += 1
                    for old in annotation_records(batch.connection):
                        if old.mask_path == result.record.mask_path and old != result.record:
                            forget_annotation(batch.connection, old.annotation_id)
                    record_annotations(batch.connection, [result.record])
                    batch.record_done(
                        WorkRow(
                            stage=STAGE,
                            item_id=source.item_id,
                            rule_digest=self._digest,
                            output_path=result.record.mask_path,
                            output_sha256=result.record.mask_sha256,
                            detail=source.fingerprint,
                        )
                    )
                elif result.reason is not None:
                    self.reasons[result.reason] += 1
                    entry = Quarantined(
                        item_id=source.item_id,
                        reason=result.reason,
                        stage=STAGE,
                        content_id=source.content_id,
                        sealed_source=self._context.seal.seal(source.reference, purpose=SEALED_FOR),
                        detail=result.detail,
                    )
                    batch.record_quarantine(entry, rule_digest=self._digest)


def _import_all(task: _Task) -> list[_Imported]:
    try:
        image = read_series([task.released / path for path in task.image.paths])
    except ItemError as error:
        return [_Imported(source=one, reason=error.reason, detail=error.detail) for one in task.sources]
    return [_import_one(task, source, image) for source in task.sources]


def _import_one(task: _Task, source: _Source, image: Volume) -> _Imported:
    """The job boundary of this stage: one bad mask stays one bad mask."""
    try:
        annotation = _annotation(task, source, image)
        path = f"{FOLDER}/{annotation.SeriesInstanceUID}/{annotation.author_code}-{source.item_id[:8]}.nii.gz"
        content = nifti_bytes(Volume(stored=annotation.mask, affine_lps=image.affine_lps))
        stored = LocalDisk(task.workspace).write(path, [content])
    except ItemError as error:
        return _Imported(source=source, reason=error.reason, detail=error.detail)
    except Exception as error:  # noqa: BLE001 - see the docstring; the message may quote a header, its type cannot
        return _Imported(source=source, reason=Reason.INTERNAL_ERROR, detail=type(error).__name__)
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
    return _Imported(source=source, record=record)


def _annotation(task: _Task, source: _Source, image: Volume) -> Annotation:
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
