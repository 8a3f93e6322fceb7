"""What somebody would do who looks for a face: from many sides, at many thresholds, with two detectors.

The law: the attack knows where the face was, and is made on the voxels that would be written.

Sources: dlib's detectors, one of histograms and one a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, product

import numpy as np

from curator.deid.faces.render import Depth, first_hits
from curator.deid.faces.sides import Pose, Side, sides_of
from curator.deid.faces.view import SKIN, View, picture_of, pixels_per_voxel
from curator.deid.faces.zone import Curtain
from curator.imaging.frame import turned_frame
from curator.model.pixels import Box
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, Field, Points, Resampler

ALL = (slice(None),)
"""Every frame is looked at at every threshold."""
IN_TURN = (slice(0, None, 2), slice(1, None, 2))
"""Two frames share the thresholds: what one looks past, the other looks at from nearly there."""

_NOTHING = -9.0
# How bright the brightest tissue is that thresholds go up to, percent of all voxels.
_BRIGHTEST = 99.5
_HALF_TURN = 180.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detectors made of a head: `best` of `looks` renders at thresholds of skin, `hits` of them had a face.

    `bright` is the best at thresholds inside tissue, `null` what backs of heads score there (see `attacked`), and
    `network` what the second detector says of the frontal view. `beside` renders had a face where this head's is not.
    """

    best: float = _NOTHING
    bright: float = _NOTHING
    null: float = _NOTHING
    hits: int = 0
    looks: int = 0
    network: float = 0.0
    beside: int = 0

    def is_clear(self, numbers: Numbers) -> bool:
        """Whether nothing looks like a face: at the skin by the limit, inside tissue by it or the back of the head."""
        inside = max(numbers.clean_score, min(self.null, numbers.face_score))
        return (
            self.hits == 0
            and self.best <= numbers.clean_score
            and self.bright <= inside
            and self.network < numbers.network_confidence
        )

    def is_clear_at_skin(self, numbers: Numbers) -> bool:
        """Whether what looks a little like a face is seen inside tissue alone, where heads are full of shapes."""
        return self.hits == 0 and self.best <= numbers.clean_score < self.bright <= numbers.face_score

    def and_also(self, other: Seen) -> Seen:
        """Both looks as one."""
        return Seen(
            max(self.best, other.best),
            max(self.bright, other.bright),
            max(self.null, other.null),
            self.hits + other.hits,
            self.looks + other.looks,
            max(self.network, other.network),
            self.beside + other.beside,
        )


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Thresholds to look at a head at: shares of the tissue around at the `skin` and `within`, and the scan's `values`.

    Those of the scan's own values lie inside tissue.
    """

    skin: tuple[float, ...]
    within: tuple[float, ...]
    values: tuple[float, ...]

    def part(self, which: slice) -> _Cuts:
        """Some of each."""
        return _Cuts(self.skin[which], self.within[which], self.values[which])


@dataclass(frozen=True, slots=True)
class Was:
    """A head before its face was taken out, and the curtain that took it, in one frame.

    `middle_lps` `(1, 3)` is the middle of the face, mm: what a detector frames far from it is no face of this head, as
    the end of a neck. None where that is not known, and all counts.
    """

    view: View
    curtain: Curtain
    middle_lps: Points | None = field(repr=False, default=None)

    def shown(self, cuts: _Cuts, numbers: Numbers) -> _Cuts:
        """The thresholds, of those inside tissue, at which some of what was taken out was seen."""
        even, smooth = self.view.even, self.view.smooth
        return replace(
            cuts,
            within=tuple(one for one in cuts.within if self._is_shown(first_hits(even, one), numbers)),
            values=tuple(one for one in cuts.values if self._is_shown(first_hits(smooth, one), numbers)),
        )

    def _is_shown(self, surface: Depth, numbers: Numbers) -> bool:
        inside = self.curtain.is_inside
        return bool(np.mean((surface <= self.curtain.back)[inside]) >= numbers.least_shown_share)


def attacked(
    views: Iterable[View],
    judge: FaceJudge,
    resampler: Resampler,
    numbers: Numbers,
    *,
    is_quick: bool = False,
    was: Was | None = None,
    null_from: float | None = None,
    asks_back: bool = False,
    shares: tuple[slice, ...] = ALL,
) -> Seen:
    """What both detectors see of a head, looked at in each of some frames; it ends with the first failure.

    A view without anything in it shows nothing, nor does no view. Thresholds are those of the first view, which the
    second detector sees too; `shares` says which of them each view takes, from the first share again after the last.

    A quick attack looks from the front alone: for another time point of a scan that was attacked from all sides.
    Where it is known what the head `was`, thresholds that its skin did not reach count as inside tissue, and those that
    never showed its face not at all: a PET shows its brain alone there, whose folds look like this and that.

    `null_from` is what backs of heads show inside tissue anyway. Where the front shows more there and one `asks_back`
    the back of this head is looked at, too, and counts if it shows more. Without `null_from` nothing inside tissue
    passes that would not at the skin.
    """
    poses, aside = ([(0.0, 0.0)], []) if is_quick else _sides(numbers)
    middle = None if was is None else was.middle_lps
    seen, cuts = Seen(), None
    for view, share in zip(views, cycle(shares), strict=False):
        is_first, cuts = cuts is None, cuts if cuts is not None else _cuts(view, numbers, was)
        camera = _Camera(view, cuts.part(share), judge, resampler, numbers, poses, aside, middle)
        seen = seen.and_also(camera.looked(null_from, asks_back=asks_back))
        if is_first and seen.is_clear(numbers):
            seen = replace(seen, network=judge.network(picture_of(view.even, SKIN)))
        if not seen.is_clear(numbers):
            break
    return seen


def _cuts(view: View, numbers: Numbers, was: Was | None) -> _Cuts:
    deep = () if was is None else deep_levels(was.view, numbers)
    skin = tuple(level for level in numbers.attack_levels if level not in deep)
    cuts = _Cuts(skin, deep, _bright(view, numbers))
    return cuts if was is None else was.shown(cuts, numbers)


@dataclass(frozen=True, slots=True)
class _Camera:
    """What is looked at in one frame, and with what; `aside` are poses for the skin alone, `middle_lps` as in `Was`."""

    view: View
    cuts: _Cuts
    judge: FaceJudge
    resampler: Resampler
    numbers: Numbers
    poses: Sequence[Pose]
    aside: Sequence[Pose]
    middle_lps: Points | None

    def looked(self, null_from: float | None, *, asks_back: bool) -> Seen:
        """What the first detector sees; it ends with the first failure. The rest is as in `attacked`."""
        numbers, poses = self.numbers, [*self.poses, *self.aside]
        at_skin = self._scores(self.view.even, self.cuts.skin, poses, most_off=numbers.most_off_skin)
        skin = list(_until(numbers.clean_score, at_skin))
        best = max((score for score, _ in skin), default=_NOTHING)
        hits = sum(score > numbers.face_score for score, _ in skin)
        beside = sum(is_beside for _, is_beside in skin)
        if best > numbers.clean_score:
            return Seen(best=best, hits=hits, looks=len(skin), beside=beside)
        null = _NOTHING if null_from is None else null_from
        enough = numbers.face_score if asks_back else max(numbers.clean_score, null)
        inside = list(_until(enough, self._inside(facing=0.0)))
        bright = max((score for score, _ in inside), default=_NOTHING)
        if asks_back and bright > null:
            null = max(null, *(score for score, _ in self._inside(facing=_HALF_TURN)))
        # Inside tissue, what the back of the head shows as well is no face.
        hits += sum(score > max(numbers.face_score, null) for score, _ in inside)
        beside += sum(is_beside for _, is_beside in inside)
        return Seen(best, bright, null, hits, len(skin) + len(inside), beside=beside)

    def _inside(self, *, facing: float) -> Iterator[tuple[float, bool]]:
        most_off, air = self.numbers.most_off_inside, self.view.levels.air
        poses = [(facing + yaw, pitch) for yaw, pitch in self.poses]
        yield from self._scores(self.view.even, self.cuts.within, poses, most_off=most_off)
        yield from self._scores(self.view.smooth, self.cuts.values, poses, most_off=most_off, around=air)

    def _scores(
        self,
        values: Field,
        thresholds: tuple[float, ...],
        poses: Sequence[Pose],
        *,
        most_off: float,
        around: float = 0.0,
    ) -> Iterator[tuple[float, bool]]:
        """For each render the best score of a face where it may be, and whether there is one beside it."""
        for side in sides_of(values, poses, thresholds, self.resampler, around=around):
            found = self.judge.seen(side.picture, least=self.numbers.strange_score)
            scores: dict[bool, float] = {True: _NOTHING, False: _NOTHING}
            for one in found:
                is_there = self._may_be_it(one.box, side, most_off)
                scores[is_there] = max(scores[is_there], one.score)
            yield scores[True], scores[True] <= self.numbers.face_score < scores[False]

    def _may_be_it(self, box: Box, side: Side, most_off: float) -> bool:
        """Whether a box is off the middle of the face by so much of its sides at the most, or that is not known."""
        if self.middle_lps is None:
            return True
        frame = turned_frame(self.view.frame, yaw_deg=side.yaw_deg, pitch_deg=side.pitch_deg)
        x, _, z = frame.voxels_of(self.middle_lps)[0]
        column, row = x * pixels_per_voxel(), (frame.shape[0] - 1 - z) * pixels_per_voxel()
        across = (column - (box.left + box.right) / 2) / box.width
        down = (row - (box.top + box.bottom) / 2) / box.height
        return bool(max(abs(across), abs(down)) <= most_off)


def _until(limit: float, scores: Iterator[tuple[float, bool]]) -> Iterator[tuple[float, bool]]:
    """The scores up to the first beyond a limit: one is enough to fail."""
    for score, is_beside in scores:
        yield score, is_beside
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
    return tuple(level for level, by in apart if 1 - np.mean(by * step <= numbers.deep_mm) >= numbers.least_deep_share)


def _sides(numbers: Numbers) -> tuple[list[Pose], list[Pose]]:
    """From where everything is looked at, and from where the skin alone."""
    return _poses(numbers.attack_yaws_deg, numbers), _poses(numbers.attack_aside_deg, numbers)


def _poses(yaws: Iterable[float], numbers: Numbers) -> list[Pose]:
    """Some yaws with all pitches, those that show most first: the front, from above and below.

    Those of one yaw follow each other.
    """
    poses = product(yaws, numbers.attack_pitches_deg)
    return sorted(poses, key=lambda pose: (abs(pose[0]), pose[0], -abs(pose[1]), pose[1]))
