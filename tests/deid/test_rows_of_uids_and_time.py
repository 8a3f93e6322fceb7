"""UIDs and time: the same everywhere, and exact to the day (rows U01 to U07, T01 to T08)."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta

import pytest
from deid_samples import PSEUDONYMS, Writer, made, policy, read, subject_of, written
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, tag_for_keyword

from curator.bundled import bundled_folder
from curator.deid.headers.rewrite import ILLEGAL_DATE_RULE
from curator.model.decision import Action, ElementRef
from curator.policy.dates import shift_range_days
from curator.policy.header import decide

WRITER = Writer()
MODIFIED, FULL = "retain-long-modified-dates", "retain-long-full-dates"
SHIFT = timedelta(days=subject_of().shift_days)
with (bundled_folder("rules") / "header" / "basic_profile.csv").open(encoding="utf-8", newline="") as stream:
    ROWS = list(csv.DictReader(stream))


def text(keyword: str, value: bytes) -> dict[int, bytes]:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return {tag: WRITER.element(tag, dictionary_VR(tag), value)}


def after(keyword: str, value: bytes, *options: str) -> str | None:
    dataset = read(written(WRITER.file(text(keyword, value)), *options))
    return None if keyword not in dataset else str(dataset.get(keyword) or "")


def da(day: date) -> str:
    return day.strftime("%Y%m%d")


def reference(uid: str) -> bytes:
    return WRITER.element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2") + WRITER.element(
        0x00081155, "UI", uid.encode()
    )


def test_U01_one_uid_is_replaced_by_one_wherever_it_stands() -> None:
    rows = [
        int(row["tag"], 16) for row in ROWS if row["basic"] == "U" and row["tag"][:4] not in ("0000", "0002", "0004")
    ]
    assert len(rows) > 45
    elements = {tag: WRITER.element(tag, "UI", b"1.2.3.4.5 ") for tag in rows if tag not in (0x0020000D, 0x0020000E)}
    elements |= {0x00081140: WRITER.sequence(0x00081140, reference("1.2.3.4.5"))}
    elements |= {0x0040A730: WRITER.sequence(0x0040A730, WRITER.element(0x0040A124, "UI", b"1.2.3.4.5 "))}
    done = made(WRITER.file(elements, sop_class="1.2.840.10008.5.1.4.1.1.2"))
    output = b"".join(done.chunks)
    dataset = read(output)
    wanted = PSEUDONYMS.uid("1.2.3.4.5")
    assert {str(dataset[tag].value) for tag in rows if tag in dataset} == {
        wanted,
        PSEUDONYMS.uid("1.2.3.4.1"),
        PSEUDONYMS.uid("1.2.3.4.2"),
    }
    assert (
        dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID == done.record.SOPInstanceUID == wanted
    )
    assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == wanted
    assert b"1.2.3.4.5" not in output


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.2.16.4",
        "1.2.840.10008.6.1.308",
        "1.2.840.10008.9.1",
        "1.2.840.10008.1.4.1.1",
    ],
    ids=["SOP class", "transfer syntax", "coding scheme", "context group", "template", "frame of reference"],
)
def test_U02_the_standards_own_uids_never_change(uid: str) -> None:
    elements = text("FrameOfReferenceUID", uid.encode()) | {
        0x00082218: WRITER.sequence(
            0x00082218,
            WRITER.element(0x0008010C, "UI", uid.encode()) + WRITER.element(0x00080117, "UI", uid.encode()),
        )
    }
    dataset = read(written(WRITER.file(elements)))
    assert dataset.FrameOfReferenceUID == uid
    (item,) = dataset.AnatomicRegionSequence
    assert {str(element.value) for element in item} == {uid}
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_U06_retained_uids_stay_in_sixty_cells_and_it_is_said() -> None:
    cells = [row for row in ROWS if row["retain-uids"]]
    assert len(cells) == 60
    tags = [
        int(row["tag"], 16) for row in cells if row["vr"] == "UI" and row["tag"][:4] not in ("0000", "0002", "0004")
    ]
    assert {decide(policy("retain-uids"), ElementRef(tag, "UI")).action for tag in tags} == {Action.KEEP}
    dataset = read(written(WRITER.file({}), "retain-uids"))
    assert (dataset.StudyInstanceUID, dataset.SOPInstanceUID) == ("1.2.3.4.1", "1.2.3.4.5")
    assert dataset.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4.5"
    assert "113110" in {item.CodeValue for item in dataset.DeidentificationMethodCodeSequence}
    option = next(one for one in policy("retain-uids").chosen if one.name == "retain-uids")
    assert "dates and serial numbers" in option.why


def test_U07_links_of_geometry_and_segmentation_stay_whole() -> None:
    frame = b"1.2.3.4.9 "
    dimension = WRITER.element(0x00209164, "UI", b"1.2.3.4.10")
    elements = text("FrameOfReferenceUID", frame) | text("SynchronizationFrameOfReferenceUID", b"1.2.3.4.11")
    elements |= text("ConcatenationUID", b"1.2.3.4.12") | text("TrackingUID", b"1.2.3.4.13")
    elements |= {
        0x00209221: WRITER.sequence(0x00209221, dimension),
        0x00209222: WRITER.sequence(0x00209222, dimension),
        0x30060010: WRITER.sequence(0x30060010, WRITER.element(0x00200052, "UI", frame)),
        0x00081115: WRITER.sequence(
            0x00081115,
            WRITER.sequence(0x0008114A, reference("1.2.3.4.5")) + WRITER.element(0x0020000E, "UI", b"1.2.3.4.2 "),
        ),
    }
    dataset = read(written(WRITER.file(elements)))
    assert dataset.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID == dataset.FrameOfReferenceUID
    assert (
        dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID
        == dataset.DimensionIndexSequence[0].DimensionOrganizationUID
        == PSEUDONYMS.uid("1.2.3.4.10")
    )
    (series,) = dataset.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == dataset.SeriesInstanceUID
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset.SynchronizationFrameOfReferenceUID == PSEUDONYMS.uid("1.2.3.4.11")


def test_T01_without_an_option_no_date_stays() -> None:
    rows = [row for row in ROWS if row["vr"] in ("DA", "DT") and row["tag"][:4] not in ("0000", "0002", "0004")]
    values = {"DA": b"20200115", "DT": b"20200115093015"}
    elements = {int(row["tag"], 16): WRITER.element(int(row["tag"], 16), row["vr"], values[row["vr"]]) for row in rows}
    output = written(WRITER.file(elements))
    assert b"20200115" not in output
    dataset = read(output)
    left = {str(element.value) for element in dataset if element.VR in ("DA", "DT")}
    assert left <= {"", "19000101", "19000101000000"}
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"


def test_T02_one_shift_of_whole_weeks_for_all_dates_of_a_person() -> None:
    assert SHIFT.days % 7 == 0
    assert SHIFT.days != 0
    first, second = date(2020, 1, 15), date(2021, 3, 1)
    elements = text("StudyDate", da(first).encode()) | text("ContentDate", da(second).encode())
    dataset = read(written(WRITER.file(elements), MODIFIED))
    moved = [datetime.strptime(value, "%Y%m%d").date() for value in (dataset.StudyDate, dataset.ContentDate)]
    assert (moved[1] - moved[0], moved[0]) == (second - first, first - SHIFT)
    assert moved[0].weekday() == first.weekday()
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"


@settings(max_examples=30, deadline=None)
@given(st.dates(min_value=date(1930, 1, 1), max_value=date(2090, 12, 31)))
def test_T03_any_day_moves_exactly_leap_days_too(day: date) -> None:
    assert after("StudyDate", da(day).encode(), MODIFIED) == da(day - SHIFT)


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("AcquisitionDateTime", b"20200115093015.123456+0130", "{:%Y%m%d}093015.123456+0130"),
        ("AcquisitionDateTime", b"20200115235959.9-1100", "{:%Y%m%d}235959.9-1100"),
        ("AcquisitionDateTime", b"2020011509", "{:%Y%m%d}09"),
        ("AcquisitionDateTime", b"20200115", "{:%Y%m%d}"),
        ("AcquisitionDateTime", b"202001", "{:%Y%m}"),
        ("AcquisitionDateTime", b"2020", "{:%Y}"),
        ("DateOfSecondaryCapture", b"20200115", "{:%Y%m%d}"),
        ("DateOfLastCalibration", b"20200115\\20200229", "{:%Y%m%d}\\\\{:%Y%m%d}"),
    ],
)
def test_T03_every_form_of_a_date_keeps_its_precision(keyword: str, value: bytes, expected: str) -> None:
    # A year or a month alone moves from its middle.
    start = {b"2020": date(2020, 7, 15)}.get(value, date(2020, 1, 15))
    wanted = expected.replace("\\\\", "\\").format(start - SHIFT, date(2020, 2, 29) - SHIFT)
    dataset = read(written(WRITER.file(text(keyword, value)), MODIFIED))
    assert dataset.get_item(keyword).value.decode().strip() == wanted


@pytest.mark.parametrize("value", [b"20200230", b"20200101-20200131 ", b"January 5 ", b"20201301", b"20200115\\x"])
def test_T03_what_is_no_date_is_removed_and_counted(value: bytes) -> None:
    """A range is legal in a query and in no stored object."""
    done = made(WRITER.file(text("StudyDate", value)), MODIFIED)
    assert read(b"".join(done.chunks)).StudyDate == ""
    assert done.applied[ILLEGAL_DATE_RULE, Action.EMPTY] == 1


def test_T04_times_of_day_stay_with_modified_dates_so_that_seconds_are_exact() -> None:
    elements = text("AcquisitionTime", b"235959.5") | text("ContentTime", b"000001")
    elements |= text("AcquisitionDateTime", b"20200115235959.5")
    elements |= {
        0x00540016: WRITER.sequence(
            0x00540016,
            WRITER.element(0x00181072, "TM", b"230000.25 ") + WRITER.element(0x00181078, "DT", b"20200115230000.25"),
        )
    }
    dataset = read(written(WRITER.file(elements), MODIFIED))
    assert (dataset.AcquisitionTime, dataset.ContentTime) == ("235959.5", "000001")
    assert dataset.AcquisitionDateTime == f"{da(date(2020, 1, 15) - SHIFT)}235959.5"
    (drug,) = dataset.RadiopharmaceuticalInformationSequence
    assert drug.RadiopharmaceuticalStartTime == "230000.25"
    assert drug.RadiopharmaceuticalStartDateTime == f"{da(date(2020, 1, 15) - SHIFT)}230000.25"
    assert "times of day stay" in next(one.why for one in policy(MODIFIED).chosen)
    assert read(written(WRITER.file(elements))).get("AcquisitionTime", "") in ("", "000000")
    assert read(written(WRITER.file(elements), FULL)).AcquisitionTime == "235959.5"


def test_T05_what_modified_dates_clean_and_cannot_move_is_named() -> None:
    undated = [row for row in ROWS if row[MODIFIED] == "C" and row["vr"] not in ("DA", "DT", "TM")]
    assert {row["keyword"] for row in undated} == {
        "TimezoneOffsetFromUTC",
        "FrameOriginTimestamp",
        "CertifiedTimestamp",
    }
    for row in undated:
        decision = decide(policy(MODIFIED), ElementRef(int(row["tag"], 16), row["vr"], (), "1.2.840.10008.5.1.4.1.1.2"))
        assert decision.rule_id.startswith("modified-dates/")
        assert decision.action.value == row["basic"]
        assert decision.why
    group_version = {0x00080106: WRITER.element(0x00080106, "DT", b"20200115 "[:8])}
    data = WRITER.file({0x00082218: WRITER.sequence(0x00082218, group_version[0x00080106])})
    (item,) = read(written(data, MODIFIED)).AnatomicRegionSequence
    assert item.get("ContextGroupVersion", "").startswith(da(date(2020, 1, 15) - SHIFT)[:8])


def test_T06_dates_do_not_survive_in_private_tags_uids_overlays_or_file_names() -> None:
    elements = {
        0x00090010: WRITER.element(0x00090010, "LO", b"ACME"),
        0x00091001: WRITER.element(0x00091001, "DA", b"20200115"),
        0x60004000: WRITER.element(0x60004000, "LT", b"15.01.2020"),
        0x00081155: WRITER.element(0x00081155, "UI", b"1.2.20200115.7"),
    }
    done = made(WRITER.file(elements | text("StudyDate", b"20200115")), MODIFIED, "retain-safe-private")
    output = b"".join(done.chunks)
    assert b"20200115" not in output
    assert b"15.01.2020" not in output
    assert "2020" not in done.record.patient_code


def test_T08_the_range_is_published_and_zero_is_not_in_it() -> None:
    shortest, longest = shift_range_days(bundled_folder("rules"))
    assert (shortest, longest) == (7, 3647)
    assert shortest <= SHIFT.days <= longest
