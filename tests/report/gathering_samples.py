"""Small real workspaces, datasets and runs, written by the engine's own parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset

from curator.annotate.consensus import Method, joined
from curator.annotate.votes import joint_votes
from curator.catalog.database import open_engine
from curator.catalog.record import AnnotationRecord, record_annotations, record_instances
from curator.catalog.schema import upgrade
from curator.dataset.freeze import freeze
from curator.dataset.spec import spec_from_table
from curator.jobs.ledger import Ledger, WorkRow
from curator.jobs.workspace import Workspace, create_workspace
from curator.model.annotation import Annotation, Label
from curator.model.evaluation import CaseScore
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Quarantined, Reason
from curator.model.series import CatalogSeries
from curator.model.volume import Volume
from curator.model.votes import Consensus, Votes
from trainers.config import TrainConfig
from trainers.dataset import read_dataset, read_mask
from trainers.evaluate import evaluate_run
from trainers.files import json_bytes, write_bytes
from trainers.plan import plan
from trainers.predictions import INDEX_NAME, nifti_bytes
from trainers.runs import METRICS_NAME, PREDICTIONS_NAME, FitResult, begin_run, finish_run

LABELS = (Label(1, "liver"), Label(2, "spleen"))
SPACING_MM = (5.0, 2.0, 2.0)
SHAPE = (6, 20, 20)
VENDORS = ("Siemens", "GE")
DIGEST = "ab" * 32


def series_of(number: int, *, body_part: str = "ABDOMEN") -> CatalogSeries:
    return CatalogSeries(
        SeriesInstanceUID=f"2.25.{number + 1}",
        StudyInstanceUID=f"2.25.9{number}",
        FrameOfReferenceUID=f"2.25.8{number}",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        Modality="CT",
        BodyPartExamined=body_part,
        Manufacturer=VENDORS[number % 2].upper(),
        ManufacturerModelName="M",
        vendor=VENDORS[number % 2],
        patient_code=f"P-{number:04}",
        centre_code=f"C-{number % 3}",
        device_code="D-1",
        author_code="",
        instance_count=SHAPE[0],
        paths=(f"a/{number}.dcm",),
        sha256s=(f"{number:064x}",),
        annotators=("A-1", "A-2"),
    )


def masks_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    """The second author's liver is one row longer than the first's, 8 by 9 instead of 8 by 8 in two slices."""
    first = np.zeros(SHAPE, np.uint8)
    first[2:4, 4:12, 4:12] = 1
    first[3, 15, 15] = 2
    second = first.copy()
    second[2:4, 4:12, 12] = 1
    return first, second


def consensus(annotations: Sequence[Annotation]) -> Consensus:
    votes = joint_votes([each.mask for each in annotations])
    authors = tuple(each.author_code for each in annotations)
    mask = joined(votes, Method.MAJORITY).mask
    return Consensus(mask=mask, votes=Votes(index=votes.index, palette=votes.palette, authors=authors))


def volume_of(series: CatalogSeries) -> Volume:
    stored = np.random.default_rng(int(series.SeriesInstanceUID[5:])).integers(900, 1200, SHAPE).astype(np.int16)
    affine = np.diag([SPACING_MM[2], SPACING_MM[1], SPACING_MM[0], 1.0])
    return Volume(stored=stored, affine_lps=affine, rescale_slope=1.0, rescale_intercept=-1024.0)


def frozen_dataset(out: Path, *, count: int = 8, body_part: str = "ABDOMEN", authors: int = 2) -> Path:
    candidates = [series_of(number, body_part=body_part) for number in range(count)]
    annotations = {
        one.SeriesInstanceUID: [
            Annotation(
                SeriesInstanceUID=one.SeriesInstanceUID,
                author_code=f"A-{place + 1}",
                role=("radiologist", "student")[place],
                tool="phantom",
                labels=LABELS,
                mask=mask,
            )
            for place, mask in enumerate(masks_of(number)[:authors])
        ]
        for number, one in enumerate(candidates)
    }
    spec = spec_from_table(
        {"name": "toy", "version": "1.0.0", "seed": 3, "split": {"train": 0.5, "validation": 0.25, "test": 0.25}}
    )
    return freeze(
        out,
        spec,
        candidates,
        volume_of=volume_of,
        annotations=annotations,
        consensus=consensus,
        policy_digests={"header": DIGEST},
    ).path


def evaluated_run(run: Path, dataset: Path, *, is_finished: bool = True) -> tuple[CaseScore, ...]:
    """A run whose predictions are the reference without its last row; its cases as they were scored."""
    source, config = read_dataset(dataset), TrainConfig(steps=4, validate_every_steps=2)
    begin_run(run, source, config, plan(dataset, config))
    lines = [
        '{"dice_validation": 0.25, "dice_validation_by_label": {"liver": 0.5, "spleen": 0.0}, "learning_rate": 0.1,'
        ' "loss_train": 1.5, "step": 2}\n',
        '{"dice_validation": 0.75, "dice_validation_by_label": {"liver": 1.0, "spleen": 0.5}, "learning_rate": 0.1,'
        ' "loss_train": 0.5, "step": 4}\n',
    ]
    write_bytes(run / METRICS_NAME, "".join(lines).encode())
    if not is_finished:
        return ()
    finish_run(run, source, FitResult(run=run, steps=4, best_step=4, dice_validation=0.75, resumed_at_step=0))
    items = [item for item in source.items if source.splits[item.item_id].value == "test"]
    for item in items:
        predicted = read_mask(source, item)
        predicted[:, 11] = 0
        write_bytes(run / PREDICTIONS_NAME / f"{item.item_id}.nii.gz", nifti_bytes(predicted, item))
    identity = {"name": "toy", "version": "1.0.0", "merkle_root": source.identity.merkle_root}
    index = {"schema": 1, "dataset": identity, "labels": [], "items": [item.item_id for item in items]}
    write_bytes(run / PREDICTIONS_NAME / INDEX_NAME, json_bytes(index))
    return evaluate_run(run, dataset).cases


def released_instance(number: int, *, modality: str = "CT") -> ReleasedInstance:
    return ReleasedInstance(
        SOPInstanceUID=f"2.25.7{number}",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        SeriesInstanceUID=f"2.25.{number + 1}",
        StudyInstanceUID=f"2.25.9{number}",
        FrameOfReferenceUID=f"2.25.8{number}",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        patient_code=f"P-{number // 2:04}",
        centre_code=f"C-{number % 3}",
        device_code="D-1",
        author_code="",
        Modality=modality,
        BodyPartExamined="ABDOMEN",
        Manufacturer=("SIEMENS", "GE MEDICAL SYSTEMS")[number % 2],
        ManufacturerModelName="M",
        Rows=4,
        Columns=4,
        NumberOfFrames=1,
        references=(),
        path=f"{number}.dcm",
        sha256=f"{number:064x}",
        size_bytes=10,
        policy_digest=DIGEST,
    )


def filled_workspace(folder: Path) -> Workspace:
    """Six files in: four released, two held; one mask imported, one held; one audit entry."""
    workspace = create_workspace(folder / "workspace", key_file=folder / "keys" / "key.json")
    upgrade(workspace.database_url)
    engine = open_engine(workspace.database_url)
    instances = [released_instance(number) for number in range(4)]
    with Ledger(engine).batch() as batch:
        record_instances(batch.connection, instances)
        record_annotations(batch.connection, [_mask()])
        for number, one in enumerate(instances):
            batch.record_done(
                WorkRow(stage="release", item_id=f"i{number}", rule_digest="r", output_path=one.path, output_sha256="0")
            )
        for item, reason, stage in (
            ("i4", Reason.FACE_POSSIBLE, "release"),
            ("i5", Reason.DISK_FULL, "release"),
            ("m1", Reason.REFERENCE_UNRESOLVED, "annotate"),
        ):
            held = Quarantined(item_id=item, reason=reason, stage=stage, content_id="c", sealed_source=b"secret")
            batch.record_quarantine(held, rule_digest="r")
        batch.record_done(WorkRow(stage="annotate", item_id="m0", rule_digest="r"))
        batch.record_event("withdrawn", instances=1)
    engine.dispose()
    write_released(workspace.released / "0.dcm")
    return workspace


def _mask() -> AnnotationRecord:
    return AnnotationRecord(
        SeriesInstanceUID="2.25.1",
        author_code="A-1",
        role="radiologist",
        tool="T",
        kind="segmentation",
        labels=LABELS,
        mask_path="annotations/m.nii.gz",
        mask_sha256="0" * 64,
    )


def write_released(path: Path) -> None:
    """What a released file says of its policy, as another program writes it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "2.25.70"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    file.DeidentificationMethod = "curator; basic; PS3.15 2026d"
    file.DeidentificationMethodCodeSequence = [code]
    file.LongitudinalTemporalInformationModified = "MODIFIED"
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
