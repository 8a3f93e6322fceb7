"""A finder of faces in photographs: dlib's histogram detector, fine, and its network, coarse, at four quarter turns.

The histogram detector sees small faces that look into the camera, the network also profiles and tilted heads, but only
large ones where it is not to take minutes. Either is enough. The network's weights are those that come with
face_recognition; nothing is downloaded.

The law: what either sees is a face; a picture is never changed, and the same picture gives the same boxes.

Sources: dlib 19 (`get_frontal_face_detector`, `cnn_face_detection_model_v1`).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import dlib
import numpy as np

from curator.adapters.dlib_weights import DETECTOR, weights
from curator.model.pixels import Box
from curator.ports.pixels import Picture

_QUARTER_TURNS = range(4)
# Two boxes of which one holds so much of the other are one face.
_SAME_FACE = 0.5
# Fewer rows or columns are no picture of a face: both detectors need 40, seen twice as fine.
_LEAST_SIDE = 20
_MOST_KNOWN = 1024
_KNOWN: OrderedDict[tuple[object, ...], tuple[Box, ...]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class DlibFaces:
    """Finds faces; it may cross to another process, which loads the detectors once, at the first picture.

    A face counts from `least_score` (histograms) or `least_confidence` (network) on. A picture is made smaller until it
    has no more than `fine_pixels` for the histograms, which look at small ones twice as fine as they are, and
    `coarse_pixels` for the network, which takes about 10 microseconds for each pixel and turn; 0 leaves it out.
    """

    least_score: float = 0.0
    least_confidence: float = 0.3
    fine_pixels: int = 1_500_000
    coarse_pixels: int = 40_000

    @property
    def name(self) -> str:
        """Which detectors look.

        Raises:
            ConfigurationError: the network's weights are not installed.
        """
        return f"dlib {dlib.__version__} hog" + (f" {weights(DETECTOR).stem}" if self.coarse_pixels else "")

    def faces(self, picture: Picture) -> tuple[Box, ...]:
        """The box around each face, top to bottom, in pixels of `picture`; nothing for a picture without any.

        Raises:
            ConfigurationError: the network's weights are not installed.
        """
        if min(picture.shape[:2]) < _LEAST_SIDE:
            return ()
        # What is proven after a scrub that changed nothing was looked at before it.
        key = self, picture.shape, hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        known = _KNOWN.get(key)
        if known is None:
            known = _KNOWN[key] = self._look(picture)
            if len(_KNOWN) > _MOST_KNOWN:
                _KNOWN.popitem(last=False)
        return known

    def _look(self, picture: Picture) -> tuple[Box, ...]:
        found: list[Box] = []
        for turns in _QUARTER_TURNS:
            turned = np.ascontiguousarray(np.rot90(picture, turns))
            rows, columns = turned.shape[:2]
            for box in (*self._by_histograms(turned), *self._by_network(turned)):
                inside = _turned_back(box.clipped(rows, columns), turns, rows, columns)
                if inside.area:
                    found.append(inside)
        return _merged(found)

    def _by_histograms(self, picture: Picture) -> Iterator[Box]:
        small, scale = _at_most(picture, self.fine_pixels)
        rows, columns = small.shape[:2]
        finer = 1 if 4 * rows * columns <= self.fine_pixels else 0
        for upsampled in range(finer + 1):
            rectangles, _, _ = _histograms().run(small, upsampled, self.least_score)
            yield from (_box(one, scale) for one in rectangles)

    def _by_network(self, picture: Picture) -> Iterator[Box]:
        if not self.coarse_pixels:
            return
        coarse, scale = _at_most(picture, self.coarse_pixels)
        colour = coarse if coarse.ndim == 3 else np.repeat(coarse[:, :, np.newaxis], 3, axis=2)
        for one in _network()(np.ascontiguousarray(colour), 0):
            if one.confidence >= self.least_confidence:
                yield _box(one.rect, scale)


@cache
def _histograms() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@cache
def _network() -> dlib.cnn_face_detection_model_v1:
    return dlib.cnn_face_detection_model_v1(str(weights(DETECTOR)))


def _at_most(picture: Picture, pixels: int) -> tuple[Picture, float]:
    """The picture with no more than so many pixels, and how much smaller it is."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, (pixels / (rows * columns)) ** 0.5)
    if scale == 1.0:
        return picture, 1.0
    size = (max(1, int(columns * scale)), max(1, int(rows * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _box(rectangle: dlib.rectangle, scale: float) -> Box:
    edges = (rectangle.top(), rectangle.left(), rectangle.bottom() + 1, rectangle.right() + 1)
    top, left, bottom, right = (round(edge / scale) for edge in edges)
    return Box(top, left, bottom, right)


def _turned_back(box: Box, turns: int, rows: int, columns: int) -> Box:
    """The box in a picture that was turned counter-clockwise so often and then had so many rows and columns."""
    for _ in range(turns):
        box = Box(box.left, rows - box.bottom, box.right, rows - box.top)
        rows, columns = columns, rows
    return box


def _merged(boxes: list[Box]) -> tuple[Box, ...]:
    """The boxes with those of the same face made one around them."""
    left = sorted(boxes)
    merged: list[Box] = []
    while left:
        box = left.pop()
        same = [other for other in left if _is_same(box, other)]
        if not same:
            merged.append(box)
            continue
        left = [other for other in left if other not in same]
        whole = (box, *same)
        left.append(
            Box(
                min(one.top for one in whole),
                min(one.left for one in whole),
                max(one.bottom for one in whole),
                max(one.right for one in whole),
            )
        )
    return tuple(sorted(merged))


def _is_same(one: Box, other: Box) -> bool:
    shared = Box(
        max(one.top, other.top), max(one.left, other.left), min(one.bottom, other.bottom), min(one.right, other.right)
    )
    return one.meets(other) and shared.area >= _SAME_FACE * min(one.area, other.area)
