"""The filters of the deid package's own recipe, asked by both programs of the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deid.data
import pytest
from deid.config.utils import load_deid
from pydicom import dcmread
from recipe_samples import BUNDLED, silenced

from curator.dicom.parse import parse
from curator.errors import RuleError
from curator.policy.recipe.filters import held_by
from curator.policy.recipe.lines import RecipeFilter
from curator.policy.recipe.read import parse_recipe

with silenced():
    from deid.config import DeidRecipe
    from deid.dicom.pixels.detect import has_burned_pixels

FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "693_J2KI.dcm",
    "JPEG2000.dcm",
    "rtdose.dcm",
    "test-SR.dcm",
)
# Attributes of that recipe that no dictionary has, so that the deid package's filters can never match.
MISSPELT = ("OverlayDescription", "Manfacturer", "Manufacture ")


def is_flagged(file: str, group: str, item: dict[str, Any]) -> bool:
    """Whether the deid package flags a file by one filter alone."""
    alone = object.__new__(DeidRecipe)
    alone.deid = {"format": "dicom", "filter": {group: [item]}}
    with silenced():
        return bool(has_burned_pixels(dcmread(BUNDLED / file), deid=alone)["flagged"])


def filters_of(text: str, folder: Path) -> list[tuple[str, dict[str, Any], RecipeFilter]]:
    path = folder / "recipe.dicom"
    path.write_text(text)
    with silenced():
        parsed = load_deid(str(path))
    theirs = [(group, item) for group, items in parsed["filter"].items() for item in items]
    ours = parse_recipe(text.encode(), values={}, digest="").filters
    return [(group, item, one) for (group, item), one in zip(theirs, ours, strict=True)]


def package_filters() -> str:
    """All filters of the package's recipe, the whitelist under another name, without boxes and misspelt attributes."""
    text = (Path(deid.data.__file__).parent / "deid.dicom").read_text().split("%header")[0]
    lines = text.replace("%filter whitelist", "%filter greenlist").split("\n")
    unwanted = ("coordinates", *MISSPELT)
    return "\n".join(line for line in lines if not any(word in line for word in unwanted))


def test_each_filter_of_the_package_holds_the_same_files(tmp_path):
    asked = held = 0
    for file in FILES:
        data_set = parse((BUNDLED / file).read_bytes())
        for group, item, one in filters_of(package_filters(), tmp_path):
            if item["filters"]:
                ours = held_by((one,), data_set) is not None
                assert ours == is_flagged(file, group, item), (file, one.label)
                asked, held = asked + 1, held + ours
    assert asked > 1000
    assert held > 5


@pytest.mark.parametrize("name", MISSPELT)
def test_a_filter_of_the_package_that_asks_for_no_attribute_is_named(name):
    text = (Path(deid.data.__file__).parent / "deid.dicom").read_text().split("%header")[0]
    lines = [line for line in text.split("\n") if "coordinates" not in line]
    left = [line for line in lines if not any(word in line for word in MISSPELT if word != name)]
    with pytest.raises(RuleError, match=name.strip()):
        parse_recipe("\n".join(left).encode(), values={}, digest="")


QUESTIONS = (
    "contains Modality CT",
    "contains Modality MR",
    "contains Modality MR|CT",
    "contains ImageType original",
    "notcontains ImageType derived",
    "notcontains ImageType original",
    "equals Modality ct",
    "equals Modality C",
    "notequals Modality CT",
    "notequals Modality MR",
    "missing PatientAddress",
    "missing Modality",
    "present Modality",
    "present 0x00080060",
    "present 0x00091002",
    "contains 0x00080070 ge",
    "empty AccessionNumber",
    "empty PatientAddress",
    "contains Modality CT\n+ contains Manufacturer GE",
    "contains Modality CT\n+ contains Manufacturer Siemens",
    "contains Modality CT\ncontains Manufacturer Siemens",
    "contains Modality MR || contains Manufacturer GE",
    "contains Modality CT + contains Manufacturer Siemens",
    "contains Modality MR || contains Manufacturer GE\n+ present Rows",
    "contains Modality MR || contains Manufacturer Siemens\n+ present Rows",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_kind_of_question_has_the_same_answer(question, tmp_path):
    ((group, item, one),) = filters_of(f"FORMAT dicom\n%filter blacklist\nLABEL x\n{question}\n", tmp_path)
    for file in ("CT_small.dcm", "MR_small.dcm"):
        ours = held_by((one,), parse((BUNDLED / file).read_bytes())) is not None
        assert ours == is_flagged(file, group, item), file


# What the deid package answers otherwise: it joins lines by "and" whatever stands before them, and takes the value of
# the next question where one has none.
PARTING = {
    "LABEL x\ncontains Modality MR\n|| contains Manufacturer GE\n": (False, True),
    "LABEL x\nmissing Rows || contains Manufacturer GE\n": (False, True),
}


@pytest.mark.parametrize("text", PARTING)
def test_where_the_package_parts_from_what_is_written(text, tmp_path):
    whole = f"FORMAT dicom\n%filter blacklist\n{text}"
    ((group, item, one),) = filters_of(whole, tmp_path)
    data_set = parse((BUNDLED / "CT_small.dcm").read_bytes())
    assert (is_flagged("CT_small.dcm", group, item), held_by((one,), data_set) is not None) == PARTING[text]
