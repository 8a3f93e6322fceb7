"""A scan as seen from in front of the head: resampled to millimetres, smoothed, its levels known.

The law: a view never changes its scan; it is made anew for whatever was written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.levels import Levels, evened, levels_of
from curator.deid.faces.render import Depth, first_hits, shaded
from curator.deid.faces.scan import Scan
from curator.imaging.frame import Frame, cropped_frame, patient_frame
from curator.model.pixels import Box
from curator.ports.faces import FaceJudge, Field, Resampler
from curator.ports.pixels import Picture

STEP_MM = 1.0
COARSE_MM = 3.0
# No head is larger, with its neck, in any direction.
HEAD_MM = 320.0
# The skin: where shares of local tissue pass these, from outside; the second leaves thin things out.
SKIN, FLESH = 0.24, 0.4
# Air that is no brighter than noise after smoothing must not count as skin.
_NOISE_MARGIN = 1.5
_BLUR_MM = 0.8
# What lies in front of the largest part of a body, and may be its scalp, has so much of that part's size and covers so
# much of it, in its shape, as a table under a face that looks down is not; all of that leaves no more than half bare.
_LEAST_PART, _LEAST_COVER, _MOST_BARE, _LEAST_ALIKE = 0.01, 0.1, 0.5, 0.9
_LEAST_SCORE = -1.5
# Faces of 64 mm and more fill the 80 pixels that the detector needs.
_FINER = 1.25


@dataclass(frozen=True)
class View:
    """A scan in a frame: `smooth` are physical values, `even` shares of the tissue around, both `(Z, Y, X)`."""

    frame: Frame
    levels: Levels
    smooth: Field = field(repr=False)
    even: Field = field(repr=False)

    @cached_property
    def skin(self) -> Depth:
        """Where the skin lies, `(Z, X)` voxels along y, NaN where there is none: the body's, without specks."""
        level = self.skin_level
        skin = first_hits(np.where(head_of(self.even > level), self.even, np.float32(0)), level)
        skin.setflags(write=False)
        return skin

    @property
    def skin_level(self) -> float:
        """Where on the scale of `even` the skin begins."""
        noise = self.levels.noise / self.levels.contrast if self.levels.contrast > 0 else 0.0
        return max(SKIN, _NOISE_MARGIN * noise)


def view_of(scan: Scan, frame: Frame, resampler: Resampler, *, levels: Levels | None = None) -> View:
    """The view of a scan in a frame; its levels are those given, else its own."""
    values = scan.seen_in(frame, resampler, outside=None if levels is None else levels.air)
    levels = levels_of(values, _is_scanned(scan, frame, resampler)) if levels is None else levels
    smooth = ndimage.gaussian_filter(values, _BLUR_MM / frame.step_mm)
    return View(frame, levels, smooth, evened(smooth, levels, step_mm=frame.step_mm))


def _is_scanned(scan: Scan, frame: Frame, resampler: Resampler) -> NDArray[np.bool_]:
    """For every second voxel of a frame along each axis, whether it lies in the volume, `(Z, Y, X)`."""
    indices = frame.indices_in(scan.volume.affine_lps) @ np.diag([2.0, 2.0, 2.0, 1.0])
    depth, rows, columns = ((length + 1) // 2 for length in frame.shape)
    everywhere = np.ones(scan.volume.shape, np.uint8)
    return np.asarray(resampler.onto(everywhere, indices, (depth, rows, columns), outside=0.0) > 0.5, np.bool_)


def picture_of(values: Field | NDArray[np.uint16], threshold: float) -> Picture:
    """A render from the front, as large as the detector needs it."""
    return finer(shaded(first_hits(values, threshold)))


def finer(picture: Picture) -> Picture:
    """A render at the size at which faces are looked for, `PIXELS_PER_MM` a millimetre."""
    zoomed = ndimage.zoom(picture, _FINER, order=1)
    return np.ascontiguousarray(zoomed, np.uint8)


def pixels_per_voxel() -> float:
    """How many pixels of `picture_of` show one voxel."""
    return _FINER


def head_frame(scan: Scan, resampler: Resampler, judge: FaceJudge) -> Frame:
    """The frame along the patient's axes, `STEP_MM` apart, that holds the head: all of a small volume.

    In a large one the head is where a face is seen from afar, else at the top of the body.
    """
    whole = patient_frame(scan.volume, step_mm=STEP_MM)
    if max(whole.shape) * STEP_MM <= HEAD_MM:
        return whole
    coarse = patient_frame(scan.volume, step_mm=COARSE_MM)
    view = view_of(scan, coarse, resampler)
    centre = _face_from_afar(view, judge)
    if centre is None:
        centre = _top_of(body_of(view.even > FLESH))
    return _cut(whole, coarse, centre)


def body_of(is_tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask; all False for an empty one."""
    labels, sizes = _parts(is_tissue)
    return np.asarray(labels == sizes.argmax(), np.bool_) if sizes.any() else is_tissue


def head_of(is_tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask `(Z, Y, X)`, and what covers it from the front; all False for an empty one.

    Above the eyes a skull that is dark in a scan leaves the brain the largest, and the scalp in front of it by itself.
    """
    labels, sizes = _parts(is_tissue)
    if not sizes.any():
        return is_tissue
    largest = int(sizes.argmax())
    body = np.asarray(labels == largest)
    first, scalp = _first(body), body.copy()
    is_seen = first < body.shape[1]
    covered = np.zeros_like(is_seen)
    for part in np.flatnonzero(sizes >= _LEAST_PART * sizes[largest]):
        is_part = np.asarray(labels == part)
        at = _first(is_part)
        is_before = at < first
        if is_before[is_seen].mean() >= _LEAST_COVER and _is_alike(at[is_before & is_seen], first[is_before & is_seen]):
            covered |= is_before
            scalp |= is_part
    return scalp if covered[is_seen].mean() >= _MOST_BARE else body


def _parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The number of the connected part of a mask that each place belongs to, and the parts' sizes; none for 0."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=1)
    sizes[0] = 0
    return np.asarray(labels, np.int32), sizes


def _is_alike(one: NDArray[np.intp], other: NDArray[np.intp]) -> bool:
    """Whether two surfaces `(N,)` are of one shape; what is flat is like none."""
    return min(one.std(), other.std()) > 0 and float(np.corrcoef(one, other)[0, 1]) >= _LEAST_ALIKE


def _first(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first place along y of a mask `(Z, Y, X)` that is so, `(Z, X)`; its length where none is."""
    return np.asarray(np.where(mask.any(axis=1), mask.argmax(axis=1), mask.shape[1]), np.intp)


def _face_from_afar(view: View, judge: FaceJudge) -> tuple[float, float, float] | None:
    """The voxel `(z, y, x)` at the middle of the clearest face in a coarse view; None where none is seen."""
    depth = first_hits(view.even, SKIN)
    picture = np.ascontiguousarray(ndimage.zoom(shaded(depth), COARSE_MM, order=1), np.uint8)
    seen = judge.seen(picture, least=0.0)
    if not seen:
        return None
    box = seen[0].box
    x = (box.left + box.right) / 2 / COARSE_MM
    z = depth.shape[0] - 1 - (box.top + box.bottom) / 2 / COARSE_MM
    around = depth[max(0, int(z) - 10) : int(z) + 10, max(0, int(x) - 10) : int(x) + 10]
    y = float(np.nanmedian(around)) if np.isfinite(around).any() else view.frame.shape[1] / 2
    # The face is the front of the head, and lies below its middle.
    return z + 20.0 / COARSE_MM, y + 90.0 / COARSE_MM, x


def _top_of(body: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The voxel `(z, y, x)` half a head below the top of a body; the middle where there is none."""
    levels = np.flatnonzero(body.any(axis=(1, 2)))
    if not levels.size:
        z, y, x = body.shape
        return z / 2, y / 2, x / 2
    top = int(levels[-1])
    cap = body[max(0, top - int(200 / COARSE_MM)) : top + 1]
    _, y, x = (float(values.mean()) for values in np.nonzero(cap))
    return top - 130.0 / COARSE_MM, y, x


def _cut(whole: Frame, coarse: Frame, centre_zyx: tuple[float, float, float]) -> Frame:
    """The part of `whole`, no larger than a head, around a voxel of `coarse`."""
    point = coarse.points_of(np.array([centre_zyx[::-1]], np.float64))
    middle = whole.voxels_of(point)[0][::-1]
    side = int(HEAD_MM / STEP_MM)
    start, shape = [], []
    for length, at in zip(whole.shape, middle, strict=True):
        first = min(max(0, round(at) - side // 2), max(0, length - side))
        start.append(first)
        shape.append(min(side, length - first))
    return cropped_frame(whole, (start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))


def box_in_voxels(box: Box, shape: tuple[int, int, int]) -> tuple[float, float, float, float]:
    """A box of a picture as `(low z, high z, low x, high x)` in voxels of its view with `(Z, Y, X)`."""
    rows = shape[0] - 1
    return rows - box.bottom / _FINER, rows - box.top / _FINER, box.left / _FINER, box.right / _FINER
