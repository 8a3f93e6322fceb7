"""Whether a scan shows a face: seen, or shown by its geometry to have none, or neither.

The law: a scan counts as faceless only with a proof, and what the header says of the body part is a hint that never
decides alone; whatever is left over is doubtful.

Sources: DICOM PS3.15 E.3.2; anthropometry (a head is 130 to 180 mm broad and 160 to 220 long).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.find import Sight, clearest_sight, strangest_score
from curator.deid.faces.render import first_hits
from curator.deid.faces.scan import Scan
from curator.deid.faces.view import FLESH, SKIN, View, body_of, head_of
from curator.imaging.frame import Frame
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, Resampler

# A face that looks out of another side, or out of a brain, has to be this clear, for many are tried.
_CLEARLY = 0.5
# From the surface inwards, mm: where a skull lies in a head (nearer thick slices mix with air), where all is brain.
_SKULL_MM, _BRAIN_MM = (4.0, 14.0), (18.0, 30.0)
# Of a brain alone, no layer differs so much from its inside.
_LAYER = (0.75, 1.35)
# Height, length and breadth of the largest brains, and the length that the rule's number stands for.
_BRAIN_EXTENTS_MM, _BRAIN_LENGTH_MM = (160.0, 200.0, 165.0), 200.0
_HEAD_BREADTH_MM, _HEAD_LENGTH_MM = (95.0, 205.0), (120.0, 250.0)
_LEAST_HEIGHT_MM = 60.0
_HEAD_FILL = 0.6
_BORDER = 2


class Finding(StrEnum):
    """What a scan shows."""

    FACE = "face"
    HEAD = "head"
    NONE = "none"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Whether:
    """What a scan shows and why, in structural words; `sight` is the clearest sight of a face, None where none was."""

    finding: Finding
    why: str
    sight: Sight | None = field(repr=False, default=None)

    @property
    def score(self) -> float:
        """The detector's best; very low for nothing."""
        return self.sight.score if self.sight is not None else -9.0


def faceless(scan: Scan, view: View, numbers: Numbers) -> str | None:
    """The proof that a scan has no skin of a face, without looking for one; None where there is none."""
    if not view.levels.contrast > 0:
        return "all voxels are alike"
    if _visible_skin_cm2(view) < numbers.least_skin_cm2:
        return "no skin surface in the field of view"
    return None


def whether(scan: Scan, view: View, judge: FaceJudge, resampler: Resampler, numbers: Numbers) -> Whether:
    """What a scan shows that was not proven faceless already."""
    sight = clearest_sight(view, judge, resampler, numbers)
    score = sight.score if sight is not None else numbers.strange_score
    # Folds of a brain may be taken for a face, but not for a clear one.
    if score <= _CLEARLY and is_brain_alone(scan, view, numbers):
        return Whether(Finding.NONE, "no skin surface outside the brain", sight)
    if score > numbers.face_score:
        return Whether(Finding.FACE, "a face is seen", sight)
    strange = strangest_score(view, judge)
    if strange > _CLEARLY:
        return Whether(Finding.DOUBTFUL, "a face looks out of a side that the orientation does not name", sight)
    body = body_of(view.even > FLESH)
    if score <= numbers.clean_score and strange <= numbers.face_score:
        if _is_trunk(body, view.frame, numbers):
            return Whether(Finding.NONE, "wider than a head at every level, and no face from any side", sight)
        if scan.names_head is False:
            return Whether(Finding.NONE, "no face from any side, and the header names another part", sight)
    if scan.names_head:
        return Whether(Finding.HEAD, "a head by its header, its face not clearly seen", sight)
    if _is_head_like(body, view.frame):
        return Whether(Finding.HEAD, "a head by its shape, its face not clearly seen", sight)
    return Whether(Finding.DOUBTFUL, "neither a face nor a proof that there is none", sight)


def _visible_skin_cm2(view: View) -> float:
    """How much skin lies behind air, seen from the front and both sides: the most of the three."""
    areas = []
    for values in (view.even, view.even.transpose(0, 2, 1), view.even[:, :, ::-1].transpose(0, 2, 1)):
        depth = first_hits(values, SKIN)
        areas.append(int((depth > _BORDER).sum()))
    return max(areas) * view.frame.step_mm**2 / 100.0


def is_brain_alone(scan: Scan, view: View, numbers: Numbers) -> bool:
    """Whether something was cut out of a volume of one value, is as large as a brain, and has no skull around it."""
    stored = scan.volume.stored
    sample = stored[:: max(1, stored.shape[0] // 64), ::2, ::2]
    background, count = _commonest(sample)
    if count / sample.size < numbers.least_constant_share:
        return False
    brain = head_of(ndimage.binary_closing(view.even > SKIN, iterations=2))
    if not brain.any():
        return False
    step = view.frame.step_mm
    extents = [np.ptp(np.flatnonzero(brain.any(axis=axes))) * step for axes in ((1, 2), (0, 2), (0, 1))]
    scale = numbers.largest_brain_mm / _BRAIN_LENGTH_MM
    if any(extent > scale * most for extent, most in zip(extents, _BRAIN_EXTENTS_MM, strict=True)):
        return False
    slope, intercept = scan.scale(slice(0, 1))
    lowest = float(background * slope[0, 0, 0] + intercept[0, 0, 0])
    return lowest <= view.levels.air + 1e-3 * view.levels.contrast and not _has_skull(brain, view)


def _commonest(sample: NDArray[np.generic]) -> tuple[float, int]:
    values, counts = np.unique(sample, return_counts=True)
    most = int(counts.argmax())
    return float(values[most]), int(counts[most])


def _has_skull(brain: NDArray[np.bool_], view: View) -> bool:
    """Whether some layer under the surface is much darker or brighter than what lies deeper: a skull, or a scalp."""
    filled = ndimage.binary_fill_holes(brain)
    inward = ndimage.distance_transform_edt(filled) * view.frame.step_mm
    deep = view.smooth[(inward > _BRAIN_MM[0]) & (inward < _BRAIN_MM[1])] - view.levels.air
    if deep.size < 1000:
        return True
    inside, bright = (max(float(value), 1e-6) for value in np.percentile(deep, (50, 90)))
    for depth in np.arange(*_SKULL_MM, 1.0):
        layer = view.smooth[(inward >= depth) & (inward < depth + 1.0)] - view.levels.air
        if not layer.size:
            return True
        middle, high = (float(value) for value in np.percentile(layer, (50, 90)))
        if not _LAYER[0] <= middle / inside <= _LAYER[1] or high / bright > _LAYER[1]:
            return True
    return False


def _is_trunk(body: NDArray[np.bool_], frame: Frame, numbers: Numbers) -> bool:
    """Whether a body is wider than any head at every level that it has."""
    levels = np.flatnonzero(body.any(axis=(1, 2)))
    if not levels.size:
        return False
    widths = body[levels].any(axis=1).sum(axis=1) * frame.step_mm
    return bool(widths.min() >= numbers.trunk_width_mm)


def _is_head_like(body: NDArray[np.bool_], frame: Frame) -> bool:
    """Whether the upper part of a body is as broad, long and full as a head."""
    levels = np.flatnonzero(body.any(axis=(1, 2)))
    if levels.size * frame.step_mm < _LEAST_HEIGHT_MM:
        return False
    below = int(max(levels[0], levels[-1] - 110 / frame.step_mm))
    widest = max(range(below, int(levels[-1]) + 1), key=lambda z: int(body[z].sum()))
    plane = body[widest]
    breadth = np.ptp(np.flatnonzero(plane.any(axis=0))) * frame.step_mm
    length = np.ptp(np.flatnonzero(plane.any(axis=1))) * frame.step_mm
    fill = float(ndimage.binary_fill_holes(plane).sum()) * frame.step_mm**2 / max(breadth * length, 1.0)
    is_broad = _HEAD_BREADTH_MM[0] <= breadth <= _HEAD_BREADTH_MM[1]
    is_long = _HEAD_LENGTH_MM[0] <= length <= _HEAD_LENGTH_MM[1] and length > breadth
    return bool(is_broad and is_long and fill >= _HEAD_FILL)
