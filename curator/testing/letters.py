"""Letters as coverage: how much of each pixel each letter of a line fills.

The law: every letter is drawn alone, on a canvas of the whole line, so its ink is known and is nobody else's guess.
Fonts come from where installed packages keep them; nothing is copied. OpenCV 4 draws its stroke fonts, OpenCV 5 others
under the same names, so pictures that must not change are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Coverage = NDArray[np.float32]

STROKE_FACES = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "plain": cv2.FONT_HERSHEY_PLAIN,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
}
OUTLINE_FACES = {
    "sans": "DejaVuSans.ttf",
    "sans bold": "DejaVuSans-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "serif": "DejaVuSerif.ttf",
    "oblique": "DejaVuSans-Oblique.ttf",
    "times": "STIXGeneral.ttf",
}
BITMAP_FACE = "bitmap"
FACES = (*STROKE_FACES, *OUTLINE_FACES, BITMAP_FACE)
_MEASURED_AT = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: `coverages[i]`, 0 to 1, is `(Y, X)` for `characters[i]`, all of one shape; spaces have none."""

    characters: str = field(repr=False)
    coverages: tuple[Coverage, ...] = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; `(0, 0)` for a line without letters."""
        rows, columns = self.coverages[0].shape if self.coverages else (0, 0)
        return rows, columns


def draws(face: str, text: str) -> bool:
    """Whether a face has every character of a text: stroke faces have ASCII, the bitmap Latin-1."""
    if face in STROKE_FACES:
        return text.isascii()
    return face != BITMAP_FACE or all(ord(character) < 256 for character in text)


def line_of(text: str, face: str, height: int) -> Line:
    """A line whose capital H is about `height` pixels high; empty text gives an empty line.

    Raises:
        ValueError: no such face, or it lacks a character.
    """
    if face not in FACES or not draws(face, text):
        raise ValueError(f"face {face!r} cannot draw this text")
    if face in STROKE_FACES:
        drawn = _strokes(text, STROKE_FACES[face], height)
    elif face == BITMAP_FACE:
        drawn = _bitmap(text, height)
    else:
        drawn = _outline(text, OUTLINE_FACES[face], height)
    kept = [(character, coverage) for character, coverage in drawn if coverage.max(initial=0.0) > 0.1]
    if not kept:
        return Line("", ())
    top, left, bottom, right = _bounds([coverage for _, coverage in kept])
    cut = tuple(np.ascontiguousarray(coverage[top:bottom, left:right]) for _, coverage in kept)
    return Line("".join(character for character, _ in kept), cut)


def stacked(text: str, face: str, height: int) -> Line:
    """The letters upright below each other, as some printers write along an edge."""
    lines = [line_of(character, face, height) for character in text if not character.isspace()]
    lines = [line for line in lines if line.coverages]
    if not lines:
        return Line("", ())
    columns = max(line.shape[1] for line in lines)
    pitch = max(line.shape[0] for line in lines) + max(2, height // 4)
    canvases = []
    for place, line in enumerate(lines):
        rows, wide = line.shape
        canvas = np.zeros((pitch * len(lines), columns), np.float32)
        left = (columns - wide) // 2
        canvas[pitch * place : pitch * place + rows, left : left + wide] = line.coverages[0]
        canvases.append(canvas)
    return Line("".join(line.characters for line in lines), tuple(canvases))


def turned(line: Line, degrees: float) -> Line:
    """The line turned counter-clockwise; right angles move pixels, others interpolate between them."""
    if degrees % 90 == 0:
        quarter = int(degrees // 90) % 4
        return Line(line.characters, tuple(np.ascontiguousarray(np.rot90(one, quarter)) for one in line.coverages))
    turned_each = []
    for coverage in line.coverages:
        picture = Image.fromarray(np.pad(coverage, 2))
        spun = picture.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
        turned_each.append(np.asarray(spun, np.float32).clip(0.0, 1.0))
    return Line(line.characters, tuple(turned_each))


def _bounds(coverages: list[Coverage]) -> tuple[int, int, int, int]:
    anything = np.maximum.reduce(coverages) > 0
    rows, columns = np.flatnonzero(anything.any(1)), np.flatnonzero(anything.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _strokes(text: str, number: int, height: int) -> list[tuple[str, Coverage]]:
    scale = height / _capital(number)
    thickness = max(1, round(height / 11))
    (width, _), _ = cv2.getTextSize(text, number, scale, thickness)
    shape = (3 * height + 8, width + 4 * height + 8)
    drawn = []
    for place, character in enumerate(text):
        (pen, _), _ = cv2.getTextSize(text[:place], number, scale, thickness) if place else ((0, 0), 0)
        canvas = np.zeros(shape, np.uint8)
        start = (pen + height, 2 * height)
        cv2.putText(canvas, character, start, number, scale, 255, thickness, cv2.LINE_AA)
        drawn.append((character, canvas.astype(np.float32) / np.float32(255)))
    return drawn


@lru_cache(maxsize=8)
def _capital(number: int) -> float:
    """How high a capital is at scale 1; what OpenCV calls the text's size leaves room above it or not, by version."""
    canvas = np.zeros((600, 600), np.uint8)
    cv2.putText(canvas, "H", (100, 500), number, 10.0, 255, 1)
    return float(np.count_nonzero(canvas.any(axis=1))) / 10.0


def _outline(text: str, file: str, height: int) -> list[tuple[str, Coverage]]:
    box = _font(file, _MEASURED_AT).getbbox("H", anchor="ls")
    font = _font(file, round(_MEASURED_AT * height / (box[3] - box[1]), 1))
    shape = (3 * height + 8, int(font.getlength(text)) + 4 * height + 8)
    pen, drawn = float(height), []
    for character in text:
        canvas = Image.new("L", (shape[1], shape[0]), 0)
        ImageDraw.Draw(canvas).text((round(pen), 2 * height), character, fill=255, font=font, anchor="ls")
        drawn.append((character, np.asarray(canvas, np.float32) / np.float32(255)))
        pen += font.getlength(character)
    return drawn


@lru_cache(maxsize=256)
def _font(file: str, size: float) -> ImageFont.FreeTypeFont:
    package = find_spec("matplotlib")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the fonts come with matplotlib, which is not installed")
    folder = Path(package.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(folder / file, size, layout_engine=ImageFont.Layout.BASIC)


def _bitmap(text: str, height: int) -> list[tuple[str, Coverage]]:
    font = ImageFont.load_default_imagefont()
    factor = max(1, round(height / 7))
    width = int(font.getlength(text)) + 8
    pen, drawn = 2.0, []
    for character in text:
        canvas = Image.new("1", (width, 16), 0)
        ImageDraw.Draw(canvas).text((pen, 2), character, fill=1, font=font)
        small = np.asarray(canvas, np.float32)
        drawn.append((character, np.kron(small, np.ones((factor, factor), np.float32))))
        pen += font.getlength(character)
    return drawn
