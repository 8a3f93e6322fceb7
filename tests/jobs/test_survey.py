"""What a scan said is on disk, sealed and nameless, and comes back in the order of the files."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.ingest.scanned import Found, Held, Scanned
from curator.jobs.release.survey import ScannedFiles, Survey, batches, pickled
from curator.model.identity import SubjectKey
from curator.model.instance import SourceInstance
from curator.model.positions import Positions
from curator.model.quarantine import Reason

NAME = "Quarzberg^Ottokar"


def record(number: int) -> Scanned:
    if number % 7 == 3:
        return Held(reference=f"/source/{number:03d}", reason=Reason.NOT_DICOM)
    return SourceInstance(
        reference=f"/source/{number:03d}",
        content_id=str(number),
        size_bytes=1,
        subject=SubjectKey("MRN1"),
        StudyInstanceUID="1.2",
        SeriesInstanceUID="1.3",
        SOPInstanceUID=f"1.4.{number}",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        PatientName=NAME,
    )


def survey_of(folder: Path, records: list[Scanned], *, a_batch: int, seed: int) -> Survey:
    made = Survey(folder)
    starts = list(range(0, len(records), a_batch))
    random.Random(seed).shuffle(starts)
    for start in starts:
        part = records[start : start + a_batch]
        made.add(ScannedFiles(start, len(part), 0, pickled(part)))
    return made


@pytest.mark.parametrize("a_batch", [1, 4, 100])
def test_records_come_back_in_the_order_of_the_files(tmp_path: Path, a_batch: int) -> None:
    records = [record(number) for number in range(23)]
    survey = survey_of(tmp_path, records, a_batch=a_batch, seed=a_batch)
    assert len(survey) == 23
    assert list(survey) == records
    assert [survey[at] for at in (22, 0, 7, -1)] == [records[at] for at in (22, 0, 7, -1)]
    assert survey[3:6] == records[3:6]
    with pytest.raises(IndexError):
        survey[23]
    survey.close()


def test_what_lies_on_disk_has_no_name_and_says_nothing(tmp_path: Path) -> None:
    survey = survey_of(tmp_path, [record(number) for number in range(20)], a_batch=8, seed=1)
    assert list(tmp_path.iterdir()) == []
    assert survey[0] == record(0)
    content = Path(f"/proc/self/fd/{survey._stream.fileno()}").read_bytes()
    assert len(content) > 100
    assert NAME.encode() not in content
    assert b"/source/" not in content
    survey.close()
    gc.collect()


@given(st.lists(st.integers(0, 40 << 20), max_size=60))
def test_batches_are_all_files_once_and_none_is_large(sizes: list[int]) -> None:
    files = [Found(reference=str(number), size_bytes=size) for number, size in enumerate(sizes)]
    made = list(batches(files))
    assert [one for batch in made for one in batch.files] == files
    assert [batch.start for batch in made] == [int(batch.files[0].reference) for batch in made]
    for batch in made:
        assert sum(one.size_bytes for one in batch.files[:-1]) <= 64 << 20
        assert len(batch.files) <= 32


@given(st.lists(st.sampled_from(["a", "b", "ü\udcff", "", "1.2.3"]), max_size=12))
def test_positions_know_where_each_text_stands(texts: list[str]) -> None:
    positions = Positions()
    for number, text in enumerate(texts):
        assert (text in positions) is (text in texts[:number])
        positions.add(text, number * 10)
    for text in ("a", "b", "ü\udcff", "", "1.2.3", "other"):
        assert positions.find(text) == tuple(at * 10 for at, one in enumerate(texts) if one == text)
    expected = [[at * 10 for at, one in enumerate(texts) if one == text] for text in set(texts)]
    assert sorted(positions.repeated()) == sorted(group for group in expected if len(group) > 1)
    assert len(positions) == len(texts)
