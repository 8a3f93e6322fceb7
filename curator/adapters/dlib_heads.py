"""Looks for faces in renders of heads with dlib, and tells whose they are.

The law: pictures are never changed; the networks' weights are those that come with face_recognition, and nothing is
downloaded.

Sources: dlib 19 (`get_frontal_face_detector`, `cnn_face_detection_model_v1`, `shape_predictor`,
`face_recognition_model_v1`); iBUG 300-W (the 68 points).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import dlib
import numpy as np
from numpy.typing import NDArray

from curator.adapters.dlib_weights import DETECTOR, EMBEDDING, LANDMARKS, weights
from curator.model.pixels import Box
from curator.ports.faces import FaceSeen, Points
from curator.ports.pixels import Picture

# A face on fewer pixels than this is not seen by the detector.
_LEAST_SIDE = 80
_CHIP, _PADDING = 150, 0.25


@dataclass(frozen=True, slots=True)
class DlibHeads:
    """Judges renders; it may cross to another process, which loads each network once, when it is first asked."""

    @property
    def name(self) -> str:
        """Which detectors and networks look.

        Raises:
            ConfigurationError: the networks' weights are not installed.
        """
        return " ".join(
            [f"dlib {dlib.__version__} hog", *(weights(one).stem for one in (DETECTOR, LANDMARKS, EMBEDDING))]
        )

    def seen(self, picture: Picture, *, least: float) -> tuple[FaceSeen, ...]:
        """As `FaceJudge.seen`."""
        if min(picture.shape[:2]) < _LEAST_SIDE:
            return ()
        boxes, scores, _ = _histograms().run(picture, 0, least)
        found = [FaceSeen(float(score), _box(box)) for box, score in zip(boxes, scores, strict=True)]
        return tuple(sorted(found, key=lambda one: (-one.score, one.box)))

    def network(self, picture: Picture) -> float:
        """As `FaceJudge.network`.

        Raises:
            ConfigurationError: the network's weights are not installed.
        """
        if min(picture.shape[:2]) < _LEAST_SIDE:
            return 0.0
        return max((float(one.confidence) for one in _network()(_colour(picture), 0)), default=0.0)

    def landmarks(self, picture: Picture, box: Box) -> Points:
        """As `FaceJudge.landmarks`.

        Raises:
            ConfigurationError: the network's weights are not installed.
        """
        rectangle = dlib.rectangle(box.left, box.top, box.right - 1, box.bottom - 1)
        return np.array([(point.x, point.y) for point in _predictor()(picture, rectangle).parts()], np.float64)

    def embedding(self, picture: Picture, landmarks: Points) -> NDArray[np.float64]:
        """As `FaceJudge.embedding`.

        Raises:
            ConfigurationError: the network's weights are not installed.
        """
        low, high = landmarks.min(axis=0), landmarks.max(axis=0)
        around = dlib.rectangle(*(round(float(value)) for value in (*low, *high)))
        points = [dlib.point(round(float(x)), round(float(y))) for x, y in landmarks]
        chip = dlib.get_face_chip(_colour(picture), dlib.full_object_detection(around, points), _CHIP, _PADDING)
        return np.array(_embedder().compute_face_descriptor(chip), np.float64)


def _box(rectangle: dlib.rectangle) -> Box:
    return Box(rectangle.top(), rectangle.left(), rectangle.bottom() + 1, rectangle.right() + 1)


def _colour(picture: Picture) -> Picture:
    return np.ascontiguousarray(np.repeat(picture[:, :, np.newaxis], 3, axis=2)) if picture.ndim == 2 else picture


@cache
def _histograms() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@cache
def _network() -> dlib.cnn_face_detection_model_v1:
    return dlib.cnn_face_detection_model_v1(str(weights(DETECTOR)))


@cache
def _predictor() -> dlib.shape_predictor:
    return dlib.shape_predictor(str(weights(LANDMARKS)))


@cache
def _embedder() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(weights(EMBEDDING)))
