from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from curator.catalog.database import write_transaction
from curator.catalog.query import instances, matching, series, snapshot_digest
from curator.catalog.record import AnnotationRecord, record_annotations, record_instances
from curator.catalog.vendors import load_vendor_names
from curator.errors import UsageError
from curator.model.instance import ReleasedInstance
from curator.model.series import CatalogSeries

Make = Callable[..., ReleasedInstance]
Annotate = Callable[..., AnnotationRecord]


def test_an_empty_catalogue_has_nothing_and_a_digest(engine: Engine) -> None:
    with engine.connect() as connection:
        assert series(connection) == []
        assert instances(connection) == []
        assert len(snapshot_digest(connection)) == 64


def test_a_series_is_its_instances(engine: Engine, released: Make, mask_of: Annotate) -> None:
    members = [released(number) for number in range(4)]
    uid = members[0].SeriesInstanceUID
    with write_transaction(engine) as connection:
        record_instances(connection, members[::-1])
        record_annotations(connection, [mask_of(uid, "B"), mask_of(uid, "A"), mask_of(uid, "B", mask_sha256="0" * 64)])
        (found,) = series(connection)
    assert found == CatalogSeries(
        SeriesInstanceUID=uid,
        StudyInstanceUID=members[0].StudyInstanceUID,
        FrameOfReferenceUID=members[0].FrameOfReferenceUID,
        SOPClassUID=members[0].SOPClassUID,
        Modality="MR",
        BodyPartExamined="BRAIN",
        Manufacturer="SIEMENS",
        ManufacturerModelName="Prisma",
        vendor="Siemens",
        patient_code="P0000",
        centre_code="C0",
        device_code="D0",
        author_code="",
        instance_count=4,
        paths=("p/0.dcm", "p/1.dcm", "p/2.dcm", "p/3.dcm"),
        sha256s=tuple(one.sha256 for one in members),
        references=("2.25.1002", "2.25.1004"),
        annotators=("A", "B"),
    )


def test_series_are_sorted_by_patient_study_and_series(engine: Engine, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(number) for number in reversed(range(64))])
        found = [(one.patient_code, one.StudyInstanceUID, one.SeriesInstanceUID) for one in series(connection)]
    assert len(found) == 16
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("models", "stands"),
    [(["A", "B", "B"], "B"), (["B", "A"], "A"), (["a", "B"], "B"), (["", "X", "X"], "X")],
)
def test_where_instances_differ_the_most_frequent_value_stands(
    engine: Engine, released: Make, models: list[str], stands: str
) -> None:
    with write_transaction(engine) as connection:
        members = [released(number, ManufacturerModelName=model) for number, model in enumerate(models)]
        record_instances(connection, members)
        assert [one.ManufacturerModelName for one in series(connection)] == [stands]


def test_a_series_uid_in_two_studies_is_two_series(engine: Engine, released: Make) -> None:
    with write_transaction(engine) as connection:
        record_instances(connection, [released(0), released(1, StudyInstanceUID="2.25.9")])
        assert [one.instance_count for one in series(connection)] == [1, 1]


@pytest.mark.parametrize("name", [field.name for field in fields(ReleasedInstance)])
def test_every_field_of_an_instance_counts_in_the_digest(engine: Engine, released: Make, name: str) -> None:
    one = released(0)
    old = getattr(one, name)
    other = old + 1 if isinstance(old, int) else (*old, "2.25.5") if isinstance(old, tuple) else old + "1"
    with write_transaction(engine) as connection:
        record_instances(connection, [one])
        before = snapshot_digest(connection)
        if name == "SOPInstanceUID":
            record_instances(connection, [replace(one, SOPInstanceUID=other)])
        else:
            record_instances(connection, [replace(one, **{name: other})])
        assert snapshot_digest(connection) != before


def test_other_vendor_rules_are_another_snapshot(engine: Engine, released: Make, tmp_path: Path) -> None:
    rules = tmp_path / "vendors.toml"
    rules.write_text(
        'format = 1\nlegal_forms = []\n[[rule]]\nid = "v"\nvendor = "S"\nwhy = "w"\nsource = "s"\n'
        'begins = ["siemens"]\nexample = ["Siemens"]\n'
    )
    names = load_vendor_names(rules)
    with write_transaction(engine) as connection:
        record_instances(connection, [released(0)])
        assert snapshot_digest(connection, vendors=names) != snapshot_digest(connection)
        assert [one.vendor for one in series(connection, vendors=names)] == ["S"]


@given(wanted=st.sampled_from(["Siemens", "GE", "Philips", "nobody"]))
def test_matching_keeps_what_has_the_value(wanted: str) -> None:
    blank = {field.name: "" for field in fields(CatalogSeries) if field.type == "str"}
    collection = [
        CatalogSeries(**blank | {"vendor": vendor, "Modality": "MR"}, instance_count=0, paths=(), sha256s=())
        for vendor in ("Siemens", "GE", "Siemens", "Philips")
    ]
    assert matching(collection, {}) == collection
    assert [one.vendor for one in matching(collection, {"vendor": wanted, "Modality": "MR"})] == [
        one.vendor for one in collection if one.vendor == wanted
    ]
    assert matching(collection, {"vendor": wanted, "Modality": "CT"}) == []


def test_a_condition_on_an_unknown_attribute_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="'Manufacturer'"):
        matching([], {"Manufactorer": "x"})
    with pytest.raises(UsageError, match="no attribute 'paths'"):
        matching([], {"paths": "x"})
