"""Lines of text as the detector's map shows them: slanted rectangles, their crops and the boxes that cover them.

The law: what is covered is never less than what was found.

Sources: Liao et al. 2020 (unclipping: the core of a line grown by area x ratio / perimeter).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from curator.adapters.text_models import Probabilities
from curator.model.pixels import Box
from curator.ports.pixels import Picture

_LEAST_SIDE = 2.0
_UPRIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Line:
    """A slanted rectangle in pixels: its centre, its extent along and across, degrees clockwise; `score` 0 to 1."""

    x: float
    y: float
    width: float
    height: float
    degrees: float
    score: float

    @property
    def thickness(self) -> float:
        """The shorter side: the height of its letters, whichever way they run."""
        return min(self.width, self.height)

    def scaled(self, factor: float, border: float) -> Line:
        """The same line in a picture `factor` times as fine that had a `border` of so many fine pixels."""
        return Line(
            (self.x - border) / factor,
            (self.y - border) / factor,
            self.width / factor,
            self.height / factor,
            self.degrees,
            self.score,
        )

    def box(self) -> Box:
        """The upright box around it; it may reach beyond the frame."""
        corners = cv2.boxPoints(((self.x, self.y), (self.width, self.height), self.degrees))
        left, top = np.floor(corners.min(axis=0))
        right, bottom = np.ceil(corners.max(axis=0))
        return Box(int(top), int(left), int(bottom), int(right))

    def crop(self, picture: Picture) -> Picture:
        """What it encloses, turned so that its longer side lies level, `(Y, X, 3)`."""
        width, height = max(1, round(self.width)), max(1, round(self.height))
        corners = cv2.boxPoints(((self.x, self.y), (self.width, self.height), self.degrees)).astype(np.float32)
        # boxPoints goes bottom left, top left, top right, bottom right of the unturned rectangle.
        target = np.array([[0, height], [0, 0], [width, 0], [width, height]], dtype=np.float32)
        turn = cv2.getPerspectiveTransform(corners, target)
        crop = cv2.warpPerspective(
            picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(np.rot90(crop) if height >= _UPRIGHT * width else crop, dtype=np.uint8)


def lines(chance: Probabilities, *, core: float, least: float, unclip: float) -> Iterator[Line]:
    """The lines of a map of chances: connected pixels above `core` whose mean is at least `least`, grown by `unclip`.

    An empty map, or one below `core` throughout, has none.
    """
    mask = cv2.dilate((chance > core).astype(np.uint8), np.ones((2, 2), dtype=np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        (x, y), (width, height), degrees = cv2.minAreaRect(contour)
        if min(width, height) < _LEAST_SIDE:
            continue
        # minAreaRect turns by 0 to 90; turned by less than 45 the sides keep the names that they are seen under.
        if degrees > 45:
            width, height, degrees = height, width, degrees - 90
        score = _mean_inside(chance, Line(x, y, width, height, degrees, 0.0))
        if score >= least:
            grown = width * height * unclip / (width + height)
            yield Line(x, y, width + grown, height + grown, degrees, score)


def _mean_inside(chance: Probabilities, line: Line) -> float:
    box = line.box().clipped(*chance.shape)
    part = chance[box.top : box.bottom, box.left : box.right]
    if part.size == 0:
        return 0.0
    corners = cv2.boxPoints(((line.x, line.y), (line.width, line.height), line.degrees)) - (box.left, box.top)
    inside = np.zeros(part.shape, dtype=np.uint8)
    cv2.fillPoly(inside, [np.round(corners).astype(np.int32)], 1)
    return float(cv2.mean(part, inside)[0])
