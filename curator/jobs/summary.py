"""Gathers everything a report tells, from a workspace, a frozen dataset or a training run, and writes the page.

The law: the same workspace, dataset and run give the same page, wherever they lie and whenever it is written.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.catalog.database import open_engine
from curator.catalog.query import series
from curator.catalog.revision import require_current
from curator.errors import UsageError
from curator.jobs.summaries.agreement import agreement_summary
from curator.jobs.summaries.dataset import dataset_summary
from curator.jobs.summaries.release import diversity_summary, release_summary
from curator.jobs.summaries.run import evaluation_summary, training_summary
from curator.jobs.workspace import CONFIGURATION, Workspace, open_workspace
from curator.model.manifest import LOCK_NAME
from curator.model.summary import JobSummary
from curator.ports import StoredFile
from curator.report.page import render
from trainers.runs import RUN_NAME, run_dataset_folder, run_identity


def write_report(
    workspace: Workspace,
    out: Path,
    *,
    dataset: Path | None,
    run: Path | None,
    released: Path | None = None,
    residuals: int | None = None,
) -> StoredFile:
    """The file that now holds the report of a whole job, written in one step.

    Arguments and errors are those of `summarize_workspace` and `store_report`.
    """
    summary = summarize_workspace(workspace, dataset=dataset, run=run, released=released, residuals=residuals)
    return store_report(summary, out)


def store_report(summary: JobSummary, out: Path) -> StoredFile:
    """The file that now holds the report of `summary`, written in one step; one that holds it already is not touched.

    Raises:
        UsageError: it would lie inside a frozen dataset.
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    refuse_place(out)
    folder, page = LocalDisk(out.absolute().parent), render(summary)
    if folder.exists(out.name) and folder.read(out.name) == page:
        return StoredFile(out.name, hashlib.sha256(page).hexdigest(), len(page))
    return folder.write(out.name, [page])


def refuse_place(out: Path) -> None:
    """Refuse a place where the report would spoil what it reports on.

    Raises:
        UsageError: `out` is a folder or lies inside a frozen dataset.
    """
    if out.is_dir():
        raise UsageError("the report is a file; name one, such as report.html")
    if any((folder / LOCK_NAME).is_file() for folder in out.absolute().parents):
        raise UsageError("a frozen dataset never changes; write the report outside of it")


def summarize_workspace(
    workspace: Workspace,
    *,
    dataset: Path | None = None,
    run: Path | None = None,
    released: Path | None = None,
    residuals: int | None = None,
) -> JobSummary:
    """Everything about a workspace, with one dataset and one run of it where they are named.

    `released` is where the released files lie if not in the workspace; `residuals` is what a search over all of them
    found just now, None where nobody searched.

    Raises:
        UsageError: the database is missing or has an older schema.
        IntegrityError: the audit log, the dataset or the run is not what it should be.
    """
    engine = open_engine(workspace.database_url)
    try:
        require_current(engine)
        with engine.connect() as connection:
            release = release_summary(
                connection, key_id=workspace.key_id, released=released or workspace.released, residuals=residuals
            )
            collection = series(connection)
    finally:
        engine.dispose()
    summary = JobSummary(
        title="Curation job",
        curator_version=__version__,
        release=release,
        diversity=diversity_summary(collection) if collection else None,
    )
    return _with_run(_with_dataset(summary, dataset), run)


def summarize_dataset(dataset: Path) -> JobSummary:
    """Everything about one frozen dataset.

    Raises:
        IntegrityError: it is not a dataset, or is damaged.
    """
    summary = _with_dataset(JobSummary(title="Dataset", curator_version=__version__), dataset)
    if summary.dataset is None:
        return summary
    return replace(summary, title=f"Dataset {summary.dataset.name} {summary.dataset.version}")


def summarize_run(run: Path) -> JobSummary:
    """Everything about one training run, and about its dataset where that still lies where the run found it.

    Raises:
        UsageError: there is no run.
        IntegrityError: the run or its dataset cannot be read.
    """
    identity = run_identity(run)
    summary = _with_run(
        JobSummary(title=f"Run on {identity.name} {identity.version}", curator_version=__version__), run
    )
    folder = run_dataset_folder(run)
    if not (folder / LOCK_NAME).is_file():
        return summary
    found = _with_dataset(summary, folder)
    # Another version under the same name is not what this run learned from.
    is_same = found.dataset is not None and found.dataset.merkle_root == identity.merkle_root
    return found if is_same else summary


def summarize_path(path: Path, *, dataset: Path | None = None, run: Path | None = None) -> JobSummary:
    """Everything about what lies at `path`: a workspace, a frozen dataset or a run.

    Of a workspace, the dataset and the run are those named, else the only ones there.

    Raises:
        UsageError: it is none of the three, or others as above.
    """
    if (path / CONFIGURATION).is_file():
        workspace = open_workspace(path)
        return summarize_workspace(
            workspace,
            dataset=dataset or _only(workspace.datasets, LOCK_NAME),
            run=run or _only(workspace.runs, RUN_NAME),
        )
    if dataset is not None or run is not None:
        raise UsageError("a dataset or run is named only for the report of a workspace")
    if (path / LOCK_NAME).is_file():
        return summarize_dataset(path)
    if (path / RUN_NAME).is_file():
        return summarize_run(path)
    raise UsageError(f"nothing to report on: no {CONFIGURATION}, {LOCK_NAME} or {RUN_NAME} there")


def _only(folder: Path, mark: str) -> Path | None:
    found = [each.parent for each in folder.glob(f"*/{mark}") if not each.parent.name.startswith(".")]
    return found[0] if len(found) == 1 else None


def _with_dataset(summary: JobSummary, dataset: Path | None) -> JobSummary:
    if dataset is None:
        return summary
    return replace(summary, dataset=dataset_summary(dataset), agreement=agreement_summary(dataset))


def _with_run(summary: JobSummary, run: Path | None) -> JobSummary:
    if run is None:
        return summary
    return replace(summary, training=training_summary(run), evaluation=evaluation_summary(run))
