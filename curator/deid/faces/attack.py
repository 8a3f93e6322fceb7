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

from curator.deid.faces.render import Depth, first_hits
from curator.deid.faces.view import SKIN, View, picture_of
from curator.deid.faces.zone import Curtain
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, Resampler

_NOTHING = -9.0
# How bright the brightest tissue is that thresholds go up to, percent of all voxels.
_BRIGHTEST = 99.5
_HALF_TURN = 180.0
# A threshold lies inside tissue where it is met so much behind the skin on such a share of the rays.
_DEEP_MM, _DEEP_SHARE = 8.0, 0.25
# A threshold showed a face where so many of the rays that its zone has met something in the zone.
_SHOWN_SHARE = 0.1


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


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Thresholds to look at a head at: shares of the tissue around, and the scan's own values."""

    shares: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Was:
    """A head before its face was taken out, and the curtain that took it, in one frame."""

    view: View
    curtain: Curtain

    def shown(self, cuts: _Cuts) -> _Cuts:
        """The thresholds at which some of what was taken out was seen."""
        even, smooth = self.view.even, self.view.smooth
        return _Cuts(
            tuple(one for one in cuts.shares if self._is_shown(first_hits(even, one))),
            tuple(one for one in cuts.values if self._is_shown(first_hits(smooth, one))),
        )

    def _is_shown(self, surface: Depth) -> bool:
        inside = self.curtain.is_inside
        return bool(np.mean((surface <= self.curtain.back)[inside]) >= _SHOWN_SHARE)


def attacked(
    view: View,
    judge: FaceJudge,
    resampler: Resampler,
    numbers: Numbers,
    *,
    is_quick: bool = False,
    was: Was | None = None,
) -> Seen:
    """What both detectors see of a head; a view without anything in it shows nothing. It ends with the first failure.

    A quick attack looks from the front alone: for another time point of a scan that was attacked from all sides.
    Where it is known what the head `was`, thresholds that its skin did not reach count as inside tissue, and those that
    never showed its face not at all: a PET shows its brain alone there, whose folds look like this and that.
    """
    poses = [(0.0, 0.0)] if is_quick else _poses(numbers)
    turned = partial(_scores, view, judge, resampler, numbers, poses=poses)
    deep = () if was is None else deep_levels(was.view, numbers)
    at_skin = _Cuts(shares=tuple(level for level in numbers.attack_levels if level not in deep))
    skin = list(_until(numbers.clean_score, turned(facing=0.0, at=at_skin)))
    if max(skin) > numbers.clean_score:
        hits = sum(score > numbers.face_score for score in skin)
        return Seen(max(skin), _NOTHING, _NOTHING, hits, len(skin), 0.0)
    within = _Cuts(deep, _bright(view, numbers))
    within = within if was is None else was.shown(within)
    inside = list(turned(facing=0.0, at=within))
    back = list(turned(facing=_HALF_TURN, at=within)) if max(inside, default=_NOTHING) > numbers.clean_score else []
    null = max(back, default=_NOTHING)
    # Inside tissue, what the back of the head shows as well is no face.
    hits = sum(score > numbers.face_score for score in skin) + sum(
        score > max(numbers.face_score, null) for score in inside
    )
    return Seen(
        best=max(skin),
        bright=max(inside, default=_NOTHING),
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


def _bright(view: View, numbers: Numbers) -> tuple[float, ...]:
    """Thresholds inside tissue, in the scan's own values."""
    levels = view.levels
    brightest = float(np.percentile(view.smooth[::2, ::2, ::2], _BRIGHTEST))
    reach = max(brightest - levels.threshold, 0.0)
    return tuple(levels.threshold + share * reach for share in numbers.attack_bright)


def deep_levels(view: View, numbers: Numbers) -> tuple[float, ...]:
    """The thresholds of skin that much of a head's skin does not reach: in a PET its brain is met there."""
    skin = first_hits(view.even, SKIN)
    is_skin, step = np.isfinite(skin), view.frame.step_mm
    if not is_skin.any():
        return ()
    apart = ((level, first_hits(view.even, level)[is_skin] - skin[is_skin]) for level in numbers.attack_levels)
    # A ray that meets nothing any more is as deep as can be.
    return tuple(level for level, by in apart if 1 - np.mean(by * step <= _DEEP_MM) >= _DEEP_SHARE)


def _scores(
    view: View,
    judge: FaceJudge,
    resampler: Resampler,
    numbers: Numbers,
    *,
    poses: list[tuple[float, float]],
    facing: float,
    at: _Cuts,
) -> Iterator[float]:
    for values, around, thresholds in ((view.even, 0.0, at.shares), (view.smooth, view.levels.air, at.values)):
        for yaw, pitch in poses if thresholds else ():
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
