"""Every row of Table E.1-1 under the Basic profile and each option; the expectation is written here a second time."""

import csv
import itertools
from collections.abc import Collection
from pathlib import Path

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword

from curator.bundled import bundled_folder
from curator.errors import RuleError
from curator.model.decision import Action, ElementRef
from curator.policy.explain import conformance
from curator.policy.header import HeaderPolicy, decide, load_header_policy

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "standards"
FULL, MODIFIED = "retain-long-full-dates", "retain-long-modified-dates"
OPTIONS = (
    "retain-safe-private",
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    FULL,
    MODIFIED,
    "clean-descriptors",
    "clean-structured-content",
    "clean-graphics",
)
# What the descriptors option can clean, wherever a C stands.
TEXT = ("CS", "LO", "LT", "SH", "ST", "UC", "UT")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ROWS = rows_of(bundled_folder("rules") / "header" / "basic_profile.csv")
# What a compound code becomes by the Type of the attribute: written out, not computed.
BY_TYPE = {
    "X": {"": "X", "3": "X", "2C": "X", "2": "X", "1C": "X", "1": "D"},
    "Z": {"": "Z", "3": "Z", "2C": "Z", "2": "Z", "1C": "Z", "1": "Z"},
    "D": {"": "D", "3": "D", "2C": "D", "2": "D", "1C": "D", "1": "D"},
    "U": {"": "U", "3": "U", "2C": "U", "2": "U", "1C": "U", "1": "U"},
    "X/Z": {"": "Z", "3": "X", "2C": "Z", "2": "Z", "1C": "X"},
    "X/D": {"": "D", "3": "X", "2C": "D", "2": "D", "1C": "D", "1": "D"},
    "Z/D": {"": "D", "3": "Z", "2C": "Z", "2": "Z", "1C": "D", "1": "D"},
    "X/Z/D": {"": "D", "3": "X", "2C": "Z", "2": "Z", "1C": "D", "1": "D"},
    "X/Z/U*": {"": "K", "3": "K", "2C": "K", "2": "K", "1C": "K", "1": "K"},
}
LEGAL_PAIRS = [pair for pair in itertools.combinations(OPTIONS, 2) if set(pair) != {FULL, MODIFIED}]
PSEUDONYMS = ("00100010", "00100020")
PROTECTION = "XZDUSCK"


def tags_of(written: str) -> list[int]:
    if written == "ggggeeee":
        return [0x00090010, 0x00091001, 0x7FE11010]
    if written.startswith(("50xx", "60xx")):
        groups = range(int(written[:2] + "00", 16), int(written[:2] + "1F", 16), 2)
        elements = [0x0005, 0x3000] if written.endswith("xxxx") else [int(written[4:], 16)]
        return [group << 16 | element for group in groups for element in elements]
    return [int(written, 16)]


def expected(row: dict[str, str], options: Collection[str], attribute_type: str = "") -> str:
    if row["tag"] in PSEUDONYMS:
        return "P"
    # Command and directory groups, and whole overlay planes, go by rules of the profile.
    if row["tag"][:4] in ("0000", "0004", "60xx"):
        return "X"
    basic = BY_TYPE[row["basic"]][attribute_type]
    wanted = []
    for option in options:
        cell, vr = row[option], row["vr"]
        if cell == "K":
            wanted.append("C" if vr == "AS" else "K")
        elif cell == "C" and option == MODIFIED:
            wanted.append({"DA": "S", "DT": "S", "TM": "K"}.get(vr, basic))
        elif (
            cell == "C"
            and option != "retain-safe-private"
            and (vr == "SQ" or (vr in TEXT and "clean-descriptors" in options))
        ):
            wanted.append("C")
        elif cell == "C":
            # Nothing cleans it, so that what other options would loosen stays as it was too.
            return basic
    return min(wanted, key=PROTECTION.index) if wanted else basic


def assert_rows(policy: HeaderPolicy) -> None:
    wrong = []
    for row in ROWS:
        for tag in tags_of(row["tag"]):
            actual = decide(policy, ElementRef(tag, row["vr"] or "UN")).action.value
            nested = decide(policy, ElementRef(tag, row["vr"] or "UN", path=(0x00082218,) * 3)).action.value
            wanted = expected(row, policy.options)
            if (actual, nested) != (wanted, wanted):
                wrong.append((row["tag"], row["keyword"], wanted, actual, nested))
    assert wrong == []


def test_H01_table_is_whole(basic: HeaderPolicy) -> None:
    assert basic.edition == "2026d"
    assert len(basic.standard.rows) == 657
    assert len(ROWS) == 657
    assert {row["basic"] for row in ROWS} == set(BY_TYPE)


@pytest.mark.parametrize("option", ["", *OPTIONS])
def test_H02_H03_every_row_at_top_and_three_sequences_deep(rules: Path, option: str) -> None:
    assert_rows(load_header_policy(rules, options=[option] if option else []))


def test_H03_the_columns_have_as_many_cells_as_the_standard() -> None:
    cells = {option: sum(1 for row in ROWS if row[option]) for option in OPTIONS}
    assert (cells[FULL], cells[MODIFIED], cells["clean-descriptors"], cells["retain-uids"]) == (169, 169, 141, 60)
    assert cells["retain-device-identity"] == 59
    assert (cells["retain-patient-characteristics"], cells["retain-institution-identity"]) == (19, 10)
    assert tuple(row for row in ROWS[0] if row.startswith(("retain", "clean"))) == OPTIONS


@pytest.mark.parametrize("pair", LEGAL_PAIRS, ids="+".join)
def test_H03_every_row_under_every_legal_pair(rules: Path, pair: tuple[str, str]) -> None:
    assert_rows(load_header_policy(rules, options=pair))


def test_H04_full_and_modified_dates_together_are_refused_at_load(rules: Path) -> None:
    with pytest.raises(RuleError, match="exclude each other"):
        load_header_policy(rules, options=[FULL, MODIFIED])


def test_H05_where_options_disagree_the_most_protective_wins_and_it_is_said(rules: Path) -> None:
    policy = load_header_policy(rules, options=["retain-device-identity", MODIFIED])
    calibration = next(one for one in policy.conflicts if one.keyword == "DateOfLastCalibration")
    assert calibration.applied is Action.SHIFT
    assert dict(calibration.wanted) == {"retain-device-identity": "K", MODIFIED: "C"}
    assert "DateOfLastCalibration (00181200): retain-device-identity K, retain-long-modified-dates C" in conformance(
        policy
    )
    assert decide(policy, ElementRef(0x00181200, "DA")).action is Action.SHIFT


def test_H06_tags_that_pydicom_does_not_know_are_rows_like_any_other(basic: HeaderPolicy) -> None:
    unknown = [row for row in ROWS if "x" not in row["tag"] and row["tag"] != "ggggeeee" and row["tag"] not in known()]
    assert len(unknown) == 26
    for row in unknown:
        assert decide(basic, ElementRef(int(row["tag"], 16), row["vr"])).rule_id.startswith("PS3.15-E.1-1/")


def known() -> set[str]:
    return {row["tag"] for row in ROWS if "x" not in row["tag"] and row["tag"] != "ggggeeee" and is_known(row["tag"])}


def is_known(tag: str) -> bool:
    return int(tag, 16) in DicomDictionary


def test_H07_repeating_groups_are_judged_in_all_sixteen(basic: HeaderPolicy) -> None:
    for number in range(0, 0x20, 2):
        for tag in (0x50000005, 0x50003000, 0x50002500, 0x60003000, 0x60004000):
            assert decide(basic, ElementRef(tag | number << 16, "OW")).action is Action.REMOVE


def test_pairs_are_the_same_in_either_order(rules: Path) -> None:
    one = load_header_policy(rules, options=["retain-device-identity", "retain-long-modified-dates"])
    other = load_header_policy(rules, options=["retain-long-modified-dates", "retain-device-identity"])
    assert (one.digest, one.options, one.methods) == (other.digest, other.options, other.methods)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the standard's tables lie beside the project, not in it")
def test_H12_types_of_every_iod_at_top_level(basic: HeaderPolicy) -> None:
    by_tag = {row["tag"]: row for row in ROWS}
    wrong = []
    for line in rows_of(SHARED / "iod_required_types_top.csv"):
        row = by_tag[line["tag"]]
        element = ElementRef(int(line["tag"], 16), row["vr"], sop_class_uid=line["sop_class_uid"])
        wanted = expected(row, (), line["type"])
        if decide(basic, element).action.value != wanted:
            wrong.append((line["tag"], line["type"], line["sop_class_uid"], wanted))
    assert wrong == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the standard's tables lie beside the project, not in it")
def test_H12_types_of_every_iod_inside_sequences(basic: HeaderPolicy) -> None:
    by_tag = {row["tag"]: row for row in ROWS}
    wrong = []
    for line in rows_of(SHARED / "iod_required_types_nested_compound.csv"):
        row = by_tag[line["tag"]]
        path = tuple(int(tag_for_keyword(keyword) or 0) for keyword in line["path"].split("/"))
        element = ElementRef(int(line["tag"], 16), row["vr"], path, line["sop_class_uid"])
        # A reference that the IOD requires inside a sequence stays and is cleaned inside.
        required_reference = row["basic"] == "X/Z" and line["type"] == "1" and row["vr"] == "SQ"
        wanted = "K" if required_reference else expected(row, (), line["type"])
        if decide(basic, element).action.value != wanted:
            wrong.append((line["tag"], line["type"], line["path"], line["sop_class_uid"], wanted))
    assert wrong == []


def test_rule_ids_name_row_and_column(rules: Path, basic: HeaderPolicy) -> None:
    study_date = ElementRef(0x00080020, "DA")
    assert decide(basic, study_date).rule_id == "PS3.15-E.1-1/00080020/Basic"
    shifted = load_header_policy(rules, options=["retain-long-modified-dates"])
    assert decide(shifted, study_date).rule_id == "PS3.15-E.1-1/00080020/retain-long-modified-dates"
    assert decide(shifted, study_date).action is Action.SHIFT
