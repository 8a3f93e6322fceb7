"""The annotation stage: masks from an index and from released DICOM SEG, each on the grid of its image.

The law: a mask is imported under its author's code or held with a reason; a mask whose image is not released waits,
and one that is no longer listed, no longer released or no longer valid is taken back.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import select

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.annotate.readers.dicom_seg import referenced_series
from curator.annotate.readers.index import read_index
from curator.annotate.readers.labels import LabelTable, read_labels
from curator.catalog.query import series
from curator.catalog.record import forget_annotation, record_annotations
from curator.catalog.tables import annotation
from curator.errors import ItemError
from curator.jobs.context import JobContext
from curator.jobs.later import AnnotationCounts
from curator.jobs.ledger import LedgerBatch, SourceRow, WorkRow, WorkStatus
from curator.jobs.masks import MaskOutcome, MaskSource, MaskTask, import_masks
from curator.jobs.progress import Progress
from curator.jobs.release.record import SEALED_FOR
from curator.model.quarantine import Quarantined, Reason
from curator.model.series import CatalogSeries

STAGE = "annotate"


def annotate(context: JobContext) -> AnnotationCounts:
    """Import every mask that the job names; all zero where it names none.

    Raises:
        ConfigurationError: the index or the label table is wrong.
    """
    wanted = context.job.annotate
    if wanted is None:
        return AnnotationCounts()
    table = read_labels(wanted.labels)
    with context.engine.connect() as connection:
        catalogue = {one.SeriesInstanceUID: one for one in series(connection)}
    sources = [*_from_index(context, wanted.index, catalogue), *_from_segs(context, catalogue)]
    stage = _Stage(context, hashlib.sha256(repr((__version__, table)).encode()).hexdigest())
    stage.withdraw_unlisted(sources, wanted.index.parent if wanted.index is not None else None)
    tasks = stage.tasks(sources, table)
    progress = Progress(STAGE, len(sources), context.report)
    progress.at(len(sources) - sum(len(task.sources) for task in tasks))
    for results in context.executor.map(import_masks, tasks):
        stage.record(results)
        for result in results:
            progress.step(held=result.record is None)
    return AnnotationCounts(
        masks=len(sources),
        imported=len(sources) - stage.reasons.total(),
        new=stage.new,
        quarantined={reason: stage.reasons[reason] for reason in Reason if stage.reasons[reason]},
    )


def _from_index(
    context: JobContext, index: Path | None, catalogue: Mapping[str, CatalogSeries]
) -> Iterator[MaskSource]:
    uid = str if "retain-uids" in context.job.options else context.pseudonyms.uid
    for entry in read_index(index) if index is not None else ():
        try:
            content = entry.path.read_bytes()
        except OSError:
            # It stays in the list: its reading fails once more in a worker and gives the reason.
            content = b""
        yield MaskSource(
            item_id=context.pseudonyms.item_id(str(entry.path)),
            reference=str(entry.path),
            content_id=context.pseudonyms.content_id((content,)) if content else "",
            size_bytes=len(content),
            entry=entry,
            target=catalogue.get(uid(entry.SeriesInstanceUID)),
        )


def _from_segs(context: JobContext, catalogue: Mapping[str, CatalogSeries]) -> Iterator[MaskSource]:
    for seg in catalogue.values():
        if seg.Modality != "SEG":
            continue
        images: list[CatalogSeries] = []
        problem = None
        try:
            found = referenced_series(context.released / seg.paths[0])
            images = [catalogue[uid] for uid in found if uid in catalogue]
        except ItemError as error:
            problem = error.reason
        yield MaskSource(
            item_id=context.pseudonyms.item_id(seg.SeriesInstanceUID),
            reference=seg.paths[0],
            content_id=seg.sha256s[0],
            seg=seg,
            target=images[0] if len(images) == 1 and len(seg.paths) == 1 else None,
            problem=problem,
        )


class _Stage:
    """One run: what was imported before, and what is now."""

    def __init__(self, context: JobContext, digest: str) -> None:
        self.reasons: Counter[Reason] = Counter()
        self.new = 0
        self._context = context
        self._digest = digest
        self._before = context.ledger.current(STAGE)
        self._storage = LocalDisk(context.workspace.root)
        with context.engine.connect() as connection:
            rows = connection.execute(select(annotation.c.mask_path, annotation.c.annotation_id))
            self._recorded = {str(path): str(annotation_id) for path, annotation_id in rows}

    def withdraw_unlisted(self, sources: Sequence[MaskSource], folder: Path | None) -> None:
        """Take back the masks of SEG that are released no more, and of files in `folder` that the index left out."""
        listed = {source.item_id for source in sources}
        held = {entry.item_id for entry in self._context.ledger.quarantined() if entry.stage == STAGE}
        unlisted = [item for item in sorted(self._before.keys() | held) if item not in listed]
        gone = [item for item in unlisted if self._is_ours(item, folder)]
        if not gone:
            return
        with self._context.ledger.batch() as batch:
            for item_id in gone:
                self._withdraw(batch, item_id)
                batch.clear_quarantine(item_id)
                batch.record_superseded(STAGE, item_id)

    def tasks(self, sources: Sequence[MaskSource], table: LabelTable) -> list[MaskTask]:
        """What is left to import, by image; a mask without a released image is held here."""
        self.record(
            [
                MaskOutcome(source=source, reason=source.problem or Reason.REFERENCE_UNRESOLVED, detail=_why(source))
                for source in sources
                if source.target is None
            ]
        )
        by_image: dict[str, list[MaskSource]] = defaultdict(list)
        for source in sources:
            if source.target is not None and not self._is_done(source):
                by_image[source.target.SeriesInstanceUID].append(source)
        return [
            MaskTask(
                key=self._context.key,
                table=table,
                released=self._context.released,
                workspace=self._context.workspace.root,
                image=group[0].target,
                sources=tuple(group),
            )
            for _, group in sorted(by_image.items())
            if group[0].target is not None
        ]

    def record(self, results: Sequence[MaskOutcome]) -> None:
        """Imported masks and held ones, in one transaction; nothing for none."""
        if not results:
            return
        with self._context.ledger.batch() as batch:
            for result in results:
                source = result.source
                batch.record_source(
                    SourceRow(
                        item_id=source.item_id,
                        content_id=source.content_id,
                        sealed_source=self._sealed(source),
                        size_bytes=source.size_bytes,
                    )
                )
                if result.record is not None:
                    self._keep(batch, result)
                elif result.reason is not None:
                    self._hold(batch, source, result.reason, result.detail)

    def _is_done(self, source: MaskSource) -> bool:
        row = self._before.get(source.item_id)
        return (
            row is not None
            and row.rule_digest == self._digest
            and row.status is WorkStatus.DONE
            and row.detail == source.fingerprint
            and row.output_path in self._recorded
            and self._storage.exists(row.output_path)
        )

    def _keep(self, batch: LedgerBatch, result: MaskOutcome) -> None:
        record, item_id = result.record, result.source.item_id
        assert record is not None  # the caller looked
        self.new += 1
        if self._recorded.get(record.mask_path) != record.annotation_id:
            self._forget(batch, record.mask_path)
        before = self._before.get(item_id)
        if before is not None and before.output_path != record.mask_path:
            self._withdraw(batch, item_id)
        record_annotations(batch.connection, [record])
        batch.record_done(
            WorkRow(
                stage=STAGE,
                item_id=item_id,
                rule_digest=self._digest,
                output_path=record.mask_path,
                output_sha256=record.mask_sha256,
                detail=result.source.fingerprint,
            )
        )

    def _hold(self, batch: LedgerBatch, source: MaskSource, reason: Reason, detail: str) -> None:
        self.reasons[reason] += 1
        self._withdraw(batch, source.item_id)
        entry = Quarantined(
            item_id=source.item_id,
            reason=reason,
            stage=STAGE,
            content_id=source.content_id,
            sealed_source=self._sealed(source),
            detail=detail,
        )
        batch.record_quarantine(entry, rule_digest=self._digest)

    def _withdraw(self, batch: LedgerBatch, item_id: str) -> None:
        """Take what was imported of an item out of the workspace and the catalogue; nothing for nothing."""
        before = self._before.get(item_id)
        if before is not None and before.output_path:
            self._storage.remove(before.output_path)
            self._forget(batch, before.output_path)

    def _forget(self, batch: LedgerBatch, mask_path: str) -> None:
        annotation_id = self._recorded.pop(mask_path, None)
        if annotation_id is not None:
            forget_annotation(batch.connection, annotation_id)

    def _sealed(self, source: MaskSource) -> bytes:
        return self._context.seal.seal(source.reference, purpose=SEALED_FOR)

    def _is_ours(self, item_id: str, folder: Path | None) -> bool:
        """Whether an item is a SEG, which every run lists, or a file below the folder of this job's index."""
        row = self._context.ledger.source(item_id)
        if row is None:
            return False
        reference = Path(self._context.seal.open(row.sealed_source, purpose=SEALED_FOR))
        return not reference.is_absolute() or (folder is not None and reference.is_relative_to(folder))


def _why(source: MaskSource) -> str:
    return "it cannot be read" if source.problem is not None else "its image is not released"
