"""Texts and known places together (rows B02, B03)."""

import io
from dataclasses import replace

import pytest
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.deid.pixels.decide import decide
from curator.deid.pixels.judge import judge
from curator.deid.pixels.module import pixel_module
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.elements import DataSet
from curator.dicom.parse import parse
from curator.model.pixels import Box, Judged, Route, Sighting, Verdict
from curator.policy.pixels.rules import load_pixel_rules

RULES = load_pixel_rules(bundled_folder("rules"))
NOBODY = OwnValues((), Folding(RULES.confusables))


def image(*, model: str = "unheard of", regions: bool = False) -> DataSet:
    made = Dataset()
    made.Modality, made.Manufacturer, made.ManufacturerModelName = "US", "Philips", model
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = 48, 80, 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation, made.PixelData = 7, 0, bytes(48 * 80)
    if regions:
        region = Dataset()
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 20
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 79, 47
        made.SequenceOfUltrasoundRegions = [region]
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2",
    )
    written = io.BytesIO()
    dcmwrite(written, made, enforce_file_format=True)
    return parse(written.getvalue())


def seen(text: str, box: Box, confidence: float = 0.95) -> Sighting:
    return Sighting(box, text, confidence, Route.DETECTED)


def decided(data_set: DataSet, *sightings: Sighting) -> tuple[Judged, ...]:
    return decide(sightings, data_set=data_set, module=pixel_module(data_set), own=NOBODY, rules=RULES)


NAME, MARK = seen("Meier", Box(2, 2, 10, 30)), seen("10 cm", Box(24, 60, 30, 78))
BELOW = Judged(MARK.box, Verdict.KEEP, "pixel-text/number-with-unit", Route.DETECTED)
BANNER = Judged(Box(0, 0, 20, 80), Verdict.REDACT, "layouts/ultrasound-regions", Route.REGION)


def test_without_a_layout_texts_are_judged_as_they_are() -> None:
    assert decided(image(), NAME, MARK) == judge((NAME, MARK), own=NOBODY, rules=RULES, rows=48, columns=80)
    assert decided(image()) == ()


def test_B03_a_text_outside_the_regions_takes_the_outside_with_it() -> None:
    inside = Judged(NAME.box, Verdict.REDACT, "layouts/ultrasound-regions", Route.DETECTED)
    assert decided(image(regions=True), NAME, MARK) == (BANNER, inside, BELOW)


@pytest.mark.parametrize("other", [[], [seen("R", Box(2, 2, 10, 8))], [seen("Meier", Box(18, 2, 30, 30))]])
def test_B03_without_one_the_outside_stays(other: list[Sighting]) -> None:
    found = decided(image(regions=True), MARK, *other)
    assert BANNER not in found
    assert BELOW in found


def test_B02_a_known_place_goes_whatever_is_read_there_and_is_no_reason_for_a_review() -> None:
    doubt = seen("", Box(2, 2, 40, 60), 0.1)
    place, text = decided(image(model="CX50"), doubt)
    assert place.route is Route.LAYOUT
    assert place.verdict is text.verdict is Verdict.REDACT
    assert (place.box, text.box) == (Box(0, 0, 48, 80), doubt.box)
    assert [one.verdict for one in decided(image(), doubt)] == [Verdict.REVIEW]


def test_frames_and_routes_of_sightings_are_theirs() -> None:
    told = replace(seen("R", Box(0, 0, 5, 5)), frames=(3,), route=Route.TALL)
    assert [(one.route, one.frames) for one in decided(image(model="CX50"), told)][1:] == [(Route.TALL, (3,))]
