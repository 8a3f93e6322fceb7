"""Lines of text as the detector's map shows them: slanted rectangles, their crops and the boxes that cover them.

The law: what is covered is never less than what was found.

Sources: Liao et al. 2020 (unclipping: the core of a line grown by area x ratio / perimeter).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box
from curator.ports.pixels import Picture

Chances = NDArray[np.uint8]
"""`(Y, X)`: how likely a pixel lies in the core of a line of text, 0 to 255."""
_LEAST_SIDE = 2.0
_ON_END = 1.5
_LEVEL_DEGREES = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """A slanted rectangle in pixels: its centre, its extent along and across, degrees clockwise; `score` 0 to 1.

    `grown` is what both extents were grown by beyond the core that the detector saw.
    """

    x: float
    y: float
    width: float
    height: float
    degrees: float
    score: float
    grown: float = 0.0

    @property
    def thickness(self) -> float:
        """The shorter side: the height of its letters, whichever way they run."""
        return min(self.width, self.height)

    @property
    def length(self) -> float:
        """The longer side."""
        return max(self.width, self.height)

    @property
    def is_on_end(self) -> bool:
        """Whether it runs down the picture rather than across."""
        return self.height >= _ON_END * self.width

    def scaled(self, factor: float, border: float) -> Line:
        """The same line in a picture `1 / factor` times as fine, without the `border` of so many fine pixels."""
        return Line(
            (self.x - border) / factor,
            (self.y - border) / factor,
            self.width / factor,
            self.height / factor,
            self.degrees,
            self.score,
            self.grown / factor,
        )

    def core(self) -> Line:
        """What the detector itself saw of it."""
        return replace(self, width=self.width - self.grown, height=self.height - self.grown, grown=0.0)

    def shrunk(self, *, along: float, across: float) -> Line:
        """The line without so much of what it was grown by along its letters and across them, 0 to 1."""
        longer, shorter = along * self.grown, across * self.grown
        in_width, in_height = (longer, shorter) if self.width >= self.height else (shorter, longer)
        return replace(self, width=self.width - in_width, height=self.height - in_height)

    def box(self) -> Box:
        """The upright box around it; it may reach beyond the frame."""
        corners = self.corners()
        left, top = np.floor(corners.min(axis=0))
        right, bottom = np.ceil(corners.max(axis=0))
        return Box(int(top), int(left), int(bottom), int(right))

    def boxes(self) -> tuple[Box, ...]:
        """Upright boxes that cover it: one for a level line, one behind the other along a slanted one."""
        off = abs(self.degrees)
        if min(off, abs(90 - off)) < _LEVEL_DEGREES:
            return (self.box(),)
        count = math.ceil(self.length / (2 * max(self.thickness, 1.0)))
        along = math.radians(self.degrees if self.width >= self.height else self.degrees + 90)
        step = self.length / count
        width, height = (step, self.height) if self.width >= self.height else (self.width, step)
        middles = ((index + 0.5) * step - self.length / 2 for index in range(count))
        return tuple(
            replace(
                self,
                x=self.x + middle * math.cos(along),
                y=self.y + middle * math.sin(along),
                width=width,
                height=height,
            ).box()
            for middle in middles
        )

    def crop(self, picture: Picture) -> Picture:
        """What it encloses, turned so that its longer side lies level, `(Y, X, 3)`; what leans right is upright."""
        width, height = max(1, round(self.width)), max(1, round(self.height))
        corners = self.corners().astype(np.float32)
        # boxPoints goes bottom left, top left, top right, bottom right of the unturned rectangle.
        target = np.array([[0, height], [0, 0], [width, 0], [width, height]], dtype=np.float32)
        turn = cv2.getPerspectiveTransform(corners, target)
        crop = cv2.warpPerspective(
            picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        return np.ascontiguousarray(np.rot90(crop, -1) if self.is_on_end else crop, dtype=np.uint8)

    def corners(self) -> NDArray[np.float32]:
        """Its four corners, x and y."""
        return np.asarray(cv2.boxPoints(((self.x, self.y), (self.width, self.height), self.degrees)), np.float32)


def lines(chances: Chances, *, core: float, least: float, unclip: float) -> Iterator[Line]:
    """The lines of a map: connected pixels above `core` whose mean is at least `least` (0 to 1), grown by `unclip`.

    An empty map, or one below `core` throughout, has none.
    """
    above = cv2.threshold(chances, core * 255, 1, cv2.THRESH_BINARY)[1]
    mask = cv2.dilate(above, np.ones((2, 2), dtype=np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        (x, y), (width, height), degrees = cv2.minAreaRect(contour)
        if min(width, height) < _LEAST_SIDE:
            continue
        # minAreaRect turns by 0 to 90; turned by less than 45 the sides keep the names that they are seen under.
        if degrees > 45:
            width, height, degrees = height, width, degrees - 90
        score = _mean_inside(chances, Line(x, y, width, height, degrees, 0.0))
        if score >= least:
            grown = width * height * unclip / (width + height)
            yield Line(x, y, width + grown, height + grown, degrees, score, grown)


def _mean_inside(chances: Chances, line: Line) -> float:
    box = line.box().clipped(*chances.shape)
    part = chances[box.top : box.bottom, box.left : box.right]
    if part.size == 0:
        return 0.0
    inside = np.zeros(part.shape, dtype=np.uint8)
    cv2.fillPoly(inside, [np.round(line.corners() - (box.left, box.top)).astype(np.int32)], 1)
    return float(cv2.mean(part, inside)[0]) / 255
