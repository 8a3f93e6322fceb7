"""`curator deid`: de-identify instances, prove it on the written files, explain a decision."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curator.cli._deid_options import JSON, OPTION, PROFILE, RECIPE, VALUES, WORKERS, WORKSPACE, recipe_of, to_stderr
from curator.cli._faces import faces
from curator.cli._pixels import pixels
from curator.cli._verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from curator.deid.difference import Difference
    from curator.jobs.signing_off import SignOff


@click.group("deid")
def group() -> None:
    """De-identify instances and prove it on the written files."""


group.add_command(pixels)
group.add_command(faces)
group.add_command(verify)


@group.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where released instances go.")
@click.option("--what-if", is_flag=True, help="Say what would happen and write nothing; with --json for every element.")
@click.option("--events", type=click.Path(path_type=Path), help="CSV with the day each person's days are counted from.")
@PROFILE
@OPTION
@RECIPE
@VALUES
@WORKSPACE
@WORKERS
@JSON
def run(
    paths: tuple[Path, ...],
    out: Path,
    profile: str,
    options: tuple[str, ...],
    workspace: Path,
    workers: int,
    events: Path | None,
    *,
    recipe: Path | None,
    recipe_values: Path | None,
    what_if: bool,
    as_json: bool,
) -> None:
    """Release the instances under PATHS to --out, or quarantine them. Exit code 1 where any was quarantined."""
    from curator.jobs.job import DEFAULT_OPTIONS, Job

    job = Job(
        name="deid run",
        workspace=workspace.absolute(),
        paths=tuple(path.absolute() for path in paths),
        profile=profile,
        options=options or DEFAULT_OPTIONS,
        out=out.absolute(),
        events=events and events.absolute(),
        recipe=recipe_of(recipe, recipe_values),
    )
    if what_if:
        from curator.jobs.rehearsal import rehearse

        rehearsal = rehearse(job, workers=workers, report=to_stderr, each_element=as_json)
        click.echo(json.dumps(rehearsal, indent=1))
        return
    from curator.jobs.outcome import result_table
    from curator.jobs.run import run_job

    result = run_job(job, workers=workers, report=to_stderr)
    click.echo(json.dumps(result.to_json(), indent=1) if as_json else result_table(result))
    sys.exit(result.exit_code)


@group.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("tag", required=False)
@click.option("--diff", is_flag=True, help="What the rewriting truly makes of every element.")
@click.option("-w", "--workspace", type=click.Path(path_type=Path), help="With --diff: by this workspace's key.")
@click.option("--show-values", is_flag=True, help="With --diff -w, on a terminal: show what stood there, too.")
@PROFILE
@OPTION
@RECIPE
@VALUES
@JSON
def explain(
    file: Path,
    tag: str | None,
    profile: str,
    options: tuple[str, ...],
    workspace: Path | None,
    *,
    recipe: Path | None,
    recipe_values: Path | None,
    diff: bool,
    show_values: bool,
    as_json: bool,
) -> None:
    """Say for every element of FILE, or for TAG (a keyword or gggg,eeee), what happens to it and by which rule.

    With --diff also what becomes of it: lengths and VRs of what stood there, and new values that are the engine's own.
    Pseudonyms, UIDs and shifted dates are shown with -w only: without it they are made by a key that nobody keeps.
    """
    from curator.bundled import bundled_folder
    from curator.deid.explain import explained
    from curator.errors import UsageError
    from curator.policy.recipe.laid import load_policy

    if show_values and (not diff or workspace is None or as_json or not sys.stdout.isatty()):
        raise UsageError("--show-values goes with --diff and -w, and shows what stood there on a terminal only")
    over = recipe_of(recipe, recipe_values)
    policy = load_policy(bundled_folder("rules"), profile=profile, options=options, recipe=over)
    rows = explained(file.read_bytes(), policy, only=tag)
    if diff:
        from curator.jobs.differences import file_differences

        places = {row.place for row in rows}
        found = file_differences(
            file.absolute(), workspace=workspace, profile=profile, options=options, recipe=over, show_old=show_values
        )
        _print_differences([one for one in found if tag is None or one.place in places], as_json=as_json)
        return
    if as_json:
        click.echo(json.dumps([row.to_json() for row in rows], indent=1))
        return
    for row in rows:
        click.echo(f"{row.place}  {row.vr}  {row.action}  {row.keyword or '-'}  [{row.rule_id}] {row.why}")


_COUNT = click.option("--n", "count", type=click.IntRange(0), default=20, show_default=True, help="Instances to draw.")
_SEED = click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another sample.")
_RELEASED = click.option(
    "--released", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Where released instances lie."
)


@group.command()
@WORKSPACE
@_COUNT
@_SEED
@_RELEASED
@WORKERS
@JSON
def sample(workspace: Path, count: int, seed: int, released: Path | None, workers: int, *, as_json: bool) -> None:
    """Draw released instances for a person to look at, risky ones first, and list every text that is left in all.

    The code at the end stands for exactly this; `curator deid attest` signs for it.
    """
    shown = _shown(workspace, count=count, seed=seed, released=released, workers=workers)
    if as_json:
        click.echo(json.dumps(shown.to_json(), indent=1))
        return
    for drawn in shown.sample:
        click.echo("  ".join((drawn.path, *drawn.rules)))
    for text in shown.texts:
        printable = "".join(one if one.isprintable() else " " for one in text.value)
        click.echo(f"{text.attribute}  {printable}  {text.series} series  {text.files} files")
    click.echo(f"{len(shown.sample)} instances to look at, {len(shown.texts)} distinct texts; code {shown.code}")


@group.command()
@WORKSPACE
@click.option("--code", required=True, help="As `curator deid sample` printed it, with the same --n and --seed.")
@click.option("--by", required=True, help="Who signs; the log keeps a keyed code of the name.")
@click.option("--accept/--reject", "accepted", required=True, default=None, help="What was found.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day it was signed; today where left out.")
@click.option("--what-if", is_flag=True, help="Check the code and write nothing.")
@_COUNT
@_SEED
@_RELEASED
@WORKERS
def attest(
    workspace: Path,
    code: str,
    by: str,
    day: datetime | None,
    count: int,
    seed: int,
    released: Path | None,
    workers: int,
    *,
    accepted: bool,
    what_if: bool,
) -> None:
    """Write into the audit log that a person has looked at the sample and at every text, and what they found."""
    from datetime import date

    from curator.jobs.signing_off import attest as attested
    from curator.jobs.signing_off import require_code

    shown = _shown(workspace, count=count, seed=seed, released=released, workers=workers)
    require_code(shown, code)
    if what_if:
        click.echo(f"would sign for {len(shown.sample)} instances and {len(shown.texts)} texts")
        return
    on = date.today() if day is None else day.date()
    entry = attested(workspace, shown, code=code, by=by, accepted=accepted, at=on.isoformat())
    click.echo(f"entry {entry.sequence} of the audit log, {entry.hash}")


def _shown(workspace: Path, *, count: int, seed: int, released: Path | None, workers: int) -> SignOff:
    from curator.adapters.processes import executor
    from curator.jobs.signing_off import sign_off

    pool = executor(workers)
    try:
        return sign_off(workspace, count=count, seed=seed, executor=pool, report=to_stderr, released=released)
    finally:
        pool.close()


def _print_differences(found: Sequence[Difference], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=1))
        return
    for one in found:
        sides = " -> ".join(filter(None, (one.before, one.after)))
        click.echo(f"{one.place}  {one.keyword or '-'}  {one.action}  {one.change}  {sides}  [{one.rule_id}]")
