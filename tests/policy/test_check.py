"""`curator rules check` and `conformance`, on the rules that ship and on broken copies."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from curator.cli.rules import group
from curator.policy.check import check_rules
from curator.policy.explain import conformance, table_actions
from curator.policy.header import HeaderPolicy, load_header_policy


@pytest.fixture
def copy(rules: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rules, tmp_path / "rules"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def findings_of(folder: Path) -> list[str]:
    return [f"{finding.where} {finding.rule_id} {finding.what}" for finding in check_rules(folder).findings]


def test_the_rules_that_ship_are_fine(rules: Path) -> None:
    report = check_rules(rules)
    assert report.findings == ()
    assert report.rules > 50
    assert report.examples > 50


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("header/unlisted.toml", 'expect = "X"', 'expect = "K"', 'expects "K" and gets "X"'),
        ("pixels/gate.toml", 'id = "pixels/audio"', 'id = "faces/surface"', "the id is taken by a rule of"),
        ("pixels/gate.toml", 'families = ["audio"]', 'families = ["audoi"]', "did you mean 'audio'"),
        ("faces/gate.toml", 'why = "A localizer', 'whyy = "A localizer', '"why" is missing or empty'),
        ("faces/gate.toml", "field_of_view_below_mm = 300.0", "field_of_view_below_mm = 30.0", "none of its examples"),
        ("faces/gate.toml", 'reason = "face_possible"', 'reason = "face_posible"', "did you mean 'face_possible'"),
        ("vendors/vendors.toml", 'why = "', 'why = "" # "', '"why" is missing or empty'),
        ("vendors/vendors.toml", "[[rule]]", "[[rule]", "is not TOML"),
        ("header/identifiers.csv", ",id,", ",idd,", "did you mean 'id'"),
        ("header/kept_text.csv", "00080070", "0008070", "not a tag of eight"),
        ("header/methods.csv", "113100", "113199", "altered: header/methods.csv"),
        (
            "header/unlisted.toml",
            'tag = "00091002"',
            'tag = "0009100"',
            "element] tag: '0009100' is not a tag of eight",
        ),
        ("header/unlisted.toml", 'vr = "UN" }', 'vr = "UN", vm = 1 }', "element] has no key 'vm'; did you mean 'vr'"),
        ("faces/dependents.toml", "dependent = false", "dependent = true", 'expects "dependent" and gets "not dep'),
        (
            "faces/dependents.toml",
            "dependent = true",
            "dependant = true",
            "no key 'dependant'; did you mean 'dependent'",
        ),
        ("faces/dependents.toml", '481.3",\n]', '481.3",\n]\nmore = 1', "no key 'more'"),
        ("header/dates.toml", "longest_weeks = 521", "longest_weeks = 520", 'and gets "7 to 3640 days"'),
        ("header/dates.toml", "shift_days_at_least = 7", "shift_days_at_least = 0", "must be between 1"),
        ("faces/body_parts.csv", "below the diaphragm", "", "no reason is given"),
        ("faces/head_words.csv", "head,stem,en", "head,stem,en,more", "4 cells, the header has 3"),
    ],
)
def test_what_is_broken_is_found(copy: Path, name: str, old: str, new: str, said: str) -> None:
    edit(copy / name, old, new)
    assert any(said in finding for finding in findings_of(copy)), findings_of(copy)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("vendors/vendors.toml", '"SIEMENS", ', '"PHILIPS", ', "the example 'PHILIPS' gives 'Philips'"),
        ("vendors/vendors.toml", "\nbegins =", "\nbegin =", "has no key 'begin'; did you mean 'begins'"),
        ("datasets/abdomen-organs.toml", "balance_by", "ballance_by", "'ballance_by'; did you mean 'balance_by'"),
        ("datasets/abdomen-organs.toml", "test = 0.15", "test = 0.2", "must be shares between 0 and 1"),
    ],
)
def test_the_command_finds_what_a_stage_would_refuse(copy: Path, name: str, old: str, new: str, said: str) -> None:
    edit(copy / name, old, new)
    run = CliRunner().invoke(group, ["check", str(copy)])
    assert run.exit_code == 1
    assert [line for line in run.stdout.splitlines() if line.startswith(f"{name}: ") and said in line], run.stdout


@pytest.mark.parametrize("name", ["faces/head_words.csv", "vendors/vendors.toml", "datasets/abdomen-organs.toml"])
def test_bytes_that_are_no_text_are_a_finding(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as stream:
        stream.write(b"\xff\n")
    run = CliRunner().invoke(group, ["check", str(copy)])
    assert run.exit_code == 1
    assert f"{name}: {name} is not" in run.stdout


def test_a_folder_without_vendors_is_found(copy: Path) -> None:
    (copy / "vendors" / "vendors.toml").unlink()
    run = CliRunner().invoke(group, ["check", str(copy)])
    assert run.exit_code == 1
    assert "cannot be read" in run.stdout


def test_an_empty_folder_is_no_rules_folder(tmp_path: Path) -> None:
    assert check_rules(tmp_path).findings != ()


def test_command_exit_codes_and_json(copy: Path) -> None:
    run = CliRunner().invoke(group, ["check", str(copy), "--json"])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["findings"] == []
    edit(copy / "header/unlisted.toml", 'expect = "X"', 'expect = "K"')
    run = CliRunner().invoke(group, ["check", str(copy)])
    assert run.exit_code == 1
    assert "unlisted/private" in run.stdout
    assert CliRunner().invoke(group, ["check"]).exit_code == 0


def test_conformance_is_what_the_policy_does(rules: Path, basic: HeaderPolicy) -> None:
    run = CliRunner().invoke(group, ["conformance", "--option", "retain-uids"])
    assert run.exit_code == 0
    policy = load_header_policy(rules, options=["retain-uids"])
    assert run.stdout == conformance(policy)
    assert policy.digest in run.stdout
    assert "113110 DCM Retain UIDs Option" in run.stdout
    assert "DICOM PS3.15 2026d, (c) NEMA" in run.stdout
    assert sum(table_actions(basic).values()) == 657
    assert conformance(basic) != run.stdout
