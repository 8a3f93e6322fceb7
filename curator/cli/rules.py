"""`curator rules`: whether the rules are whole, and what they promise."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curator.errors import EXIT_FINDINGS, ConfigurationError

if TYPE_CHECKING:
    from curator.policy.check import Finding


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

    rules = folder or bundled_folder("rules")
    report = check_rules(rules)
    report = dataclasses.replace(report, findings=(*report.findings, *_unusable_by_stages(rules)))
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


def _unusable_by_stages(rules: Path) -> Iterator[Finding]:
    """What the catalogue and dataset stages refuse of the rules that they read themselves, examples included."""
    from curator.catalog.vendors import load_vendor_names
    from curator.dataset.spec import read_spec
    from curator.policy.check import Finding
    from curator.strict import read_bytes

    vendors = "vendors/vendors.toml"
    try:
        load_vendor_names(rules / vendors)
    except ConfigurationError as error:
        yield Finding(vendors, "", str(error))
    for path in sorted((rules / "datasets").glob("*.toml")):
        where = path.relative_to(rules).as_posix()
        try:
            # What is not UTF-8 was found when the rules were read.
            read_spec(read_bytes(path, name=where).decode(errors="replace"))
        except ConfigurationError as error:
            yield Finding(where, "", str(error))


@group.command()
@click.option("--profile", default="basic", show_default=True, help="The profile's name.")
@click.option("--option", "options", multiple=True, help="An option of PS3.15 E.3; may be given several times.")
@click.option("--recipe", type=click.Path(path_type=Path), help="A recipe over the profile: what it weakens is listed.")
@click.option("--recipe-values", type=click.Path(path_type=Path), help="TOML or CSV: what `var:` stands for in it.")
def conformance(profile: str, options: tuple[str, ...], recipe: Path | None, recipe_values: Path | None) -> None:
    """Print the conformance statement (PS3.15 E.1.3) of a profile with its options, as Markdown."""
    from curator.bundled import bundled_folder
    from curator.policy.explain import conformance as statement
    from curator.policy.recipe.laid import load_policy
    from curator.policy.recipe.read import read_recipe

    over = read_recipe(recipe, values=recipe_values) if recipe is not None else None
    policy = load_policy(bundled_folder("rules"), profile=profile, options=options, recipe=over)
    click.echo(statement(policy), nl=False)
