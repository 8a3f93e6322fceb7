from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from curator.catalog.database import open_engine
from curator.catalog.query import instances
from curator.catalog.record import record_instances
from curator.catalog.schema import upgrade
from curator.errors import UsageError
from curator.jobs import tables
from curator.jobs.ledger import (
    Ledger,
    LedgerBatch,
    SourceRow,
    StageResult,
    WorkRow,
    WorkStatus,
    evidence_of_done,
)
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Quarantined, Reason

TABLES = (tables.work, tables.quarantine, tables.source, tables.stage_result, tables.audit, tables.pixel_evidence)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "curator.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{database}")
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def _work(number: int = 0, **changes: str) -> WorkRow:
    facts = {"stage": "deid", "item_id": f"{number:064x}", "rule_digest": "r1"}
    return WorkRow(**facts | {"output_path": f"p/{number}.dcm", "output_sha256": f"{number + 7:064x}"} | changes)


def _held(number: int = 0, reason: Reason = Reason.FACE_POSSIBLE, stage: str = "deid") -> Quarantined:
    return Quarantined(f"{number:064x}", reason, stage, f"{number:064x}", b"\x00sealed\xff", "3 frames")


def _rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {table.name: [tuple(row) for row in connection.execute(select(table))] for table in TABLES}


def test_what_was_done_is_found_under_its_own_rules_only(ledger: Ledger) -> None:
    row = _work()
    assert ledger.done("deid", row.item_id, "r1") is None
    ledger.record_done(row)
    assert ledger.done("deid", row.item_id, "r1") == row
    assert ledger.done("deid", row.item_id, "r2") is None
    assert ledger.done("verify", row.item_id, "r1") is None
    assert ledger.all_done("deid", "r1") == {row.item_id: row}


def test_new_rules_take_the_place_of_old_ones(ledger: Ledger) -> None:
    """Going back to the old rules is new work: their output was overwritten."""
    old, new = _work(), _work(rule_digest="r2", output_sha256="ee" * 32)
    ledger.record_done(old)
    ledger.record_done(new)
    assert ledger.done("deid", old.item_id, "r1") is None
    assert ledger.done("deid", old.item_id, "r2") == new
    assert ledger.counts_by_status("deid") == {WorkStatus.DONE: 1}
    ledger.record_done(old)
    assert ledger.done("deid", old.item_id, "r1") == old
    assert ledger.done("deid", old.item_id, "r2") is None


def test_quarantine_keeps_one_reason_and_counts_as_done(ledger: Ledger) -> None:
    ledger.record_quarantine(_held(), rule_digest="r1")
    assert ledger.quarantined() == [_held()]
    row = ledger.done("deid", _held().item_id, "r1")
    assert row is not None
    assert (row.status, row.reason, row.detail) == (WorkStatus.QUARANTINED, Reason.FACE_POSSIBLE, "3 frames")
    assert row.output_path == ""

    later = _held(reason=Reason.RESIDUAL_IDENTIFIER, stage="verify")
    ledger.record_quarantine(later, rule_digest="r1")
    assert ledger.quarantined() == [later]
    assert ledger.counts_by_reason() == {Reason.RESIDUAL_IDENTIFIER: 1}


@pytest.mark.parametrize("reason", list(Reason))
def test_what_the_world_caused_is_tried_again(ledger: Ledger, reason: Reason) -> None:
    ledger.record_done(_work())
    ledger.record_quarantine(_held(reason=reason), rule_digest="r1")
    assert ledger.counts_by_reason() == {reason: 1}
    found = ledger.done("deid", _held().item_id, "r1")
    assert (found is None) == reason.is_environmental
    assert found is None or found.status is WorkStatus.QUARANTINED


def test_an_item_released_later_leaves_the_quarantine(ledger: Ledger) -> None:
    ledger.record_quarantine(_held(0), rule_digest="r1")
    ledger.record_quarantine(_held(1, stage="verify"), rule_digest="r1")
    ledger.record_done(_work(0, rule_digest="r2"))
    ledger.record_done(_work(1, rule_digest="r2"))  # passing an earlier stage does not release it from a later one
    assert ledger.quarantined() == [_held(1, stage="verify")]
    ledger.clear_quarantine(_held(1).item_id)
    ledger.clear_quarantine("never held")
    assert ledger.quarantined() == []


def test_within_one_batch_the_last_word_counts(ledger: Ledger) -> None:
    with ledger.batch() as batch:
        batch.record_quarantine(_held(0), rule_digest="r1")
        batch.record_done(_work(0))
        batch.record_done(_work(1))
        batch.record_quarantine(_held(1), rule_digest="r1")
        batch.record_done(_work(2, stage="scan"))
        batch.record_quarantine(_held(2), rule_digest="r1")
        batch.record_quarantine(_held(3, stage="verify"), rule_digest="r1")
        batch.record_done(_work(3))
    assert ledger.quarantined() == [_held(1), _held(2), _held(3, stage="verify")]
    assert ledger.counts_by_status("deid") == {WorkStatus.DONE: 2, WorkStatus.QUARANTINED: 2}


def test_sources_and_stage_results_come_back(ledger: Ledger) -> None:
    source = SourceRow(item_id="b", content_id="c", sealed_source=b"\x00\xff", size_bytes=5_000_000_000)
    result = StageResult(job="j", stage="freeze", input_digest="i1", output_digest="o1", output_path="datasets/x@1.0.0")
    with ledger.batch() as batch:
        batch.record_source(source)
        batch.record_source(replace(source, item_id="a"))
        batch.record_stage_result(result)
    assert ledger.sources() == [replace(source, item_id="a"), source]
    assert "sealed" not in repr(source)
    assert ledger.stage_result("j", "freeze", "i1") == result
    assert ledger.stage_result("j", "freeze", "i2") is None
    assert ledger.stage_result("k", "freeze", "i1") is None

    ledger.record_stage_result(replace(result, input_digest="i2", output_digest="o2"))
    assert ledger.stage_result("j", "freeze", "i1") is None


def _fill(batch: LedgerBatch, numbers: list[int]) -> None:
    for number in numbers:
        batch.record_source(
            SourceRow(item_id=f"{number:064x}", content_id="c", sealed_source=bytes([number % 256]), size_bytes=number)
        )
        batch.record_done(_work(number, stage="scan"))
        if number % 3:
            batch.record_done(_work(number))
        else:
            batch.record_quarantine(_held(number, list(Reason)[number % len(Reason)]), rule_digest="r1")


def test_writing_the_same_again_changes_no_byte(ledger: Ledger, database: Path) -> None:
    result = StageResult(job="j", stage="freeze", input_digest="i", output_digest="o", output_path="p")
    for _ in range(2):
        with ledger.batch() as batch:
            _fill(batch, list(range(60)))
            batch.record_stage_result(result)
        before = database.read_bytes()

    for order in (range(60), reversed(range(60))):
        with ledger.batch() as batch:
            _fill(batch, list(order))
            batch.record_stage_result(result)
            batch.clear_quarantine("never held")
    ledger.quarantined()
    ledger.all_done("scan", "r1")

    assert database.read_bytes() == before
    assert [entry.name for entry in database.parent.iterdir()] == [database.name]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(14)), cut=st.integers(0, 14))
def test_the_order_in_which_workers_finish_leaves_no_trace(
    order: list[int], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def filled(*parts: list[int]) -> dict[str, list[tuple[object, ...]]]:
        url = f"sqlite:///{tmp_path_factory.mktemp('order') / 'l.sqlite'}"
        upgrade(url)
        engine = open_engine(url)
        for part in parts:
            with Ledger(engine).batch() as batch:
                _fill(batch, part)
        rows = _rows(engine)
        engine.dispose()
        return rows

    assert filled(order[:cut], order[cut:]) == filled(list(range(14)))


def test_more_items_than_one_statement_takes(ledger: Ledger) -> None:
    with ledger.batch() as batch:
        _fill(batch, list(range(1201)))
    assert len(ledger.all_done("scan", "r1")) == 1201
    with ledger.batch() as batch:
        for number in range(1201):
            batch.record_done(_work(number, rule_digest="r2"))
    assert ledger.quarantined() == []
    assert ledger.counts_by_status("deid") == {WorkStatus.DONE: 1201}


def test_an_exception_in_a_batch_leaves_what_was(ledger: Ledger, database: Path) -> None:
    ledger.record_done(_work())
    before = database.read_bytes()
    with pytest.raises(KeyboardInterrupt), ledger.batch() as batch:
        _fill(batch, list(range(10)))
        batch.flush()
        raise KeyboardInterrupt
    assert database.read_bytes() == before


def test_the_catalogue_stands_or_falls_with_the_ledger(ledger: Ledger, engine: Engine) -> None:
    text = dict.fromkeys((name for name, kind in ReleasedInstance.__annotations__.items() if kind == "str"), "x")
    one = ReleasedInstance(**text, Rows=1, Columns=1, NumberOfFrames=1, references=(), size_bytes=1)
    with pytest.raises(ZeroDivisionError), ledger.batch() as batch:
        record_instances(batch.connection, [one])
        batch.record_done(_work())
        batch.record_done(_work(1 // 0))
    with engine.connect() as connection:
        assert instances(connection) == []
    with ledger.batch() as batch:
        record_instances(batch.connection, [one])
        batch.record_done(_work())
    with engine.connect() as connection:
        assert instances(connection) == [one]


_WRITE_UNTIL_KILLED = """
import sys
from curator.catalog.database import open_engine
from curator.jobs.ledger import Ledger, SourceRow, WorkRow

ledger = Ledger(open_engine(sys.argv[1]))
for first in range(0, 1_000_000, 200):
    with ledger.batch() as batch:
        for number in range(first, first + 200):
            batch.record_source(SourceRow(item_id=f"{number:064x}", content_id="c", sealed_source=b"s", size_bytes=1))
            batch.record_done(WorkRow(stage="scan", item_id=f"{number:064x}", rule_digest="r1"))
        batch.flush()
        print(first, flush=True)
"""

_WRITE_FROM_A_WORKER = """
import os, sys
from curator.catalog.database import open_engine
from curator.errors import RefusedError
from curator.jobs.ledger import Ledger, WorkRow

ledger = Ledger(open_engine(sys.argv[1]))
child = os.fork()
if child == 0:
    try:
        ledger.record_done(WorkRow(stage="scan", item_id="a", rule_digest="r1"))
    except RefusedError:
        os._exit(3)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_killed_writer_leaves_whole_batches(database: Path) -> None:
    url = f"sqlite:///{database}"
    command = [sys.executable, "-c", _WRITE_UNTIL_KILLED, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(3):  # two batches are whole by then, the third is about to be
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL

    engine = open_engine(url)
    ledger = Ledger(engine)
    scanned = ledger.all_done("scan", "r1")
    assert len(scanned) >= 400
    assert len(scanned) % 200 == 0
    assert [row.item_id for row in ledger.sources()] == list(scanned)
    ledger.record_done(_work())
    engine.dispose()
    assert [entry.name for entry in database.parent.iterdir()] == [database.name]


def test_a_worker_may_not_write(ledger: Ledger, database: Path) -> None:
    command = [sys.executable, "-c", _WRITE_FROM_A_WORKER, f"sqlite:///{database}"]
    assert subprocess.run(command, check=False).returncode == 3
    assert ledger.all_done("scan", "r1") == {}


def test_a_ledger_without_its_tables_says_what_to_do(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(UsageError, match="curator db upgrade"):
        Ledger(engine)
    assert list(tmp_path.iterdir()) == []


def test_what_was_seen_in_pixels_is_kept_by_item_and_told_of_what_is_released(ledger: Ledger, engine: Engine) -> None:
    seen = {"rounds": 1, "boxes": [{"rule": "r", "box": [0, 1, 2, 3]}]}
    with ledger.batch() as batch:
        batch.record_done(_work(1))
        batch.record_evidence(_work(1).item_id, seen)
        batch.record_quarantine(_held(2), rule_digest="r1")
        batch.record_evidence(_held(2).item_id, seen)
    before = _rows(engine)
    with ledger.batch() as batch:
        batch.record_evidence(_work(1).item_id, dict(reversed(seen.items())))
    assert _rows(engine) == before
    assert len(before["pixel_evidence"]) == 2
    with engine.connect() as connection:
        assert evidence_of_done(connection, "deid") == {"p/1.dcm": seen}
        assert evidence_of_done(connection, "other") == {}
