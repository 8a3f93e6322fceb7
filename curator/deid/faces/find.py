"""Where a head shows its face, and which way it looks.

The law: a face is searched from many sides and at two thresholds, and what decides is the clearest sight of it.

Sources: dlib's detector on renders; iBUG 300-W (of the 68 points the eyes are 36-47).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from curator.deid.faces.render import first_hits
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
# Landmarks on both sides of a face, as (right, left): ends of the eyes, lids, brows, mouth and nose. Where half of the
# angles that they give spread over more, the surface has holes there; a camera that is off by less is left as it is.
_PAIRS = ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46), (17, 26), (18, 25), (19, 24), (20, 23), (21, 22),
          (48, 54), (31, 35))  # fmt: skip
_LEAST_APART, _MOST_SPREAD_DEG, _LEAST_YAW_DEG = 15.0, 10.0, 5.0


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
    turned as gladly as one that is straight; then that in which both sides of the face lie as far from the camera.
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
    even, count = _evenly(view, chosen, _voxels(pixels, view.frame.shape), judge, resampler, numbers)
    clear = max(even, key=lambda look: look.face.score, default=chosen)
    if clear is not chosen and clear.face.score > best.face.score - _ABOUT_AS_CLEAR:
        chosen, pixels = clear, judge.landmarks(clear.picture, clear.face.box)
    every = looks + middle + even
    return Sight(
        score=best.face.score,
        hits=sum(look.face.score > numbers.face_score for look in every),
        looks=2 * (len(poses) + 1) + count,
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


def _evenly(
    view: View, look: _Look, landmarks: Points, judge: FaceJudge, resampler: Resampler, numbers: Numbers
) -> tuple[list[_Look], int]:
    """Looks from where both sides of a face are as far away, and how many were taken; none where one was so already."""
    off = _yaw_off(view, look, landmarks, resampler)
    if abs(off) < _LEAST_YAW_DEG:
        return [], 0
    return _looks(view, judge, resampler, numbers, [(look.yaw_deg + off, look.pitch_deg)]), 2


def _yaw_off(view: View, look: _Look, landmarks: Points, resampler: Resampler) -> float:
    """By how many degrees more a head has to turn so that pairs of landmarks are as deep; 0 where they do not agree."""
    turned = resampler.turned(view.even, yaw_deg=look.yaw_deg, pitch_deg=0.0, outside=0.0)
    turned = resampler.turned(turned, yaw_deg=0.0, pitch_deg=look.pitch_deg, outside=0.0)
    depth = first_hits(turned, SKIN)
    x, z = (
        np.clip(np.rint(axis).astype(np.intp), 0, most - 1)
        for axis, most in zip(landmarks.T, depth.shape[::-1], strict=True)
    )
    right, left = (np.array(side) for side in zip(*_PAIRS, strict=True))
    apart = landmarks[left, 0] - landmarks[right, 0]
    deeper = depth[z[left], x[left]] - depth[z[right], x[right]]
    angles = np.rad2deg(np.arctan2(deeper, apart))[(apart > _LEAST_APART / view.frame.step_mm) & np.isfinite(deeper)]
    if angles.size < len(_PAIRS) / 2:
        return 0.0
    low, middle, high = (float(value) for value in np.percentile(angles, (25, 50, 75)))
    return middle if high - low <= _MOST_SPREAD_DEG else 0.0


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
