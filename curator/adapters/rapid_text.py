"""A reader of text in pictures: rapidocr's networks at several scales, and rules for what of it is text.

The law: what looks like a line of ordinary height is sighted whether or not it can be read. The detector also takes
whole organs for a letter; so what is taller than the bound, or what only shows inside something that is, or only under
lowered thresholds, is sighted when it is read as letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from curator.adapters.text_chances import BORDER, chances
from curator.adapters.text_lines import Line, lines
from curator.adapters.text_models import Reading, TextModels, loaded_models
from curator.model.pixels import Box, Route, Sighting
from curator.ports.pixels import Picture


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as a line of text; shares are 0 to 1.

    `cores` and `least` cut the detector's map: the first core finds lines, the others what a tall one hides. `tallest`
    is the bound on height as a share of the picture's short side, never below `always` pixels. `doubtful` and below is
    a reading that is tried upside down too. `sure` is the certainty that a reading of two characters needs, and of
    three or more. `finest_pixels` is the largest picture that is looked at twice as fine as it is.
    """

    cores: tuple[float, ...] = (0.2, 0.4, 0.6)
    least: float = 0.3
    unclip: float = 2.0
    tallest: float = 0.12
    always: float = 40.0
    doubtful: float = 0.9
    sure: tuple[float, float] = (0.8, 0.6)
    finest_pixels: int = 3_000_000


WATCHFUL = Thresholds(cores=(0.12, 0.2, 0.4, 0.6), least=0.2)
_SCALES = (2.0, 1.0, 0.5, 0.25)
# A coarse look is of use where its shorter side still has so many pixels.
_LEAST_SIDE = 48
# A short picture's bound is no larger share of it than this.
_BOUND_SHARE = 0.3
# A line of which so much is covered by finer ones says nothing new.
_COVERED = 0.9
# Characters that rings, bars and blobs are read as.
_BLOBS = frozenset("0OoQDCcUu1Il6892")
_LATIN = 0x500


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
        for scale in _SCALES:
            if scale > 1 and picture.shape[0] * picture.shape[1] > thresholds.finest_pixels:
                continue
            if scale >= 1 or min(picture.shape[:2]) * scale >= _LEAST_SIDE:
                look.at(scale)
        return tuple(sorted(look.sightings, key=lambda sighting: sighting.box))


class _Look:
    """One picture, and what was found in it so far, from the finest scale to the coarsest."""

    def __init__(self, models: TextModels, picture: Picture, thresholds: Thresholds) -> None:
        self._models = models
        self._picture = picture
        self._thresholds = thresholds
        short = min(picture.shape[:2])
        self._bound = max(thresholds.tallest * short, min(thresholds.always, _BOUND_SHARE * short))
        self._covered = np.zeros(picture.shape[:2], dtype=np.uint8)
        self.sightings: list[Sighting] = []

    def at(self, scale: float) -> None:
        """Look at the picture `scale` times as fine as it is."""
        seen = chances(self._models, self._picture, scale)
        hidden: list[Box] = []
        for depth, core in enumerate(self._thresholds.cores):
            found = self._lines(seen, core, scale)
            if depth:
                found = [line for line in found if any(_holds(box, line) for box in hidden)]
            ordinary = [line for line in found if not depth and line.thickness <= self._bound]
            doubtful = [line for line in found if depth or line.thickness > self._bound]
            self._note(ordinary, must_be_read=False)
            self._note(doubtful, must_be_read=True)
            hidden = hidden or [line.box() for line in doubtful]
            if not hidden:
                return

    def _lines(self, seen: NDArray[np.uint8], core: float, scale: float) -> list[Line]:
        least = max(core, self._thresholds.least)
        found = lines(seen, core=core, least=least, unclip=self._thresholds.unclip)
        return [line.scaled(scale, BORDER) for line in found]

    def _note(self, found: Sequence[Line], *, must_be_read: bool) -> None:
        new = [line for line in found if self._is_news(line)]
        for line, reading in zip(new, self._readings(new), strict=True):
            if must_be_read and not _is_read(reading, self._thresholds):
                continue
            route = Route.TALL if line.thickness > self._bound else Route.DETECTED
            for box in line.boxes():
                inside = box.clipped(*self._picture.shape[:2])
                if inside.area:
                    self.sightings.append(Sighting(inside, reading.text, reading.confidence, route))
                    self._covered[inside.top : inside.bottom, inside.left : inside.right] = 1

    def _is_news(self, line: Line) -> bool:
        box = line.box().clipped(*self._picture.shape[:2])
        part = self._covered[box.top : box.bottom, box.left : box.right]
        return part.size > 0 and float(part.mean()) < _COVERED

    def _readings(self, found: Sequence[Line]) -> tuple[Reading, ...]:
        """What each line says, the way up that reads better."""
        crops = [line.crop(self._picture) for line in found]
        readings = list(self._models.readings(crops))
        again = [index for index, reading in enumerate(readings) if reading.confidence < self._thresholds.doubtful]
        turned = self._models.readings([np.ascontiguousarray(crops[index][::-1, ::-1]) for index in again])
        for index, reading in zip(again, turned, strict=True):
            readings[index] = max(readings[index], reading, key=lambda reading: reading.confidence)
        return tuple(Reading(reading.text.strip(), reading.confidence) for reading in readings)


def _is_read(reading: Reading, thresholds: Thresholds) -> bool:
    """Whether it says letters or digits rather than what anatomy is mistaken for."""
    letters = [character for character in reading.text if character.isalnum() and ord(character) < _LATIN]
    two, more = thresholds.sure
    if len(letters) == 1:
        return letters[0] not in _BLOBS and reading.confidence >= thresholds.doubtful
    return bool(letters) and reading.confidence >= (two if len(letters) == 2 else more)


def _holds(box: Box, line: Line) -> bool:
    return box.top <= line.y < box.bottom and box.left <= line.x < box.right
