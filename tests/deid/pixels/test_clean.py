"""An image from its bytes to proven bytes, with the reader and the finder themselves."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pixel_samples import file_of, image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.deid.pixels import file_image
from curator.deid.pixels.clean import PixelCleaner
from curator.deid.pixels.evidence import PixelsHeldError
from curator.deid.pixels.file_image import stored
from curator.errors import ItemError
from curator.jobs.release.looking import load_pixel_cleaner, scratch
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Route, Sighting, Verdict
from curator.model.quarantine import Reason
from curator.policy.gates import Handling
from curator.ports.pixels import Picture

NAME = Identifier(IdentifierKind.PERSON_NAME, "Zwetschge^Knoedel")
SHAPE = (120, 200)
VENDORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "vendors"
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture(scope="session")
def cleaner() -> PixelCleaner:
    return load_pixel_cleaner(bundled_folder("rules"))


def picture(text: str) -> np.ndarray:
    drawn = np.full(SHAPE, 25, np.uint8)
    if text:
        cv2.putText(drawn, text, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 240, 1, cv2.LINE_AA)
    return drawn


def file(text: str, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> bytes:
    made = image(picture(text).tobytes(), syntax=syntax, rows=SHAPE[0], columns=SHAPE[1], **attributes)
    made.BurnedInAnnotation = "YES"
    return file_of(made)


class Scripted:
    """A reader that sees one thing after the other, one a picture, and then nothing."""

    def __init__(self, *seen: tuple[Sighting, ...]) -> None:
        self.seen = list(seen)

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        return self.seen.pop(0) if self.seen else ()


Reading = Callable[..., PixelCleaner]


@pytest.fixture
def reading(cleaner: PixelCleaner) -> Reading:
    """A cleaner that sees what it is told to."""

    def made(*seen: tuple[Sighting, ...]) -> PixelCleaner:
        return PixelCleaner(
            rules=cleaner.rules, reader=Scripted(*seen), finder=cleaner.finder, seen_by="script", scratch=scratch
        )

    return made


def sighting(text: str, box: Box, confidence: float = 0.95) -> Sighting:
    return Sighting(box, text, confidence, Route.DETECTED)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_B01_a_name_is_found_made_black_and_proven_gone(cleaner: PixelCleaner, syntax: str) -> None:
    data = file("ZWETSCHGE 4711", syntax)
    cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers={NAME})
    assert cleaned.is_proven
    found = dcmread(io.BytesIO(cleaned.data))
    assert (found.file_meta.TransferSyntaxUID, cleaned.syntax_uid) == (syntax, syntax)
    assert set(np.unique(found.pixel_array[picture("ZWETSCHGE 4711") > 25])) == {0}
    assert np.array_equal(found.pixel_array[48:], picture("")[48:])
    assert "BurnedInAnnotation" not in found


def test_a_name_that_a_palette_hides_is_made_black(cleaner: PixelCleaner) -> None:
    """Written in an entry that looks like its ground: whoever opens the stored values reads it."""
    table = bytes((0, *[90] * 11, *range(12, 256)))
    palette: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        palette[f"{colour}PaletteColorLookupTableData"] = table
    written = picture("ZWETSCHGE 4711") > 100
    values = np.where(written, 11, 10).astype(np.uint8)
    made = image(values.tobytes(), syntax=ExplicitVRLittleEndian, rows=SHAPE[0], columns=SHAPE[1], **palette)
    cleaned = cleaner.clean(file_of(made), handling=Handling.LOOK, identifiers={NAME})
    assert cleaned.is_proven
    assert set(np.unique(dcmread(io.BytesIO(cleaned.data)).pixel_array[written])) == {0}


@pytest.mark.parametrize("kind", ["ARGB", "CMYK"])
def test_colours_that_nobody_knows_to_show_are_held_where_they_are_looked_at(cleaner: PixelCleaner, kind: str) -> None:
    colours = {"SamplesPerPixel": 4, "PhotometricInterpretation": kind, "PlanarConfiguration": 0}
    made = image(bytes(16 * 16 * 4), syntax=ExplicitVRLittleEndian, rows=16, columns=16, **colours)
    data = file_of(made)
    with pytest.raises(ItemError) as caught:
        cleaner.clean(data, handling=Handling.LOOK, identifiers={NAME})
    assert caught.value.reason is Reason.UNSUPPORTED_OBJECT
    assert cleaner.clean(data, handling=Handling.PASS, identifiers={NAME}).data is data


def test_what_shows_no_text_keeps_its_bytes_and_is_proven_too(cleaner: PixelCleaner) -> None:
    data = file("")
    cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers={NAME})
    assert cleaned.data is data
    assert cleaned.is_proven
    assert cleaned.evidence is not None
    assert cleaned.evidence.to_json()["counts"] == {}


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "SC_rgb_rle_2frame.dcm"]
)
def test_real_images_without_a_text_keep_their_pixel_data(cleaner: PixelCleaner, name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    cleaned = cleaner.clean(data, handling=Handling.PHOTOGRAPH, identifiers=())
    assert cleaned.is_proven
    assert dcmread(io.BytesIO(cleaned.data)).PixelData == dcmread(io.BytesIO(data)).PixelData


@pytest.mark.skipif(not VENDORS.is_dir(), reason="the scanners' files lie beside the project, not in it")
@pytest.mark.parametrize(
    "name",
    [
        "canon_galan_dti/000_0001.dcm",
        "cps_1023_pet/004_000036.dcm",
        "cps_1023_pet/024_000216.dcm",
        "pydicom_data_mixed/693_J2KR.dcm",
    ],
)
def test_organs_and_grain_of_real_scanners_are_no_letters(cleaner: PixelCleaner, name: str) -> None:
    data = (VENDORS / name).read_bytes()
    cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers=())
    assert cleaned.is_proven
    assert cleaned.data is data


def test_B01_what_nobody_looks_at_is_not_proven(reading: Reading) -> None:
    data = file("ZWETSCHGE 4711")
    cleaned = reading().clean(data, handling=Handling.PASS, identifiers={NAME})
    assert (cleaned.data is data, cleaned.is_proven, cleaned.evidence) == (True, False, None)


def test_what_the_proof_still_reads_is_scrubbed_as_well(reading: Reading) -> None:
    first, second = Box(8, 8, 24, 60), Box(40, 8, 56, 60)
    cleaned = reading((sighting("Somebody", first),), (sighting("Other", second),)).clean(
        file("A"), handling=Handling.LOOK, identifiers=()
    )
    assert cleaned.evidence is not None
    assert (cleaned.evidence.rounds, cleaned.evidence.count(Verdict.REDACT)) == (2, 2)
    found = dcmread(io.BytesIO(cleaned.data)).pixel_array
    assert not found[40:56, 8:60].any()


def test_what_is_read_however_often_it_is_scrubbed_is_held(reading: Reading) -> None:
    boxes = [Box(top, 8, top + 6, 60) for top in range(0, 80, 16)]
    stubborn = reading(*((sighting("Somebody", box),) for box in boxes))
    with pytest.raises(PixelsHeldError) as caught:
        stubborn.clean(file("A"), handling=Handling.LOOK, identifiers=())
    assert caught.value.reason is Reason.BURNED_IN_TEXT_LEFT
    assert caught.value.evidence["proven"] is False
    assert "Somebody" not in caught.value.detail + str(caught.value.evidence)


@pytest.mark.parametrize(
    "seen",
    [sighting("Somebody", Box(0, 0, 50, 200)), sighting("??", Box(8, 8, 24, 60), 0.2)],
    ids=["much of the frame", "a lone doubt"],
)
def test_what_a_person_has_to_judge_is_held_with_its_boxes(reading: Reading, seen: Sighting) -> None:
    with pytest.raises(PixelsHeldError) as caught:
        reading((seen,)).clean(file("A"), handling=Handling.LOOK, identifiers=())
    assert caught.value.reason is Reason.BURNED_IN_TEXT_DOUBTFUL
    assert caught.value.evidence["counts"] == {"review": 1}
    assert "% of a frame" in caught.value.detail


@pytest.mark.parametrize("handling", [Handling.LOOK, Handling.PHOTOGRAPH])
def test_an_instance_of_more_pictures_than_the_rules_bear_is_held(reading: Reading, handling: Handling) -> None:
    """Slides in tiles: nobody waits for hours, nothing is passed unseen."""
    frames = np.random.default_rng(5).integers(0, 200, (5, *SHAPE), dtype=np.uint8)
    data = file_of(
        image(frames.tobytes(), syntax=ExplicitVRLittleEndian, rows=SHAPE[0], columns=SHAPE[1], NumberOfFrames=5)
    )
    whole = reading()
    few = replace(whole, rules=replace(whole.rules, judging=replace(whole.rules.judging, most_pictures=3)))
    with pytest.raises(ItemError) as caught:
        few.clean(data, handling=handling, identifiers=())
    assert caught.value.reason in (Reason.BURNED_IN_TEXT_DOUBTFUL, Reason.FACE_POSSIBLE)
    assert "more than 3 pictures" in caught.value.detail
    assert whole.clean(data, handling=handling, identifiers=()).is_proven


def test_pixels_that_were_changed_on_the_way_are_noticed(reading: Reading) -> None:
    cleaned = reading().clean(file("A"), handling=Handling.LOOK, identifiers=())
    spoilt = bytearray(cleaned.data)
    spoilt[-5] ^= 1
    assert cleaned.are_in(cleaned.data)
    assert not cleaned.are_in(bytes(spoilt))
    other = dcmread(io.BytesIO(cleaned.data))
    other.PhotometricInterpretation = "MONOCHROME1"
    assert not cleaned.are_in(file_of(other))


def test_an_image_without_its_pixels_is_nothing_to_look_at(reading: Reading) -> None:
    made = dcmread(io.BytesIO(file("")))
    del made.PixelData
    data = file_of(made)
    assert reading().clean(data, handling=Handling.LOOK, identifiers=()).data is data


def test_an_image_that_cannot_be_read_to_its_end_raises(reading: Reading) -> None:
    with pytest.raises(ItemError) as caught:
        reading().clean(file("", NumberOfFrames=2), handling=Handling.LOOK, identifiers=())
    assert caught.value.reason is Reason.TRUNCATED


def test_many_bytes_lie_in_a_file_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_image, "MOST_IN_MEMORY", 100)
    few, many = [b"ab", b"cd"], [bytes([number]) * 30 for number in range(9)]
    assert stored(few, scratch) == b"abcd"
    mapped = stored(many, scratch)
    assert not isinstance(mapped, bytes)
    assert mapped[:] == b"".join(many)


def test_pixels_that_are_real_numbers_are_held_where_somebody_has_to_look(reading: Reading) -> None:
    made = dcmread(io.BytesIO(file("")))
    del made.PixelData
    made.FloatPixelData = np.zeros(SHAPE, "<f4").tobytes()
    made.BitsAllocated = 32
    data = file_of(made)
    with pytest.raises(ItemError) as caught:
        reading().clean(data, handling=Handling.LOOK, identifiers=set())
    assert caught.value.reason is Reason.UNSUPPORTED_OBJECT
    assert reading().clean(data, handling=Handling.PASS, identifiers=set()).data is data
