"""A reader of text in pictures: rapidocr's networks at several scales.

The law: a line is sighted where it is text (`text_words`), and where it stands beside such a line. The detector takes
organs and rings for a letter, grain and streaks for words; so what hides inside something tall, and what shows in the
evened picture alone, has to read as letters. What is covered holds whole strokes (`text_strokes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.adapters.text_chances import BORDER, chances
from curator.adapters.text_lines import Line, lines
from curator.adapters.text_models import Reading, TextModels, loaded_models
from curator.adapters.text_strokes import with_whole_strokes
from curator.adapters.text_words import MARKS, Sureness, Words, letters_of, weight
from curator.model.pixels import Box, Route, Sighting
from curator.ports.pixels import Picture


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where lines are looked for, and what counts as one; shares are 0 to 1.

    `cores` and `least` cut the detector's map: the first core finds lines, the others what a tall one hides. `tallest`
    is the bound on height as a share of the picture's short side, never below `always` pixels. A reading less certain
    than `doubtful` is tried upside down too. `finest_pixels` is the largest picture that is looked at twice as fine as
    it is.
    """

    cores: tuple[float, ...] = (0.15, 0.4, 0.6)
    least: float = 0.3
    unclip: float = 2.0
    tallest: float = 0.12
    always: float = 40.0
    doubtful: float = 0.9
    finest_pixels: int = 3_000_000
    sureness: Sureness = field(default_factory=Sureness)


WATCHFUL = Thresholds(cores=(0.12, 0.2, 0.4, 0.6), least=0.2)
_SCALES = (2.0, 1.0, 0.5, 0.25)
# A coarse look is of use where its shorter side still has so many pixels.
_LEAST_SIDE = 48
# Lowest line that the coarsest scale is asked for, as a share of the short side.
_COARSE_SHARE = 0.25
# A short picture's bound is no larger share of it than this.
_BOUND_SHARE = 0.3
# A line of which so much is covered by finer ones says nothing new.
_COVERED = 0.8
# A line shorter than so many pixels is a speck; one not so much longer than high is a letter or two, which say as
# little upside down.
_SPECK, _TURNABLE = 7.0, 1.6
# Shares of a tall letter's extent that it is cut out with again.
_OTHER_CUTS = (0.85, 1.15)
# How certain the text has to be that what could not be read stands beside.
_NEIGHBOUR_SURE = 0.5
# How much less lines are grown to be covered than to be read: along their letters, across them, and tall ones.
_ALONG, _ACROSS, _TALL = 0.1, 0.25, 0.4
# How far apart in size letters of one text are.
_SIZES_APART = 4.0
# The evened picture: scales that it is looked at, pixels around that a shade is measured against, and grey levels.
_EVENED_SCALES = (1.0, 0.5)
_NEIGHBOURS = (41, 41)
_SMOOTHING = 0.8
_LEAST_NOISE, _EVEN_CONTRAST, _EVEN_BRIGHTNESS = 2.0, 45.0, 110.0


@dataclass(frozen=True, slots=True)
class RapidText:
    """Finds and reads text with the networks in rapidocr's wheel; `threads` bounds the cores that one call uses.

    It may cross to another process: each loads the networks once, at the first picture.
    """

    threads: int = 1
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def name(self) -> str:
        """Which networks read.

        Raises:
            ConfigurationError: rapidocr is not installed, or its wheel carries no models.
        """
        return loaded_models(self.threads).name

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        """Everything that may be text, top to bottom, in pixels of `picture`; nothing for a picture without any.

        Raises:
            ConfigurationError: rapidocr is not installed, or its wheel carries no models.
        """
        colour = picture if picture.ndim == 3 else np.repeat(picture[:, :, np.newaxis], 3, axis=2)
        thresholds = self.thresholds
        if watchful:
            thresholds = replace(thresholds, cores=WATCHFUL.cores, least=WATCHFUL.least)
        look = _Look(loaded_models(self.threads), colour, thresholds)
        small = min(picture.shape[:2])
        for scale in _SCALES:
            if small * scale >= _LEAST_SIDE or scale == 1:
                look.at(scale)
        evened = _evened(picture)
        for scale in _EVENED_SCALES:
            look.at(scale, evened)
        look.keep_neighbours()
        return tuple(sorted(look.sightings, key=lambda sighting: sighting.box))


class _Look:
    """One picture, and what was found in it so far, from the finest scale to the coarsest."""

    def __init__(self, models: TextModels, picture: Picture, thresholds: Thresholds) -> None:
        self._models = models
        self._picture = picture
        self._thresholds = thresholds
        short = min(picture.shape[:2])
        bound = max(thresholds.tallest * short, min(thresholds.always, _BOUND_SHARE * short))
        self._words = Words(short, picture.shape[0] * picture.shape[1], bound, thresholds.sureness)
        self._covered = np.zeros(picture.shape[:2], dtype=np.uint8)
        self._left_over: list[tuple[Line, Reading]] = []
        self.sightings: list[Sighting] = []

    def at(self, scale: float, evened: Picture | None = None) -> None:
        """Look at the picture, or at its evened form, `scale` times as fine as it is."""
        picture = self._picture if evened is None else evened
        if scale > 1 and picture.shape[0] * picture.shape[1] > self._thresholds.finest_pixels:
            return
        seen = chances(self._models, picture, scale)
        found = self._lines(seen, self._thresholds.cores[0], scale)
        tall = [line for line in found if self._words.is_tall(line)]
        self._note(picture, [line for line in found if not self._words.is_tall(line)], may_be_unread=evened is None)
        # What hides in a tall one comes first: two lines that ran into one are covered more closely by themselves.
        for core in self._thresholds.cores[1:] if tall else ():
            inside = [line for line in self._lines(seen, core, scale) if any(_holds(one.box(), line) for one in tall)]
            self._note(picture, inside, may_be_unread=False)
        self._note(picture, tall, may_be_unread=evened is None)

    def _lines(self, seen: NDArray[np.uint8], core: float, scale: float) -> list[Line]:
        least = max(core, self._thresholds.least)
        found = lines(seen, core=core, least=least, unclip=self._thresholds.unclip)
        placed = (line.scaled(scale, BORDER) for line in found)
        # What is this low is seen better on a finer scale; here lines of it run into one.
        lowest = _COARSE_SHARE * min(self._picture.shape[:2]) if scale == _SCALES[-1] else 0.0
        return [line for line in placed if line.length >= _SPECK and line.thickness >= lowest]

    def _note(self, picture: Picture, found: Sequence[Line], *, may_be_unread: bool) -> None:
        new = [line for line in found if self._is_news(line)]
        for line, reading in zip(new, self._readings(picture, new), strict=True):
            is_read = self._words.is_read(line, reading) and self._is_steady(picture, line, reading)
            if is_read or (may_be_unread and self._words.is_plain_word(line, reading)):
                self._keep(line, reading)
            elif self._words.may_end_a_text(line, reading):
                self._left_over.append((line, reading))

    def _is_steady(self, picture: Picture, line: Line, reading: Reading) -> bool:
        """Whether a tall letter that stands alone reads as itself in a smaller or a larger cut too; organs do not."""
        letters = letters_of(reading.text)
        if len(letters) != 1 or not self._words.is_tall(line):
            return True
        cuts = [replace(line, width=share * line.width, height=share * line.height) for share in _OTHER_CUTS]
        return any(letters_of(again.text) == letters for again in self._readings(picture, cuts))

    def _keep(self, line: Line, reading: Reading) -> None:
        is_tall = self._words.is_tall(line)
        # The taller the letters, the more pixels the same growth takes; theirs needs less.
        covering = line.shrunk(along=_TALL if is_tall else _ALONG, across=_TALL if is_tall else _ACROSS)
        for box in covering.boxes():
            inside = with_whole_strokes(self._picture, box).clipped(*self._picture.shape[:2])
            if inside.area:
                route = Route.TALL if is_tall else Route.DETECTED
                self.sightings.append(Sighting(inside, reading.text, reading.confidence, route))
                self._covered[inside.top : inside.bottom, inside.left : inside.right] = 1

    def keep_neighbours(self) -> None:
        """Keep what could not be told from a mark where it stands beside text of its size: an I, a dot, a lost end."""
        sure = [sighting for sighting in self.sightings if sighting.confidence >= _NEIGHBOUR_SURE]
        kept = [sighting.box for sighting in sure if not MARKS.issuperset(sighting.text)]
        for line, reading in self._left_over:
            box = line.box()
            reach = box.padded(round(line.thickness / 2))
            if any(reach.meets(other) and _is_of_a_size(box, other) for other in kept) and self._is_news(line):
                self._keep(line, reading)

    def _is_news(self, line: Line) -> bool:
        box = line.core().box().clipped(*self._picture.shape[:2])
        part = self._covered[box.top : box.bottom, box.left : box.right]
        return part.size > 0 and float(part.mean()) < _COVERED

    def _readings(self, picture: Picture, found: Sequence[Line]) -> tuple[Reading, ...]:
        """What each line says, the way up that reads better."""
        crops = [line.crop(picture) for line in found]
        readings = list(self._models.readings(crops))
        again = [
            index
            for index, (line, reading) in enumerate(zip(found, readings, strict=True))
            if reading.confidence < self._thresholds.doubtful and line.length >= _TURNABLE * line.thickness
        ]
        turned = self._models.readings([np.ascontiguousarray(crops[index][::-1, ::-1]) for index in again])
        for index, reading in zip(again, turned, strict=True):
            readings[index] = max(readings[index], reading, key=weight)
        return tuple(Reading(reading.text.strip(), reading.confidence) for reading in readings)


def _evened(picture: Picture) -> Picture:
    """The picture, `(Y, X, 3)`, with equal brightness and contrast everywhere: faint letters stand out."""
    brightest = picture.max(axis=2) if picture.ndim == 3 else picture
    shades = cv2.GaussianBlur(brightest.astype(np.float32), (0, 0), _SMOOTHING)
    mean = cv2.blur(shades, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT)
    variance = cv2.blur(shades * shades, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT) - mean * mean
    even = (shades - mean) / (np.sqrt(np.maximum(variance, 0)) + _LEAST_NOISE) * _EVEN_CONTRAST + _EVEN_BRIGHTNESS
    grey = np.clip(np.rint(even), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def _is_of_a_size(one: Box, other: Box) -> bool:
    """Whether the letters of two boxes may belong to one text."""
    thin, thick = sorted((min(one.height, one.width), min(other.height, other.width)))
    return thick <= _SIZES_APART * thin


def _holds(box: Box, line: Line) -> bool:
    return box.top <= line.y < box.bottom and box.left <= line.x < box.right
