"""`curator rules`: whether the rules are whole, and what they promise."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import click

from curator.errors import EXIT_FINDINGS


@click.group()
def group() -> None:
    """The rules a workspace decides by."""


@group.command()
@click.argument(
    "folder", metavar="[DIR]", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def check(folder: Path | None, *, as_json: bool) -> None:
    """Read every rule, verify the standard's tables and run every example; 1 where something is wrong.

    DIR is a rules folder; without it, the rules that ship with this copy are checked.
    """
    from curator.bundled import bundled_folder
    from curator.policy.check import check_rules

    report = check_rules(folder or bundled_folder("rules"))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report), indent=2))
    else:
        for finding in report.findings:
            click.echo(f"{finding.where}: {finding.rule_id + ': ' if finding.rule_id else ''}{finding.what}")
        click.echo(
            f"{report.rules} rules in {report.files} files, {report.examples} examples: {len(report.findings)} findings"
        )
    if report.findings:
        sys.exit(EXIT_FINDINGS)


@group.command()
@click.option("--profile", default="basic", show_default=True, help="The profile's name.")
@click.option("--option", "options", multiple=True, help="An option of PS3.15 E.3; may be given several times.")
def conformance(profile: str, options: tuple[str, ...]) -> None:
    """Print the conformance statement (PS3.15 E.1.3) of a profile with its options, as Markdown."""
    from curator.bundled import bundled_folder
    from curator.policy.explain import conformance as statement
    from curator.policy.header import load_header_policy

    policy = load_header_policy(bundled_folder("rules"), profile=profile, options=options)
    click.echo(statement(policy), nl=False)
