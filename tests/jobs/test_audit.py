from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.schema import upgrade
from curator.errors import IntegrityError
from curator.jobs.audit import FIRST, append, entries, head, verify
from curator.jobs.ledger import Ledger
from curator.jobs.tables import audit


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'curator.sqlite'}"
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with write_transaction(engine) as connection:
        for number in range(5):
            append(connection, "run", {"released": number, "job": "ä", "dry": False}, at=f"2026-01-0{number + 1}")
    return engine


def test_an_empty_log_is_whole(engine: Engine) -> None:
    with engine.connect() as connection:
        assert verify(connection) == 0
        assert head(connection) == FIRST
        assert entries(connection) == []


def test_a_chain_holds_what_was_appended(filled: Engine) -> None:
    with filled.connect() as connection:
        found = entries(connection)
        assert verify(connection, expected_head=found[-1].hash) == 5
        assert head(connection) == found[-1].hash
    assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
    assert [one.previous_hash for one in found] == [FIRST, *(one.hash for one in found[:-1])]
    assert found[2].fields == {"released": 2, "job": "ä", "dry": False}
    assert found[2].at == "2026-01-03"


def test_the_same_events_give_the_same_hashes(engine: Engine, tmp_path: Path) -> None:
    other_url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    upgrade(other_url)
    other = open_engine(other_url)
    heads = []
    for one, fields in ((engine, {"a": 1, "b": "x"}), (other, {"b": "x", "a": 1})):
        with write_transaction(one) as connection:
            append(connection, "run", fields)
            heads.append(head(connection))
    other.dispose()
    assert heads[0] == heads[1]


@pytest.mark.parametrize("column", [column.name for column in audit.columns])
def test_any_alteration_is_found(filled: Engine, column: str) -> None:
    value = 77 if column == "sequence" else "f" * 64
    with write_transaction(filled) as connection:
        connection.execute(update(audit).where(audit.c.sequence == 3).values({column: value}))
        with pytest.raises(IntegrityError, match="breaks at entry"):
            verify(connection)


@pytest.mark.parametrize("sequence", [1, 3])
def test_an_entry_taken_out_is_found(filled: Engine, sequence: int) -> None:
    with write_transaction(filled) as connection:
        connection.execute(delete(audit).where(audit.c.sequence == sequence))
        with pytest.raises(IntegrityError, match=f"breaks at entry {sequence}"):
            verify(connection)


def test_a_log_cut_off_is_found_by_who_kept_its_head(filled: Engine) -> None:
    with write_transaction(filled) as connection:
        kept = head(connection)
        connection.execute(delete(audit).where(audit.c.sequence == 5))
        assert verify(connection) == 4
        with pytest.raises(IntegrityError, match="cut off"):
            verify(connection, expected_head=kept)


def test_events_of_a_batch_are_logged_in_their_order_or_not_at_all(engine: Engine) -> None:
    ledger = Ledger(engine)
    with ledger.batch() as batch:
        batch.record_event("begin", job="j")
        batch.record_event("end", job="j", released=3)
    with pytest.raises(KeyboardInterrupt), ledger.batch() as batch:
        batch.record_event("lost")
        raise KeyboardInterrupt
    with engine.connect() as connection:
        assert [one.event for one in entries(connection)] == ["begin", "end"]
        assert verify(connection) == 2
