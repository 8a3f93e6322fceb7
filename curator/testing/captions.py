"""Text burned into a picture, every letter's ink known.

The law: a letter's ink is the pixels that it fills at least half as much as the one it fills most; no pixel is the ink
of two letters, and a letter's box is the smallest that holds its ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.model.pixels import Box
from curator.testing.letters import Coverage, Line, line_of, stacked, turned

Canvas = NDArray[np.float32]
"""`(Y, X)` grey or `(Y, X, 3)` RGB, 0 to 1 of what can be stored."""

EASY_CONTRAST, LEGIBLE_CONTRAST = 5.0, 3.0
EASY_HEIGHT, LEGIBLE_HEIGHT = 10, 7
_INK = 0.5
_AROUND = 3


class Legibility(StrEnum):
    """How well a letter can be read. Legible letters are the easy ones and these."""

    EASY = "easy"
    LEGIBLE = "legible"
    HARD = "hard"


class Style(StrEnum):
    """How a caption stands against its background."""

    PLAIN = "plain"
    INVERTED = "inverted"
    COLOURED = "coloured"
    OUTLINED = "outlined"
    FAINT = "faint"
    LOW_WINDOW = "low window"


@dataclass(frozen=True, slots=True)
class Caption:
    """What is written and how. `height` is that of a capital in pixels; `degrees` counter-clockwise.

    `identifies` is False for harmless words that an allow-list may keep, such as a side or a technique.
    """

    text: str = field(repr=False)
    face: str
    height: int
    degrees: float = 0.0
    style: Style = Style.PLAIN
    is_stacked: bool = False
    identifies: bool = True

    def line(self) -> Line:
        """Its letters as coverage, turned; empty for empty text."""
        upright = (stacked if self.is_stacked else line_of)(self.text, self.face, self.height)
        return turned(upright, self.degrees)


@dataclass(frozen=True, slots=True)
class Paint:
    """What a caption is drawn with: grey or RGB levels 0 to 1; the plate is a filled box behind, the rim an outline."""

    fill: tuple[float, ...]
    plate: tuple[float, ...] | None = None
    rim: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One burned-in letter. `ink` is a mask over its box; `contrast` is in units of the background's own noise."""

    character: str = field(repr=False)
    box: Box
    ink: NDArray[np.bool_] = field(repr=False)
    caption: Caption
    contrast: float

    @property
    def legibility(self) -> Legibility:
        """Its class, by contrast-to-noise and the height of its caption's capitals."""
        if self.contrast >= EASY_CONTRAST and self.caption.height >= EASY_HEIGHT:
            return Legibility.EASY
        if self.contrast >= LEGIBLE_CONTRAST and self.caption.height >= LEGIBLE_HEIGHT:
            return Legibility.LEGIBLE
        return Legibility.HARD


def burn(
    canvas: Canvas, caption: Caption, paint: Paint, *, line: Line, corner: tuple[int, int], step: float
) -> tuple[Letter, ...]:
    """Draw a caption's line into the canvas with its upper left corner at row and column; its letters with their ink.

    `step` is the smallest difference that can be stored, the floor of the noise. A line without letters draws nothing.

    Raises:
        ValueError: the line does not fit there.
    """
    rows, columns = line.shape
    top, left = corner
    if top < 0 or left < 0 or top + rows > canvas.shape[0] or left + columns > canvas.shape[1]:
        raise ValueError("the caption does not fit into the picture")
    if not line.coverages:
        return ()
    total = np.maximum.reduce(line.coverages)
    _plate(canvas, paint.plate, Box(top, left, top + rows, left + columns).padded(_AROUND))
    before = canvas.copy()
    area = canvas[top : top + rows, left : left + columns]
    if paint.rim is not None:
        reach = max(1, round(caption.height / 14))
        grown = ndimage.grey_dilation(total, size=(2 * reach + 1, 2 * reach + 1))
        _blend(area, grown, paint.rim)
    _blend(area, total, paint.fill)
    owners = np.argmax(np.stack(line.coverages), axis=0)
    letters = []
    for index, coverage in enumerate(line.coverages):
        ink = (coverage >= _INK * coverage.max()) & (owners == index)
        if ink.any():
            letters.append(_letter(line.characters[index], caption, ink, corner, (before, canvas, step)))
    return tuple(letters)


def ink_marks(letters: Sequence[Letter], rows: int, columns: int) -> NDArray[np.uint8]:
    """`(Y, X)`: 0 where there is no ink, else 1 to 255 counting the letters around and around."""
    marks = np.zeros((rows, columns), np.uint8)
    for index, letter in enumerate(letters):
        box = letter.box
        marks[box.top : box.bottom, box.left : box.right][letter.ink] = mark_of(index)
    return marks


def mark_of(index: int) -> int:
    """The mark of the letter with this index."""
    return index % 255 + 1


def _letter(
    character: str,
    caption: Caption,
    ink: NDArray[np.bool_],
    corner: tuple[int, int],
    drawn: tuple[Canvas, Canvas, float],
) -> Letter:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = corner[0] + int(rows[0]), corner[1] + int(columns[0])
    box = Box(top, left, top + tight.shape[0], left + tight.shape[1])
    return Letter(character, box, tight, caption, _contrast(box, tight, drawn))


def _contrast(box: Box, ink: NDArray[np.bool_], drawn: tuple[Canvas, Canvas, float]) -> float:
    """Mean change of the ink over the spread of the background around it, in the channel where it shows best."""
    before, after, step = drawn
    rows, columns = before.shape[:2]
    around = box.padded(_AROUND).clipped(rows, columns)
    background = before[around.top : around.bottom, around.left : around.right]
    inside = (slice(box.top, box.bottom), slice(box.left, box.right))
    change = np.abs(after[inside] - before[inside])[ink].mean(axis=0)
    noise = np.maximum(background.std(axis=(0, 1)), step)
    return float(np.max(change / noise))


def _plate(canvas: Canvas, level: tuple[float, ...] | None, box: Box) -> None:
    if level is not None:
        inside = box.clipped(*canvas.shape[:2])
        canvas[inside.top : inside.bottom, inside.left : inside.right] = np.asarray(level, np.float32)


def _blend(area: Canvas, coverage: Coverage, level: tuple[float, ...]) -> None:
    colour = np.asarray(level if area.ndim == 3 else level[0], np.float32)
    share = coverage[..., None] if area.ndim == 3 else coverage
    area[...] = area * (1 - share) + colour * share
