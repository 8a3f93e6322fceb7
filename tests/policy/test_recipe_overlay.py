"""What a recipe may do to the policy, and what it may not."""

from __future__ import annotations

from pathlib import Path

import deid.data
import pytest
from recipe_samples import content_of

from curator.bundled import bundled_folder
from curator.dicom.dictionary import tag_of
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.decision import Action
from curator.model.quarantine import Reason
from curator.policy.explain import conformance
from curator.policy.header import load_header_policy
from curator.policy.recipe.expand import fields_of
from curator.policy.recipe.filters import held_by
from curator.policy.recipe.laid import decided_over, laid_over, said_of, weakened, with_recipe
from curator.policy.recipe.read import parse_recipe

POLICY = load_header_policy(bundled_folder("rules"))
SHIFTED = load_header_policy(bundled_folder("rules"), options=("retain-long-modified-dates",))
CT = parse(content_of("CT_small.dcm"))
DATES = parse(content_of("dates"))


def under(*lines: str, policy=POLICY):
    head = [] if lines[0].startswith("%") else ["%header"]
    text = "\n".join(["FORMAT dicom", *head, *lines])
    return with_recipe(policy, parse_recipe(text.encode(), values={}, digest=text))


def actions(policy, data_set) -> dict[str, Action]:
    """The recipe's action by place."""
    decisions = decided_over(policy, data_set).decisions
    return {one.place: decisions[one.number].action for one in fields_of(data_set) if one.number in decisions}


def place(keyword: str) -> str:
    tag = tag_of(keyword)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def test_without_a_recipe_nothing_is_decided():
    assert laid_over(POLICY, CT).decisions == {}
    assert weakened(POLICY) == ()
    assert said_of(POLICY, laid_over(POLICY, CT)) is POLICY


def test_keep_all_keeps_no_name_no_uid_no_number_of_a_person():
    kept = actions(under("KEEP ALL"), CT)
    for keyword in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "InstitutionName",
        "StudyInstanceUID",
        "SOPClassUID",
    ):
        assert place(keyword) not in kept
    assert kept[place("StudyDate")] is Action.KEEP
    assert kept[place("PatientSex")] is Action.KEEP
    assert not [one for one in fields_of(CT) if one.vr in ("PN", "UI") and one.place in kept]


def test_what_an_instance_is_stays_the_engines_own():
    removed = actions(under("REMOVE ALL"), CT)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID"):
        assert place(keyword) not in removed
    assert place("SpecificCharacterSet") not in removed
    assert removed[place("PatientName")] is Action.REMOVE


def test_a_patient_id_inside_a_sequence_is_the_recipes_to_remove():
    removed = actions(under("REMOVE PatientID"), CT)
    assert removed == {"(0010,1002)__0__(0010,0020)": Action.REMOVE, "(0010,1002)__1__(0010,0020)": Action.REMOVE}


def test_a_literal_that_a_value_representation_cannot_hold_empties_it():
    decided = actions(under("REPLACE contains:Patient ANONYMOUS"), CT)
    assert decided[place("PatientName")] is Action.SET
    assert decided[place("PatientBirthDate")] is Action.EMPTY
    assert decided[place("PatientAge")] is Action.EMPTY


def test_a_new_uid_is_keyed_and_elsewhere_a_stand_in():
    decided = actions(under("REPLACE select:group:0020 deid_func:pydicom_uuid"), CT)
    assert decided[place("FrameOfReferenceUID")] is Action.REPLACE_UID
    assert decided[place("InstanceNumber")] is Action.DUMMY


def test_a_private_element_that_stays_keeps_its_creator():
    decided = actions(under('KEEP (0019,"GEMS_ACQU_01",02)'), CT)
    assert decided == {"(0019,0010)": Action.KEEP, "(0019,1002)": Action.KEEP}


def test_dates_say_what_became_of_them():
    kept, moved, gone = under("KEEP StudyDate"), under("JITTER StudyDate 3"), under("REMOVE StudyDate")
    assert said_of(kept, decided_over(kept, CT)).temporal == "UNMODIFIED"
    assert said_of(moved, decided_over(moved, CT)).temporal == "MODIFIED"
    assert said_of(gone, decided_over(gone, CT)).temporal == "REMOVED"
    shifted = under("REMOVE StudyDate", policy=SHIFTED)
    assert said_of(shifted, decided_over(shifted, CT)).temporal == "MODIFIED"


def test_days_that_cancel_out_leave_the_policy_to_decide():
    assert actions(under("JITTER StudyDate 3", "JITTER StudyDate -3"), CT) == {}


def test_every_weakening_is_told_with_what_it_replaces():
    told = {
        (one.line, one.keyword): one.instead_of for one in weakened(under("KEEP endswith:Date", "JITTER StudyDate 3"))
    }
    assert told[3, "StudyDate"] is not None
    assert told[4, "StudyDate"] is not None
    assert (3, "PatientBirthDate") not in told, "it is never kept"
    assert (3, "PatientName") not in told
    assert not weakened(under("REMOVE ALL", "BLANK contains:Patient", "REPLACE PatientAge 010Y"))


def test_the_conformance_statement_lists_every_weakening():
    lines = ("%values one", "FIELD Manufacturer", "%header", "KEEP PatientSex", "KEEP values:one", "REMOVE PatientAge")
    statement = conformance(under(*lines))
    assert "line 5, `KEEP PatientSex`: PatientSex" in statement
    assert "line 6, `KEEP values:one`: what a file has" in statement
    assert "`REMOVE PatientAge`" not in statement
    assert "Nowhere weaker than the profile" in conformance(under("REMOVE PatientAge"))
    assert "recipe" not in conformance(POLICY)


@pytest.mark.parametrize(
    ("lines", "is_held"),
    [
        (("contains Modality CT",), True),
        (("contains Modality MR",), False),
        (("contains Modality MR|CT",), True),
        (("equals Modality ct",), True),
        (("equals Modality C",), False),
        (("notequals Modality CT",), False),
        (("contains ImageType derived",), False),
        (("notcontains ImageType derived",), True),
        (("contains ImageType original",), True),
        (("missing Modality",), False),
        (("present Modality",), True),
        (("present 0x00080060",), True),
        (("empty ContentDate",), True),
        (("empty Modality",), False),
        (("contains Modality CT", "+ contains Manufacturer GE"), True),
        (("contains Modality CT", "+ contains Manufacturer Siemens"), False),
        (("contains Modality MR", "|| contains Manufacturer GE"), True),
        (("contains Modality MR || contains Manufacturer GE",), True),
        (("contains Modality CT + contains Manufacturer Siemens",), False),
        (("missing Modality || contains Manufacturer GE", "+ present Rows"), True),
    ],
)
@pytest.mark.parametrize("group", ["blacklist", "graylist", "whitelist"])
def test_a_filter_holds_and_a_whitelist_lets_nothing_pass(lines, is_held, group):
    policy = under(f"%filter {group}", "LABEL what it is # (somebody)", *lines)
    if group != "whitelist" and is_held:
        with pytest.raises(ItemError, match=f"{group} what it is") as caught:
            laid_over(policy, DATES)
        assert caught.value.reason is Reason.HELD_BY_RECIPE
    else:
        assert laid_over(policy, DATES).decisions == {}


def test_the_packages_chest_recipe_holds_what_it_names():
    text = (Path(deid.data.__file__).parent / "deid.dicom.xray.chest").read_bytes()
    recipe = parse_recipe(text, values={}, digest="")
    assert held_by(recipe.filters, CT) is None
    assert [one.label for one in recipe.filters] == [
        "Matt Lungren Only Accept X-ray",
        "Matt Lungren Filter Known notChest",
    ]
