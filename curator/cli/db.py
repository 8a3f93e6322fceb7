"""`curator db`: the schema of a workspace's database."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("db")
def group() -> None:
    """The workspace's database."""


@group.command("upgrade")
@click.option("-w", "--workspace", type=click.Path(path_type=Path), help="Whose database; made where it is not there.")
@click.option("--url", help="A database by its SQLAlchemy URL instead, such as sqlite:///FILE.")
@click.option("--what-if", is_flag=True, help="Say what would be applied and change nothing.")
def upgrade(workspace: Path | None, url: str | None, *, what_if: bool) -> None:
    """Bring a database to the schema that this version needs, in one transaction."""
    from curator.catalog.database import open_engine
    from curator.catalog.revision import current_revision
    from curator.catalog.schema import pending_revisions
    from curator.catalog.schema import upgrade as upgrade_schema
    from curator.jobs.workspace import open_workspace

    if workspace is not None and url is None:
        target = open_workspace(workspace).database_url
    elif url is not None and workspace is None:
        target = url
    else:
        raise click.UsageError("name one database: either --workspace or --url")
    engine = open_engine(target)
    try:
        pending = pending_revisions(engine)
        if not pending:
            click.echo(f"at revision {current_revision(engine)}, nothing to apply")
        elif what_if:
            click.echo(f"would apply {', '.join(pending)}")
        else:
            click.echo(f"at revision {upgrade_schema(target)}, applied {', '.join(pending)}")
    finally:
        engine.dispose()
