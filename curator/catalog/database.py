"""Opens the workspace's database, SQLite or PostgreSQL, with the same promises on both.

The law: a transaction is there as a whole or not at all, schema changes included; a read leaves the file's bytes as
they were; no statement's parameters stand in an error. What only one product understands is in this file.

Sources: SQLite "Isolation" and "WITHOUT ROWID"; SQLAlchemy "pysqlite: controlling BEGIN".
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from curator.errors import ConfigurationError, IntegrityError, UsageError

_PRODUCTS = ("sqlite", "postgresql")
_WRITES = "curator_writes"
_LOCK_TIMEOUT_S = 60.0


def open_engine(url: str) -> Engine:
    """An engine for `url`; nothing is opened or created before the first connection.

    Raises:
        ConfigurationError: the URL cannot be read, or names neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("the database URL cannot be read; it looks like sqlite:///FILE") from None
    product = parsed.get_backend_name()
    if product not in _PRODUCTS:
        raise ConfigurationError("the database URL names an unknown product; known are " + ", ".join(_PRODUCTS))
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    connect_args = {"timeout": _LOCK_TIMEOUT_S} if product == "sqlite" else {}
    try:
        engine = create_engine(parsed, hide_parameters=True, connect_args=connect_args)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise ConfigurationError("the driver that the database URL names is not installed") from None
    if product == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    # The driver would commit before schema changes and begin late; we say BEGIN ourselves.
    dbapi_connection.isolation_level = None
    dbapi_connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer; one that says so at once can.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end of the block and rolls back where the block raises.

    Raises:
        UsageError: the database is locked, read-only, full or out of reach.
        IntegrityError: a row contradicts the schema.
    """
    try:
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise UsageError(f"the database refused to be written: {_structural(error, engine)}") from None
    except DBAPIError as error:
        # PostgreSQL quotes the row it refuses, so its sentence goes no further.
        raise IntegrityError(f"the database refused a row: {_structural(error, engine)}") from None


def _structural(error: DBAPIError, engine: Engine) -> str:
    original = error.orig
    if engine.dialect.name == "sqlite":
        return str(original)  # SQLite's own sentence: "database is locked", "disk is full"; never a value or a path
    return f"{type(original).__name__} {getattr(original, 'sqlstate', None) or ''}".rstrip()


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert `rows`, and overwrite those whose primary key is there; nothing for no rows."""
    if rows:
        connection.execute(_upserting(table, connection.dialect.name), rows)


@lru_cache(maxsize=64)
def _upserting(table: Table, product: str) -> Insert:
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    # The engine has loaded the one of the two that it speaks; the other is two megabytes.
    insert = importlib.import_module(f"sqlalchemy.dialects.{product}").insert(table)
    if others:
        excluded = insert.excluded
        insert = insert.on_conflict_do_update(index_elements=keys, set_={name: excluded[name] for name in others})
    else:
        insert = insert.on_conflict_do_nothing(index_elements=keys)
    return cast("Insert", insert)
