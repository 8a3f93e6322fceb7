"""A steward's recipe over a whole job: what it states stands in the output, what it weakens is told."""

from __future__ import annotations

import html
import re

import pytest
from archive_samples import Slice, contents, leaks_under, save, write_job
from archive_samples import rows as rows_of
from pydicom import Dataset, dcmread

RECIPE = """FORMAT dicom

%header
KEEP PatientSex
KEEP (0019,"ACME 1.0",02)
REMOVE contains:Manufacturer
REPLACE SeriesDescription var:series
JITTER StudyDate 3
ADD PatientComments in the trial
ADD PatientIdentityRemoved YES
REMOVE contains:Physician
"""
VALUES = 'series = "TRIAL CT"\n'
OVER = '[deid]\nrecipe = "site.deid"\nrecipe_values = "values.toml"\n'


@pytest.fixture
def over(site):
    """The site with a patient's sex and a private block in each file, and a job with the recipe."""
    for number, path in enumerate(sorted(site.source.rglob("*.dcm"))):
        dataset = dcmread(path)
        dataset.PatientSex = "FM"[number % 2]
        block = dataset.private_block(0x0019, "ACME 1.0", create=True)
        block.add_new(0x02, "DS", "1.5")
        block.add_new(0x03, "DS", "2.5")
        dataset.save_as(path)
    recipe(site, RECIPE)
    write_job(site.job, site.workspace, [site.source], OVER)
    return site


def recipe(site, text: str, values: str = VALUES) -> None:
    (site.root / "site.deid").write_text(text)
    (site.root / "values.toml").write_text(values)


def run(site, *more: object):
    return site.run("run", site.job, "--workers", 1, "--json", *more)


def released(site) -> list[Dataset]:
    return [dcmread(path) for path in sorted(site.released.rglob("*.dcm"))]


def test_what_a_recipe_states_stands_in_every_output(over):
    done = run(over)
    assert (done.code, done.json()["released"], done.json()["residual_findings"]) == (0, 6, 0), done.err
    for one in released(over):
        assert one.SeriesDescription == "TRIAL CT"
        assert one.PatientComments == "in the trial"
        assert one.StudyDate == "20190503"
        assert one.PatientSex in ("F", "M")
        assert "Manufacturer" not in one
        assert "ReferringPhysicianName" not in one
        assert (one[0x00190010].value, one[0x00191002].value) == ("ACME 1.0", 1.5)
        assert 0x00191003 not in one
        assert one.PatientIdentityRemoved == "YES"
        assert one.LongitudinalTemporalInformationModified == "MODIFIED"
    assert leaks_under(over.released) == []


def test_every_weakening_is_told_and_what_is_not_weaker_is_not(over):
    what_if = run(over, "--what-if").json()["weaker_than_profile"]
    done = run(over)
    told = done.json()["weaker_than_profile"]
    assert [sentence.split(",")[0] for sentence in told] == ["line 4", "line 5", "line 8"]
    assert told == what_if
    assert all(sentence in done.err for sentence in told)
    statement = over.run(
        "rules", "conformance", "--recipe", over.root / "site.deid", "--recipe-values", over.root / "values.toml"
    ).out
    assert "line 4, `KEEP PatientSex`: PatientSex" in statement


def test_the_report_says_what_the_recipe_weakened_and_a_second_run_adds_nothing(over):
    write_job(over.job, over.workspace, [over.source], OVER + '[report]\nout = "report.html"\n')
    told = run(over).json()["weaker_than_profile"]
    page = html.unescape(re.sub("</?code>", "`", (over.root / "report.html").read_text()))
    assert "A recipe is weaker than the profile." in page
    assert all(sentence in page for sentence in told)
    before = rows_of(over.workspace)
    assert run(over).code == 0
    assert rows_of(over.workspace) == before
    recipe(over, "FORMAT dicom\n%header\nREMOVE PatientAge\n")
    assert run(over).json()["weaker_than_profile"] == []
    assert "A recipe is weaker" not in (over.root / "report.html").read_text()


def test_the_recipe_is_part_of_what_made_an_output(over):
    assert run(over).json()["released_new"] == 6
    first = contents(over.released)
    assert run(over).json()["released_new"] == 0
    assert contents(over.released) == first
    recipe(over, RECIPE, 'series = "OTHER CT"\n')
    again = run(over).json()
    assert (again["released"], again["released_new"]) == (6, 6)
    assert {one.SeriesDescription for one in released(over)} == {"OTHER CT"}


def test_without_its_recipe_a_private_element_is_a_finding(over):
    assert run(over).code == 0
    arguments = ("deid", "verify", over.released, "-w", over.workspace, "--json")
    with_it = over.run(*arguments, "--recipe", over.root / "site.deid", "--recipe-values", over.root / "values.toml")
    assert (with_it.code, with_it.json()["findings"]) == (0, []), with_it.err
    without = over.run(*arguments)
    assert without.code == 1
    assert {one["defect"] for one in without.json()["findings"]} == {"private_element"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("FORMAT dicom\n%header\nREPLACE PatientAge func:mine\n", "line 3, REPLACE PatientAge"),
        ("FORMAT dicom\n%header\nKEEP PatientName\n", "line 3, KEEP PatientName"),
        ("FORMAT dicom\n%header\nREPLACE PatientAge var:age\n", "var:age has no value"),
        ("FORMAT dicom\n%filter x\nLABEL a\ncontains Modality CT\ncoordinates 0,0,1,1\n", "%filter x a"),
        ("FORMAT dicom\n%header\nREMOV PatientName\n", "line 3"),
    ],
)
def test_a_recipe_that_cannot_be_carried_out_stops_the_job_before_anything_is_written(over, text, what):
    recipe(over, text)
    done = run(over)
    assert done.code == 2
    assert what in done.err
    assert not over.released.exists() or contents(over.released) == {}


def test_values_without_a_recipe_are_a_mistake(over):
    write_job(over.job, over.workspace, [over.source], '[deid]\nrecipe_values = "values.toml"\n')
    done = run(over)
    assert done.code == 2
    assert "recipe_values" in done.err


def test_a_filter_holds_what_it_names(over):
    recipe(over, "FORMAT dicom\n%filter blacklist\nLABEL second slice\nequals InstanceNumber 2\n")
    done = run(over)
    assert (done.code, done.json()["released"]) == (1, 4)
    assert done.json()["quarantined"] == {"held_by_recipe": 2}


def test_a_kept_date_that_must_not_stand_elsewhere_does_not_stand(over):
    """Of somebody examined on the day of birth the recipe keeps one date, and that day may stand nowhere."""
    for path in over.source.rglob("*.dcm"):
        dataset = dcmread(path)
        dataset.PatientBirthDate = dataset.StudyDate
        dataset.save_as(path)
    recipe(over, "FORMAT dicom\n%header\nKEEP StudyDate\n")
    assert run(over).code == 0
    assert {one.StudyDate for one in released(over)} == {""}


def test_a_kept_date_stands_where_nothing_else_forbids_it(over):
    recipe(over, "FORMAT dicom\n%header\nKEEP endswith:Date\n")
    done = run(over)
    assert (done.code, done.json()["released"]) == (0, 6), done.err
    for one in released(over):
        assert one.StudyDate == "20190430"
        assert one.PatientBirthDate != "19551013"
        assert one.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_a_stated_value_that_names_the_patient_is_found(over):
    recipe(over, "FORMAT dicom\n%header\nREPLACE SeriesDescription of Zwackelmann\n")
    done = run(over)
    assert (done.code, done.json()["released"]) == (1, 0)
    assert done.json()["quarantined"] == {"residual_identifier": 6}


def test_explain_names_the_line(over):
    file = save(Slice().dataset(), over.root / "one.dcm")
    rows = over.run(
        "deid",
        "explain",
        file,
        "--json",
        "--recipe",
        over.root / "site.deid",
        "--recipe-values",
        over.root / "values.toml",
    ).json()
    by_keyword = {row["keyword"]: (row["action"], row["rule_id"]) for row in rows}
    assert by_keyword["SeriesDescription"] == ("=", "recipe/7")
    assert by_keyword["StudyDate"] == ("S", "recipe/8")
    assert by_keyword["ReferringPhysicianName"] == ("X", "recipe/11")
    assert not by_keyword["PatientName"][1].startswith("recipe/")


def test_one_worker_and_two_write_the_same(over):
    assert run(over).code == 0
    first = contents(over.released)
    other = over.root / "again"
    done = over.run(
        "deid",
        "run",
        over.source,
        "--out",
        other,
        "-w",
        over.workspace,
        "--workers",
        2,
        "--recipe",
        over.root / "site.deid",
        "--recipe-values",
        over.root / "values.toml",
    )
    assert done.code == 0, done.err
    assert sorted(contents(other).values()) == sorted(first.values())
