"""Where a scan ends: rays of a camera that meet no skin but what was cut through.

The law: what may be a brain that lies open is no skin, whatever it looks like; where it cannot be told, it is open.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from curator.deid.faces.view import View
from curator.deid.faces.zone import Map, Mask, Window
from curator.model.volume import Affine, Volume

# An end of a scan whose outward direction has so much upwards, or aside, is its upper end, or a side; so much to the
# front, and a camera looks at it.
_UPRIGHT, _FACING = 0.5, 0.1
# What a camera sees of an end that faces it less falls back by more than this for each step down.
_FALLS = 4.0
# A slit or a hole in it up to twice so wide is cut open too: as wide as a skull, which is dark in many scans.
_SLIT_MM = 5.0
# No more than this much of scalp and skull lies before a brain.
_SKULL_MM = 12.0
# Skin that lies so far behind the skin above it is none.
_GAP_MM = 15.0
CREASE_MM = 1.0
"""Old skin in a crease goes even there, and this much more than what half a voxel reaches."""


def reach_of(affine_lps: Affine, view: View) -> tuple[float, float, float]:
    """How far a voxel of a volume that lies by an affine reaches from its middle along x, y and z of a view, mm."""
    axes = view.frame.affine_lps[:3, :3] / view.frame.step_mm
    x, y, z = np.abs(axes.T @ affine_lps[:3, :3]).sum(axis=1) / 2
    return float(x), float(y), float(z)


def rays_of(reach_mm: tuple[float, float, float], step: float) -> tuple[int, int]:
    """How many rays down and across a voxel covers at the most."""
    x, _, z = reach_mm
    down, across = (2 * int(np.ceil(reach / step)) + 1 for reach in (z, x))
    return down, across


def open_rays(view: View, window: Window, volume: Volume) -> Mask:
    """The rays of a view, `(Z, X)`, that a curtain of a window leaves as they are, for they meet what was cut open."""
    skin = without_gaps(view.skin, view, volume, reach_of(volume.affine_lps, view))
    return cut_open(skin, window, view, volume)[0]


def cut_open(skin: Map, window: Window, view: View, volume: Volume) -> tuple[Mask, Mask]:
    """Rays `(Z, X)` that meet no skin but what was cut through at an end of the scan, where the brain may lie open.

    At the upper end and at the sides those above the eyes; at the lower end all, for a face is seen above it. Given by
    themselves too: those before which nothing was scanned, at a side that a camera looks at, however low they lie, for
    the temples' brain reaches below the eyes; and what an ear's camera meets near the end straight before it.
    """
    z = np.arange(skin.shape[0], dtype=np.float32)[:, None]
    axes = view.frame.affine_lps[:3, :3] / view.frame.step_mm
    is_open, is_aside = np.zeros((2, *skin.shape), np.bool_)
    for axis, (low_mm, high_mm) in enumerate(_to_the_ends(skin, view, volume)):
        spacing = float(np.linalg.norm(volume.affine_lps[:3, axis]))
        outward = axes.T @ volume.affine_lps[:3, axis] / spacing
        for to_end, (aside, back, up) in ((low_mm, -outward), (high_mm, outward)):
            is_near = to_end < spacing + CREASE_MM
            if max(up, abs(aside)) >= _UPRIGHT:
                is_open |= is_near & (z > window.eye_z)
            elif up <= -_UPRIGHT and back < 0:
                is_open |= is_near if back <= -_FACING else is_near & _falls_back(skin)
            if abs(aside) >= _UPRIGHT and back < 0:
                # No air was measured before what is met so near: the middle of a voxel, and one along the ray.
                is_aside |= to_end < spacing * (0.5 - back)
            elif back <= -_UPRIGHT and window.is_ear:
                # Under a scalp and a skull that were cut off, which is dark in many scans, a brain looks like skin.
                is_aside |= to_end < _SKULL_MM
    # A voxel between two rays goes where either does.
    is_aside = np.asarray(ndimage.maximum_filter(is_aside, size=3), np.bool_)
    # Rays among them that pass by in the dark of a cut, and meet what lies behind it, meet no skin either.
    across = 2 * round(_SLIT_MM / view.frame.step_mm) + 1
    closed = ndimage.minimum_filter(ndimage.maximum_filter(is_open | is_aside, size=across), size=across)
    return np.asarray(closed, np.bool_), is_aside


def _falls_back(skin: Map) -> Mask:
    """Rays that meet a surface which they graze: it falls back both from the ray above and to the ray below."""
    falls = np.abs(np.diff(skin, axis=0))
    falls = np.where(np.isfinite(falls), falls, np.inf)
    edge = np.full((1, *skin.shape[1:]), np.inf)
    return np.asarray(np.minimum(np.concatenate([edge, falls]), np.concatenate([falls, edge])) > _FALLS, np.bool_)


def _to_the_ends(skin: Map, view: View, volume: Volume) -> list[tuple[Map, Map]]:
    """How far a surface lies from both ends of a volume along each of its axes, mm `(Z, X)`."""
    z, x = np.mgrid[0 : skin.shape[0], 0 : skin.shape[1]].astype(np.float32)
    indices = view.frame.indices_in(volume.affine_lps)
    at = np.stack([x, np.where(np.isfinite(skin), skin, 0), z], axis=-1) @ indices[:3, :3].T + indices[:3, 3]
    found = []
    for axis, length in enumerate(volume.shape[::-1]):
        spacing, place = float(np.linalg.norm(volume.affine_lps[:3, axis])), at[..., axis]
        low, high = spacing * (place + 0.5), spacing * (length - 0.5 - place)
        found.append((low.astype(np.float32), high.astype(np.float32)))
    return found


def without_gaps(skin: Map, view: View, volume: Volume, reach_mm: tuple[float, float, float]) -> Map:
    """A surface whose lowest rays, where a scan ends and faint skin fades, do not fall through to what lies deep."""
    reach = 2 * reach_mm[2] + CREASE_MM
    rows = round(reach / view.frame.step_mm)
    nearest = ndimage.minimum_filter(np.where(np.isfinite(skin), skin, np.inf), size=(2 * rows + 1, 1))
    is_end = np.min(_to_the_ends(skin, view, volume), axis=(0, 1)) < reach
    falls = is_end & (skin - nearest > _GAP_MM / view.frame.step_mm)
    return np.asarray(np.where(falls, nearest, skin), np.float32)
