from __future__ import annotations

import tomllib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.catalog.vendors import UNKNOWN, bundled_vendor_names, fold, load_vendor_names
from curator.errors import ConfigurationError

RULES = bundled_folder("rules") / "vendors" / "vendors.toml"
EXAMPLES = [
    (rule["id"], example, rule["vendor"])
    for rule in tomllib.loads(RULES.read_text(encoding="utf-8"))["rule"]
    for example in rule["example"]
]
BUNDLED_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
VENDOR_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "vendors"


@pytest.mark.parametrize(("rule_id", "example", "vendor"), EXAMPLES, ids=[f"{i}:{e}" for i, e, _ in EXAMPLES])
def test_each_example_gives_the_vendor_of_its_rule(rule_id: str, example: str, vendor: str) -> None:
    assert bundled_vendor_names().vendor(example) == vendor, rule_id


@pytest.mark.parametrize(
    ("manufacturer", "vendor"),
    [
        ("", UNKNOWN),
        ("  \t", UNKNOWN),
        ("--", UNKNOWN),
        ("ＳＩＥＭＥＮＳ", "Siemens"),
        ("siemens_healthineers", "Siemens"),
        ("George Medical", "George Medical"),  # begins with the letters of GE, not with the word
        ("ACME  medical-devices, Inc.", "Acme Medical Devices"),
        ("acme medical devices", "Acme Medical Devices"),
        ("Gesellschaft für Röntgen mbH", "Gesellschaft Fur Rontgen"),
        ("Co., Ltd.", "Co"),
        ("MyCanon", "Mycanon"),
    ],
)
def test_what_no_example_covers(manufacturer: str, vendor: str) -> None:
    assert bundled_vendor_names().vendor(manufacturer) == vendor


@pytest.mark.parametrize(
    ("name", "words"),
    [("G.E. Medical", ("ge", "medical")), ("S.p.A.", ("spa",)), ("Co.,Ltd.", ("co", "ltd")), ("a.b.c", ("abc",))],
)
def test_initials_are_one_word(name: str, words: tuple[str, ...]) -> None:
    assert fold(name) == words


@given(st.text())
def test_any_text_has_a_tidy_vendor_that_letter_case_does_not_change(manufacturer: str) -> None:
    vendor = bundled_vendor_names().vendor(manufacturer)
    assert vendor
    assert " ".join(vendor.split()) == vendor
    assert bundled_vendor_names().vendor(manufacturer.casefold()) == vendor


def test_every_vendor_is_its_own_normal_form() -> None:
    names = bundled_vendor_names()
    assert {names.vendor(rule.vendor) for rule in names.rules} == {rule.vendor for rule in names.rules}


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("CT_small.dcm", "GE"),
        ("ExplVR_BigEnd.dcm", "GE"),
        ("ExplVR_LitEndNoMeta.dcm", "Elekta"),
        ("JPEG2000.dcm", "GE"),
        ("MR_small.dcm", "Canon"),
        ("examples_overlay.dcm", "Siemens"),
        ("examples_palette.dcm", "Philips"),
        ("examples_ybr_color.dcm", "SonoSite"),
        ("liver_1frame.dcm", "QIICR"),
        ("rtplan.dcm", UNKNOWN),
        ("waveform_ecg.dcm", "Mortara"),
    ],
)
def test_real_files_have_the_maker_that_built_the_device(name: str, vendor: str) -> None:
    found = sorted(BUNDLED_FILES.rglob(name))
    if not found:
        pytest.skip(f"pydicom does not bundle {name}")
    manufacturer = str(pydicom.dcmread(found[0], stop_before_pixels=True, force=True).get("Manufacturer", ""))
    assert bundled_vendor_names().vendor(manufacturer) == vendor


@pytest.mark.skipif(not VENDOR_DATA.is_dir(), reason="the shared vendor data is not here")
@pytest.mark.parametrize(
    ("folder", "vendor"),
    [
        ("canon_galan_dti", "Canon"),
        ("cps_1023_pet", "Siemens"),
        ("ge_hdxt_fruit", "GE"),
        ("ge_mr750_epi", "GE"),
        ("ge_pioneer_t1", "GE"),
        ("philips_achieva_epi", "Philips"),
        ("philips_brilliance16_ct", "Philips"),
        ("siemens_biograph40_ct_jp2k", "Siemens"),
        ("siemens_espree_t1post", "Siemens"),
        ("siemens_prisma_xa30_enhanced", "Siemens"),
        ("siemens_skyra_mosaic", "Siemens"),
    ],
)
def test_each_vendor_folder_is_of_its_vendor(folder: str, vendor: str) -> None:
    found: set[str] = set()
    for path in sorted(entry for entry in (VENDOR_DATA / folder).rglob("*") if entry.is_file()):
        dataset = pydicom.dcmread(path, force=True, specific_tags=["Manufacturer"], stop_before_pixels=True)
        if "Manufacturer" in dataset:
            found.add(bundled_vendor_names().vendor(str(dataset.Manufacturer)))
    assert found == {vendor}


RULE = '[[rule]]\nid = "v.a"\nvendor = "A"\nwhy = "w"\nsource = "s"\n'
HEAD = "format = 1\nlegal_forms = []\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = [", "is not TOML"),
        ("format = 2\nlegal_forms = []\nrule = []", "must be between 1 and 1"),
        ("format = 1\nlegal_form = []\nrule = []", "'legal_form'; did you mean 'legal_forms'"),
        (HEAD + RULE + 'begins = ["a"]', "v.a: a vendor rule needs a name and an example"),
        (HEAD + RULE + 'example = ["A"]', "v.a: a vendor rule needs a name and an example"),
        (HEAD + '[[rule]]\nid = "v.a"', "needs the key 'vendor'"),
        (HEAD + RULE + 'begins = ["a"]\nexample = ["B"]', "the example 'B' gives 'B'"),
        (HEAD + RULE + 'begin = ["a"]\nexample = ["A"]', "'begin'; did you mean 'begins'"),
        (HEAD + RULE + 'begins = ["a", "A."]\nexample = ["A"]', "claimed twice"),
        (HEAD + 2 * (RULE + 'example = ["A"]\nbegins = ["a"]\n'), "two vendor rules have this id"),
    ],
)
def test_a_wrong_rule_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "vendors.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load_vendor_names(path)


def test_a_missing_rule_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_vendor_names(tmp_path / "none.toml")
