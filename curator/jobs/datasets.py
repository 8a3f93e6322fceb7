"""The dataset stage: from the catalogue to a frozen dataset.

The law: the same catalogue, specification and versions are frozen once; a second run finds it and writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.annotate.consensus import joined, parse_method
from curator.annotate.votes import joint_votes
from curator.catalog.query import annotation_records, instances, series, snapshot_digest
from curator.catalog.record import AnnotationRecord
from curator.dataset.freeze import freeze
from curator.dataset.materialise import ConsensusOf
from curator.dataset.read import read_lock
from curator.dataset.spec import spec_bytes, spec_from_table
from curator.errors import ItemError, UsageError
from curator.imaging.nifti import read_nifti
from curator.imaging.series import read_series
from curator.jobs.context import JobContext
from curator.jobs.ledger import StageResult
from curator.model.annotation import Annotation
from curator.model.series import CatalogSeries
from curator.model.volume import Volume
from curator.model.votes import Consensus, Votes

STAGE = "dataset"


def build_dataset(context: JobContext) -> Path | None:
    """The frozen dataset's folder, None where the job asks for none.

    Raises:
        ConfigurationError: the specification is wrong.
        UsageError: nothing can be selected.
        IntegrityError: this version exists already with other content.
    """
    if context.job.dataset is None:
        return None
    spec = spec_from_table(context.job.dataset)
    with context.engine.connect() as connection:
        candidates = series(connection)
        records = annotation_records(connection)
        policies = {
            f"header-{digest[:12]}": digest for digest in sorted({one.policy_digest for one in instances(connection)})
        }
        snapshot = snapshot_digest(connection)
    given = hashlib.sha256(b"\n".join([__version__.encode(), spec_bytes(spec), snapshot.encode()])).hexdigest()
    target = context.workspace.datasets / spec.folder_name
    before = context.ledger.stage_result(context.job.name, STAGE, given)
    if before is not None and target.is_dir() and read_lock(target).merkle_root == before.output_digest:
        return target
    context.report(f"{STAGE:<10} {spec.folder_name}: selecting among {len(candidates)} series")
    frozen = freeze(
        context.workspace.datasets,
        spec,
        candidates,
        volume_of=lambda one: _volume(context, one),
        annotations=_Annotations(context.workspace.root, records),
        consensus=_consensus_of(spec.consensus.value),
        policy_digests=policies,
    )
    context.ledger.record_stage_result(
        StageResult(
            job=context.job.name,
            stage=STAGE,
            input_digest=given,
            output_digest=frozen.lock.merkle_root,
            output_path=frozen.path.relative_to(context.workspace.root).as_posix(),
        )
    )
    context.report(f"{STAGE:<10} {spec.folder_name}: frozen, {len(frozen.excluded)} excluded")
    return frozen.path


def _volume(context: JobContext, one: CatalogSeries) -> Volume:
    return read_series([context.released / path for path in one.paths])


def _consensus_of(method: str) -> ConsensusOf:
    def consensus(annotations: Sequence[Annotation]) -> Consensus:
        votes = joint_votes([annotation.mask for annotation in annotations])
        return Consensus(
            mask=joined(votes, parse_method(method)).mask,
            votes=Votes(
                index=votes.index,
                palette=votes.palette,
                authors=tuple(annotation.author_code for annotation in annotations),
            ),
        )

    return consensus


class _Annotations(Mapping[str, Sequence[Annotation]]):
    """The imported masks by Series Instance UID, read when asked for."""

    def __init__(self, root: Path, records: Sequence[AnnotationRecord]) -> None:
        self._root = root
        self._records: dict[str, list[AnnotationRecord]] = {}
        for record in sorted(records):
            self._records.setdefault(record.SeriesInstanceUID, []).append(record)

    def __getitem__(self, uid: str) -> tuple[Annotation, ...]:
        return tuple(self._read(record) for record in self._records[uid])

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def _read(self, record: AnnotationRecord) -> Annotation:
        try:
            content = LocalDisk(self._root).read(record.mask_path)
        except ItemError:
            raise UsageError("an imported mask is missing; run the job that imports it again") from None
        if hashlib.sha256(content).hexdigest() != record.mask_sha256:
            raise UsageError("an imported mask was changed by hand; remove the annotations folder and run again")
        return Annotation(
            SeriesInstanceUID=record.SeriesInstanceUID,
            author_code=record.author_code,
            role=record.role,
            tool=record.tool,
            labels=record.labels,
            mask=read_nifti(self._root / record.mask_path).stored.astype("uint8"),
        )
