"""The text reader on drawn pictures, with the networks themselves."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from curator.adapters.rapid_text import RapidText
from curator.adapters.text_models import loaded_models
from curator.model.pixels import Route

FONT = cv2.FONT_HERSHEY_SIMPLEX


def covered(picture: np.ndarray, **options: object) -> np.ndarray:
    mask = np.zeros(picture.shape[:2], dtype=bool)
    for sighting in RapidText().read(picture, **options):
        box = sighting.box
        mask[box.top : box.bottom, box.left : box.right] = True
    return mask


def written(text: str, *, size: float = 0.6, rows: int = 96, columns: int = 224, pen: int = 1) -> np.ndarray:
    """Which pixels a line of text inks, in the middle of the left edge."""
    ink = np.zeros((rows, columns), dtype=np.uint8)
    cv2.putText(ink, text, (10, rows // 2 + 8), FONT, size, 1, pen)
    return ink > 0


def font_of(size: int) -> ImageFont.FreeTypeFont:
    """A font with most scripts, that comes with matplotlib."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


@pytest.fixture(scope="module")
def lettered():
    """Letters on a noisy disc: two lines, one word taller than a line may be."""
    picture = np.random.default_rng(1).normal(60, 12, (400, 400)).clip(0, 255).astype(np.uint8)
    cv2.circle(picture, (200, 200), 130, 120, -1)
    cv2.putText(picture, "DOE JAMES 12.03.1961", (10, 30), FONT, 0.7, 255, 1)
    cv2.putText(picture, "MRN 4711-88", (250, 390), FONT, 0.5, 200, 1)
    cv2.putText(picture, "BIG", (80, 240), FONT, 4, 255, 7)
    return picture


@pytest.fixture(scope="module")
def sightings(lettered):
    return RapidText().read(lettered)


def test_lines_are_read_where_they_stand(sightings, lettered):
    by_text = {sighting.text.replace(" ", ""): sighting for sighting in sightings}
    assert {"DOEJAMES12.03.1961", "BIG", "MRN4711-88"} <= set(by_text)
    assert by_text["BIG"].route is Route.TALL
    assert by_text["MRN4711-88"].route is Route.DETECTED
    ink = lettered > 180
    for sighting in sightings:
        box = sighting.box
        ink[box.top : box.bottom, box.left : box.right] = False
    assert not ink.any()


def test_sightings_come_top_to_bottom_inside_the_picture(sightings):
    assert list(sightings) == sorted(sightings, key=lambda sighting: sighting.box)
    assert all(0 <= sighting.box.top < sighting.box.bottom <= 400 for sighting in sightings)


def test_what_was_read_stands_in_no_repr(sightings):
    assert "JAMES" not in repr(sightings)


@pytest.mark.parametrize("turns", [1, 2, 3], ids=["left", "upside down", "right"])
def test_turned_text_is_read(turns):
    ink = written("SMITH 4711")
    picture = np.rot90(np.where(ink, 230, 30).astype(np.uint8), turns).copy()
    found = RapidText().read(picture)
    assert any(sighting.text.replace(" ", "") == "SMITH4711" for sighting in found)
    assert not (np.rot90(ink, turns) & ~covered(picture)).any()


def test_slanted_text_is_covered_without_much_else():
    ink = written("MILLER ANNA", rows=224)
    turn = cv2.getRotationMatrix2D((112, 112), 35, 1.0)
    slanted = cv2.warpAffine(ink.astype(np.uint8) * 200, turn, (224, 224))
    mask = covered(slanted)
    assert not (mask[slanted > 120] == 0).any()
    assert mask.mean() < 0.25


@pytest.mark.parametrize(
    ("ink_colour", "ground"),
    [((10, 10, 10), (230, 230, 230)), ((255, 60, 60), (60, 120, 60)), ((255, 255, 0), (40, 40, 90))],
    ids=["dark on light", "red on green of its brightness", "yellow on blue"],
)
def test_inverted_and_coloured_text_is_covered(ink_colour, ground):
    ink = written("DOE ANNA")
    assert not (ink & ~covered(np.where(ink[..., None], ink_colour, ground).astype(np.uint8))).any()


def test_tiny_text_is_covered():
    ink = written("ACC 88127 ANNA", size=0.3, rows=64, columns=160)
    picture = np.where(ink, 220, np.random.default_rng(2).normal(50, 5, ink.shape)).clip(0, 255).astype(np.uint8)
    assert not (ink & ~covered(picture)).any()


def test_faint_text_is_covered():
    """Ten grey levels in noise of two."""
    ink = written("DOE ANNA 1961", size=0.7, pen=2)
    picture = np.random.default_rng(2).normal(40, 2, ink.shape) + 10 * ink
    mask = covered(picture.clip(0, 255).astype(np.uint8))
    assert (ink & mask).sum() >= 0.95 * ink.sum()


@pytest.mark.parametrize("letter", ["A", "E", "H", "R", "Z"])
def test_a_tall_letter_that_stands_alone_is_covered(letter):
    font = font_of(80)
    page = Image.new("L", (400, 400), 40)
    ImageDraw.Draw(page).text((140, 120), letter, font=font, fill=230)
    picture = np.array(page)
    assert not ((picture > 130) & ~covered(picture)).any()


def test_names_in_scripts_that_the_network_cannot_read_are_covered():
    """Hebrew, Arabic, Greek, Cyrillic, Armenian, Vietnamese: unreadable is no reason to let a name stand."""
    names = ["שלום כהן דוד", "محمد علي حسن", "Παπαδόπουλος", "Иванова Анна", "Ղազարյան", "Nguyễn Thị Ánh"]
    font = font_of(20)
    page = Image.new("L", (256, 40 * len(names)), 30)
    for row, name in enumerate(names):
        ImageDraw.Draw(page).text((20, 8 + 40 * row), name, font=font, fill=220)
    picture = np.array(page)
    assert not ((picture > 120) & ~covered(picture)).any()


@pytest.mark.parametrize("name", ["שלום כהן דוד", "محمد علي حسن", "Ղազարյան"])
def test_a_lone_name_that_the_network_cannot_read_is_covered(name):
    """Beside nothing that could be read."""
    font = font_of(20)
    page = Image.new("L", (256, 128), 30)
    ImageDraw.Draw(page).text((40, 50), name, font=font, fill=220)
    picture = np.array(page)
    assert not ((picture > 120) & ~covered(picture)).any()


@pytest.mark.parametrize("watchful", [False, True])
def test_rings_that_stand_alone_are_no_letters(watchful):
    """Ribs, joints and vessels read as one 0 after the other."""
    picture = np.random.default_rng(7).normal(70, 5, (256, 256)).clip(0, 255).astype(np.uint8)
    for row, column, radius in ((60, 60, 14), (70, 190, 22), (180, 80, 17), (190, 200, 30)):
        cv2.ellipse(picture, (column, row), (radius, radius + 6), 20, 0, 360, 210, 6)
    assert not covered(cv2.GaussianBlur(picture, (0, 0), 1.0), watchful=watchful).any()


@pytest.mark.parametrize("watchful", [False, True])
def test_a_picture_without_text_keeps_its_pixels(watchful):
    """An organ, a ring and a cross are no letters."""
    picture = np.random.default_rng(4).normal(40, 6, (192, 224)).clip(0, 255).astype(np.uint8)
    cv2.ellipse(picture, (110, 96), (80, 60), 10, 0, 360, 140, -1)
    cv2.circle(picture, (90, 90), 20, 60, 5)
    cv2.drawMarker(picture, (180, 30), 255, cv2.MARKER_CROSS, 18, 1)
    assert covered(cv2.GaussianBlur(picture, (0, 0), 0.7), watchful=watchful).mean() <= 0.03


@pytest.mark.parametrize("shape", [(64, 64), (1, 1), (3, 200), (17, 23, 3)], ids=str)
def test_an_even_picture_shows_nothing(shape):
    assert RapidText().read(np.full(shape, 90, dtype=np.uint8)) == ()


def test_equal_pictures_are_read_equally():
    picture = np.where(written("DOE ANNA"), 200, 20).astype(np.uint8)
    assert RapidText().read(picture) == RapidText().read(picture.copy())


def test_the_networks_are_loaded_once_and_the_reader_crosses_processes():
    assert loaded_models(1) is loaded_models(1)
    assert pickle.loads(pickle.dumps(RapidText())) == RapidText()
    assert "det" in RapidText().name
