"""`curator jobs`: what a workspace's jobs did and what they hold back."""

from __future__ import annotations

import json
from pathlib import Path

import click

_WORKSPACE = click.option(
    "-w", "--workspace", type=click.Path(path_type=Path), required=True, help="Made with `curator init`."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group("jobs")
def group() -> None:
    """What a workspace's jobs did and what they hold back."""


@group.command()
@_WORKSPACE
@_JSON
def status(workspace: Path, *, as_json: bool) -> None:
    """How many items each stage released and holds."""
    from curator.jobs.status import status_of
    from curator.jobs.workspace import open_workspace

    found = status_of(open_workspace(workspace))
    stages = {
        stage: {status.value: count for status, count in counts.items()} for stage, counts in found.stages.items()
    }
    reasons = {reason.value: count for reason, count in found.quarantined.items()}
    if as_json:
        click.echo(json.dumps({"stages": stages, "quarantined": reasons}, indent=1))
        return
    for stage, counts in stages.items():
        click.echo(f"{stage:<28}" + ("  ".join(f"{name} {count}" for name, count in counts.items()) or "nothing yet"))
    for reason, count in reasons.items():
        click.echo(f"  {reason:<26}{count}")


@group.command()
@_WORKSPACE
@click.option("--reason", help="Only entries with this reason code.")
@click.option("--reveal", is_flag=True, help="Show where each item came from; needs the workspace's key.")
@_JSON
def quarantine(workspace: Path, reason: str | None, *, reveal: bool, as_json: bool) -> None:
    """Everything that is held back, why, and what to do about it."""
    from curator.jobs.quarantine import quarantine_rows
    from curator.jobs.workspace import open_workspace

    rows = quarantine_rows(open_workspace(workspace), reason=reason, reveal=reveal)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        # A path may hold bytes that are no text, and line ends.
        click.echo("  ".join(_one_line(value) for value in row.values() if value))
    click.echo(f"{len(rows)} held back")


def _one_line(text: str) -> str:
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
