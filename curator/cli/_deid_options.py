"""What the commands of `curator deid` share: their options, and the recipe that some of them name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from curator.policy.recipe.lines import Recipe

WORKSPACE = click.option(
    "-w", "--workspace", type=click.Path(path_type=Path), required=True, help="Made with `curator init`."
)
PROFILE = click.option("--profile", default="basic", show_default=True, help="A profile under rules/profiles.")
OPTION = click.option("--option", "options", multiple=True, help="An option of PS3.15 E.3, such as retain-uids.")
WORKERS = click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
RECIPE = click.option("--recipe", type=click.Path(path_type=Path), help="In the deid package's format; decides first.")
VALUES = click.option("--recipe-values", type=click.Path(path_type=Path), help="TOML or CSV: what `var:` stands for.")


def recipe_of(path: Path | None, values: Path | None) -> Recipe | None:
    """The recipe in a file, None for no file.

    Raises:
        ConfigurationError: it cannot be read.
        UsageError: values without a recipe.
    """
    from curator.errors import UsageError
    from curator.policy.recipe.read import read_recipe

    if path is None:
        if values is not None:
            raise UsageError("--recipe-values goes with --recipe")
        return None
    return read_recipe(path, values=values)


def to_stderr(line: str) -> None:
    """Show a line of progress."""
    click.echo(line, err=True)
