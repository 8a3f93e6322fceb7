from __future__ import annotations

import sqlite3
import traceback
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.revision import current_revision, known_revisions, make_current, require_current
from curator.catalog.schema import downgrade, head_revision, pending_revisions, upgrade
from curator.errors import ConfigurationError, IntegrityError, UsageError
from curator.jobs.tables import metadata


def _definitions(path: Path) -> dict[str, str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_the_migrations_give_what_the_code_believes_in(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrations_give_the_same_definitions_as_the_tables(database: Path, tmp_path: Path) -> None:
    direct = open_engine(f"sqlite:///{tmp_path / 'direct.sqlite'}")
    with direct.begin() as connection:
        metadata.create_all(connection)
    direct.dispose()

    migrated = _definitions(database)

    assert migrated == _definitions(tmp_path / "direct.sqlite")
    tables = [sql for sql in migrated.values() if sql.startswith("CREATE TABLE")]
    assert len(tables) == 15
    assert all(sql.endswith("WITHOUT ROWID") for sql in tables)  # no hidden number that tells the order of work


def test_up_down_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "curator.sqlite"
    url = f"sqlite:///{path}"
    assert upgrade(url) == head_revision()
    first = _definitions(path)

    assert downgrade(url, "base") == ""
    assert _definitions(path) == {}
    assert upgrade(url) == head_revision()
    assert _definitions(path) == first


def test_an_upgrade_of_a_current_database_leaves_its_bytes(database: Path) -> None:
    before = database.read_bytes()
    assert upgrade(f"sqlite:///{database}") == head_revision()
    assert database.read_bytes() == before
    assert [entry.name for entry in database.parent.iterdir()] == [database.name]


def test_a_new_database_has_what_all_migrations_give(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    make_current(f"sqlite:///{path}", metadata)
    assert _everything(path) == _everything(database)
    before = path.read_bytes()
    make_current(f"sqlite:///{path}", metadata)
    assert path.read_bytes() == before


def test_an_older_database_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "curator.sqlite"
    url = f"sqlite:///{path}"
    upgrade(url, revision=known_revisions()[0])
    make_current(url, metadata)
    engine = open_engine(url)
    require_current(engine)
    engine.dispose()


def test_a_database_with_tables_of_others_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "curator.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x TEXT)")
    connection.close()
    make_current(f"sqlite:///{path}", metadata)
    engine = open_engine(f"sqlite:///{path}")
    assert current_revision(engine) == head_revision()
    engine.dispose()


def _everything(path: Path) -> tuple[dict[str, str], list[tuple[str]]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in rows}, version


def test_revisions_are_told_by_the_names_of_the_migrations() -> None:
    assert known_revisions()[-1] == head_revision()
    nowhere = open_engine("sqlite://")
    assert list(known_revisions()) == pending_revisions(nowhere)
    nowhere.dispose()


def test_asking_makes_no_file(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'none.sqlite'}")
    assert current_revision(engine) == ""
    assert pending_revisions(engine) == ["0001", "0002", "0003"]
    with pytest.raises(UsageError, match="curator db upgrade"):
        require_current(engine)
    assert list(tmp_path.iterdir()) == []


def test_a_current_database_is_accepted(engine: Engine) -> None:
    require_current(engine)
    assert pending_revisions(engine) == []


def test_a_database_of_a_newer_copy_is_refused(engine: Engine) -> None:
    with write_transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UsageError, match="newer copy"):
        require_current(engine)
    with pytest.raises(UsageError, match="newer copy"):
        upgrade(str(engine.url))


def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "curator.sqlite"
    path.write_bytes(b"Doe^John" * 1000)
    with pytest.raises(UsageError, match="cannot be read") as caught:
        upgrade(f"sqlite:///{path}")
    assert "Doe" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_an_upgrade_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "curator.sqlite"
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(Path("migrations/env.py").read_text())
    (folder / "versions" / "a.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = 'a'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('x', sa.Text()))\n    raise KeyboardInterrupt\n"
    )
    monkeypatch.setattr("curator.catalog.schema.bundled_folder", lambda name: folder)
    with pytest.raises(KeyboardInterrupt):
        upgrade(f"sqlite:///{path}")
    assert _definitions(path) == {}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/name", "unknown product"),
        ("nonsense", "cannot be read"),
        ("sqlite+nothing:///x", "not installed"),
    ],
)
def test_a_url_of_another_product_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        open_engine(url)


def test_foreign_keys_hold_and_the_journal_is_the_default(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_database_that_may_not_be_written_says_so(database: Path) -> None:
    engine = open_engine(f"sqlite:///file:{database}?mode=ro&uri=true")
    with pytest.raises(UsageError, match="readonly"), write_transaction(engine) as connection:
        connection.exec_driver_sql("DELETE FROM patient")
    engine.dispose()


def test_a_row_without_its_parent_is_refused_and_not_quoted(engine: Engine) -> None:
    row = {"patient_code": "secret", "StudyInstanceUID": "x"}
    with pytest.raises(IntegrityError, match="FOREIGN KEY") as caught, write_transaction(engine) as connection:
        connection.execute(metadata.tables["study"].insert(), row)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_full_disk_says_so_and_leaves_what_was(database: Path, engine: Engine) -> None:
    before = database.read_bytes()
    with pytest.raises(UsageError, match="full"), write_transaction(engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            connection.exec_driver_sql("INSERT INTO patient VALUES (?)", (f"{number:0200d}",))
    assert database.read_bytes() == before
