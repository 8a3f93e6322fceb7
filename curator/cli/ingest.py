"""`curator ingest`: look at files and say what a job would take and what it would hold."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group("ingest")
def group() -> None:
    """Find and read images."""


@group.command("scan")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-w", "--workspace", required=True, type=click.Path(path_type=Path), help="Whose key and rules apply.")
@click.option("--ignore", multiple=True, metavar="PATTERN", help="Shell pattern of names or paths to pass over.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def scan(
    context: click.Context, paths: tuple[Path, ...], workspace: Path, ignore: tuple[str, ...], *, as_json: bool
) -> None:
    """Read all files under PATHS and count them; nothing is written anywhere.

    Exits with 1 where a file would be held.
    """
    from curator.bundled import bundled_folder
    from curator.errors import EXIT_FINDINGS
    from curator.ingest.find import find
    from curator.ingest.scan import ScanTask
    from curator.ingest.scanned import Held
    from curator.ingest.summary import summary_of
    from curator.ingest.triage import triage
    from curator.jobs.progress import Progress
    from curator.jobs.workspace import open_workspace

    task = ScanTask(open_workspace(workspace).load_key(), bundled_folder("rules"))
    found = list(find(paths, ignore=ignore))
    progress = Progress("scan", len(found), partial(click.echo, err=True))
    scanned = []
    for one in found:
        scanned.append(task(one))
        progress.step(held=isinstance(scanned[-1], Held))
    summary = summary_of(triage(scanned))
    if as_json:
        click.echo(json.dumps(summary, indent=1, sort_keys=True))
    else:
        _print(summary)
    if summary["files"]["held"]:
        context.exit(EXIT_FINDINGS)


def _print(summary: Mapping[str, Mapping[str, int]]) -> None:
    for title, counts in summary.items():
        click.echo(title.replace("_", " "))
        for name, count in counts.items():
            click.echo(f"  {count:8}  {name}")
