"""`curator report`: one self-contained HTML page about a workspace, a dataset or a run."""

from __future__ import annotations

import json
from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command("report")
@click.argument("path", type=_FOLDER)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The HTML file to write.")
@click.option("--dataset", type=_FOLDER, help="Of a workspace's datasets, the one to report on.")
@click.option("--run", type=_FOLDER, help="Of a workspace's runs, the one to report on.")
@click.option("--what-if", is_flag=True, help="Say what would be written and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what the report tells, for machines.")
def group(path: Path, out: Path, dataset: Path | None, run: Path | None, *, what_if: bool, as_json: bool) -> None:
    """Write a page about PATH: a workspace, a frozen dataset or a training run.

    Of a workspace with several datasets or runs none is taken unless it is named.
    """
    from curator.jobs.summary import refuse_place, store_report, summarize_path

    refuse_place(out)
    summary = summarize_path(path, dataset=dataset, run=run)
    parts = ("release", "diversity", "agreement", "dataset", "training", "evaluation")
    told = ", ".join(part for part in parts if getattr(summary, part) is not None)
    if what_if:
        click.echo(f"would write {out}: {told}", err=as_json)
    else:
        stored = store_report(summary, out)
        click.echo(f"wrote {out}: {told}; {stored.size_bytes} bytes, SHA-256 {stored.sha256}", err=as_json)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1, sort_keys=True, allow_nan=False))
