"""Renders of heads made otherwise than curator makes its own, and what dlib's detector sees in them.

Surface points with the gradient's direction as their normal are splatted onto an orthographic camera's pixels, the
nearest last. curator casts rays through a resampled block and shades by the slope of the depth; nothing of that is used
here, nor its levels, views or scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import product

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PIXEL_MM = 0.75
_STEP_MM = 1.0
_YAWS, _PITCHES = (-45, -30, -15, 0, 15, 30, 45), (-20, 0, 20)
_QUICK_YAWS, _QUICK_PITCHES = (-25, 0, 25), (-10, 10)
# Of what is brighter than Otsu's threshold: skin first, bone and fat last.
_PERCENTILES = (2, 15, 40, 75, 93)
_NOTHING = -2.0
_LOWEST = -1.5
# A face is where a detector's box has it if its middle lies in so much of the box (of boxes around faces before
# defacing 0.8 holds all); so far around it is its surface.
_INNER, _NEAR_MM = 0.9, 3.0
_HALF = 0.5
# A PET's blur shows the edge of a brain 4 to 6 mm outside it; a child's skin lies 12 mm outside and farther.
_BLUR_MM = {"PT": 6.0}
# Black pixels around a head.
_RIM = 8
Corners = tuple[int, int, int, int]


class Kind(Enum):
    """What a detector's box frames: the place of the face, another, or brain, which is none."""

    FACE, BESIDE, BRAIN = range(3)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the detector made of a head: `best` of `looks` renders, seen from `at` (yaw, pitch, threshold's number).

    `null` is the best score of the same head from behind, out of as many looks, of which `null_hits` had a face; and
    `beside` is how many renders have a face somewhere else than where this head's face is, and `brain` how many in a
    box of more than half brain: a threshold above all skin shows nothing else, with the hollows of its orbits.
    """

    best: float
    hits: int
    looks: int
    at: tuple[int, int, int]
    null: float
    null_hits: int
    beside: int = 0
    brain: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture, the turn of its camera `(3, 3)`, and where its first pixel lies on the camera's plane, mm.

    `nearest` says which point each pixel shows, -1 for none.
    """

    picture: NDArray[np.uint8]
    turn: NDArray[np.float64]
    nearest: NDArray[np.intp]
    left_mm: float = 0.0
    top_mm: float = 0.0

    def shows_in(self, place_lps: NDArray[np.float64], box: Corners) -> bool:
        """Whether a place of the patient lies in the inner part of a box `(left, top, right, bottom)`, pixels."""
        x, _, z = self.turn @ place_lps
        column, row = (x - self.left_mm) / PIXEL_MM, (self.top_mm - z) / PIXEL_MM
        left, top, right, bottom = box
        across, down = (column - left) / (right - left) - 0.5, (row - top) / (bottom - top) - 0.5
        return max(abs(across), abs(down)) <= _INNER / 2

    def share_of(self, is_such: NDArray[np.bool_], box: Corners) -> float:
        """How much of what is seen in a box are points `(N,)` of some kind; 0 where nothing is."""
        left, top, right, bottom = box
        shown = self.nearest[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        shown = shown[shown >= 0]
        return float(is_such[shown].mean()) if shown.size else 0.0


def looked_at(
    values: NDArray[np.float32],
    affine_lps: NDArray[np.float64],
    *,
    face_lps: NDArray[np.float64] | None = None,
    brain: NDArray[np.bool_] | None = None,
    is_quick: bool = False,
) -> Looked:
    """What is seen of physical values `(Z, Y, X)` from all sides at all thresholds.

    `face_lps` is where the middle of the face is, mm; None counts whatever looks like one. `brain` `(Z, Y, X)` is what
    is none, where it is known.
    """
    block, low_mm = _upright(values, affine_lps)
    is_brain = _upright_mask(brain, affine_lps)
    levels = thresholds(block)
    yaws, pitches = (_QUICK_YAWS, _QUICK_PITCHES) if is_quick else (_YAWS, _PITCHES)
    best, at, hits, looks, beside, brains = _NOTHING, (0, 0, 0), 0, 0, 0, 0
    behind: list[float] = []
    for number, level in enumerate(levels):
        points, normals = surface_points(block, level, low_mm)
        of_brain = _of(is_brain, points - low_mm)
        for yaw, pitch in product(yaws, pitches):
            scores = _best_of_each_kind(rendered(points, normals, yaw_deg=yaw, pitch_deg=pitch), face_lps, of_brain)
            score = scores[Kind.FACE]
            looks += 1
            hits += score > 0
            beside += score <= 0 < scores[Kind.BESIDE]
            brains += score <= 0 < scores[Kind.BRAIN]
            if score > best:
                best, at = score, (yaw, pitch, number)
            back = rendered(points, normals, yaw_deg=180 + yaw, pitch_deg=pitch)
            behind.append(_best_of_each_kind(back, face_lps, of_brain)[Kind.FACE])
    null, null_hits = max(behind, default=_NOTHING), sum(score > 0 for score in behind)
    return Looked(best, hits, looks, at, null, null_hits, beside, brains)


def look(
    values: NDArray[np.float32],
    affine_lps: NDArray[np.float64],
    *,
    face_lps: NDArray[np.float64],
    at: tuple[int, int, int],
    brain: NDArray[np.bool_] | None = None,
) -> tuple[Rendered, Corners | None]:
    """One look of those (yaw, pitch, threshold's number), and the clearest face where the face is; None for none."""
    block, low_mm = _upright(values, affine_lps)
    yaw, pitch, number = at
    points, normals = surface_points(block, thresholds(block)[number], low_mm)
    seen = rendered(points, normals, yaw_deg=yaw, pitch_deg=pitch)
    found = _kinds(seen, face_lps, _of(_upright_mask(brain, affine_lps), points - low_mm))
    faces = [(score, box) for score, box, kind in found if kind is Kind.FACE and score > 0]
    return seen, max(faces)[1] if faces else None


def _kinds(
    seen: Rendered, face_lps: NDArray[np.float64] | None, of_brain: NDArray[np.bool_]
) -> list[tuple[float, Corners, Kind]]:
    """What may be a face, its score, its box and what it frames; `of_brain` says which points are brain."""
    found = []
    for score, box in faces_in(seen.picture):
        is_there = face_lps is None or seen.shows_in(face_lps, box)
        is_brain = seen.share_of(of_brain, box) > _HALF
        found.append((score, box, Kind.BRAIN if is_brain else Kind.FACE if is_there else Kind.BESIDE))
    return found


def _best_of_each_kind(
    seen: Rendered, face_lps: NDArray[np.float64] | None, of_brain: NDArray[np.bool_]
) -> dict[Kind, float]:
    found = _kinds(seen, face_lps, of_brain)
    return {kind: max((score for score, _, of in found if of is kind), default=_NOTHING) for kind in Kind}


def brain_as_seen(brain: NDArray[np.bool_], spacing_mm: Sequence[float], modality: str) -> NDArray[np.bool_]:
    """A brain `(Z, Y, X)` as far as a scanner of that modality blurs it; an empty one stays empty."""
    blur_mm = _BLUR_MM.get(modality, 0.0)
    if not blur_mm or not brain.any():
        return brain
    return np.asarray(ndimage.distance_transform_edt(~brain, sampling=spacing_mm) <= blur_mm, np.bool_)


def _upright_mask(mask: NDArray[np.bool_] | None, affine_lps: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    return None if mask is None else _upright(mask.astype(np.float32), affine_lps)[0] > _HALF


def _of(block: NDArray[np.bool_] | None, places_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What a mask has at places `(N, 3)`; False everywhere without one."""
    return np.zeros(len(places_mm), np.bool_) if block is None else _at(block, places_mm)


def _at(block: NDArray[np.bool_], places_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What a block `(Z, Y, X)` has at places `(N, 3)` x, y and z from its first voxel, mm."""
    x, y, z = np.clip(np.rint(places_mm / _STEP_MM).astype(np.intp), 0, np.array(block.shape[::-1]) - 1).T
    return block[z, y, x]


def face_of(values: NDArray[np.float32], affine_lps: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Where the middle of the clearest face is, LPS mm `(3,)`; None where none is seen from the front."""
    block, low_mm = _upright(values, affine_lps)
    best, place = 0.0, None
    for level in thresholds(block):
        points, normals = surface_points(block, level, low_mm)
        for yaw, pitch in product(_QUICK_YAWS, (-10, 0, 10)):
            seen = rendered(points, normals, yaw_deg=yaw, pitch_deg=pitch)
            for score, (left, top, right, bottom) in faces_in(seen.picture):
                if score <= best:
                    continue
                middle = (seen.left_mm + (left + right) / 2 * PIXEL_MM, seen.top_mm - (top + bottom) / 2 * PIXEL_MM)
                turned = points @ seen.turn.T
                near = np.hypot(turned[:, 0] - middle[0], turned[:, 2] - middle[1]) < _NEAR_MM
                if near.any():
                    best, place = score, np.array([middle[0], turned[near, 1].min(), middle[1]]) @ seen.turn
    return place


def thresholds(block: NDArray[np.float32]) -> list[float]:
    """Half way from air to Otsu's threshold, that threshold, and percentiles of what is brighter."""
    low, high = np.percentile(block[::2, ::2, ::2], (0.5, 99.5))
    if not high > low:
        return []
    scaled = np.clip((block[::2, ::2, ::2] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    share, _ = cv2.threshold(scaled.reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    otsu = low + (high - low) * (share + 0.5) / 255
    air = float(np.median(block[block < otsu]))
    bright = block[::2, ::2, ::2][block[::2, ::2, ::2] > otsu]
    found = [(air + otsu) / 2, otsu, *np.percentile(bright, _PERCENTILES)]
    return sorted(float(one) for one in found)


def surface_points(
    block: NDArray[np.float32], level: float, low_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a block `(Z, Y, X)` passes a level, LPS mm `(N, 3)`, and the way out there, unit vectors `(N, 3)`."""
    padded = np.pad(block, 1, constant_values=block.min())
    inside = padded > level
    centre = (slice(1, -1),) * 3
    is_edge = np.zeros(block.shape, np.bool_)
    for axis in range(3):
        for step in (-1, 1):
            is_edge |= ~np.roll(inside, step, axis)[centre]
    is_edge &= inside[centre]
    z, y, x = (one + 1 for one in np.nonzero(is_edge))
    gradient = np.stack(
        [padded[z, y, x + 1] - padded[z, y, x - 1], padded[z, y + 1, x] - padded[z, y - 1, x],
         padded[z + 1, y, x] - padded[z - 1, y, x]], axis=1,
    ) / 2.0  # fmt: skip
    length = np.maximum(np.linalg.norm(gradient, axis=1), 1e-6)
    outwards = -gradient / length[:, None]
    moved = np.clip((padded[z, y, x] - level) / length, 0.0, 1.0)
    voxels = np.stack([x - 1, y - 1, z - 1], axis=1) + outwards * moved[:, None]
    return voxels * _STEP_MM + low_mm, outwards


def rendered(
    points: NDArray[np.float64], normals: NDArray[np.float64], *, yaw_deg: float, pitch_deg: float
) -> Rendered:
    """What a camera sees of points from the front after the head turned; black where there is nothing."""
    yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn = about_x @ about_z
    facing = -(normals @ turn[1])
    is_seen = facing > 0.02
    if not is_seen.any():
        return Rendered(np.zeros((100, 100), np.uint8), turn, np.full((100, 100), -1))
    turned, shade, numbers = points[is_seen] @ turn.T, facing[is_seen], np.flatnonzero(is_seen)
    order = np.argsort(-turned[:, 1])
    turned, shade, numbers = turned[order], (35 + 215 * shade[order]).astype(np.uint8), numbers[order]
    left_mm, top_mm = turned[:, 0].min() - _RIM * PIXEL_MM, turned[:, 2].max() + _RIM * PIXEL_MM
    column, row = (turned[:, 0] - left_mm) / PIXEL_MM, (top_mm - turned[:, 2]) / PIXEL_MM
    picture = np.zeros((int(row.max()) + _RIM + 4, int(column.max()) + _RIM + 4), np.uint8)
    left, top = np.floor(column - 0.5).astype(np.intp), np.floor(row - 0.5).astype(np.intp)
    rows = top[:, None] + np.array([0, 0, 1, 1])
    columns = left[:, None] + np.array([0, 1, 0, 1])
    nearest = np.full(picture.shape, -1)
    picture[rows.ravel(), columns.ravel()] = np.repeat(shade, 4)
    nearest[rows.ravel(), columns.ravel()] = np.repeat(numbers, 4)
    closed = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    filled = np.where(picture == 0, closed, picture)
    return Rendered(np.ascontiguousarray(cv2.GaussianBlur(filled, (0, 0), 0.7)), turn, nearest, left_mm, top_mm)


def faces_in(picture: NDArray[np.uint8]) -> list[tuple[float, Corners]]:
    """What may be a face, with the detector's score, and where: `(left, top, right, bottom)`, pixels."""
    boxes, scores, _ = _detector().run(picture, 0, _LOWEST)
    return [
        (float(score), (box.left(), box.top(), box.right() + 1, box.bottom() + 1))
        for score, box in zip(scores, boxes, strict=True)
    ]


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


def _upright(
    values: NDArray[np.float32], affine_lps: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The values along the patient's axes, `_STEP_MM` apart, and where the first voxel lies."""
    ends = np.array(list(product(*((0, length - 1) for length in values.shape[::-1]))))
    corners = ends @ affine_lps[:3, :3].T + affine_lps[:3, 3]
    low, high = corners.min(axis=0), corners.max(axis=0)
    shape = tuple(int(length / _STEP_MM) + 1 for length in (high - low)[::-1])
    back = np.linalg.inv(affine_lps)
    flip = np.eye(3)[::-1]
    block = ndimage.affine_transform(
        values, flip @ (back[:3, :3] * _STEP_MM) @ flip, flip @ (back[:3, :3] @ low + back[:3, 3]),
        shape, np.float32, order=1, cval=float(values.min()),
    )  # fmt: skip
    return ndimage.gaussian_filter(block, 0.7), low
