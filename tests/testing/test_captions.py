"""Burned-in text of the bench: its ink is what was drawn, its boxes hold it, and the frozen set is what it was."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.model.pixels import Box
from curator.testing.backdrops import BACKDROPS, IN_COLOUR, backdrop
from curator.testing.captioned import HALVES, Captioned, make_picture, pictures_a_half
from curator.testing.captions import Caption, Legibility, Letter, Paint, Style, burn, ink_marks, mark_of
from curator.testing.furniture import KINDS, furnish
from curator.testing.invented import random_stream
from curator.testing.letters import FACES, draws, line_of, stacked, turned
from curator.testing.people import cast
from curator.testing.picture_set import DIGESTS_FILE, LETTERS_FILE, PICTURES_FILE, digest, read_set, write_set

FROZEN = Path(__file__).resolve().parents[1] / "data" / "pixels"
STEP = 1 / 255


def _burned(caption: Caption, *, level: float = 1.0, under: float = 0.0) -> tuple[np.ndarray, tuple[Letter, ...]]:
    line = caption.line()
    canvas = np.full((line.shape[0] + 40, line.shape[1] + 40), under, np.float32)
    return canvas, burn(canvas, caption, Paint((level,)), line=line, corner=(20, 20), step=STEP)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("height", [7, 14, 40])
def test_capitals_are_as_high_as_asked(face, height):
    _, (letter,) = _burned(Caption("H", face, height))
    allowed = 3.5 if face == "bitmap" and height % 7 == 0 else max(1.0, 0.1 * height)
    assert abs(letter.box.height - height) <= allowed


@pytest.mark.parametrize("face", FACES)
def test_the_ink_of_all_letters_is_what_changed_most(face):
    canvas, letters = _burned(Caption("Brodalin 1987", face, 21))
    assert "".join(letter.character for letter in letters) == "Brodalin1987"
    marks = ink_marks(letters, *canvas.shape)
    assert (canvas[marks > 0] >= 0.2).all()
    bright = canvas >= 0.99
    assert (marks[bright] > 0).all() and bright.any()


@given(
    text=st.text("ABgjQ1.-", min_size=1, max_size=8),
    face=st.sampled_from(FACES),
    height=st.integers(7, 60),
    degrees=st.sampled_from([0.0, 90.0, 180.0, 270.0, 4.0, -12.5]),
)
@settings(max_examples=40, deadline=None)
def test_each_box_is_the_smallest_that_holds_its_ink(text, face, height, degrees):
    canvas, letters = _burned(Caption(text, face, height, degrees))
    owned = np.zeros(canvas.shape, np.int32)
    for letter in letters:
        box = letter.box
        assert letter.ink.shape == (box.height, box.width)
        assert letter.ink.any(0)[[0, -1]].all() and letter.ink.any(1)[[0, -1]].all()
        owned[box.top : box.bottom, box.left : box.right] += letter.ink
    assert owned.max() == 1
    assert (canvas[owned == 1] > 0).all()


def test_ink_of_a_bar_has_a_closed_form():
    """A vertical bar in the bitmap font is one pixel wide; at factor 3 its ink is a full rectangle."""
    canvas, (letter,) = _burned(Caption("|", "bitmap", 21))
    assert letter.box.width == 3 and letter.ink.all()
    assert np.count_nonzero(canvas) == letter.box.area


def test_contrast_is_the_step_over_the_noise():
    canvas, letters = _burned(Caption("|", "bitmap", 21), level=0.5 + 20 / 255, under=0.5)
    assert letters[0].contrast == pytest.approx(20.0, rel=1e-3)
    noisy = canvas + np.random.default_rng(5).normal(0, 4 / 255, canvas.shape).astype(np.float32)
    line = line_of("|", "bitmap", 21)
    spread = 20 / 255
    (letter,) = burn(noisy, Caption("|", "bitmap", 21), Paint((0.5 + spread,)), line=line, corner=(2, 2), step=STEP)
    assert letter.contrast == pytest.approx(5.0, rel=0.35)


@pytest.mark.parametrize(
    ("contrast", "height", "expected"),
    [(5.0, 10, Legibility.EASY), (4.9, 10, Legibility.LEGIBLE), (9.0, 9, Legibility.LEGIBLE),
     (3.0, 7, Legibility.LEGIBLE), (2.9, 40, Legibility.HARD), (9.0, 6, Legibility.HARD)],
)  # fmt: skip
def test_classes(contrast, height, expected):
    letter = Letter("A", Box(0, 0, 1, 1), np.ones((1, 1), bool), Caption("A", "sans", height), contrast)
    assert letter.legibility is expected


def test_right_angles_move_pixels_and_change_none():
    line = line_of("Qg7", "serif", 18)
    for degrees, quarter in ((90, 1), (180, 2), (270, 3), (360, 0)):
        for before, after in zip(line.coverages, turned(line, degrees).coverages, strict=True):
            np.testing.assert_array_equal(np.rot90(before, quarter), after)


def test_stacked_letters_stand_upright_below_each_other():
    _, letters = _burned(Caption("A1 H", "mono", 12, is_stacked=True))
    assert [letter.character for letter in letters] == ["A", "1", "H"]
    assert all(upper.box.bottom <= lower.box.top for upper, lower in pairwise(letters))
    assert stacked("  ", "mono", 12).coverages == ()


def test_a_face_refuses_what_it_cannot_draw():
    assert not draws("simplex", "Größe") and draws("bitmap", "Größe") and not draws("bitmap", "Бизо")
    with pytest.raises(ValueError, match="cannot draw"):
        line_of("Größe", "simplex", 12)
    with pytest.raises(ValueError, match="does not fit"):
        burn(np.zeros((5, 5), np.float32), Caption("A", "sans", 12), Paint((1.0,)), line=line_of("A", "sans", 12),
             corner=(0, 0), step=STEP)  # fmt: skip


@pytest.mark.parametrize("kind", BACKDROPS)
def test_backdrops_are_functions_of_their_stream(kind):
    first, second = (backdrop(kind, (120, 150), random_stream(4, kind)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == ((120, 150, 3) if kind in IN_COLOUR else (120, 150))
    assert first.dtype == np.float32 and 0.0 <= first.min() <= first.max() <= 1.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(200, 240), (200, 240, 3)])
def test_furniture_changes_the_picture_and_stays_in_range(kind, shape):
    canvas = np.full(shape, 0.3, np.float32)
    furnish(canvas, kind, random_stream(3, kind))
    assert (canvas != np.float32(0.3)).any() and 0.0 <= canvas.min() <= canvas.max() <= 1.0


def _same(first: Captioned, second: Captioned) -> None:
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.marks, second.marks)
    assert first.hints == second.hints and len(first.letters) == len(second.letters)
    for one, other in zip(first.letters, second.letters, strict=True):
        assert (one.character, one.box, one.contrast) == (other.character, other.box, other.contrast)
        assert (one.caption.style, one.caption.height) == (other.caption.style, other.caption.height)
        np.testing.assert_array_equal(one.ink, other.ink)


def test_pictures_are_a_function_of_seed_half_and_number_and_come_back_from_disk(tmp_path):
    people = cast(3)
    wanted = [("A", 7), ("A", 30), ("B", 7), ("A", pictures_a_half() - 1)]
    made = [make_picture(people, 3, half=half, number=number) for half, number in wanted]
    _same(made[0], make_picture(people, 3, half="A", number=7))
    assert digest(made[0].pixels) != digest(made[2].pixels)
    write_set(tmp_path, made)
    back = {(one.half, one.number): one for half in HALVES for one in read_set(tmp_path, half)}
    assert set(back) == set(wanted)
    for one in made:
        _same(one, back[one.half, one.number])
    with pytest.raises(ValueError, match="no picture"):
        make_picture(people, 3, half="C", number=0)


def test_the_frozen_files_have_their_digests():
    lines = [line.split("  ") for line in (FROZEN / DIGESTS_FILE).read_text().splitlines()]
    assert len(lines) == 4
    for expected, name in lines:
        assert hashlib.sha256((FROZEN / name).read_bytes()).hexdigest() == expected


def test_the_frozen_set_is_as_large_as_promised():
    pictures = pq.read_table(FROZEN / PICTURES_FILE).to_pylist()
    letters = pq.read_table(FROZEN / LETTERS_FILE, columns=["half", "legibility", "style", "ink_pixels"])
    for half in HALVES:
        ours = [row for row in pictures if row["half"] == half]
        assert len(ours) == pictures_a_half() >= 200
        assert sum(row["letters"] == 0 for row in ours) >= 50
        assert letters["half"].to_pylist().count(half) >= 10_000
    assert {Style(style) for style in set(letters["style"].to_pylist())} == set(Style)
    assert min(letters["ink_pixels"].to_pylist()) >= 1
    assert {row["bits_stored"] for row in pictures} == {8, 12, 16}
    assert sum((FROZEN / name).stat().st_size for name in ("half_a.zip", "half_b.zip")) < 12_000_000


def test_frozen_pictures_are_read_with_their_ink():
    for picture in read_set(FROZEN, "B", numbers=(0, 20, 100, 209)):
        rows, columns = picture.marks.shape
        assert picture.pixels.shape[:2] == (rows, columns)
        for index, letter in enumerate(picture.letters):
            assert letter.ink.any() and letter.box == letter.box.clipped(rows, columns)
            inside = picture.marks[letter.box.top : letter.box.bottom, letter.box.left : letter.box.right]
            assert (inside[letter.ink] == mark_of(index)).all()
