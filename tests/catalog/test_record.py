from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from curator.catalog.database import open_engine, write_transaction
from curator.catalog.query import annotation_records, instances, released_paths, series, snapshot_digest
from curator.catalog.record import (
    AnnotationRecord,
    clashes,
    forget_annotation,
    forget_instances,
    record_annotations,
    record_instances,
)
from curator.catalog.schema import upgrade
from curator.catalog.tables import metadata, patient, study
from curator.errors import IntegrityError
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Reason

Make = Callable[..., ReleasedInstance]
Annotate = Callable[..., AnnotationRecord]


def _everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(table)))
            for name, table in metadata.tables.items()
        }


def test_what_was_recorded_is_what_is_read(engine: Engine, released: Make) -> None:
    wanted = [released(number) for number in range(40)]
    with write_transaction(engine) as connection:
        assert record_instances(connection, wanted) == 40
    with engine.connect() as connection:
        assert instances(connection) == sorted(wanted, key=lambda one: one.SOPInstanceUID)
        assert released_paths(connection) == {one.SOPInstanceUID: one.path for one in wanted}


def test_recording_again_changes_no_byte(engine: Engine, database: Path, released: Make, mask_of: Annotate) -> None:
    wanted = [released(number) for number in range(40)]
    masks = [mask_of(one.SeriesInstanceUID) for one in wanted]
    with write_transaction(engine) as connection:
        record_instances(connection, wanted)
        record_annotations(connection, masks)
    before = database.read_bytes()

    with write_transaction(engine) as connection:
        assert record_instances(connection, reversed(wanted)) == 0
        assert record_annotations(connection, masks) == 0
    with engine.connect() as connection:
        snapshot_digest(connection)
        series(connection)

    assert database.read_bytes() == before
    assert [entry.name for entry in database.parent.iterdir()] == [database.name]


def test_more_rows_than_one_statement_takes(engine: Engine, released: Make) -> None:
    wanted = [released(number) for number in range(1300)]
    with write_transaction(engine) as connection:
        assert record_instances(connection, wanted) == 1300
        assert record_instances(connection, wanted) == 0
        assert len(instances(connection)) == 1300


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(12)), cuts=st.lists(st.integers(0, 12), max_size=3))
def test_any_order_in_any_batches_gives_the_same_catalogue(
    order: list[int], cuts: list[int], released: Make, mask_of: Annotate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def filled(numbers: list[int], bounds: list[int]) -> tuple[str, object, object]:
        url = f"sqlite:///{tmp_path_factory.mktemp('order') / 'c.sqlite'}"
        upgrade(url)
        engine = open_engine(url)
        for start, stop in zip([0, *bounds], [*bounds, len(numbers)], strict=True):
            with write_transaction(engine) as connection:
                record_annotations(
                    connection, [mask_of(released(one).SeriesInstanceUID) for one in numbers[start:stop]]
                )
                record_instances(connection, [released(one) for one in numbers[start:stop]])
        with engine.connect() as connection:
            found = snapshot_digest(connection), series(connection)
        rows = _everything(engine)
        engine.dispose()
        return *found, rows

    assert filled(order, sorted(cuts)) == filled(list(range(12)), [])


def test_a_changed_instance_takes_the_place_of_the_old_one(engine: Engine, released: Make) -> None:
    old = released(1)
    new = replace(old, sha256="cd" * 32, references=("2.25.7", "2.25.8"))
    with write_transaction(engine) as connection:
        record_instances(connection, [old])
        before = snapshot_digest(connection)
        assert record_instances(connection, [new]) == 1
        assert instances(connection) == [new]
        assert snapshot_digest(connection) != before


def test_changed_references_alone_count_as_a_change(engine: Engine, released: Make) -> None:
    old = released(1)
    with write_transaction(engine) as connection:
        record_instances(connection, [old])
        for references in (("2.25.7", "2.25.8"), ("2.25.8",), ()):
            new = replace(old, references=references)
            assert record_instances(connection, [new]) == 1
            assert instances(connection) == [new]


def test_an_instance_that_moves_leaves_no_empty_series(engine: Engine, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(0)])
        moved = replace(released(0), patient_code="P9999", StudyInstanceUID="2.25.9", SeriesInstanceUID="2.25.10")
        record_instances(connection, [moved])
        assert connection.execute(select(patient.c.patient_code)).scalars().all() == ["P9999"]
        assert connection.execute(select(study.c.StudyInstanceUID)).scalars().all() == ["2.25.9"]


def test_forgetting_all_leaves_the_tables_as_they_began(engine: Engine, released: Make) -> None:
    empty = _everything(engine)
    with write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in range(8)])
        for number in range(8):
            assert forget_instances(connection, [released(number).SOPInstanceUID])
        assert not forget_instances(connection, [released(0).SOPInstanceUID])
    assert _everything(engine) == empty


def test_forgetting_several_at_once_is_forgetting_each(engine: Engine, released: Make) -> None:
    empty = _everything(engine)
    with write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in range(8)])
        uids = [released(number).SOPInstanceUID for number in range(8)]
        assert forget_instances(connection, [*uids, uids[0], "2.25.404"]) == 8
        assert forget_instances(connection, []) == 0
    assert _everything(engine) == empty


def test_forgetting_one_leaves_its_neighbours(engine: Engine, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in range(5)])
        forget_instances(connection, [released(4).SOPInstanceUID])
        assert [one.instance_count for one in series(connection)] == [4]
        assert connection.execute(select(func.count()).select_from(study)).scalar() == 1


def test_an_exception_in_the_middle_leaves_what_was(engine: Engine, database: Path, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(0)])
    before = database.read_bytes()
    with pytest.raises(KeyboardInterrupt), write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in range(8)])
        raise KeyboardInterrupt
    assert database.read_bytes() == before


def test_two_contents_under_one_uid_are_refused_before_anything_is_written(engine: Engine, released: Make) -> None:
    twins = [released(0), replace(released(0), sha256="cd" * 32)]
    with write_transaction(engine) as connection:
        with pytest.raises(IntegrityError, match="one SOP Instance UID"):
            record_instances(connection, twins)
        assert instances(connection) == []
        assert record_instances(connection, [released(0), released(0)]) == 1


def test_clashes_name_what_contradicts_the_record(engine: Engine, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in range(8)])
        other_patient = released(9, StudyInstanceUID=released(0).StudyInstanceUID, patient_code="P7777")
        other_series = replace(released(1), SeriesInstanceUID="2.25.11")
        newer_content = replace(released(2), sha256="cd" * 32)
        assert clashes(connection, [other_patient, other_series, newer_content, released(3), released(20)]) == {
            other_patient.SOPInstanceUID: Reason.PATIENT_ID_CONFLICT,
            other_series.SOPInstanceUID: Reason.SOP_INSTANCE_UID_CONFLICT,
        }
        assert clashes(connection, []) == {}


def test_annotations_come_back_whole_and_only_for_recorded_series(
    engine: Engine, released: Make, mask_of: Annotate
) -> None:
    here, elsewhere = mask_of(released(0).SeriesInstanceUID), mask_of("2.25.404")
    with write_transaction(engine) as connection:
        assert record_annotations(connection, [here, elsewhere]) == 2
        assert annotation_records(connection) == []
        record_instances(connection, [released(0)])
        assert annotation_records(connection) == [here]


def test_one_author_may_give_several_masks_and_none_is_kept_twice(
    engine: Engine, released: Make, mask_of: Annotate
) -> None:
    uid = released(0).SeriesInstanceUID
    liver, spleen = mask_of(uid), mask_of(uid, mask_sha256="ef" * 32)
    relabelled = replace(liver, role="student")
    with write_transaction(engine) as connection:
        record_instances(connection, [released(0)])
        record_annotations(connection, [liver, spleen, liver])
        assert annotation_records(connection) == sorted([liver, spleen])
        assert record_annotations(connection, [relabelled]) == 1
        assert annotation_records(connection) == sorted([relabelled, spleen])
        assert forget_annotation(connection, spleen.annotation_id)
        assert not forget_annotation(connection, spleen.annotation_id)
        assert annotation_records(connection) == [relabelled]
