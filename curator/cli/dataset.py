"""`curator dataset`: look at, check and compare frozen datasets."""

from __future__ import annotations

import json
from pathlib import Path

import click

from curator.errors import EXIT_FINDINGS

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
SPEC = click.Path(exists=True, dir_okay=False, path_type=Path)
WORKSPACE = click.option(
    "-w", "--workspace", required=True, type=click.Path(path_type=Path), help="Made with `curator init`."
)


@click.group()
def group() -> None:
    """Select, freeze, check and compare datasets."""


@group.command("select")
@click.argument("spec", type=SPEC)
@WORKSPACE
@click.option("--json", "as_json", is_flag=True, help="The whole selection as a JSON object.")
def select_command(spec: Path, workspace: Path, as_json: bool) -> None:
    """Say which released series SPEC would choose and how even the choice is; writes nothing."""
    from dataclasses import asdict

    from curator.jobs.parts import selection_for

    selection = selection_for(workspace, spec)
    if as_json:
        click.echo(json.dumps(asdict(selection), indent=2, sort_keys=True))
        return
    for stratum in selection.strata:
        click.echo(
            f"{stratum.attribute}\t{stratum.value}\tgot {stratum.got} of {stratum.available}\teven {stratum.wanted:g}"
        )
    click.echo(f"{len(selection.chosen)} series chosen, {len(selection.left_out)} left out")
    click.echo(f"distance from even {selection.l1:g}; no choice of as many has less than {selection.l1_bound:g}")


@group.command("freeze")
@click.argument("spec", type=SPEC)
@WORKSPACE
@click.option("--what-if", is_flag=True, help="Say how many series would be frozen, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def freeze_command(spec: Path, workspace: Path, what_if: bool, as_json: bool) -> None:
    """Freeze the dataset that SPEC describes under the workspace's datasets folder."""
    from curator.jobs.parts import freeze_dataset, selection_for

    if what_if:
        result: dict[str, object] = {"would_freeze": len(selection_for(workspace, spec).chosen)}
    else:
        frozen = freeze_dataset(workspace, spec, report=lambda line: click.echo(line, err=True))
        result = {"dataset": str(frozen)}
    click.echo(json.dumps(result) if as_json else "\n".join(f"{name}\t{value}" for name, value in result.items()))


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
