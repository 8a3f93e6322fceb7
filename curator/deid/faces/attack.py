"""What somebody would do who looks for a face: from many sides, at many thresholds, with two detectors.

The law: the attack knows where the face was, and is made on the voxels that would be written.

Sources: dlib's detectors, one of histograms and one a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from curator.deid.faces.view import SKIN, View, picture_of
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, Field, Resampler

_NOTHING = -9.0
# How bright the brightest tissue is that thresholds go up to, percent of all voxels.
_BRIGHTEST = 99.5
_HALF_TURN = 180.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detectors made of a head: `best` of `looks` renders at thresholds of skin, `hits` of them had a face.

    `bright` is the best at thresholds inside tissue, `null` what the back of the same head scores there, and `network`
    what the second detector says of the frontal view.
    """

    best: float
    bright: float
    null: float
    hits: int
    looks: int
    network: float

    def is_clear(self, numbers: Numbers) -> bool:
        """Whether nothing looks like a face: at the skin by the limit, inside tissue by it or the back of the head."""
        inside = max(numbers.clean_score, min(self.null, numbers.face_score))
        return (
            self.hits == 0
            and self.best <= numbers.clean_score
            and self.bright <= inside
            and self.network < numbers.network_confidence
        )


def attacked(view: View, judge: FaceJudge, resampler: Resampler, numbers: Numbers, *, is_quick: bool = False) -> Seen:
    """What both detectors see of a head; a view without anything in it shows nothing. It ends with the first failure.

    A quick attack looks from the front alone: for another time point of a scan that was attacked from all sides.
    """
    poses = [(0.0, 0.0)] if is_quick else _poses(numbers)
    turned = partial(_scores, view, judge, resampler, numbers, poses=poses)
    skin = list(_until(numbers.clean_score, turned(facing=0.0, at=_at_skin(view, numbers))))
    if max(skin) > numbers.clean_score:
        hits = sum(score > numbers.face_score for score in skin)
        return Seen(max(skin), _NOTHING, _NOTHING, hits, len(skin), 0.0)
    inside = list(turned(facing=0.0, at=_inside(view, numbers)))
    back = list(turned(facing=_HALF_TURN, at=_inside(view, numbers))) if max(inside) > numbers.clean_score else []
    null = max(back, default=_NOTHING)
    # Inside tissue, what the back of the head shows as well is no face.
    hits = sum(score > numbers.face_score for score in skin) + sum(
        score > max(numbers.face_score, null) for score in inside
    )
    return Seen(
        best=max(skin),
        bright=max(inside),
        null=null,
        hits=hits,
        looks=len(skin) + len(inside),
        network=judge.network(picture_of(view.even, SKIN)),
    )


def _until(limit: float, scores: Iterator[float]) -> Iterator[float]:
    """The scores up to the first beyond a limit: one is enough to fail."""
    for score in scores:
        yield score
        if score > limit:
            return


Levels = tuple[tuple[Field, float, tuple[float, ...]], ...]


def _at_skin(view: View, numbers: Numbers) -> Levels:
    """Volumes to look at, what lies around them, and thresholds: in shares of the tissue around."""
    return ((view.even, 0.0, numbers.attack_levels),)


def _inside(view: View, numbers: Numbers) -> Levels:
    """The same for thresholds inside tissue, in the scan's own values."""
    levels = view.levels
    brightest = float(np.percentile(view.smooth[::2, ::2, ::2], _BRIGHTEST))
    reach = max(brightest - levels.threshold, 0.0)
    return ((view.smooth, levels.air, tuple(levels.threshold + share * reach for share in numbers.attack_bright)),)


def _scores(
    view: View,
    judge: FaceJudge,
    resampler: Resampler,
    numbers: Numbers,
    *,
    poses: list[tuple[float, float]],
    facing: float,
    at: Levels,
) -> Iterator[float]:
    for values, around, thresholds in at:
        for yaw, pitch in poses:
            turned = resampler.turned(values, yaw_deg=facing + yaw, pitch_deg=pitch, outside=around)
            for threshold in thresholds:
                seen = judge.seen(picture_of(turned, threshold), least=numbers.strange_score)
                yield seen[0].score if seen else _NOTHING


def _poses(numbers: Numbers) -> list[tuple[float, float]]:
    """All yaws and pitches, but no farthest yaw with a pitch: a profile is no frontal face to the detector.

    Those that show most come first: the front, from above and below.
    """
    farthest = max(abs(yaw) for yaw in numbers.attack_yaws_deg)
    both = product(numbers.attack_yaws_deg, numbers.attack_pitches_deg)
    poses = [(yaw, pitch) for yaw, pitch in both if not pitch or abs(yaw) < farthest or farthest == 0]
    return sorted(poses, key=lambda pose: (abs(pose[0]), -abs(pose[1]), pose))
