"""Where a head shows its face, and which way it looks.

The law: a face is searched from many sides and at two thresholds, and what decides is the clearest sight of it.

Sources: dlib's detector on renders; iBUG 300-W (of the 68 points the eyes are 36-47).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from curator.deid.faces.sides import Pose, sides_of
from curator.deid.faces.view import FLESH, SKIN, View, picture_of, pixels_per_voxel
from curator.imaging.frame import Frame, turned_axes, turned_frame
from curator.model.volume import Affine
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, FaceSeen, Points, Resampler
from curator.ports.pixels import Picture

_WORST = -9.0
# Scores that far apart say nothing about which way a face looks.
_ABOUT_AS_CLEAR = 0.8
# Two points for the eyes' ends; a head leans no farther than this, or the points are wrong.
_RIGHT_EYE, _LEFT_EYE, _MOST_LEAN_DEG = slice(36, 42), slice(42, 48), 25.0
_LEAST_LEAN_DEG = 3.0


@dataclass(frozen=True, slots=True)
class Sight:
    """The clearest sight of a face: `frame` is that of the turned view, `landmarks` `(68, 2)` are its voxels `(x, z)`.

    `score` is the detector's best, `hits` of `looks` renders had a face. `picture` shows a person and stays in memory,
    with the landmarks as its `pixels` `(68, 2)`.
    """

    score: float
    hits: int
    looks: int
    yaw_deg: float
    pitch_deg: float
    frame: Frame
    landmarks: Points = field(repr=False)
    picture: Picture = field(repr=False)
    pixels: Points = field(repr=False)

    def moved(self, motion: Affine) -> Sight:
        """The sight where the patient lies otherwise: `motion` `(4, 4)` takes points of this one to points there."""
        return replace(self, frame=Frame(motion @ self.frame.affine_lps, self.frame.shape))

    @property
    def axes(self) -> Points:
        """The axes of a camera that sees the face upright, unit columns `(3, 3)`."""
        right, left = self.landmarks[_RIGHT_EYE].mean(axis=0), self.landmarks[_LEFT_EYE].mean(axis=0)
        lean = float(np.rad2deg(np.arctan2(left[1] - right[1], left[0] - right[0])))
        if not _LEAST_LEAN_DEG <= abs(lean) <= _MOST_LEAN_DEG:
            lean = 0.0
        return turned_axes(self.frame, roll_deg=-lean)


@dataclass(frozen=True, slots=True)
class _Look:
    yaw_deg: float
    pitch_deg: float
    picture: Picture = field(repr=False)
    face: FaceSeen


def clearest_sight(view: View, judge: FaceJudge, resampler: Resampler, numbers: Numbers) -> Sight | None:
    """The best of all renders of a view; None where nothing looks even remotely like a face.

    The way a face looks is the mean of all renders that show it about as clearly, for the detector takes one that is
    turned as gladly as one that is straight.
    """
    poses = list(product(numbers.search_yaws_deg, numbers.search_pitches_deg))
    looks = _looks(view, judge, resampler, numbers, poses)
    if not looks:
        return None
    middle = _looks(view, judge, resampler, numbers, [_mean_pose(looks)])
    best = max(looks + middle, key=lambda look: look.face.score)
    straight = max(middle, key=lambda look: look.face.score, default=best)
    chosen = straight if straight.face.score > best.face.score - _ABOUT_AS_CLEAR else best
    pixels = judge.landmarks(chosen.picture, chosen.face.box)
    return Sight(
        score=best.face.score,
        hits=sum(look.face.score > numbers.face_score for look in looks + middle),
        looks=2 * (len(poses) + 1),
        yaw_deg=chosen.yaw_deg,
        pitch_deg=chosen.pitch_deg,
        frame=turned_frame(view.frame, yaw_deg=chosen.yaw_deg, pitch_deg=chosen.pitch_deg),
        landmarks=_voxels(pixels, view.frame.shape),
        picture=chosen.picture,
        pixels=pixels,
    )


def _looks(view: View, judge: FaceJudge, resampler: Resampler, numbers: Numbers, poses: list[Pose]) -> list[_Look]:
    """What is seen of a view from some sides at two thresholds; at most one face each."""
    return [
        _Look(side.yaw_deg, side.pitch_deg, side.picture, seen[0])
        for side in sides_of(view.even, poses, (SKIN, FLESH), resampler, around=0.0)
        if (seen := judge.seen(side.picture, least=numbers.strange_score))
    ]


def _mean_pose(looks: list[_Look]) -> Pose:
    """Yaw and pitch at which the face is seen best, by all looks that see it about as well as the best one."""
    best = max(look.face.score for look in looks)
    weights = np.array([max(0.0, look.face.score - best + _ABOUT_AS_CLEAR) for look in looks])
    yaws = np.array([look.yaw_deg for look in looks])
    pitches = np.array([look.pitch_deg for look in looks])
    return float(weights @ yaws / weights.sum()), float(weights @ pitches / weights.sum())


def strangest_score(view: View, judge: FaceJudge) -> float:
    """The best score of a face seen from a side that is not the front, or not upright; very low for none.

    A head whose axes are wrong looks out of another side of its box.
    """
    best = _WORST
    for axis, flip in product(range(3), (False, True)):
        values = np.moveaxis(view.even, axis, 1)
        values = values[:, ::-1] if flip else values
        picture = picture_of(np.ascontiguousarray(values), SKIN)
        for turns in range(4):
            if axis == 1 and not flip and turns == 0:
                continue
            seen = judge.seen(np.ascontiguousarray(np.rot90(picture, turns)), least=0.0)
            best = max([best, *(one.score for one in seen)])
    return best


def _voxels(pixels: Points, shape: tuple[int, int, int]) -> Points:
    """Columns and rows of a picture as voxels `(x, z)` of its view."""
    scale = pixels_per_voxel()
    return np.stack([pixels[:, 0] / scale, shape[0] - 1 - pixels[:, 1] / scale], axis=1)
