"""What happens to what the table does not list."""

import csv
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import keyword_for_tag

from curator.bundled import bundled_folder
from curator.model.decision import Action, ElementRef
from curator.policy.header import decide, load_header_policy

RULES = bundled_folder("rules")
BASIC = load_header_policy(RULES)
FREE_TEXT = ("PN", "LO", "SH", "ST", "LT", "UT", "UC", "UR", "AE")
BULK = ("OB", "OW", "OF", "OD", "OL", "OV", "UN")
BY_VR = {
    **dict.fromkeys(("CS", "IS", "DS", "FL", "FD", "US", "SS", "UL", "SL", "UV", "SV", "AT"), "K"),
    **dict.fromkeys(("DA", "DT", "TM", *FREE_TEXT, *BULK), "X"),
    "SQ": "K",
    "UI": "U",
}


@cache
def listed_by_hand() -> set[int]:
    found: set[int] = set()
    for name in ("kept_text", "kept_uids", "kept_bulk"):
        with (RULES / "header" / f"{name}.csv").open(encoding="utf-8") as stream:
            found |= {int(row["tag"], 16) for row in csv.DictReader(stream)}
    return found


def test_every_unlisted_attribute_goes_by_its_vr() -> None:
    by_hand = listed_by_hand()
    seen = 0
    for tag, vr in BASIC.standard.vrs.exact.items():
        if BASIC.standard.written_tags.find(tag) or tag in by_hand or tag & 0xFFFF == 0 or tag >> 16 < 8:
            continue
        if tag in (0x04000500, 0x4FFE0001, 0x00080300):
            continue
        for alternative in vr.split(" or "):
            seen += 1
            assert decide(BASIC, ElementRef(tag, alternative)).action.value == BY_VR[alternative], (
                f"{tag:08X}",
                alternative,
            )
    assert seen > 4000


@settings(deadline=None)
@given(group=st.integers(0, 0x7FFF), element=st.integers(0, 0xFFFF), vr=st.sampled_from(sorted(BY_VR)))
def test_every_private_element_is_removed(group: int, element: int, vr: str) -> None:
    decision = decide(BASIC, ElementRef((2 * group + 1) << 16 | element, vr))
    assert (decision.action, decision.rule_id) == (Action.REMOVE, "unlisted/private")


@settings(deadline=None)
@given(
    tag=st.integers(0, 0xFFFFFFFF),
    vr=st.sampled_from(FREE_TEXT),
    path=st.lists(st.integers(0, 0xFFFFFFFF), max_size=8).map(tuple),
)
def test_free_text_is_kept_only_where_it_is_listed(tag: int, vr: str, path: tuple[int, ...]) -> None:
    decision = decide(BASIC, ElementRef(tag, vr, path=path))
    if decision.action is Action.KEEP:
        assert tag in listed_by_hand() or decision.rule_id.startswith("PS3.15-E.1-1/")


@settings(deadline=None)
@given(tag=st.integers(0, 0xFFFFFFFF).filter(lambda tag: BASIC.standard.vrs.find(tag) is None), vr=st.text(max_size=2))
def test_tags_the_standard_does_not_define_never_stay(tag: int, vr: str) -> None:
    assert decide(BASIC, ElementRef(tag, vr)).action is not Action.KEEP or BASIC.standard.written_tags.find(tag)


@pytest.mark.parametrize("declared", ["LO", "UN", "PN", "SQ", "OB"])
def test_a_code_that_is_declared_as_something_else_is_removed(declared: str) -> None:
    assert decide(BASIC, ElementRef(0x00080060, declared)).rule_id == "unlisted/vr-mismatch"


@pytest.mark.parametrize(
    ("option", "vr_tag", "action"),
    [
        ("retain-long-modified-dates", (0x00141020, "DA"), Action.SHIFT),
        ("retain-long-modified-dates", (0x00080416, "DT"), Action.SHIFT),
        ("retain-long-modified-dates", (0x00143077, "TM"), Action.KEEP),
        ("retain-long-full-dates", (0x00141020, "DA"), Action.KEEP),
        ("retain-uids", (0x00081167, "UI"), Action.KEEP),
    ],
)
def test_options_reach_unlisted_attributes(option: str, vr_tag: tuple[int, str], action: Action) -> None:
    policy = load_header_policy(RULES, options=[option])
    assert decide(policy, ElementRef(*vr_tag)).action is action


@pytest.mark.parametrize("path", [(), (0x52009229,)])
def test_pixels_stay_only_where_the_gates_see_them(path: tuple[int, ...]) -> None:
    action = decide(BASIC, ElementRef(0x7FE00010, "OW", path=path)).action
    assert action is (Action.REMOVE if path else Action.KEEP)


def test_keyword_and_tag_of_every_list_agree(rules: Path) -> None:
    for name in ("kept_text", "kept_uids", "kept_bulk", "identifiers"):
        with (rules / "header" / f"{name}.csv").open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                assert keyword_for_tag(int(row["tag"], 16)) == row["keyword"]
                assert row["why"]
                if name.startswith("kept"):
                    assert BASIC.standard.written_tags.find(int(row["tag"], 16)) is None
