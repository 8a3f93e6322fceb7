"""Brings a database to the schema this copy of the engine knows.

The law: an upgrade is one transaction; asking never creates or changes a file.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from curator.bundled import bundled_folder
from curator.catalog.database import open_engine, write_transaction
from curator.catalog.revision import current_revision, require_known

HEAD = "head"


def upgrade(url: str, *, revision: str = HEAD) -> str:
    """The revision the database at `url` stands at after the upgrade; it is created where it is not there.

    Raises:
        UsageError: the database cannot be written, or was made by a newer copy of the engine.
    """
    return _migrate(url, revision, down=False)


def downgrade(url: str, revision: str) -> str:
    """The revision after going back to `revision` (`base` drops every table), empty for `base`.

    Raises:
        UsageError: the database cannot be written, or was made by a newer copy of the engine.
    """
    return _migrate(url, revision, down=True)


def head_revision() -> str:
    """The newest revision this copy knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def pending_revisions(engine: Engine) -> list[str]:
    """What `upgrade` would apply, first to last; nothing where the schema is current.

    Raises:
        UsageError: the database cannot be read, or was made by a newer copy of the engine.
    """
    script = ScriptDirectory.from_config(_config())
    known = tuple(str(step.revision) for step in script.walk_revisions())[::-1]
    current = current_revision(engine)
    require_known(current, known)
    return list(known[known.index(current) + 1 :] if current else known)


def _migrate(url: str, revision: str, *, down: bool) -> str:
    engine = open_engine(url)
    try:
        known = tuple(str(step.revision) for step in ScriptDirectory.from_config(_config()).walk_revisions())
        require_known(current_revision(engine), known)
        with write_transaction(engine) as connection:
            (command.downgrade if down else command.upgrade)(_config(connection), revision)
        return current_revision(engine)
    finally:
        engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    # Alembic reads % as the start of a reference to another option.
    config.set_main_option("script_location", str(bundled_folder("migrations")).replace("%", "%%"))
    return config
