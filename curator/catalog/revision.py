"""At which revision of its schema a database stands, and a new database at the newest.

Alembic, which is twelve megabytes and a tenth of a second, is loaded only where an older database has to be migrated.

The law: a new database has the very definitions that all migrations together would give it; asking never creates or
changes a file.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, select
from sqlalchemy.exc import DatabaseError

from curator.bundled import bundled_folder
from curator.catalog.database import open_engine, write_transaction
from curator.errors import UsageError

_MIGRATING = "curator.catalog.schema"
# As Alembic makes it.
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def known_revisions() -> tuple[str, ...]:
    """All revisions that this copy knows, first to last, as the names of the migrations say them."""
    folder = bundled_folder("migrations") / "versions"
    return tuple(sorted(path.name.partition("_")[0] for path in folder.glob("*.py")))


def current_revision(engine: Engine) -> str:
    """The revision the database stands at, empty where there is no database or no schema.

    Raises:
        UsageError: the file is there and is no database, or cannot be read.
    """
    if _is_missing(engine):
        return ""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(_VERSION.name):
                return ""
            return connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none() or ""
    except DatabaseError as error:
        raise UsageError(f"the database cannot be read: {type(error.orig).__name__}") from None


def require_current(engine: Engine) -> None:
    """Nothing, where the schema is the one this copy knows.

    Raises:
        UsageError: it is not.
    """
    known, current = known_revisions(), current_revision(engine)
    require_known(current, known)
    if current != known[-1]:
        raise UsageError("the database has an older schema or none; run `curator db upgrade`")


def require_known(current: str, known: tuple[str, ...]) -> None:
    """Nothing, where a database is empty or at one of the revisions that this copy knows.

    Raises:
        UsageError: it is not.
    """
    if current and current not in known:
        raise UsageError("the database was made by a newer copy of curator; use that one")


def make_current(url: str, metadata: MetaData) -> None:
    """Bring the database at `url` to the newest revision; it is created, by `metadata`, where it is not there.

    Raises:
        UsageError: the database cannot be written, or was made by a newer copy of the engine.
    """
    engine = open_engine(url)
    try:
        known, current = known_revisions(), current_revision(engine)
        require_known(current, known)
        if current == known[-1] or (not current and _is_created(engine, metadata, known[-1])):
            return
    finally:
        engine.dispose()
    importlib.import_module(_MIGRATING).upgrade(url)


def _is_created(engine: Engine, metadata: MetaData, newest: str) -> bool:
    """Whether the database was empty and has its tables now."""
    with write_transaction(engine) as connection:
        if inspect(connection).get_table_names():
            return False
        metadata.create_all(connection)
        _VERSION.create(connection)
        connection.execute(_VERSION.insert(), [{"version_num": newest}])
    return True


def _is_missing(engine: Engine) -> bool:
    """Whether connecting would create a file."""
    if engine.dialect.name != "sqlite":
        return False
    database = engine.url.database or ""
    return database not in ("", ":memory:") and not Path(database).exists()
