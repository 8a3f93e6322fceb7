"""`curator dataset`: look at, check and compare frozen datasets."""

from __future__ import annotations

import json
from pathlib import Path

import click

from curator.errors import EXIT_FINDINGS

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def group() -> None:
    """Look at, check and compare frozen datasets."""


@group.command("verify")
@click.argument("dataset", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Findings as a JSON list.")
def verify_command(dataset: Path, as_json: bool) -> None:
    """Check every byte of DATASET, its tables, and that no patient is in two splits."""
    from curator.dataset.verify import verify

    findings = verify(dataset)
    rows = [{"path": each.path, "fault": each.fault.value, "detail": each.detail} for each in findings]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            click.echo(f"{row['fault']}\t{row['path']}\t{row['detail']}")
        click.echo(f"{len(rows)} findings" if rows else "whole: every byte is what was frozen", err=True)
    if findings:
        raise SystemExit(EXIT_FINDINGS)


@group.command("card")
@click.argument("dataset", type=FOLDER)
def card_command(dataset: Path) -> None:
    """Print the dataset card of DATASET."""
    from curator.dataset.read import read_card

    click.echo(read_card(dataset), nl=False)


@group.command("diff")
@click.argument("before", type=FOLDER)
@click.argument("after", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="The whole difference as a JSON object.")
def diff_command(before: Path, after: Path, as_json: bool) -> None:
    """Say what items, masks and splits change from BEFORE to AFTER; exit code 1 where anything does."""
    from dataclasses import asdict

    from curator.dataset.diff import diff

    difference = diff(before, after)
    if as_json:
        click.echo(json.dumps(asdict(difference), indent=2, sort_keys=True))
    else:
        for item_id in difference.added:
            click.echo(f"added\t{item_id}")
        for item_id in difference.removed:
            click.echo(f"removed\t{item_id}")
        for change in difference.changed:
            click.echo(f"changed\t{change.item_id}\t{', '.join(change.columns)}")
        for move in difference.moved:
            click.echo(
                f"moved\t{move.item_id}\t{move.before} fold {move.fold_before} to {move.after} fold {move.fold_after}"
            )
        for annotation_id in difference.annotations_added:
            click.echo(f"mask added\t{annotation_id}")
        for annotation_id in difference.annotations_removed:
            click.echo(f"mask removed\t{annotation_id}")
    if not difference.is_empty:
        raise SystemExit(EXIT_FINDINGS)
