"""Known device layouts: every rule of the deid package's recipe fires on its header and on no other (rows B02, B03)."""

from __future__ import annotations

import contextlib
import copy
import io
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

import curator.deid.pixels.layouts as subject
from curator.bundled import bundled_folder
from curator.deid.pixels.module import pixel_module
from curator.dicom.parse import parse
from curator.errors import ConfigurationError
from curator.model.pixels import Box, Judged, Route, Verdict
from curator.policy.pixels.layouts import Layout, Layouts, own_layout
from curator.policy.pixels.places import Header, known_places
from curator.policy.pixels.recipe_layouts import recipe_layout
from curator.policy.pixels.rules import load_pixel_rules
from curator.strict import parse_toml


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """The package warns, writes to the terminal and imports what pydicom deprecates."""
    with (
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


with silenced():
    import deid.data
    from deid.config import DeidRecipe
    from deid.config.utils import load_deid
    from deid.dicom.pixels.detect import has_burned_pixels

# Rules of the package ask for values that no VR allows.
pytestmark = pytest.mark.filterwarnings("ignore:.* for VR CS:UserWarning")

RULES = load_pixel_rules(bundled_folder("rules"))
PACKAGE = Path(deid.data.__file__).parent
MISSPELT = {"Manfacturer": "Manufacturer", "Manufacture": "Manufacturer", "OverlayDescription": "OverlayDescription"}
REPEATING = 0x60020022
ROWS, COLUMNS = 700, 900


def package_labels(name: str) -> list[dict[str, Any]]:
    """The labels with coordinates, as the package itself parses them, in its order."""
    with silenced():
        groups = load_deid(str(PACKAGE / name))["filter"]
    return [label for labels in groups.values() for label in labels if label["coordinates"]]


LABELS = package_labels("deid.dicom")


def demands(label: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What one test of each line asks: action, attribute as written, value."""
    for line in label["filters"]:
        yield line["action"][0], line["field"][0], line["value"][0] if line["value"] else ""


def matching(action: str, value: str) -> str:
    """A text that a pattern fits: the first of its alternatives."""
    first = value.split("|")[0].strip()
    return first.replace("+", "") if action == "contains" and "+" in first[:-1] else first


def header_for(label: dict[str, Any]) -> Dataset:
    """A header that fulfils a label."""
    said: dict[str, list[str]] = {}
    for action, field, value in demands(label):
        said.setdefault(MISSPELT.get(field, field), []).append(matching(action, value))
    made = Dataset()
    made.Rows, made.Columns = ROWS, COLUMNS
    for keyword, values in said.items():
        if keyword == "OverlayDescription":
            made.add_new(REPEATING, "LO", " ".join(values))
        elif keyword in ("Rows", "Columns"):
            setattr(made, keyword, int(values[0]))
        else:
            longest = max(values, key=len)
            setattr(made, keyword, longest if all(one in longest for one in values) else " ".join(values))
    return made


def written(data_set: Dataset, *, implicit: bool = False, version: str = "") -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    if version:
        meta.ImplementationVersionName = version
    data_set = copy.deepcopy(data_set)
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.file_meta = meta
    made = io.BytesIO()
    dcmwrite(made, data_set, enforce_file_format=True, implicit_vr=implicit, little_endian=True)
    return made.getvalue()


def places(data_set: Dataset, *, found: tuple[Box, ...] = (), layouts: Layouts = RULES.layouts) -> tuple[Judged, ...]:
    """The places in an image with this header, which need not have its pixels."""
    version = data_set.get("ImplementationVersionName", "")
    data_set = copy.deepcopy(data_set)
    if version:
        del data_set.ImplementationVersionName
    module = replace(MODULE, rows=data_set.Rows, columns=data_set.Columns)
    parsed = parse(written(data_set, version=version))
    return subject.places(parsed, module, replace(RULES, layouts=layouts), found=found)


def _module() -> Any:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    image.Rows = image.Columns = 1
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    image.PixelData = b"\0\0"
    return pixel_module(parse(written(image)))


MODULE = _module()


def mask(boxes: list[Box], rows: int, columns: int) -> NDArray[np.bool_]:
    covered = np.zeros((rows, columns), dtype=bool)
    for box in boxes:
        covered[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)] = True
    return covered


def fired(data_set: Dataset, number: int) -> list[Box]:
    """The places by one rule of the package's recipe alone."""
    recipe = RULES.layouts.layouts[0]
    (rule,) = (rule for rule in recipe.rules if rule.id == f"deid.dicom/{number}")
    return [place.box for place in places(data_set, layouts=Layouts((replace(recipe, rules=(rule,)),)))]


numbered = pytest.mark.parametrize("number", range(1, len(LABELS) + 1))


@numbered
def test_B02_each_rule_of_the_package_fires_on_its_header(number: int) -> None:
    label = LABELS[number - 1]
    header = header_for(label)
    expected = np.zeros((header.Rows, header.Columns), dtype=bool)
    for _, text in label["coordinates"]:
        left, top, right, bottom = map(int, text.split(","))
        expected[top:bottom, left:right] = True
    boxes = fired(header, number)
    assert expected.any()
    assert all(box == box.clipped(header.Rows, header.Columns) and box.area for box in boxes)
    assert np.array_equal(mask(boxes, header.Rows, header.Columns), expected)
    assert set(boxes) <= {place.box for place in places(header)}


@numbered
def test_B02_no_rule_of_the_package_fires_on_a_near_miss(number: int) -> None:
    label = LABELS[number - 1]
    for _, field, value in demands(label):
        keyword = MISSPELT.get(field, field)
        missed = header_for(label)
        if keyword == "OverlayDescription":
            del missed[REPEATING]
        elif keyword in ("Rows", "Columns"):
            setattr(missed, keyword, int(re.split(r"\D", value)[0]) + 1)
        else:
            setattr(missed, keyword, "-1")
        assert not fired(missed, number), f"{field} {value}"


@numbered
def test_B02_the_package_itself_agrees_where_it_can(number: int) -> None:
    label = LABELS[number - 1]
    asked = [(action, field, value) for action, field, value in demands(label)]
    header = header_for(label)
    alone = object.__new__(DeidRecipe)
    alone.deid = {"format": "dicom", "filter": {"graylist": [copy.deepcopy(label)]}}
    with silenced():
        found = has_burned_pixels(_for_package(header), deid=alone)
    is_dead = any(field in MISSPELT or (action == "equals" and "|" in value) for action, field, value in asked)
    assert found["flagged"] is not is_dead


def _for_package(header: Dataset) -> Any:
    """The package takes a file or what pydicom makes of one; it does not look into the file meta group."""
    return FileDataset("", header, file_meta=FileMetaDataset())


def test_the_attributes_that_the_package_misspells_are_known_by_name() -> None:
    asked = {field for label in LABELS for _, field, _ in demands(label)}
    assert set(MISSPELT) == RULES.layouts.repaired
    assert asked >= RULES.layouts.repaired
    assert RULES.layouts.unmatched == ()
    bare = load_pixel_rules_without_repairs()
    assert {one.attribute for one in bare.unmatched} == set(MISSPELT)
    dead = {
        f"deid.dicom/{number}"
        for number, label in enumerate(LABELS, 1)
        if any(f in MISSPELT for _, f, _ in demands(label))
    }
    assert {one.rule_id for one in bare.unmatched} == dead


def load_pixel_rules_without_repairs() -> Layouts:
    content = (bundled_folder("rules") / "pixels/layouts.toml").read_bytes()
    rule = next(iter(parse_toml(content, name="layouts").tables("rule")))
    layout, repaired, unmatched = recipe_layout(rule, (PACKAGE / "deid.dicom").read_bytes(), {})
    return Layouts((layout,), repaired, unmatched)


def test_B02_a_device_that_no_rule_knows_has_no_places() -> None:
    unknown = header_for(LABELS[0])
    unknown.ManufacturerModelName = unknown.Manufacturer = "unheard of"
    assert places(unknown) == ()


def test_B02_places_are_known_and_clipped_to_the_frame() -> None:
    header = header_for(next(label for label in LABELS if "1229" in label["coordinates"][0][1]))
    header.Rows, header.Columns = 40, 500
    (place,) = places(header)
    assert place == Judged(Box(0, 0, 40, 500), Verdict.REDACT, place.rule_id, Route.LAYOUT)


@pytest.mark.parametrize("implicit", [False, True])
def test_attributes_are_found_in_file_meta_and_in_sequences(implicit: bool) -> None:
    dose = Dataset()
    dose.Modality, dose.Manufacturer, dose.Rows, dose.Columns = "CT", "GE", 512, 512
    phantom = Dataset()
    phantom.CodeMeaning = "IEC Body Dosimetry Phantom"
    dose.MeasuringUnitsSequence = [phantom]
    parsed = parse(written(dose, implicit=implicit))
    assert [place.box for place in subject.places(parsed, replace(MODULE, rows=512, columns=512), RULES)] == [
        Box(0, 0, 200, 512)
    ]


# --- regions of ultrasound -------------------------------------------------------------------------------------------


def ultrasound(*regions: tuple[int, int, int, int]) -> Dataset:
    """An image of 480 x 640 with regions given as left, top, right and bottom, the last ones included."""
    image = Dataset()
    image.Modality, image.Rows, image.Columns = "US", 480, 640
    image.SequenceOfUltrasoundRegions = []
    for left, top, right, bottom in regions:
        region = Dataset()
        region.RegionLocationMinX0, region.RegionLocationMinY0 = left, top
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = right, bottom
        image.SequenceOfUltrasoundRegions.append(region)
    return image


BANNER = Box(0, 0, 20, 200)


def test_B03_everything_outside_the_regions_is_blacked_out_where_text_was_found_there() -> None:
    image = ultrasound((32, 24, 335, 415), (336, 40, 600, 415))
    found = places(image, found=(BANNER,))
    inside = np.zeros((480, 640), dtype=bool)
    inside[24:416, 32:336] = inside[40:416, 336:601] = True
    assert np.array_equal(mask([place.box for place in found], 480, 640), ~inside)
    assert sum(place.box.area for place in found) == (~inside).sum()
    assert {(place.rule_id, place.route) for place in found} == {("layouts/ultrasound-regions", Route.REGION)}
    assert places(image) == ()
    assert places(image, found=(Box(100, 100, 120, 200),)) == ()


@pytest.mark.parametrize("applies", ["always", "never"])
def test_B03_the_policy_says_whether_the_outside_is_blacked_out(applies: str) -> None:
    layouts = tuple(replace(one, applies=type(one.applies)(applies)) for one in RULES.layouts.layouts)
    found = places(ultrasound((0, 100, 639, 479)), layouts=replace(RULES.layouts, layouts=layouts), found=(BANNER,))
    assert [place.box for place in found] == ([Box(0, 0, 100, 640)] if applies == "always" else [])


@pytest.mark.parametrize("regions", [(), ((600, 10, 10, 400),), ((700, 500, 800, 600),)])
def test_B03_regions_that_describe_nothing_black_out_nothing(regions: tuple[tuple[int, int, int, int], ...]) -> None:
    assert places(ultrasound(*regions), found=(BANNER,)) == ()


def test_B03_an_image_without_regions_keeps_its_outside() -> None:
    image = ultrasound()
    del image.SequenceOfUltrasoundRegions
    assert places(image, found=(BANNER,)) == ()


def test_B03_one_images_regions_never_reach_another_as_they_do_in_the_package() -> None:
    first, second = ultrasound((0, 100, 639, 479)), ultrasound((0, 200, 639, 479))
    with silenced():
        recipe = DeidRecipe(str(PACKAGE / "deid.dicom.ultrasound"))
        theirs = [
            has_burned_pixels(_for_package(image), deid=recipe)["results"][-1]["coordinates"]
            for image in (first, second)
        ]
    assert theirs[0] == theirs[1]
    assert [place.box for place in places(first, found=(BANNER,))] == [Box(0, 0, 100, 640)]
    assert [place.box for place in places(second, found=(BANNER,))] == [Box(0, 0, 200, 640)]
    assert [place.box for place in places(first, found=(BANNER,))] == [Box(0, 0, 100, 640)]


regions = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 50), st.integers(0, 70), st.integers(0, 60)), min_size=1, max_size=4
)


@settings(deadline=None)
@given(regions)
def test_B03_places_and_regions_share_no_pixel_and_leave_none(found: list[tuple[int, int, int, int]]) -> None:
    boxes = [Box(top, left, bottom + 1, right + 1) for left, top, right, bottom in found]
    inside = [box for box in boxes if box.clipped(48, 64).area and box.height > 0 and box.width > 0]
    layouts = Layouts(tuple(replace(one, applies=type(one.applies)("always")) for one in RULES.layouts.layouts[1:]))
    header = Header(lambda field: ("",) if field == "SequenceOfUltrasoundRegions" else None, lambda _: inside)
    outside = known_places(layouts, header, rows=48, columns=64)
    expected = ~mask(inside, 48, 64) if inside else np.zeros((48, 64), dtype=bool)
    assert np.array_equal(mask([place.box for place in outside], 48, 64), expected)
    assert sum(place.box.area for place in outside) == expected.sum()


# --- rules of our own ------------------------------------------------------------------------------------------------

OWN = """
id = "layouts/banner"
why = "w"
source = "s"
when = { Manufacturer = ["ACME", "Contoso"], Rows = [480, 960] }
nominal = { rows = 480, columns = 640 }
boxes = [{ left = 0, top = 0, width = 640, height = 31 }, { left = 601, top = 440, width = 39, height = 40 }]
example = []
"""


def own(text: str = OWN) -> Layout:
    return own_layout(parse_toml(text.encode(), name="layouts"))


def own_places(says: Mapping[str, tuple[str, ...]], rows: int, columns: int, text: str = OWN) -> list[Box]:
    header = Header(says.get, lambda _: ())
    return [place.box for place in known_places(Layouts((own(text),)), header, rows=rows, columns=columns)]


def test_B02_boxes_are_scaled_to_the_image_and_rounded_outwards() -> None:
    says = {"Manufacturer": ("acme inc.",), "Rows": ("480",)}
    assert own_places(says, 480, 640) == [Box(0, 0, 31, 640), Box(440, 601, 480, 640)]
    assert own_places(says, 960, 1280) == [Box(0, 0, 62, 1280), Box(880, 1202, 960, 1280)]
    assert own_places(says, 100, 64) == [Box(0, 0, 7, 64), Box(91, 60, 100, 64)]
    assert own_places(says, 100, 64, OWN.replace("nominal", "# nominal")) == [Box(0, 0, 31, 64)]


@pytest.mark.parametrize(
    ("says", "fits"),
    [
        ({"Manufacturer": ("ACME",), "Rows": ("960",)}, True),
        ({"Manufacturer": ("Contoso Ltd",), "Rows": ("480",)}, True),
        ({"Manufacturer": ("ACM",), "Rows": ("480",)}, False),
        ({"Manufacturer": ("ACME",), "Rows": ("481",)}, False),
        ({"Manufacturer": ("ACME",)}, False),
        ({"Manufacturer": (), "Rows": ("480",)}, False),
        ({}, False),
    ],
)
def test_B02_all_attributes_have_to_fit_and_one_of_the_values_of_each(
    says: Mapping[str, tuple[str, ...]], fits: bool
) -> None:
    assert bool(own_places(says, 480, 640)) is fits


@pytest.mark.parametrize(
    ("written", "instead", "error"),
    [
        ("Manufacturer =", "Manfacturer =", "no attribute"),
        ('["ACME", "Contoso"]', "[]", "list"),
        ("width = 640, height = 31", "width = 641, height = 31", "nominal size"),
        ("height = 31", "hight = 31", "height"),
        ('why = "w"', 'why = "w"\nwhole_frame = true', "one of them"),
        ('when = { Manufacturer = ["ACME", "Contoso"], Rows = [480, 960] }', "when = {}", "asks nothing"),
        ('why = "w"', 'why = "w"\napply = "sometimes"', "always"),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(written: str, instead: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        own(OWN.replace(written, instead))


def test_a_whole_frame_is_blacked_out() -> None:
    text = "\n".join(line for line in OWN.splitlines() if not line.startswith(("boxes", "nominal")))
    says = {"Manufacturer": ("ACME",), "Rows": ("480",)}
    assert own_places(says, 7, 9, text + "\nwhole_frame = true") == [Box(0, 0, 7, 9)]


# --- real ultrasounds ------------------------------------------------------------------------------------------------

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "burned_in"
# Who, where and when stands within these boxes: left, top, right, bottom; found by eye.
REAL = {
    "us_pydicom_data/OBXXXX1A.dcm": ("deid.dicom/36", (0, 0, 800, 59)),
    "us_cornerstone/no-pixel-spacing.dcm": ("deid.dicom/36", (0, 0, 800, 59)),
    "us_pydicom_data/JPGLosslessP14SV1_1s_1f_8b.dcm": ("deid.dicom/34", (0, 0, 1024, 49)),
    "us_pydicom_data/US1_J2KI.dcm": ("layouts/ge-logiq-700", (14, 24, 174, 102)),
    "us_pydicom_data/gdcm-US-ALOKA-16.dcm": ("layouts/aloka-ssd-4000", (0, 0, 640, 25)),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="real ultrasounds lie beside the project, not in it")
@pytest.mark.parametrize("name", sorted(REAL))
def test_B02_the_right_rule_fires_on_real_ultrasounds(name: str) -> None:
    rule_id, (left, top, right, bottom) = REAL[name]
    data_set = parse((SHARED / name).read_bytes())
    module = pixel_module(data_set)
    found = subject.places(data_set, module, RULES, found=[Box(top, left, bottom, right)])
    assert {place.rule_id for place in found} - {"layouts/ultrasound-regions"} == {rule_id}
    assert mask([place.box for place in found], module.rows, module.columns)[top:bottom, left:right].all()
