"""One recipe through the deid package and through ours, on the same files, compared element by element.

Only the recipe speaks: what it does not mention stays in both. Where the two differ, the difference is listed here with
its reason, and a difference that does not come up is a defect of this list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest
from recipe_samples import Both, both, content_of, recipe_text

CT, MR, PLAN, STRUCT, SR, PRIVATE = (
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "rtstruct.dcm",
    "reportsi.dcm",
    "nested_priv_SQ.dcm",
)
DATES, BIG_ENDIAN = "dates", "MR_small_bigendian.dcm"
FILES = (CT, MR, PLAN, STRUCT, SR, PRIVATE, DATES, BIG_ENDIAN)
VALUES = {"age": "033Y", "described": "TRIAL", "days": "12"}
# Each behaviour that tests of the deid package define, by the test that defines it or the feature that it is about.
CASES: dict[str, tuple[str, ...]] = {
    "remove": ("REMOVE InstitutionName", "REMOVE PatientName", "REMOVE 00190010"),
    "remove-absent": ("REMOVE PatientAddress",),
    "remove-any-depth": ("REMOVE TypeOfPatientID", "REMOVE BeamName", "REMOVE CodeMeaning"),
    "remove-sequence": ("REMOVE OtherPatientIDsSequence", "REMOVE BeamSequence", "REMOVE ContentSequence"),
    "remove-nested-name": ("REMOVE BeamSequence__BeamName", "REMOVE OtherPatientIDsSequence__TypeOfPatientID"),
    "remove-place": ("REMOVE (300A,00B0)__0__(300A,00C2)",),
    "remove-tags": ("REMOVE (0008,0020)", "REMOVE 00080030"),
    "blank": ("BLANK Manufacturer", "BLANK PatientSex"),
    "blank-sequence": ("BLANK OtherPatientIDsSequence", "BLANK BeamSequence", "REMOVE BeamName"),
    "blank-blank": ("BLANK Manufacturer", "BLANK Manufacturer"),
    "replace": ("REPLACE AccessionNumber 987654321", "REPLACE 00090010 NEWVALUE!"),
    "replace-any-depth": ("REPLACE TypeOfPatientID OTHER", "REPLACE BeamName B", "REPLACE CodeMeaning X"),
    "replace-numbers": ("REPLACE SliceThickness 2.5", "REPLACE Rows 7", "REPLACE ReferencedBeamNumber 3"),
    "replace-variable": ("REPLACE PatientAge var:age", "ADD StudyDescription var:described"),
    "replace-private": ("REPLACE contains:GEMS_PARM 5", 'REPLACE (0019,"GEMS_ACQU_01",0F) 7'),
    "add": ("ADD PatientComments one", "ADD PregnancyStatus 1", "ADD Manufacturer T"),
    "add-private": ("ADD 11112221 SIMPSON",),
    "add-add": ("ADD PatientComments one", "ADD PatientComments two"),
    "add-blank": ("ADD PregnancyStatus 1", "BLANK PregnancyStatus"),
    "add-jitter": ("ADD StudyDate 20221128", "JITTER StudyDate 5"),
    "add-keep": ("ADD StudyDate 20221128", "KEEP StudyDate"),
    "add-replace": ("ADD StudyDate 20221128", "REPLACE StudyDate 20221129"),
    "add-remove": ("ADD StudyDate 20221128", "REMOVE StudyDate"),
    "blank-add": ("BLANK Manufacturer", "ADD Manufacturer Testing"),
    "blank-jitter": ("BLANK StudyDate", "JITTER StudyDate 1"),
    "blank-keep": ("BLANK Manufacturer", "KEEP Manufacturer"),
    "blank-replace": ("BLANK Manufacturer", "REPLACE Manufacturer Testing"),
    "blank-remove": ("BLANK StudyDate", "REMOVE StudyDate"),
    "jitter": ("JITTER StudyDate 1", "JITTER endswith:Date -31"),
    "jitter-datetime": ("JITTER AcquisitionDateTime 1", "JITTER contains:DateTime -400"),
    "jitter-variable": ("JITTER StudyDate var:days",),
    "jitter-function": ("REPLACE StudyDate deid_func:jitter days=5 years=1",),
    "jitter-add": ("JITTER StudyDate 1", "ADD StudyDate 20221129"),
    "jitter-blank": ("JITTER StudyDate 1", "BLANK StudyDate"),
    "jitter-jitter": ("JITTER StudyDate 1", "JITTER StudyDate 2"),
    "jitter-keep": ("JITTER StudyDate 1", "KEEP StudyDate"),
    "jitter-replace": ("JITTER StudyDate 1", "REPLACE StudyDate 20221129"),
    "jitter-remove": ("JITTER StudyDate 1", "REMOVE StudyDate"),
    "keep-replace": ("KEEP StudyDate", "REPLACE StudyDate 20221129"),
    "keep-remove": ("REMOVE endswith:Date", "KEEP StudyDate"),
    "keep-sequence": ("KEEP OtherPatientIDsSequence", "REMOVE contains:Patient"),
    "replace-jitter": ("REPLACE StudyDate 20221128", "JITTER StudyDate 1"),
    "replace-remove": ("REPLACE StudyDate 20221128", "REMOVE StudyDate"),
    "remove-replace": ("REMOVE StudyDate", "REPLACE StudyDate 20221128"),
    "remove-jitter": ("REMOVE endswith:Date", "JITTER StudyDate 4"),
    "remove-add": ("REMOVE StudyDate", "ADD StudyDate 20221128"),
    "all": ("REMOVE ALL",),
    "all-keep": ("REMOVE ALL", "KEEP StudyDate", "KEEP Manufacturer"),
    "all-replace": ("REMOVE ALL", "REPLACE PatientAge 010Y", "JITTER endswith:Date 4"),
    "expanders": ("REMOVE contains:Collimation", "REMOVE endswith:Diameter", "REMOVE startswith:Exposure"),
    "expander-pattern": ("BLANK contains:Physician|Operator", "REMOVE contains:^Study.*n$"),
    "expander-private": ("REMOVE contains:GEMS_PARM_01", "REMOVE contains:private"),
    "except": ("REMOVE except:Manufacturer",),
    "select": ("REMOVE select:VR:DA", "BLANK select:group:0x0028", "REMOVE select:GROUP:0019"),
    "private-creator": ('REMOVE (0009,"GEMS_IDEN_01",01)', 'BLANK 0043,"GEMS_PARM_01",10'),
    "fields": ("%fields one", "FIELD Manufacturer", "FIELD contains:Time", "%header", "REMOVE fields:one"),
    "fields-private": ("%fields one", "FIELD 00090010", "FIELD PatientSex", "%header", "BLANK fields:one"),
    "values": ("%values one", "FIELD contains:Manufacturer", "%header", "REMOVE values:one"),
    "values-split": ("%values one", 'SPLIT PatientName by="^";minlength=4', "%header", "REMOVE values:one"),
    # Below: where the deid package and ours part.
    "comment": ("REMOVE PatientAge # no longer", "REPLACE PatientSex M # as planned"),
    "nested-keep": ("KEEP RadiationType", "REMOVE contains:Radiation|BeamType"),
    "person-values": ("%values one", "FIELD PatientName", "%header", "REPLACE values:one ANON"),
}


@dataclass(frozen=True)
class Difference:
    """Where the two part and why; `case` "" for every case."""

    case: str
    files: tuple[str, ...]
    tags: tuple[str, ...]
    reason: str


OWN = "an instance keeps an identity and its character set: the policy's own decision stands there"
IDENTITY = ("(0008,0005)", "(0008,0016)", "(0008,0018)", "(0010,0020)", "(0020,000D)", "(0020,000E)")
DIFFERENCES = (
    Difference("", FILES, IDENTITY, OWN),
    Difference(
        "comment",
        (CT, DATES),
        ("(0010,1010)",),
        "deid takes a comment behind REMOVE for a condition and removes nothing",
    ),
    Difference(
        "nested-keep", (PLAN,), ("(300A,00C6)",), "deid keeps by top-level tag, so it removes what stands deeper"
    ),
    Difference("jitter-datetime", (DATES,), ("(0018,9516)",), "deid writes microseconds that were not there"),
    Difference(
        "person-values",
        (CT, MR, PLAN, STRUCT, SR, DATES, BIG_ENDIAN),
        ("(0010,0010)", "(0008,0090)"),
        "deid takes a value for a pattern, in which the ^ of a name never matches",
    ),
    Difference(
        "values",
        (SR, PLAN),
        ("(0008,0110)", "(300A,00B0)"),
        "deid searches a sequence as printed, names of attributes and VRs included",
    ),
    Difference(
        "values-split",
        (PLAN,),
        ("(300A,0010)", "(300A,00B0)", "(300A,0040)", "(300A,0070)", "(300A,0180)", "(300C,0002)"),
        "deid searches a sequence as printed, names of attributes and VRs included",
    ),
)
# Where the deid package itself gives up: it removes a sequence and then looks for what was in it.
GIVES_UP = {(case, file) for case in ("all", "all-keep", "all-replace", "except") for file in (SR, PRIVATE)} | {
    ("remove-sequence", SR),
    ("expander-private", PRIVATE),
}


# What both made of the same elements: counted, so that no case falls out unseen.
AGREEMENT = {
    "agree": 58486,
    "agree, touched": 4524,
    OWN: 140,
    "deid searches a sequence as printed, names of attributes and VRs included": 63,
    "deid takes a value for a pattern, in which the ^ of a name never matches": 8,
    "deid writes microseconds that were not there": 1,
    "deid takes a comment behind REMOVE for a condition and removes nothing": 2,
    "deid keeps by top-level tag, so it removes what stands deeper": 1,
}


@cache
def compared(case: str, file: str, folder) -> Both:
    return both(content_of(file), recipe_text(*CASES[case]), folder, VALUES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes")


def reasons(case: str, file: str, found: Both) -> dict[str, str]:
    """The listed reason of each difference, "" for one that is not listed."""
    return {place: _reason(case, file, place) for place in found.differing}


def _reason(case: str, file: str, place: str) -> str:
    for one in DIFFERENCES:
        if one.case in ("", case) and file in one.files and any(tag in place for tag in one.tags):
            return one.reason
    return ""


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("case", CASES)
def test_ours_is_what_the_deid_package_makes(case, file, folder):
    if (case, file) in GIVES_UP:
        with pytest.raises(AttributeError):
            compared(case, file, folder)
        return
    found = compared(case, file, folder)
    told = reasons(case, file, found)
    unexplained = {place: values for place, values in found.differing.items() if not told[place]}
    assert not unexplained


def test_every_listed_difference_comes_up(folder):
    met = Counter(
        reason
        for case in CASES
        for file in FILES
        if (case, file) not in GIVES_UP
        for reason in reasons(case, file, compared(case, file, folder)).values()
    )
    assert {one.reason for one in DIFFERENCES} == set(met)


@cache
def untouched(file: str, folder) -> dict[str, str]:
    return both(content_of(file), recipe_text("KEEP ALL"), folder).ours


def test_a_recipe_that_does_something_does_it_somewhere(folder):
    """No case is met by two programs that do nothing."""
    for case in CASES:
        if case in ("remove-absent", "blank-keep", "jitter-keep", "keep-replace"):
            continue
        assert any(
            compared(case, file, folder).ours != untouched(file, folder)
            for file in FILES
            if (case, file) not in GIVES_UP
        ), case


def test_agreement_table(folder):
    """How many elements agree, how many of them a recipe had touched, and why the others do not."""
    counted: Counter[str] = Counter()
    for case in CASES:
        for file in FILES:
            if (case, file) in GIVES_UP:
                continue
            found, before = compared(case, file, folder), untouched(file, folder)
            told = reasons(case, file, found)
            counted.update(told.values())
            counted["agree"] += len({*found.theirs, *found.ours} - told.keys())
            for place in {*found.theirs, *before} - told.keys():
                counted["agree, touched"] += found.theirs.get(place) != before.get(place)
    assert counted == AGREEMENT
