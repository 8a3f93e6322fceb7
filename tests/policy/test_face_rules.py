"""The rules about defacing: every number set once, every example run, and a wrong one found."""

from __future__ import annotations

import shutil
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.policy.check import check_rules
from curator.policy.faces.defacing import DEFACING, EFFECTS, GALLERY, LADDER, WINDOWS, Numbers, load_face_rules
from curator.policy.faces.examples import face_examples

RULES = bundled_folder("rules")
INPUTS = (DEFACING, LADDER, GALLERY)
# What these numbers allow is above them; for all others it is below.
_COUNTS_UPWARDS = {
    "face_score",
    "network_confidence",
    "least_rank",
    "least_overlap",
    "trunk_width_mm",
    "least_constant_share",
    "deep_mm",
    "least_deep_share",
    "least_shown_share",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(RULES / "faces", tmp_path / "faces")
    return tmp_path


def changed(folder: Path, name: str, before: str, after: str) -> Path:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return folder


def test_every_number_and_rung_has_examples_that_are_met() -> None:
    rules, outcomes = load_face_rules(RULES), list(face_examples(RULES))
    assert {one.rule_id for one in outcomes if one.where == DEFACING} == set(rules.ids.values())
    assert {one.rule_id for one in outcomes if one.where == LADDER} == {rung.id for rung in rules.ladder}
    assert [one for one in outcomes if not one.is_met] == []
    assert set(rules.ids) == {one.name for one in fields(Numbers)}


def test_every_number_has_an_example_of_either_kind() -> None:
    told: dict[str, set[str]] = {}
    for one in face_examples(RULES):
        if one.where == DEFACING:
            told.setdefault(one.rule_id, set()).add(one.expected)
    assert {rule_id: kinds for rule_id, kinds in told.items() if kinds != {"True", "False"}} == {}


@pytest.mark.parametrize("setting", sorted(EFFECTS))
def test_an_effect_counts_the_way_that_its_name_says(setting: str) -> None:
    assert EFFECTS[setting](2.0, 3.0) is (setting in _COUNTS_UPWARDS)
    assert EFFECTS[setting](2.0, 1.0) is (setting not in _COUNTS_UPWARDS)


@pytest.mark.parametrize("rule_id", ["faces/face-score", "faces/search-yaws", "faces/ramp", "faces/ladder-front"])
def test_a_wrong_example_is_found_by_the_check(tmp_path: Path, rule_id: str) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(RULES, folder)
    path = folder / (LADDER if rule_id.startswith("faces/ladder") else DEFACING)
    head, rule = path.read_text(encoding="utf-8").split(f'id = "{rule_id}"', 1)
    for said, otherwise in (("expect = true", "expect = false"), ('expect = "front"', 'expect = "face"')):
        if said in rule:
            rule = rule.replace(said, otherwise, 1)
            break
    path.write_text(f'{head}id = "{rule_id}"{rule}', encoding="utf-8")
    assert [one.rule_id for one in check_rules(folder).findings] == [rule_id]


@pytest.mark.parametrize("name", INPUTS)
def test_whatever_decides_is_in_the_digest(copy: Path, name: str) -> None:
    before = load_face_rules(copy).digest
    assert before == load_face_rules(RULES).digest
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert load_face_rules(copy).digest != before


@pytest.mark.parametrize("name", INPUTS)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        load_face_rules(copy)


@pytest.mark.parametrize(
    ("name", "before", "after", "error"),
    [
        (DEFACING, 'setting = "face_score"', 'setting = "face_scoer"', "did you mean 'face_score'"),
        (DEFACING, 'setting = "ramp_mm"', 'setting = "relief_mm"', "set twice"),
        (DEFACING, 'setting = "ramp_mm"\nvalue = ', 'setting = "ramp_mm"\nvalue = -', "negative"),
        (DEFACING, "values = [", "values = [] # ", "list of numbers"),
        (LADDER, 'window = "face"', 'window = "fase"', "did you mean 'face'"),
        (GALLERY, "phantom-0,", "phantom-0,1.0 ", "not 128 numbers"),
        (GALLERY, "phantom-0,", "phantom-0,a ", "not 128 numbers"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(copy: Path, name: str, before: str, after: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        load_face_rules(changed(copy, name, before, after))


def test_scores_may_be_negative_and_angles_too() -> None:
    numbers = load_face_rules(RULES).numbers
    assert numbers.strange_score < numbers.clean_score < 0
    assert min(numbers.search_yaws_deg) < 0


def test_the_ladder_climbs() -> None:
    ladder = load_face_rules(RULES).ladder
    assert [rung.window for rung in ladder] == sorted((rung.window for rung in ladder), key=WINDOWS.index)
    for before, after in pairwise(rung for rung in ladder if not rung.has_ears):
        is_deeper, is_smoother = after.shell_mm > before.shell_mm, after.smoothing_factor > before.smoothing_factor
        assert after.window != before.window or is_deeper or is_smoother, after.id
    assert ladder[-1].has_ears


def test_a_rung_is_drawn_at_least_once(copy: Path) -> None:
    changed(copy, LADDER, "draws = 4", "draws = 0")
    with pytest.raises(ConfigurationError, match="at least once"):
        load_face_rules(copy)
