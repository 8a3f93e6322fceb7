"""What a recipe has to look like, and what of it is refused by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import deid.data
import pytest

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError, RuleError
from curator.policy.header import load_header_policy
from curator.policy.recipe.judge import refusals
from curator.policy.recipe.laid import with_recipe
from curator.policy.recipe.lines import FieldKind, RecipeAction
from curator.policy.recipe.read import parse_recipe, read_recipe
from curator.policy.recipe.values import fits, parse_values

POLICY = load_header_policy(bundled_folder("rules"))


def read(*lines: str, values: dict[str, str] | None = None):
    return parse_recipe("\n".join(lines).encode(), values=values or {}, digest="d")


def header(*lines: str, values: dict[str, str] | None = None):
    return read("FORMAT dicom", "%header", *lines, values=values)


def test_lines_are_read_with_their_numbers():
    recipe = header("# a comment", "", "REMOVE PatientName", "  JITTER endswith:Date -31 # days", "ADD PatientAge 010Y")
    assert [(one.number, one.action, one.expression.kind) for one in recipe.lines] == [
        (5, RecipeAction.REMOVE, FieldKind.EXACT),
        (6, RecipeAction.JITTER, FieldKind.ENDSWITH),
        (7, RecipeAction.ADD, FieldKind.EXACT),
    ]
    assert [(one.days, one.value) for one in recipe.lines] == [(None, ""), (-31, ""), (None, "010Y")]


def test_groups_are_read_also_when_opened_twice():
    recipe = read(
        "FORMAT dicom",
        "%values names",
        'SPLIT PatientName by="^";minlength=3',
        "%fields times",
        "FIELD contains:Time",
        "%values names",
        "FIELD OperatorsName",
        "%header",
        "REMOVE values:names",
        "REMOVE fields:times",
    )
    assert [
        (name, [(line.splits, line.split_by, line.shortest) for line in lines]) for name, lines in recipe.values
    ] == [("names", [(True, "^", 3), (False, " ", 1)])]
    assert [name for name, _ in recipe.fields] == ["times"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("%header\nREMOVE PatientName", "line 1"),
        ("FORMAT nifti\n%header\nREMOVE PatientName", "line 1"),
        ("FORMAT dicom\nREMOVE PatientName", "line 2"),
        ("FORMAT dicom\n%haeder\nREMOVE PatientName", "line 2.*did you mean 'header'"),
        ("FORMAT dicom\n%header\nREMOVE PatientName\nREMOV PatientID", "line 4.*did you mean 'REMOVE'"),
        ("FORMAT dicom\n%header\nremove PatientName", "line 3.*knows no 'remove'"),
        ("FORMAT dicom\n%header\nREMOVEALL PatientName", "line 3"),
        ("FORMAT dicom\n%header\n\n# x\nADD PatientName", "line 5"),
        ("FORMAT dicom\n%header\nBLANK PatientName\nJITTER StudyDate\nREMOVE PatientID", "line 4"),
        ("FORMAT dicom\n%header\nREMOVE", "line 3"),
        ("FORMAT dicom\n%fields\nFIELD PatientName", "line 2"),
        ("FORMAT dicom\n%fields x\nSPLIT PatientName", "line 3"),
        ("FORMAT dicom\n%values x\nFIELD", "line 3"),
        ("FORMAT dicom\n%filter x\nLABEL a\ncontians Modality CT", "line 4.*contains"),
        ("FORMAT dicom\n%filter x\nLABEL a\ncontains Modality", "line 4"),
        ("FORMAT dicom\n%labels\nADD COOKIE yes", "line 2"),
    ],
)
def test_a_malformed_recipe_names_its_line(text, line):
    with pytest.raises(ConfigurationError, match=line):
        read(*text.split("\n"))


def test_a_recipe_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "recipe"
    path.write_bytes(b"FORMAT dicom\n%header\nADD PatientAge \xff\n")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_recipe(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_recipe(tmp_path / "absent")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("REPLACE PatientAge func:mine", "function"),
        ("REMOVE ALL func:is_name", "function"),
        ("REMOVE PatientAge var:age", "condition"),
        ("REPLACE PatientAge var:missing", "has no value"),
        ("REPLACE StudyInstanceUID deid_func:basic_uuid", "same in every run"),
        ("REPLACE StudyInstanceUID deid_func:dicom_uuid org_root=1.2", "same in every run"),
        ("ADD PatientAge deid_func:jitter days=1", "same in every run"),
        ("JITTER StudyDate 0", "no days"),
        ("JITTER StudyDate soon", "whole number"),
        ("REPLACE PatientAge Zwölf", "ASCII"),
        ("REMOVE startwith:Patient", "did you mean 'startswith'"),
        ("REMOVE contains:(", "no pattern"),
        ("REMOVE select:color:red", "did you mean|knows no"),
        ("REMOVE select:group:patient", "hexadecimal"),
    ],
)
def test_what_no_file_can_make_true_is_refused_when_it_is_read(line, what):
    with pytest.raises(RuleError, match=f"line 3, .*({what})"):
        header(line)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("REMOVE PatientNaem", "did you mean 'patientname'"),
        ("REMOVE jitter", "no attribute"),
        ("REMOVE fields:absent", "no such group"),
        ("KEEP PatientName", "names a person"),
        ("KEEP AccessionNumber", "names a person"),
        ("KEEP FrameOfReferenceUID", "retain-uids"),
        ("KEEP PatientID", "keyed code"),
        ("REPLACE PatientID x", "keyed code"),
        ("ADD StudyInstanceUID 1.2.3", "keyed code"),
        ("REPLACE FrameOfReferenceUID 1.2.3", "keyed ones"),
        ("ADD PatientIdentityRemoved Yeppers!", "the engine writes"),
        ("REMOVE DeidentificationMethod", "the engine writes"),
        ("REMOVE MediaStorageSOPInstanceUID", "file meta"),
        ("REPLACE PixelData 0", "pixels"),
        ("ADD contains:Patient x", "not an expander"),
        ('ADD (0009,"GEMS_IDEN_01",01) x', "keyword or a tag"),
        ("ADD ContentSequence__TextValue x", "top level"),
        ("ADD ContentSequence x", "cannot stand in SQ"),
        ("REPLACE StudyDate yesterday", "cannot stand in DA"),
        ("REPLACE PatientAge twelve years", "cannot stand in AS"),
        ("REPLACE Rows many", "cannot stand in US"),
        ("JITTER StudyTime 3", "dates move"),
        ("JITTER PatientName 3", "dates move"),
        ("REPLACE PatientName deid_func:pydicom_uuid", "no place in PN"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_by_name_and_line(line, what):
    with pytest.raises(RuleError, match=f"line 3, {line.split()[0]}.*({what})"):
        with_recipe(POLICY, header(line))


def test_all_refusals_are_told_at_once_and_counted():
    with pytest.raises(RuleError, match=r"line 3, .*line 10, .*and 2 more"):
        with_recipe(POLICY, header(*["KEEP PatientName"] * 10))


@pytest.mark.parametrize(
    "line",
    [
        "ADD PatientIdentityRemoved YES",
        "REMOVE (0010,0010)",
        'KEEP (0019,"GEMS_ACQU_01",02)',
        "REMOVE OtherPatientIDsSequence__PatientID",
        "REMOVE (300A,00B0)__0__(300A,00C2)",
        "REPLACE FrameOfReferenceUID deid_func:pydicom_uuid",
        "REMOVE PatientID",
        "KEEP endswith:Date",
        "KEEP ALL",
    ],
)
def test_what_can_be_carried_out_is_taken(line):
    assert with_recipe(POLICY, header(line)).recipe is not None


@pytest.mark.parametrize(
    ("value", "vr", "is_fit"),
    [
        ("20200101", "DA", True),
        ("20200101\\20200102", "DA", True),
        ("2020-01-01", "DA", False),
        ("x" * 16, "SH", True),
        ("x" * 17, "SH", False),
        ("a\\b", "LT", True),
        ("1.5", "FD", True),
        ("-1", "US", False),
        ("-1", "SS", True),
        ("x", "SQ", False),
        ("x", "OW", False),
        ("x", "UN", True),
    ],
)
def test_a_stated_value_has_to_fit_its_vr(value, vr, is_fit):
    assert fits(value, vr) is is_fit


def test_values_come_from_toml_or_csv():
    assert parse_values(b'age = "033Y"\ndays = 12\n', is_csv=False) == {"age": "033Y", "days": "12"}
    assert parse_values(b"name,value\nage,033Y\ndays,12\n", is_csv=True) == {"age": "033Y", "days": "12"}
    with pytest.raises(ConfigurationError, match="twice"):
        parse_values(b"name,value\nage,1\nage,2\n", is_csv=True)
    with pytest.raises(ConfigurationError, match="string or a number"):
        parse_values(b"age = true\n", is_csv=False)


def test_the_digest_covers_recipe_and_values(tmp_path):
    recipe, values = tmp_path / "r.dicom", tmp_path / "v.toml"
    recipe.write_text("FORMAT dicom\n%header\nREPLACE PatientAge var:age\n")
    values.write_text('age = "033Y"\n')
    first = read_recipe(recipe, values=values)
    assert first.lines[0].value == "033Y"
    values.write_text('age = "034Y"\n')
    second = read_recipe(recipe, values=values)
    digests = {with_recipe(POLICY, one).digest for one in (None, first, second)}
    assert len(digests) == 3
    assert with_recipe(POLICY, first).digest == with_recipe(POLICY, first).digest


BUNDLED_RECIPES = {
    "deid.dicom": "%filter graylist .* boxes in pixels",
    "deid.dicom.ultrasound": "%filter graylist .* boxes in pixels",
    "deid.dicom.xray.chest": "",
}


def test_every_recipe_of_the_deid_package_is_taken_or_refused_by_name():
    folder = Path(deid.data.__file__).parent
    assert {path.name for path in folder.glob("deid.*")} == set(BUNDLED_RECIPES)
    for name, refused in BUNDLED_RECIPES.items():
        if refused:
            with pytest.raises(RuleError, match=refused):
                with_recipe(POLICY, read_recipe(folder / name))
        else:
            assert with_recipe(POLICY, read_recipe(folder / name)).recipe.filters


def test_the_package_recipe_is_taken_but_for_three_of_its_header_lines():
    """Two names that no attribute has, and a Patient ID that the engine answers for."""
    text = (Path(deid.data.__file__).parent / "deid.dicom").read_text().split("%header")[1]
    values = {"entity_timestamp": "19000101", "item_timestamp": "19000101", "entity_id": "x", "item_id": "y"}
    lines = text.split("\n")
    told = list(refusals(header(*lines, values=values), named=()))
    refused = ("REMOVE PatientsName", "ADD PatientID", "REMOVE jitter")
    assert [sentence.split(": ")[0].split(", ")[1] for sentence in told] == list(refused)
    taken = header(*(line for line in lines if not line.startswith(refused)), values=values)
    assert len(with_recipe(POLICY, taken).recipe.lines) == len(header(*lines, values=values).lines) - len(refused)


def test_nothing_of_the_deid_package_is_loaded_without_a_recipe():
    code = (
        "import sys, curator.cli, curator.policy.recipe.read, curator.policy.recipe.laid, curator.deid.instance;"
        "sys.exit(any(name.split('.')[0] == 'deid' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_says_nothing_of_its_own(capfd):
    header("REMOVE PatientName")
    with pytest.raises(ConfigurationError):
        header("JITTER StudyDate")
    assert capfd.readouterr() == ("", "")
