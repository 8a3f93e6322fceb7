"""Which part of a head's front has to go: around the landmarks of a face, or all of it.

The law: where a face was not clearly seen the window is larger, never smaller; how deep it may reach is bounded by
where the brain may lie.

Sources: anthropometry of adults (vertex to pupils about 115 mm, to the top of the brow 95, to the chin 225, head
breadth 150 and length 190), which scale with the size of the head; iBUG 300-W (the 68 points).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.find import Sight
from curator.deid.faces.render import Depth
from curator.deid.faces.surface import lengths, spread
from curator.deid.faces.view import View
from curator.deid.faces.zone import Window
from curator.imaging.frame import Frame
from curator.policy.faces.defacing import Numbers
from curator.ports.faces import Points

_JAW, _BROWS, _CHIN, _MIDLINE, _EYES = slice(0, 17), slice(17, 27), slice(6, 11), (27, 30, 33, 51, 57), slice(36, 48)
_BREADTH_MM, _LENGTH_MM, _TO_EYES_MM, _TO_BROW_MM, _TO_CHIN_MM = 150.0, 190.0, 115.0, 95.0, 225.0
_LEAST_HALF_MM = 60.0
_EAR_HALF_MM = (42.0, 48.0)
# Seen from the side, the ear lies a little behind the middle of the head, below the eyes.
_EAR_BACK_MM, _EAR_DOWN_MM = 8.0, 12.0
# No eye lies farther below the top of what is seen: the largest heads are 1.15 times as large, and hair stands out.
_MOST_TO_EYES_MM = 150.0
# A top that close to the edge of the view is cut off.
_EDGE_MM = 4.0
# Sockets lie so far beside the middle, and the ridge of the brow so far above them at most; both stand out this much.
_SOCKET_MM, _TO_RIDGE_MM = (15.0, 45.0), 35.0
_LEAST_SOCKET_MM, _LEAST_RIDGE_MM = 1.5, 2.0
_SHAPE_MM, _ROW_BLUR_MM, _SOCKET_ROOM_MM = 16.0, 2.0, 6.0


def landmark_points(sight: Sight) -> Points:
    """The landmarks as patient points `(68, 3)` on a plane across the camera's way of looking, mm."""
    across = np.zeros((len(sight.landmarks), 3))
    across[:, 0], across[:, 2] = sight.landmarks[:, 0], sight.landmarks[:, 1]
    return sight.frame.points_of(across)


def face_window(points_lps: Points, view: View, numbers: Numbers) -> Window:
    """The window around a face whose landmarks are known; the view's camera looks at it."""
    voxels, step = view.frame.voxels_of(points_lps), view.frame.step_mm
    x, z = voxels[:, 0], voxels[:, 2]
    brow, chin, eye = float(z[_BROWS].max()), float(z[_CHIN].min()), float(z[_EYES].mean())
    top, bottom = brow + numbers.brow_margin_mm / step, chin - numbers.chin_margin_mm / step
    jaw = max(float(np.ptp(x[_JAW])) / 2, _LEAST_HALF_MM / step)
    return Window(
        x=float(x[list(_MIDLINE)].mean()),
        z=(top + bottom) / 2,
        half_x=min(jaw + numbers.side_margin_mm / step, _half_breadth(view.skin, eye)),
        half_z=(top - bottom) / 2,
        eye_z=eye,
        brow_z=brow,
    )


def front_window(view: View, numbers: Numbers, face: Window | None = None) -> Window:
    """The window over the whole front of a head, from above the brow down; `face` is where its face is, if it is known.

    Where the top of the head is cut off, all that is seen is taken, and as little deep as over the brain.
    """
    step, skin = view.frame.step_mm, view.skin
    rows = np.flatnonzero(np.isfinite(skin).any(axis=1))
    columns = np.flatnonzero(np.isfinite(skin).any(axis=0))
    if not rows.size:
        return Window(0.0, 0.0, 1.0, 1.0, 0.0, 0.0)
    top, lowest = float(rows[-1]), float(rows[0])
    eye, brow = (face.eye_z, face.brow_z) if face is not None else _levels(view, skin)
    upper = min(brow + (numbers.brow_margin_mm + numbers.ramp_mm) / step, top) if brow > lowest else top
    lower = max(lowest, brow - (_TO_CHIN_MM - _TO_BROW_MM) * 1.3 / step) if brow > lowest else lowest
    middle = face.x if face is not None else _middle(skin, eye)
    # The lower edge lies outside, so that a head cut at the mouth is taken down to its end.
    lower -= numbers.ramp_mm / step
    half = max(_half_breadth(skin, eye if brow > lowest else (top + lowest) / 2), (columns[-1] - columns[0]) / 4)
    return Window(middle, (upper + lower) / 2, half, (upper - lower) / 2, eye, brow)


def ear_window(view: View, side: View, front: Window, numbers: Numbers) -> Window:
    """The window around an ear in a view from the side; `front` is the face's window in `view`, at the same heights."""
    step, skin = side.frame.step_mm, side.skin
    level = _row_of(view.frame, side.frame, front.eye_z)
    return Window(
        x=_middle(skin, level) + _EAR_BACK_MM / step * _backward(view.frame, side.frame),
        z=level - _EAR_DOWN_MM / step,
        half_x=(_EAR_HALF_MM[0] + numbers.ramp_mm / 2) / step,
        half_z=(_EAR_HALF_MM[1] + numbers.ramp_mm / 2) / step,
        eye_z=-1.0,
        brow_z=-1.0,
        is_ear=True,
    )


def sockets_of(view: View) -> tuple[float, float] | None:
    """The heights of eyes and brow, voxels, where sockets are seen by their shape alone; None where none are."""
    return _sockets(view.skin, view.frame.step_mm)


def _levels(view: View, skin: Depth) -> tuple[float, float]:
    """The heights of eyes and brow, voxels: by the sockets, else below the top of the head; else below everything."""
    step = view.frame.step_mm
    seen = _sockets(skin, step)
    if seen is not None:
        return seen
    top = float(np.flatnonzero(np.isfinite(skin).any(axis=1))[-1])
    if top > skin.shape[0] - 1 - _EDGE_MM / step:
        return -2.0, -1.0
    cap = slice(max(0, int(top - _TO_EYES_MM / step)), int(top) + 1)
    broad, long = (float(along[cap].max()) * step for along in (np.isfinite(skin).sum(axis=1), lengths(view)))
    # A scan may be narrower than the head, and is then as long.
    scale = float(np.clip(max(broad / _BREADTH_MM, min(long / _LENGTH_MM, 1.0)), 0.6, 1.15))
    return top - _TO_EYES_MM * scale / step, top - _TO_BROW_MM * scale / step


def _sockets(skin: Depth, step: float) -> tuple[float, float] | None:
    """The heights of two sockets, as deep on both sides, and of the ridge above them; None where there are none."""
    is_hit = np.isfinite(skin)
    depth = np.where(is_hit, skin, 0).astype(np.float32)
    features = (np.where(is_hit, depth - spread(depth, is_hit, _SHAPE_MM / step), 0) * step).astype(np.float32)
    columns = np.flatnonzero(is_hit.any(axis=0))
    if not columns.size:
        return None
    middle = (columns[0] + columns[-1]) / 2
    near, far = (mm / step for mm in _SOCKET_MM)
    sides = [(middle - far, middle - near), (middle + near, middle + far)]
    rows = [ndimage.gaussian_filter1d(_mean_between(features, *side), _ROW_BLUR_MM / step) for side in sides]
    deep, high = np.minimum(*rows), np.maximum(*rows)
    reach = round(_TO_RIDGE_MM / step)
    ridge = np.array([high[z : z + reach].min() for z in range(len(high))])
    room = round(_SOCKET_ROOM_MM / step)
    is_socket = (
        (deep >= _LEAST_SOCKET_MM)
        & (ridge <= -_LEAST_RIDGE_MM)
        & (deep >= ndimage.maximum_filter1d(deep, 2 * room + 1))
    )
    # A chin cut off, a neck or a forehead that turns inwards is hollow too, but at the end of what is seen.
    is_row = np.asarray(is_hit.any(axis=1))
    is_socket &= ndimage.binary_erosion(_from_first_to_last(is_row), iterations=room)
    # So is a neck under a jaw.
    is_socket[: max(0, int(np.flatnonzero(is_row)[-1] - _MOST_TO_EYES_MM / step))] = False
    if not is_socket.any():
        return None
    eye = float(np.where(is_socket, deep - ridge, -np.inf).argmax())
    return eye, eye + (_TO_EYES_MM - _TO_BROW_MM) / step


def _from_first_to_last(is_seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All places between the first that is so and the last."""
    return np.logical_or.accumulate(is_seen) & np.logical_or.accumulate(is_seen[::-1])[::-1]


def _mean_between(features: Depth, low: float, high: float) -> NDArray[np.float32]:
    part = features[:, max(0, int(low)) : max(1, int(high))]
    return np.asarray(part.mean(axis=1), np.float32)


def _half_breadth(skin: Depth, z: float) -> float:
    """Half of the head's breadth at a height, voxels; half of everything where it has none there."""
    row = np.flatnonzero(np.isfinite(skin[int(np.clip(z, 0, skin.shape[0] - 1))]))
    return float(row[-1] - row[0]) / 2 if row.size > 1 else skin.shape[1] / 2


def _middle(skin: Depth, z: float) -> float:
    """The middle of the head at a height; that of everything where it has nothing there."""
    row = np.flatnonzero(np.isfinite(skin[int(np.clip(z, 0, skin.shape[0] - 1))]))
    row = row if row.size else np.flatnonzero(np.isfinite(skin).any(axis=0))
    return float(row[0] + row[-1]) / 2 if row.size else skin.shape[1] / 2


def _row_of(frame: Frame, other: Frame, z: float) -> float:
    """A height of one frame as a height of another that is turned about the same upward axis."""
    middle = (frame.shape[2] / 2, frame.shape[1] / 2, z)
    return float(other.voxels_of(frame.points_of(np.array([middle])))[0, 2])


def _backward(frame: Frame, side: Frame) -> float:
    """1 where x of the side's frame runs to the back of the head, else -1."""
    return float(np.sign(side.affine_lps[:3, 0] @ frame.affine_lps[:3, 1]))
