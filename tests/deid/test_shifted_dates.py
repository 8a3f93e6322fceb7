"""Dates move by whole days and by nothing else: intervals are exact, precision stays, nothing is guessed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from deid_samples import PSEUDONYMS, Writer, read, subject_of, written
from hypothesis import given
from hypothesis import strategies as st

from curator.deid.headers.dates import is_date, is_datetime, shifted_date, shifted_datetime
from curator.deid.headers.values import capped_age, shifted
from curator.model.identity import SubjectKey

DAYS = st.dates(min_value=date(1901, 1, 1), max_value=date(2199, 12, 31))
SHIFTS = st.integers(min_value=7, max_value=3650)
WRITER = Writer()


def da(day: date) -> str:
    return day.strftime("%Y%m%d")


def as_day(text: str | None) -> date:
    assert text is not None
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


@given(first=DAYS, second=DAYS, shift=SHIFTS)
def test_intervals_are_exact(first: date, second: date, shift: int) -> None:
    moved = [as_day(shifted_date(da(day), shift)) for day in (first, second)]
    assert moved[1] - moved[0] == second - first
    assert moved[0] == first - timedelta(days=shift)


@given(day=DAYS, shift=SHIFTS, time=st.sampled_from(["", "09", "0930", "093015", "093015.5", "093015.123456"]))
def test_a_datetime_moves_with_its_date_and_keeps_its_time(day: date, shift: int, time: str) -> None:
    for offset in ("", "+0100", "-0930"):
        moved = shifted_datetime(da(day) + time + offset, shift)
        assert moved == f"{shifted_date(da(day), shift)}{time}{offset}"


@given(day=DAYS, shift=SHIFTS, precision=st.sampled_from([4, 6]))
def test_partial_precision_stays(day: date, shift: int, precision: int) -> None:
    moved = shifted_datetime(da(day)[:precision], shift)
    assert moved is not None and len(moved) == precision
    middle = date(day.year, day.month if precision == 6 else 7, 15)
    assert moved == da(middle - timedelta(days=shift))[:precision]


@given(patient=st.text(max_size=20), weeks=st.integers(min_value=1, max_value=5200))
def test_the_shift_is_whole_weeks_and_never_zero(patient: str, weeks: int) -> None:
    days = PSEUDONYMS.date_shift_days(SubjectKey(patient), longest_weeks=weeks)
    assert days % 7 == 0
    assert 7 <= days <= 7 * weeks


@pytest.mark.parametrize(
    "text",
    ["2020", "202001", "20200230", "20201301", "2020-01-01", "20200101-20200201", "01.01.2020", "today", "2020010١"],
)
def test_what_is_no_date_is_never_guessed(text: str) -> None:
    assert shifted_date(text, 7) is None
    assert shifted(text.encode("utf-8"), "DA", subject_of()) is None


@pytest.mark.parametrize(
    "text", ["20200230", "20201301", "2020010125", "020200101", "20200101T0930", "DOE^JOHN", "202"]
)
def test_what_is_no_datetime_is_never_guessed(text: str) -> None:
    moved = shifted_datetime(text, 7)
    assert moved is None or (text == "2020010125" and moved == "2019122525")


@pytest.mark.parametrize(("text", "moved"), [("00010101", None), ("20200229", "20200222"), ("20200301", "20200223")])
def test_the_calendar_is_the_calendar(text: str, moved: str | None) -> None:
    assert shifted_date(text, 7) == moved


def test_old_dates_with_dots_are_dates() -> None:
    assert shifted_date("1997.04.24", 7) == "19970417"
    assert is_date("1997.04.24") and not is_date("1997.0424") and is_datetime("19970424")


@given(days=st.lists(DAYS, min_size=2, max_size=4))
def test_every_value_of_several_moves(days: list[date]) -> None:
    subject = subject_of()
    raw = shifted("\\".join(map(da, days)).encode() + b" ", "DA", subject)
    assert raw == "\\".join(da(day - timedelta(days=subject.shift_days)) for day in days).encode()


def test_one_bad_value_of_several_empties_them() -> None:
    assert shifted(b"20200101\\whenever", "DA", subject_of()) is None
    assert shifted(b"20200101\\", "DA", subject_of()) is not None
    assert shifted(b"", "DT", subject_of()) == b""


def test_dates_at_every_depth_move_by_one_shift() -> None:
    deep = WRITER.nested([0x00400275] * 3, WRITER.element(0x00400244, "DA", b"20200110"))
    elements = {
        0x00080020: WRITER.element(0x00080020, "DA", b"20200101"),
        0x0008002A: WRITER.element(0x0008002A, "DT", b"20200102093015.5+0100"),
        0x00080030: WRITER.element(0x00080030, "TM", b"093015.5"),
        0x00100030: WRITER.element(0x00100030, "DA", b"19600101"),
        0x00141020: WRITER.element(0x00141020, "DA", b"20200105"),
        0x00400275: deep,
        0x00400244: WRITER.element(0x00400244, "DA", b"not a date"),
    }
    dataset = read(written(WRITER.file(elements), "retain-long-modified-dates"))
    shift = timedelta(days=subject_of().shift_days)
    assert as_day(dataset.StudyDate) == date(2020, 1, 1) - shift
    assert dataset.AcquisitionDateTime == da(date(2020, 1, 2) - shift) + "093015.5+0100"
    assert as_day(dataset[0x00141020].value) == date(2020, 1, 5) - shift
    assert dataset.StudyTime == "093015.5"
    # A birth date is no longitudinal date of the study, and an illegal one says nothing.
    assert (dataset.PatientBirthDate, dataset.get("PerformedProcedureStepStartDate", "")) == ("", "")
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.parametrize(
    ("raw", "capped"),
    [
        (b"045Y", b"045Y"),
        (b"089Y", b"089Y"),
        (b"090Y", b"090Y"),
        (b"104Y", b"090Y"),
        (b"999M", b"999M"),
        (b"007D", b"007D"),
        (b"012W ", b"012W"),
        (b"", None),
        (b"45", None),
        (b"045y", None),
        (b"about 90", None),
        (b"045Y\\104Y", None),
    ],
)
def test_ages_above_89_are_one_age(raw: bytes, capped: bytes | None) -> None:
    assert capped_age(raw) == capped
