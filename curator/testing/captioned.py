"""Pictures with burned-in text whose every letter is known, and pictures without any: the material of the text bench.

The law: a picture is a pure function of seed, half and number; the two halves share no stream. Text comes from
make-believe people; what a caption covers, no other caption covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from curator.testing.backdrops import IN_COLOUR, backdrop
from curator.testing.caption_plans import FREE_KINDS, THEMES, Theme, caption_of, fitting, paint_for, words_of
from curator.testing.captions import Canvas, Caption, Letter, burn, ink_marks
from curator.testing.furniture import KINDS, furnish
from curator.testing.invented import random_stream
from curator.testing.people import Cast, Patient

HALVES = ("A", "B")
TEXT_FREE_A_HALF = 54
_GAP = 9
_ATTEMPTS = 40
_FURNISHED = 0.25


@dataclass(frozen=True, slots=True)
class Hints:
    """What the picture's own header says of its patient, as DICOM values."""

    name: str = field(repr=False)
    record_number: str = field(repr=False)
    birth_date: str = field(repr=False)
    institution: str = field(repr=False)
    accession: str = field(repr=False)
    referring: str = field(repr=False)
    operator: str = field(repr=False)
    study_date: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Captioned:
    """One picture: `pixels` `(Y, X)` or `(Y, X, 3)`, uint8 or uint16; `marks` as `ink_marks` gives them."""

    half: str
    number: int
    theme: str
    kind: str
    bits_stored: int
    pixels: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    marks: NDArray[np.uint8] = field(repr=False)
    letters: tuple[Letter, ...] = field(repr=False)
    hints: Hints | None = field(repr=False)


def pictures_a_half() -> int:
    """How many pictures a half has; those without text come last."""
    return sum(theme.pictures for theme in THEMES) + TEXT_FREE_A_HALF


def make_picture(people: Cast, seed: int, *, half: str, number: int) -> Captioned:
    """The picture of this number, 0 to `pictures_a_half() - 1`.

    Raises:
        ValueError: no such half or number.
    """
    if half not in HALVES or not 0 <= number < pictures_a_half():
        raise ValueError(f"there is no picture {number} in half {half!r}")
    rng = random_stream(seed, "captioned", half, number)
    theme = _theme(number)
    if theme is None:
        return _text_free(rng, half, number)
    kind = str(rng.choice(theme.kinds))
    bits = int(rng.choice(theme.bits)) if kind not in IN_COLOUR else 8
    shape = (int(rng.integers(*theme.rows)), int(rng.integers(*theme.columns)))
    canvas = _canvas(kind, shape, rng, is_furnished=rng.random() < _FURNISHED)
    if theme.is_coloured and canvas.ndim == 2:
        canvas, bits = np.repeat(canvas[..., None], 3, axis=2), 8
    patient = people.patients[int(rng.integers(len(people.patients)))]
    letters = _Placing(canvas, rng, step=1.0 / (2**bits - 1)).write(theme, words_of(patient, rng))
    return Captioned(
        half=half,
        number=number,
        theme=theme.name,
        kind=kind,
        bits_stored=bits,
        pixels=stored(canvas, bits),
        marks=ink_marks(letters, *shape),
        letters=letters,
        hints=hints_of(patient),
    )


def hints_of(patient: Patient) -> Hints:
    """The header of a patient's picture."""
    return Hints(
        name=patient.name.dicom,
        record_number=patient.record_number,
        birth_date=f"{patient.birth_date:%Y%m%d}",
        institution=f"{patient.centre.name} Hospital",
        accession=patient.accession,
        referring=patient.centre.referring.dicom,
        operator=patient.centre.operator.dicom,
        study_date=f"{patient.study_date:%Y%m%d}",
    )


def stored(canvas: Canvas, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture as integers of so many bits: 8 as uint8, more as uint16."""
    levels = np.rint(np.clip(canvas, 0.0, 1.0) * (2**bits - 1))
    if bits <= 8:
        return np.asarray(levels, np.uint8)
    return np.asarray(levels, np.uint16)


def _theme(number: int) -> Theme | None:
    for theme in THEMES:
        if number < theme.pictures:
            return theme
        number -= theme.pictures
    return None


def _text_free(rng: np.random.Generator, half: str, number: int) -> Captioned:
    kind = FREE_KINDS[number % len(FREE_KINDS)]
    bits = 12 if kind in ("ct", "mr", "chest") and rng.random() < 0.35 else 8
    shape = (int(rng.integers(256, 400)), int(rng.integers(256, 420)))
    canvas = _canvas(kind, shape, rng, is_furnished=False)
    pieces = rng.permutation(np.array(KINDS))[: int(rng.integers(1, 4))]
    for piece in pieces:
        furnish(canvas, str(piece), rng)
    return Captioned(
        half=half,
        number=number,
        theme="text-free",
        kind=kind,
        bits_stored=bits,
        pixels=stored(canvas, bits),
        marks=np.zeros(shape, np.uint8),
        letters=(),
        hints=None,
    )


def _canvas(kind: str, shape: tuple[int, int], rng: np.random.Generator, *, is_furnished: bool) -> Canvas:
    canvas = backdrop(kind, shape, rng)
    if is_furnished:
        furnish(canvas, str(rng.choice(KINDS)), rng)
    return canvas


@dataclass(slots=True)
class _Placing:
    """Where captions already stand on a canvas."""

    canvas: Canvas
    rng: np.random.Generator
    step: float
    taken: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros(self.canvas.shape[:2], np.bool_)

    def write(self, theme: Theme, words: Sequence[tuple[str, bool]]) -> tuple[Letter, ...]:
        """Burn the words in until the theme has its letters or nothing fits any more."""
        letters: list[Letter] = []
        wanted = int(self.rng.integers(*theme.letters))
        first = caption_of(theme, "", self.rng)
        for text, identifies in words:
            if len(letters) >= wanted:
                break
            changing = self.rng.random() < theme.variety
            look = caption_of(theme, text, self.rng) if changing else fitting(first, text)
            letters += self._place(replace(look, identifies=identifies), theme)
        return tuple(letters)

    def _place(self, caption: Caption, theme: Theme) -> tuple[Letter, ...]:
        line = caption.line()
        rows, columns = line.shape
        spare = (self.canvas.shape[0] - rows - 2 * _GAP, self.canvas.shape[1] - columns - 2 * _GAP)
        if not line.coverages or min(spare) <= 0:
            return ()
        for attempt in range(_ATTEMPTS):
            top, left = self._spot(spare, attempt, theme, pitch=rows + _GAP)
            if self.taken[top - _GAP : top + rows + _GAP, left - _GAP : left + columns + _GAP].any():
                continue
            self.taken[top : top + rows, left : left + columns] = True
            under = self.canvas[top : top + rows, left : left + columns]
            paint = paint_for(caption, under, rng=self.rng, step=self.step)
            return burn(self.canvas, caption, paint, line=line, corner=(top, left), step=self.step)
        return ()

    def _spot(self, spare: tuple[int, int], attempt: int, theme: Theme, pitch: int) -> tuple[int, int]:
        """Where to try next: down a corner's column of lines, or anywhere."""
        if theme.in_corners and attempt < _ATTEMPTS // 2:
            corner, place = attempt % 4, attempt // 4
            down = min(place * pitch, spare[0])
            top = down if corner < 2 else spare[0] - down
            return _GAP + top, _GAP + (0 if corner % 2 == 0 else spare[1])
        return _GAP + int(self.rng.integers(spare[0] + 1)), _GAP + int(self.rng.integers(spare[1] + 1))
