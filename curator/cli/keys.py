"""`curator keys`: make, rotate and destroy keys; lead a code back to a person; check the log of all that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

_WORKSPACE = click.option(
    "-w", "--workspace", type=click.Path(path_type=Path), required=True, help="Made with `curator init`."
)
# Not required by click: what is refused for want of a reason is refused, not asked wrongly.
_REASON = click.option("--reason", default="", help="Why; it stands in the audit log and may name nobody.")
_WHAT_IF = click.option("--what-if", is_flag=True, help="Say what would happen and do nothing.")
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group("keys")
def group() -> None:
    """The keys of a workspace and what they alone can do."""


@group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--domain", default="default", show_default=True, help="Release the key is for.")
@_WHAT_IF
@_JSON
def new(file: Path, domain: str, *, what_if: bool, as_json: bool) -> None:
    """Make a key in the new file FILE, readable by its owner only."""
    from curator.jobs.keys import make_key_file

    key = make_key_file(file, domain=domain, what_if=what_if)
    _say(
        {"key_file": str(file), "domain": domain, "key_id": key.key_id if key else "", "made": key is not None},
        as_json=as_json,
    )


@group.command("list")
@_WORKSPACE
@_JSON
def list_epochs(workspace: Path, *, as_json: bool) -> None:
    """Every epoch of the key ring, and how many outputs stand that were made under it."""
    from curator.jobs.keys import epochs
    from curator.jobs.workspace import open_workspace

    rows = [asdict(one) for one in epochs(open_workspace(workspace))]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.echo(f"{row['epoch']:>5}  {row['key_id']}  {row['state']:<8}  {row['outputs']} outputs")


@group.command()
@click.option("--wrapping", is_flag=True, help="Only the key that the escrow's data keys are wrapped with.")
@_WORKSPACE
@_REASON
@_WHAT_IF
@_JSON
def rotate(workspace: Path, reason: str, *, wrapping: bool, what_if: bool, as_json: bool) -> None:
    """Make a new key the active one; the next run of each job makes its outputs anew under it."""
    from datetime import UTC, datetime

    from curator.jobs.keys import epochs, rotate, rotate_wrapping
    from curator.jobs.workspace import open_workspace

    opened = open_workspace(workspace)
    if what_if:
        known = epochs(opened)
        told = {"rotated": False} if wrapping else {"rotated": False, "epoch": len(known) + 1}
        _say({**told, "outputs_to_make_anew": 0 if wrapping else sum(one.outputs for one in known)}, as_json=as_json)
    elif wrapping:
        count = rotate_wrapping(opened, reason=reason, now=lambda: datetime.now(UTC))
        _say({"rotated": True, "data_keys_wrapped_anew": count}, as_json=as_json)
    else:
        key = rotate(opened, reason=reason, now=lambda: datetime.now(UTC))
        _say({"rotated": True, "epoch": key.epoch, "key_id": key.key_id}, as_json=as_json)


@group.command()
@click.option("--epoch", type=click.IntRange(1), help="A retired epoch: its secret and all that only it opens.")
@click.option("--patient", metavar="CODE", help="All that leads from this code back to a person.")
@_WORKSPACE
@_REASON
@_WHAT_IF
@_JSON
def shred(
    workspace: Path, epoch: int | None, patient: str | None, reason: str, *, what_if: bool, as_json: bool
) -> None:
    """Destroy an epoch or what is known of one patient. Nothing brings it back."""
    from datetime import UTC, datetime

    from curator.jobs.keys import shred_epoch, shred_person, would_shred
    from curator.jobs.workspace import open_workspace

    if (epoch is None) == (patient is None):
        raise click.UsageError("name one thing to destroy: either --epoch or --patient")
    opened = open_workspace(workspace)
    if what_if:
        _say({"shredded": False, "people": would_shred(opened, epoch=epoch, code=patient)}, as_json=as_json)
    elif epoch is not None:
        people = shred_epoch(opened, epoch, reason=reason, now=lambda: datetime.now(UTC))
        _say({"shredded": True, "people": people}, as_json=as_json)
    else:
        rows = shred_person(opened, patient or "", reason=reason, now=lambda: datetime.now(UTC))
        _say({"shredded": True, "rows": rows}, as_json=as_json)


@group.command()
@click.argument("codes", nargs=-1, required=True)
@_WORKSPACE
@_REASON
@_JSON
def reidentify(codes: tuple[str, ...], workspace: Path, reason: str, *, as_json: bool) -> None:
    """Print who each of CODES stands for. It is logged before it is printed."""
    from datetime import UTC, datetime

    from curator.jobs.keys import reidentify
    from curator.jobs.workspace import open_workspace

    found = reidentify(open_workspace(workspace), codes, reason=reason, now=lambda: datetime.now(UTC))
    rows = [{name: value for name, value in asdict(one).items() if value} for one in found]
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(row.values()))


@group.command()
@click.option("--head", default="", help="The last hash as it was noted before: finds entries cut off at the end.")
@_WORKSPACE
@_JSON
def audit(workspace: Path, head: str, *, as_json: bool) -> None:
    """Check the chain of the audit log and print it. Exit code 3 where it is not what was written."""
    from curator.jobs.key_log import audit_trail
    from curator.jobs.workspace import open_workspace

    entries = audit_trail(open_workspace(workspace), expected_head=head)
    if as_json:
        click.echo(json.dumps([{**asdict(one), "fields": dict(one.fields)} for one in entries], indent=1))
        return
    for one in entries:
        facts = "  ".join(f"{name}={value}" for name, value in one.fields.items())
        click.echo(f"{one.sequence:>5}  {one.at or '-':<25}  {one.event}  {facts}")
    click.echo(f"{len(entries)} entries, unbroken; head {entries[-1].hash if entries else '-'}")


def _say(facts: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    for name, value in facts.items():
        click.echo(f"{name:<24}{value}")
