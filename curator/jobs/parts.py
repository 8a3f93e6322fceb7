"""Single stages of a job, for commands that run one of them on a workspace."""

from __future__ import annotations

from pathlib import Path

from curator.catalog.database import open_engine
from curator.catalog.query import series
from curator.dataset.select import select
from curator.dataset.spec import DatasetSpec, spec_from_table
from curator.jobs.annotations import annotate
from curator.jobs.context import open_job
from curator.jobs.datasets import build_dataset
from curator.jobs.job import AnnotationSource, Job
from curator.jobs.later import AnnotationCounts
from curator.jobs.progress import Report
from curator.jobs.workspace import open_workspace
from curator.model.selection import Selection
from curator.strict import Table, read_toml

_SPEC_KEYS = ("id", "why", "source", "dataset")


def import_annotations(workspace: Path, *, index: Path, labels: Path, workers: int, report: Report) -> AnnotationCounts:
    """Import the masks of an index and of the workspace's released SEG series.

    Raises:
        CuratorError: the workspace, its key, the index or the label table cannot be used.
    """
    source = AnnotationSource(index=index.absolute(), labels=labels.absolute())
    job = Job(name="annotate import", workspace=workspace.absolute(), paths=(), annotate=source)
    with open_job(job, workers=workers, report=report) as context:
        return annotate(context)


def selection_for(workspace: Path, spec_file: Path) -> Selection:
    """What a dataset specification would choose from the catalogue; nothing is written.

    Raises:
        ConfigurationError: the specification is wrong.
        UsageError: nothing is eligible.
    """
    spec = _spec(_dataset_table(spec_file))
    engine = open_engine(open_workspace(workspace).database_url)
    try:
        with engine.connect() as connection:
            return select(series(connection), spec)
    finally:
        engine.dispose()


def freeze_dataset(workspace: Path, spec_file: Path, *, report: Report) -> Path:
    """The folder of the dataset that a specification describes, frozen now or before.

    Raises:
        CuratorError: the workspace, its key or the specification cannot be used, or the version exists with other
            content.
    """
    table = _dataset_table(spec_file)
    name = f"dataset freeze {_spec(table).folder_name}"
    job = Job(name=name, workspace=workspace.absolute(), paths=(), dataset=table.values)
    with open_job(job, workers=1, report=report) as context:
        frozen = build_dataset(context)
    assert frozen is not None  # the job has a dataset table
    return frozen


def _dataset_table(spec_file: Path) -> Table:
    document = read_toml(spec_file, name="dataset specification")
    document.only(_SPEC_KEYS)
    return Table("dataset", document.get("dataset", dict))


def _spec(table: Table) -> DatasetSpec:
    return spec_from_table(table.values)
