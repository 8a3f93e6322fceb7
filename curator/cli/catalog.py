"""`curator catalog`: what a workspace released, and how varied it is."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.catalog.diversity import CrossTable, DiversityReport
    from curator.catalog.risk import RiskReport
    from curator.model.series import CatalogSeries

_COLUMNS = ("patient_code", "SeriesInstanceUID", "Modality", "BodyPartExamined", "vendor", "ManufacturerModelName")
_MOST_SHOWN = 20

_workspace = click.option(
    "-w", "--workspace", required=True, type=click.Path(path_type=Path), help="Whose catalogue is read."
)
_where = click.option(
    "--where", multiple=True, metavar="KEY=VALUE", help="Only series with this value, such as vendor=GE. Repeatable."
)
_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group("catalog")
def group() -> None:
    """What was kept."""


@group.command("query")
@_workspace
@_where
@_json
def query(workspace: Path, where: tuple[str, ...], *, as_json: bool) -> None:
    """List the released series; nothing is written."""
    found = _read(workspace, where)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=1, sort_keys=True))
        return
    rows = [[*(getattr(one, name) for name in _COLUMNS), str(one.instance_count)] for one in found]
    _print_table([*_COLUMNS, "instances"], rows)
    click.echo(f"{len(found)} series of {len({one.patient_code for one in found})} patients")


@group.command("diversity")
@_workspace
@_where
@_json
def diversity(workspace: Path, where: tuple[str, ...], *, as_json: bool) -> None:
    """Say how even the released series are over vendors, models, centres, modalities and body parts.

    The effective number is how many equally frequent values would be as varied.
    """
    from curator.catalog.diversity import report

    found = report(_read(workspace, where))
    if as_json:
        click.echo(json.dumps(asdict(found), indent=1, sort_keys=True))
    else:
        _print_report(found)


@group.command("risk")
@_workspace
@click.option("--k", type=click.IntRange(2), help="How many have to look alike; else as rules/risk says.")
@_json
def risk(workspace: Path, k: int | None, *, as_json: bool) -> None:
    """Say how well people hide among each other in the release, and what would help. Exit code 1 where too few do.

    People count, not images. What could single them out, in which steps it is made coarser and how many have to share
    it stands in rules/risk; nothing is changed.
    """
    from curator.jobs.risk import workspace_risk

    found = workspace_risk(workspace, k=k)
    if as_json:
        told = asdict(found) | {"is_met": found.is_met}
        click.echo(json.dumps(told, indent=1, sort_keys=True))
    else:
        _print_risk(found)
    sys.exit(0 if found.is_met else 1)


def _print_risk(found: RiskReport) -> None:
    now = found.anonymity
    click.echo(f"{now.people} people in {now.classes} classes; smallest class {now.k}, asked for {found.threshold_k}")
    click.echo(f"{now.below_share:.1%} in smaller classes, {now.unique_share:.1%} alone, mean risk {now.mean_risk:.3f}")
    click.echo("looked at: " + (", ".join(f"{name} ({step})" for name, step in found.steps.items()) or "nothing"))
    for one in found.sensitive:
        if one.least:
            click.echo(f"{one.attribute}: at least {one.least} values a class; {one.below_share:.1%} in poorer classes")
    for rare in found.rare[:_MOST_SHOWN]:
        click.echo(f"rare: {rare.attribute} {rare.value}, {rare.people} people")
    if len(found.rare) > _MOST_SHOWN:
        click.echo(f"and {len(found.rare) - _MOST_SHOWN} more rare values")
    for step in found.suggestions:
        click.echo(
            f"then make {step.attribute} coarser ({step.step}): smallest class {step.after.k}, "
            f"{step.after.below_share:.1%} below"
        )
    if found.to_leave_out:
        click.echo(f"then leave out {len(found.to_leave_out)} people; --json names their codes")


def _read(workspace: Path, where: tuple[str, ...]) -> list[CatalogSeries]:
    from curator.catalog.database import open_engine
    from curator.catalog.query import matching, series
    from curator.catalog.revision import require_current
    from curator.jobs.workspace import open_workspace

    engine = open_engine(open_workspace(workspace).database_url)
    try:
        require_current(engine)
        with engine.connect() as connection:
            return matching(series(connection), _conditions(where))
    finally:
        engine.dispose()


def _conditions(where: tuple[str, ...]) -> dict[str, str]:
    conditions: dict[str, str] = {}
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals or name in conditions:
            raise click.BadParameter(f"{condition!r} is no KEY=VALUE, or names a key again", param_hint="--where")
        conditions[name] = value
    return conditions


def _print_report(found: DiversityReport) -> None:
    click.echo(f"{found.series} series of {found.patients} patients")
    for one in found.attributes:
        click.echo(
            f"\n{one.attribute}: {len(one.counts)} values, effective number {one.effective_number:.2f}, "
            f"evenness {one.evenness:.2f}"
        )
        for value, count in one.counts[:_MOST_SHOWN]:
            click.echo(f"  {count:8}  {value or '(none)'}")
        if len(one.counts) > _MOST_SHOWN:
            click.echo(f"  and {len(one.counts) - _MOST_SHOWN} more")
    _print_cross_table(found.vendor_by_centre)


def _print_cross_table(table: CrossTable) -> None:
    click.echo(
        f"\n{table.row_attribute} by {table.column_attribute}: shared information {table.shared_information:.2f}"
    )
    rows = [
        [name or "(none)", *(str(count) for count in counts)]
        for name, counts in zip(table.rows, table.cells, strict=True)
    ]
    _print_table([table.row_attribute, *(name or "(none)" for name in table.columns)], rows)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
