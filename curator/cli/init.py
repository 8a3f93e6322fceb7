"""`curator init`: a workspace and its key file."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("init")
@click.argument("workspace", type=click.Path(path_type=Path))
@click.option("--keys", type=click.Path(path_type=Path), help="Key file, made with 0600 where it does not exist.")
@click.option("--domain", default="default", show_default=True, help="Release the key is for.")
@click.option("--what-if", is_flag=True, help="Say what would be made and make nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def group(workspace: Path, keys: Path | None, domain: str, *, what_if: bool, as_json: bool) -> None:
    """Make WORKSPACE and a key file outside it."""
    from curator.jobs.workspace import check_place, create_workspace, default_key_file

    key_file = (keys or default_key_file(workspace)).absolute()
    if what_if:
        check_place(workspace, key_file=key_file)
        made = {"workspace": str(workspace), "key_file": str(key_file), "key_exists": key_file.exists(), "made": False}
    else:
        opened = create_workspace(workspace, key_file=key_file, domain=domain)
        made = {"workspace": str(workspace), "key_file": str(key_file), "key_id": opened.key_id, "made": True}
    if as_json:
        click.echo(json.dumps(made, indent=1))
        return
    for name, value in made.items():
        click.echo(f"{name:12} {value}")
