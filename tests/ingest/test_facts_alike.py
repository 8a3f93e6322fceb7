"""Facts that are taken from what a file does not share with those before are the facts of the whole file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_samples import as_bytes, sample
from pydicom import Dataset

from curator.bundled import bundled_folder
from curator.errors import ItemError
from curator.ingest.alike import FactsOfAlike
from curator.ingest.descriptors import bundled_descriptors
from curator.ingest.facts import instance_facts
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.header import load_header_policy

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
POLICY = load_header_policy(bundled_folder("rules"))
LARGEST = 300_000


def memory() -> FactsOfAlike:
    return FactsOfAlike(POLICY, bundled_descriptors())


def by_itself(data: bytes) -> SourceInstance | tuple[Reason, str]:
    try:
        return instance_facts(data, reference="source", content_id="", policy=POLICY)
    except ItemError as error:
        return error.reason, error.detail


def after_others(known: FactsOfAlike, data: bytes) -> SourceInstance | tuple[Reason, str]:
    try:
        return known.facts(data, reference="source", content_id="")
    except ItemError as error:
        return error.reason, error.detail


def is_like(known: FactsOfAlike, data: bytes) -> bool:
    return known._like(data) is not None


def test_real_files_say_what_they_say_alone() -> None:
    known, alike = memory(), 0
    for path in sorted(BUNDLED.rglob("*")):
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue
        data = path.read_bytes()
        for _ in range(2):
            alike += is_like(known, data)
            assert after_others(known, data) == by_itself(data)
    assert alike >= 30


def series(number: int) -> Dataset:
    data = pydicom.dcmread(BUNDLED / "CT_small.dcm")
    data.SOPInstanceUID = f"1.2.826.0.1.{number * 77}"
    data.InstanceNumber = number
    data.ContentTime = f"10120{number}"
    data.SeriesDescription = "Thorax"
    data.ImagePositionPatient = [0, 0, number * 12.5]
    data.ReferencedImageSequence = [Dataset()]
    data.ReferencedImageSequence[0].ReferencedSOPInstanceUID = f"1.2.9.{number}"
    data.ReferencedImageSequence[0].ReferencedSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def stored(data: Dataset) -> bytes:
    stream = BytesIO()
    data.save_as(stream)
    return stream.getvalue()


def test_a_series_is_known_and_whatever_differs_is_seen() -> None:
    known, alike = memory(), []
    for number in range(1, 9):
        data = series(number)
        # Beside what slices differ in: something the gates read, somebody's name, a private text.
        data.BodyPartExamined = "HEAD" if number in (4, 7) else "CHEST"
        data.OperatorsName = "Quarzberg" if number in (5, 8) else "Basalt"
        data[0x00091001].value = f"text {number % 3}"
        written = stored(data)
        alike.append(is_like(known, written))
        found = after_others(known, written)
        assert found == by_itself(written)
        assert isinstance(found, SourceInstance)
        assert found.BodyPartExamined == data.BodyPartExamined
        assert any(one.value == "Quarzberg" for one in found.identifiers) is (number in (5, 8))
    assert alike[0] is alike[1] is False and sum(alike) >= 3


@pytest.mark.parametrize(
    ("keyword", "usual", "odd"),
    [("SamplesPerPixel", 1, 3), ("PhotometricInterpretation", "MONOCHROME2", "RGB"), ("BitsAllocated", 16, 8)],
)
def test_pixels_of_another_layout_are_seen_among_their_neighbours(keyword: str, usual: object, odd: object) -> None:
    known, alike = memory(), []
    for number in range(1, 9):
        data = series(number)
        setattr(data, keyword, odd if number == 7 else usual)
        written = stored(data)
        alike.append(is_like(known, written))
        found = after_others(known, written)
        assert found == by_itself(written)
        assert getattr(found, keyword) == (odd if number == 7 else usual)
    assert sum(alike) >= 3


def test_a_creator_that_changes_is_never_passed_over() -> None:
    known = memory()
    for number in range(1, 7):
        data = series(number)
        data[0x00090010].value = "SOMEBODY" if number % 2 else "GEMS_IDEN_01"
        written = stored(data)
        assert after_others(known, written) == by_itself(written)


@pytest.mark.parametrize(
    "change",
    [
        {"SOPInstanceUID": "1.2.3.4.9"},
        {"PatientID": None},
        {"StudyInstanceUID": None},
        {"SOPClassUID": "1.2.3"},
        {"NumberOfFrames": "-3"},
    ],
)
def test_a_file_like_others_is_refused_for_what_it_is_refused_alone(change: dict[str, str | None]) -> None:
    known = memory()
    for number in range(1, 4):
        data = as_bytes(sample(SOPInstanceUID=f"1.2.3.{number}", NumberOfFrames="1"))
        assert after_others(known, data) == by_itself(data)
    odd = sample(**{"NumberOfFrames": "1", **change})
    for meta in ({}, {"MediaStorageSOPInstanceUID": "1.2.3.4.1"}, {"MediaStorageSOPClassUID": "1.2.840.10008.1.3.10"}):
        data = as_bytes(odd, **meta)
        assert after_others(known, data) == by_itself(data)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_file_is_what_it_is_alone(data: st.DataObject) -> None:
    known = memory()
    files = [stored(series(number)) for number in (1, 2, 3)]
    for whole in files:
        after_others(known, whole)
    assert is_like(known, files[0])
    damaged = bytearray(files[0])
    damaged[data.draw(st.integers(132, 6000))] = data.draw(st.integers(0, 255))
    for broken in (bytes(damaged), files[0][: data.draw(st.integers(132, len(files[0])))], files[0] + b"\0\1"):
        assert after_others(known, broken) == by_itself(broken)
