"""`curator run`: a whole curation job, resumable."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.jobs.context import ExecutorOf
    from curator.jobs.job import Job
    from curator.jobs.later import LaterStages


@click.command("run")
@click.argument("job", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes to work in.")
@click.option(
    "--executor",
    "executor_name",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or a Dask cluster.",
)
@click.option("--scheduler", help="The Dask scheduler's tls:// address; without it Dask starts workers here.")
@click.option("--what-if", is_flag=True, help="Say which stages would run on how many files, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def group(job: Path, workers: int, executor_name: str, scheduler: str | None, *, what_if: bool, as_json: bool) -> None:
    """Run JOB.toml from where it was stopped. Exit code 1 where anything was quarantined."""
    from curator.jobs.job import read_job

    wanted = read_job(job)
    if what_if:
        from curator.jobs.rehearsal import rehearse

        rehearsal = rehearse(wanted, workers=workers, report=_to_stderr)
        click.echo(json.dumps(rehearsal, indent=1) if as_json else _lines(rehearsal))
        return
    from curator.jobs.outcome import result_table
    from curator.jobs.run import run_job

    result = run_job(
        wanted,
        workers=workers,
        report=_to_stderr,
        stages=_stages(wanted),
        executor_of=_executor_of(executor_name, scheduler),
    )
    click.echo(json.dumps(result.to_json(), indent=1) if as_json else result_table(result))
    sys.exit(result.exit_code)


def _executor_of(name: str, scheduler: str | None) -> ExecutorOf:
    """What makes the workers.

    Raises:
        UsageError: a scheduler without Dask, or Dask is not installed.
    """
    if name == "local":
        if scheduler is not None:
            raise UsageError("--scheduler belongs to --executor dask")
        from curator.adapters.processes import executor

        return executor
    try:
        from curator.adapters.dask_cluster import DaskCluster
    except ModuleNotFoundError:
        raise UsageError("Dask is not installed; install curator with its dask extra") from None
    return lambda workers: DaskCluster(workers=workers, address=scheduler)


def _stages(job: Job) -> LaterStages:
    """The stages behind the release that the job names; each takes a second or more to load."""
    from curator.jobs.later import LaterStages

    stages = LaterStages()
    if job.annotate is not None:
        from curator.jobs.annotations import annotate

        stages = replace(stages, annotate=annotate)
    if job.dataset is not None:
        from curator.jobs.datasets import build_dataset

        stages = replace(stages, dataset=build_dataset)
    if job.train is not None:
        from curator.jobs.training import train

        stages = replace(stages, train=train)
    if job.report is not None:
        from curator.jobs.summary import write_report

        stages = replace(stages, report=write_report)
    return stages


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


def _lines(rehearsal: dict[str, object]) -> str:
    return "\n".join(f"{name:<34}{value}" for name, value in _rows(rehearsal))


def _rows(rehearsal: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in rehearsal.items():
        if isinstance(value, dict):
            yield name.replace("_", " "), sum(value.values())
            yield from ((f"  {reason}", count) for reason, count in value.items())
        elif isinstance(value, list):
            yield name.replace("_", " "), ", ".join(value) or "none"
        else:
            yield name.replace("_", " "), value
