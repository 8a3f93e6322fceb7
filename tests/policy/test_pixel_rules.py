"""Rules about texts, layouts and photographs in pixels: read strictly, with every input in the digest."""

import shutil
from pathlib import Path

import pytest

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.model.pixels import Box
from curator.policy.check import check_rules
from curator.policy.pixels.judging import margin_of, thickness
from curator.policy.pixels.rules import load_pixel_rules

RULES = bundled_folder("rules")
INPUTS = (
    *("pixels/allowed.toml", "pixels/judging.toml", "pixels/layouts.toml", "pixels/photographs.toml"),
    *("pixels/recipe_attributes.csv", "pixels/lookalikes.csv", "pixels/encoders.toml"),
    *("text/recognizers.toml", "text/confusables.csv"),
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ("pixels", "text"):
        shutil.copytree(RULES / room, tmp_path / room)
    return tmp_path


def changed(folder: Path, name: str, before: str, after: str) -> Path:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return folder


def test_a_copy_has_the_same_digest(copy: Path) -> None:
    assert load_pixel_rules(copy).digest == load_pixel_rules(RULES).digest


@pytest.mark.parametrize("name", INPUTS)
def test_whatever_decides_is_in_the_digest(copy: Path, name: str) -> None:
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert load_pixel_rules(copy).digest != load_pixel_rules(RULES).digest


@pytest.mark.parametrize("name", INPUTS)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        load_pixel_rules(copy)


@pytest.mark.parametrize(
    ("name", "before", "after", "error"),
    [
        ("pixels/allowed.toml", 'words = ["L"', 'word = ["L"', "did you mean 'words'"),
        ("pixels/allowed.toml", "(?:CC|MLO|", "(?:CC|MLO(|", "no regular expression"),
        ("pixels/judging.toml", 'setting = "line_gap"', 'setting = "line_gab"', "did you mean 'line_gap'"),
        ("pixels/judging.toml", 'setting = "line_gap"', 'setting = "word_gap"', "set twice"),
        ("pixels/judging.toml", "value = 1.5", "value = -1.5", "negative"),
        ("pixels/judging.toml", "value = 1.5", "value = inf", "negative"),
        ("pixels/photographs.toml", '"refuse"', '"blurr"', "did you mean 'blur'"),
        ("pixels/layouts.toml", '"deid.dicom"', '"deid.dicon"', "deid.dicon cannot be read"),
        ("pixels/layouts.toml", 'apply = "with_text"', 'apply = "with text"', "did you mean 'with_text'"),
        ("pixels/recipe_attributes.csv", "Manfacturer,Manufacturer", "Manfacturer,Manifacturer", "neither a keyword"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(copy: Path, name: str, before: str, after: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        load_pixel_rules(changed(copy, name, before, after))


def test_a_number_that_no_rule_sets_is_named(copy: Path) -> None:
    path = copy / "pixels/judging.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index('[[rule]]\nid = "pixels/same-word"')], encoding="utf-8")
    with pytest.raises(ConfigurationError, match="sets no word_gap"):
        load_pixel_rules(copy)


def test_photographs_with_faces_are_refused_unless_a_site_says_otherwise(copy: Path) -> None:
    assert load_pixel_rules(RULES).faces == "refuse"
    assert load_pixel_rules(changed(copy, "pixels/photographs.toml", '"refuse"', '"blur"')).faces == "blur"


@pytest.mark.parametrize(("share", "height", "pixels"), [(0.1, 20, 2), (0.1, 21, 3), (0.1, 1, 1), (0.0, 50, 0)])
def test_a_margin_is_a_share_of_the_height_in_whole_pixels(share: float, height: float, pixels: int) -> None:
    assert margin_of(share, height) == pixels


def test_letters_are_as_tall_as_the_shorter_side_of_their_box() -> None:
    assert thickness(Box(0, 0, 10, 200)) == thickness(Box(0, 0, 200, 10)) == 10


SITE = """FORMAT dicom
%filter graylist
LABEL Own scanner
contains Manufactorer Contoso
+ equals Rows 480
ctpcoordinates 10,0,100,20
"""


def test_a_site_names_a_recipe_of_its_own_for_its_coordinates(copy: Path) -> None:
    (copy / "pixels/site.deid").write_text(SITE.replace("Manufactorer", "Manufacturer"), encoding="utf-8")
    before = load_pixel_rules(copy)
    rules = load_pixel_rules(changed(copy, "pixels/layouts.toml", '"deid.dicom"', '"site.deid"'))
    (rule,) = rules.layouts.layouts[0].rules
    assert (rule.id, rule.asks.label) == ("site.deid/1", "Own scanner")
    assert [step.boxes for step in rule.steps] == [(Box(0, 10, 20, 110),)]
    assert rules.digest != before.digest
    (copy / "pixels/site.deid").write_text(SITE.replace("Manufactorer", "Manufacturer") + "#", encoding="utf-8")
    assert load_pixel_rules(copy).digest != rules.digest


def test_a_rule_of_a_recipe_that_can_never_fit_is_found_by_the_check(tmp_path: Path) -> None:
    copy = tmp_path / "rules"
    shutil.copytree(RULES, copy)
    (copy / "pixels/site.deid").write_text(SITE, encoding="utf-8")
    path = copy / "pixels/layouts.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"deid.dicom.ultrasound"', '"site.deid"'), encoding="utf-8"
    )
    found = [one for one in check_rules(copy).findings if one.rule_id == "site.deid/1"]
    assert [one.where for one in found] == ["pixels/layouts.toml"]
    assert "'Manufactorer'" in found[0].what


def test_a_pattern_of_a_recipe_that_does_not_compile_is_named(copy: Path) -> None:
    text = SITE.replace("Manufactorer Contoso", "Manufacturer Cont(oso")
    (copy / "pixels/site.deid").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"site\.deid/1: 'Cont\(oso' is no pattern"):
        load_pixel_rules(changed(copy, "pixels/layouts.toml", '"deid.dicom"', '"site.deid"'))


@pytest.mark.parametrize("coordinates", ["10,0,100", "a,b,c,d", "10,0,10,20", "0,0,99999999,5"])
def test_coordinates_that_are_no_box_are_named(copy: Path, coordinates: str) -> None:
    text = SITE.replace("Manufactorer", "Manufacturer").replace(
        "ctpcoordinates 10,0,100,20", f"coordinates {coordinates}"
    )
    (copy / "pixels/site.deid").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"site\.deid/1"):
        load_pixel_rules(changed(copy, "pixels/layouts.toml", '"deid.dicom"', '"site.deid"'))
