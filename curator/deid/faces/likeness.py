"""Whether what is left of a head still tells whose it was.

An attacker who has pictures of many people asks whose is most alike. The gallery holds faces of nobody (phantoms), and
lookalikes: the same head on the same scanner with the face stretched, widened, flattened or sharpened. Lookalikes share
with the original all that is no face (its outline, its slices, how it was cut off), so that only a face can decide.

The law: the attacker is given the original itself, the same camera, and where eyes, nose and mouth were.

Sources: dlib_face_recognition_resnet_model_v1; 0.6, the distance that face_recognition takes for one person, says
nothing of renders, so what counts is the rank.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.find import Sight
from curator.deid.faces.levels import Levels
from curator.deid.faces.render import Depth, shaded
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import spread
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import View, finer, view_of
from curator.deid.faces.windows import landmark_points
from curator.deid.faces.zone import Curtain
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import FaceJudge, Points
from curator.ports.pixels import Picture

# Breadth, height and depth of a lookalike's features against the original's: as far as people differ.
_BREADTHS, _HEIGHTS, _DEPTHS = (0.85, 1.0, 1.18), (0.85, 1.0, 1.18), (0.6, 1.0, 1.5)
_MOST_CHANGED = 2
_SHAPE_MM = 16.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """The distance of what is left from the original, and the original's rank among `gallery` faces (1: most alike)."""

    distance: float
    rank: int
    gallery: int

    def is_other(self, numbers: Numbers) -> bool:
        """Whether what is left is more like somebody else."""
        return self.rank >= numbers.least_rank


@dataclass(frozen=True, slots=True)
class LineUp:
    """The original and everybody it is compared with: `original` `(128,)`, `others` `(N, 128)`."""

    original: NDArray[np.float64] = field(repr=False)
    others: NDArray[np.float64] = field(repr=False)
    sight: Sight

    def likeness(self, after: Picture, judge: FaceJudge) -> Likeness:
        """How alike the original is to what `after` shows from the same place as the sight."""
        now = judge.embedding(after, self.sight.pixels)
        distance = float(np.linalg.norm(now - self.original))
        nearer = int((np.linalg.norm(self.others - now, axis=1) < distance).sum())
        return Likeness(distance, nearer + 1, len(self.others) + 1)


class LineUps:
    """Whom one scan is compared with, gathered when it is first asked for."""

    __slots__ = ("_found", "_levels", "_scan", "_sight", "_tools")

    def __init__(self, scan: Scan, levels: Levels, sight: Sight | None, tools: FaceTools) -> None:
        self._scan, self._levels, self._sight, self._tools = scan, levels, sight, tools
        self._found: LineUp | None = None

    def middle_of(self, curtain: Curtain) -> Points | None:
        """Where the middle of the face was, on the new skin, LPS mm `(1, 3)`; None without a sight of it."""
        if self._sight is None:
            return None
        x, _, z = curtain.frame.voxels_of(landmark_points(self._sight)).mean(axis=0)
        rows, columns = curtain.skin.shape
        row, column = int(np.clip(round(z), 0, rows - 1)), int(np.clip(round(x), 0, columns - 1))
        return curtain.frame.points_of(np.array([[x, curtain.skin[row, column], z]]))

    def likeness(self, after: Scan, tools: FaceTools) -> Likeness | None:
        """How alike the original is to what is left of it; None without a sight of its face."""
        if self._sight is None:
            return None
        if self._found is None:
            self._found = self._gathered(self._sight)
        skin = view_of(after, self._sight.frame, tools.resampler, levels=self._levels).skin
        return self._found.likeness(finer(shaded(skin)), tools.judge)

    def _gathered(self, sight: Sight) -> LineUp:
        """The line-up of a sight; the view that it needs is large and gone afterwards."""
        seen = view_of(self._scan, sight.frame, self._tools.resampler, levels=self._levels)
        return line_up(sight, seen, self._tools.judge, self._tools.rules.gallery)


def line_up(sight: Sight, view: View, judge: FaceJudge, gallery: NDArray[np.float64]) -> LineUp:
    """The line-up of a head: `view` is the original in its sight's frame, `gallery` `(N, 128)` are faces of nobody."""
    skin = view.skin
    pictures = lookalikes(skin, sight, step_mm=view.frame.step_mm)
    own = judge.embedding(finer(shaded(skin)), sight.pixels)
    alike = [judge.embedding(picture, sight.pixels) for picture in pictures]
    return LineUp(own, np.concatenate([gallery, np.array(alike)]), sight)


def lookalikes(skin: Depth, sight: Sight, *, step_mm: float) -> list[Picture]:
    """Renders of the same head with 18 other faces; `skin` `(Z, X)` is the original's in the frame of the sight."""
    is_hit = np.isfinite(skin)
    depth = np.where(is_hit, skin, 0).astype(np.float32)
    shape = spread(depth, is_hit, _SHAPE_MM / step_mm)
    features = np.where(is_hit, depth - shape, 0).astype(np.float32)
    middle = sight.landmarks.mean(axis=0)
    rows, columns = (axis.astype(np.float32) for axis in np.mgrid[0 : skin.shape[0], 0 : skin.shape[1]])
    found = []
    for breadth, height, deep in product(_BREADTHS, _HEIGHTS, _DEPTHS):
        if not 1 <= (breadth != 1.0) + (height != 1.0) + (deep != 1.0) <= _MOST_CHANGED:
            continue
        x = (columns - np.float32(middle[0])) / np.float32(breadth) + np.float32(middle[0])
        z = (rows - np.float32(middle[1])) / np.float32(height) + np.float32(middle[1])
        other = cv2.remap(features, x, z, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        surface = np.where(is_hit, shape + np.float32(deep) * other, np.float32(np.nan)).astype(np.float32)
        found.append(finer(shaded(surface)))
    return found
