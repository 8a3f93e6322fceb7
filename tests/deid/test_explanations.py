"""An explanation has a row for every element, its rule and its reason, and shows no value."""

from __future__ import annotations

import json

import pytest
from cleaning_samples import cleaned_bytes
from deid_samples import BUNDLED, PATIENT_ID, PATIENT_NAME, Writer, policy, written

from curator.deid.difference import Change, Shown, differences
from curator.deid.explain import explained
from curator.dicom.parse import parse
from curator.errors import ItemError, UsageError

WRITER = Writer()
NESTED = WRITER.sequence(
    0x00081140,
    WRITER.element(0x00081155, "UI", b"1.2.3.4.5"),
    WRITER.element(0x00101001, "PN", b"Evil^Name") + WRITER.element(0x00091001, "LO", b"Evil"),
)


def test_every_element_has_a_row_and_no_row_a_value() -> None:
    rows = explained(WRITER.file({0x00081140: NESTED}), policy())
    assert [row.place for row in rows] == [
        "(0008,0016)",
        "(0008,0018)",
        "(0008,1140)",
        "(0008,1140)[0]/(0008,1155)",
        "(0008,1140)[1]/(0010,1001)",
        "(0008,1140)[1]/(0009,1001)",
        "(0010,0010)",
        "(0010,0020)",
        "(0020,000D)",
        "(0020,000E)",
    ]
    shown = json.dumps([row.to_json() for row in rows]) + repr(rows)
    assert not any(value in shown for value in ("Evil", "1.2.3.4", PATIENT_ID, PATIENT_NAME))
    assert all(row.rule_id and row.why and row.action for row in rows)


@pytest.mark.parametrize("name", ["(0010,0010)", "0010,0010", "00100010", "PatientName", " PatientName "])
def test_one_element_can_be_asked_for(name: str) -> None:
    (row,) = explained(WRITER.file({}), policy(), only=name)
    assert (row.keyword, row.vr, row.action) == ("PatientName", "PN", "P")


def test_what_is_asked_for_and_absent_has_no_row() -> None:
    assert explained(WRITER.file({}), policy(), only="StudyDate") == ()


def test_a_word_that_is_no_keyword_is_not_repeated() -> None:
    with pytest.raises(UsageError) as raised:
        explained(WRITER.file({}), policy(), only="Zwetschge")
    assert "Zwetschge" not in str(raised.value)


def test_what_is_not_dicom_cannot_be_explained() -> None:
    with pytest.raises(ItemError):
        explained(b"Zwetschge" * 100, policy())


@pytest.mark.parametrize("name", ["CT_small.dcm", "reportsi.dcm", "rtdose_rle.dcm"])
def test_what_is_explained_as_removed_is_gone(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    left = {element.tag for element in parse(written(data)).elements}
    for row in explained(data, policy()):
        if "[" not in row.place:
            tag = int(row.place[1:5] + row.place[6:10], 16)
            assert (tag in left) is (row.action != "X"), row.place


@pytest.mark.parametrize(
    ("name", "options"),
    [("CT_small.dcm", ()), ("reportsi.dcm", ()), ("reportsi.dcm", ("clean-structured-content",))],
)
def test_what_is_explained_is_what_is_done_at_every_depth(name: str, options: tuple[str, ...]) -> None:
    data = (BUNDLED / name).read_bytes()
    chosen = policy(*options)
    output = parse(cleaned_bytes(data, *options) if options else written(data))
    rows = explained(data, chosen)
    done = differences(rows, parse(data), output, policy=chosen, shown=Shown())
    wrong = [
        (one.place, one.action, one.change, one.why) for one in done if not _agree(one.action, one.change, one.why)
    ]
    assert wrong == []


def _agree(action: str, change: str, why: str) -> bool:
    if change == Change.REMOVED.value:
        return action == "X"
    if change == Change.KEPT.value:
        # A stand-in may be what stood there, and an empty value was empty before.
        return action != "X"
    if change == Change.ADDED.value:
        return action == "="
    return action not in ("X", "K") or change == Change.INSIDE.value


def test_what_is_inside_a_sequence_that_goes_goes_with_it() -> None:
    gone = WRITER.sequence(0x00101002, WRITER.element(0x00100020, "LO", b"Evil"))
    rows = {row.place: row for row in explained(WRITER.file({0x00101002: gone}), policy())}
    assert rows["(0010,1002)"].action == "X"
    assert rows["(0010,1002)[0]/(0010,0020)"].action == "X"
    assert "(0010,1002)" in rows["(0010,1002)[0]/(0010,0020)"].why


def test_markers_are_explained_as_set() -> None:
    file = WRITER.file({0x00120062: WRITER.element(0x00120062, "CS", b"NO")})
    (row,) = explained(file, policy(), only="PatientIdentityRemoved")
    assert (row.action, row.rule_id) == ("=", "basic/markers")
