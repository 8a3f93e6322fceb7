"""A reader of text in pictures: rapidocr's networks, at several scales, with a bound on how tall a line may be.

The law: what looks like a line is sighted whether or not it can be read; what is taller than the bound is sighted only
when it can be, since the detector takes whole organs for a letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from curator.adapters.text_lines import Line, lines
from curator.adapters.text_models import Reading, loaded_models
from curator.model.pixels import Box, Route, Sighting
from curator.ports.pixels import Picture

_BORDER = 24


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as a line: `core` and `least` of the map (0 to 1), growth, tallest line as a share of the short side.

    `read_tall` is the certainty that a taller line has to be read with.
    """

    core: float = 0.2
    least: float = 0.3
    unclip: float = 2.0
    tallest: float = 0.12
    read_tall: float = 0.8


WATCHFUL = Thresholds(core=0.15, least=0.2)


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
        thresholds = WATCHFUL if watchful else self.thresholds
        found = [line for scale in (1.0, 2.0) for line in self._lines(colour, scale, thresholds)]
        bound = thresholds.tallest * min(colour.shape[:2])
        low = _distinct(line for line in found if line.thickness <= bound)
        tall = _distinct(line for line in found if line.thickness > bound)
        sighted = [
            *self._sightings(colour, low, Route.DETECTED, 0.0),
            *self._sightings(colour, tall, Route.TALL, thresholds.read_tall),
        ]
        return tuple(sorted(sighted, key=lambda sighting: sighting.box))

    def _lines(self, picture: Picture, scale: float, thresholds: Thresholds) -> Iterator[Line]:
        fine = picture if scale == 1 else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(fine, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
        chance = loaded_models(self.threads).text_map(np.asarray(framed, dtype=np.uint8))
        found = lines(chance, core=thresholds.core, least=thresholds.least, unclip=thresholds.unclip)
        return (line.scaled(scale, _BORDER) for line in found)

    def _sightings(self, picture: Picture, found: Sequence[Line], route: Route, least: float) -> Iterator[Sighting]:
        for line, reading in zip(found, self._readings(picture, found), strict=True):
            box = line.box().clipped(*picture.shape[:2])
            if box.area and reading.confidence >= least:
                yield Sighting(box, reading.text.strip(), reading.confidence, route)

    def _readings(self, picture: Picture, found: Sequence[Line]) -> tuple[Reading, ...]:
        return loaded_models(self.threads).readings([line.crop(picture) for line in found])


def _distinct(found: Iterable[Line]) -> list[Line]:
    """Without lines that lie inside another one."""
    kept: list[tuple[Box, Line]] = []
    for line in sorted(found, key=lambda line: -line.width * line.height):
        box = line.box()
        if not any(_holds(other, box) for other, _ in kept):
            kept.append((box, line))
    return [line for _, line in kept]


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and outer.bottom >= inner.bottom
        and outer.right >= inner.right
    )
