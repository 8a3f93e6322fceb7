"""The new skin: the old one smoothed until nothing of a face is left, with pleats and bumps that only the key knows.

The law: inside the window nothing of the old surface decides the new one but its shape over several centimetres, so the
old one cannot be had back by averaging releases made with different keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.attack import deep_levels
from curator.deid.faces.open_ends import CREASE_MM, cut_open, rays_of, reach_of, without_gaps
from curator.deid.faces.roundness import roundness
from curator.deid.faces.view import View, body_of
from curator.deid.faces.zone import Curtain, Map, Mask, Window
from curator.model.volume import Volume
from curator.policy.faces.defacing import Numbers

# The relief is broader than a cheek.
_RELIEF_BREADTH_MM = 20.0
# By how much the key makes pleats broader or narrower, and bends them (in radians at one standard deviation).
_UNLIKE, _BENT = 0.1, 0.3
_LEAST_WEIGHT = 1e-3
# How much of the shell the edge of the window has.
_EDGE_SHELL, _EDGE_MM = 0.3, 8.0
# With a soft edge all that may be old skin in another contrast is new where the new skin has left the old one by half.
_SOFT_GAIN = 2.0
# Beyond that edge the old skin that the new one leaves is smoothed too: a cheekbone on the ramp would stay a bump.
_BESIDE_MM = 8.0
# How much of what may go above the brow is kept for tissue behind the new skin.
_NEAR_BRAIN = 0.6
# How much of it tissue there may take to get bright.
_BRIGHT_NEAR_BRAIN, _BRIGHT_RAMP_MM = 0.35, 50.0
# What has to give way does so over this much around.
_GIVEN_WAY_MM = 12.0
# What is left of a head's surface when it is smoothed by so much is the shape of its skull.
_HEAD_SHAPE_MM = 9.0
# How much deeper than above the brow things may change so far under the eyes: the front of the orbits and of the nose's
# root, behind which the brain's base lies, a child's 15 mm behind the skin. From there down, over so much, the whole
# face may: where the eyes were taken to be 10 mm too high, the base lies 25 to 35 mm behind it.
_ORBIT_MM, _UNDER_EYES_MM, _FACE_MM, _DOWN_MM = 11.5, 12.0, 40.0, 28.0
# Beside the face, from so far aside on and more, the poles of the temporal lobes hang lower: down to so far under the
# eyes no more than this much deeper. A child's lie 24 mm behind the shape of its head.
_ASIDE_MM, _LOBE_MM, _BESIDE_LOBE_MM = (20.0, 35.0), 24.0, 3.0
_STEEPEST = 3.0
# So far in front of the new skin there is nothing but air.
_AIR_MM = 4.0


@dataclass(frozen=True, slots=True)
class Style:
    """How a new skin is made: as round as the head's sides or flat, and where the zone ends, with a soft edge or not.

    A soft edge takes less away behind the skin there: a step in a skull is seen as a brow.
    """

    is_round: bool
    is_soft: bool


def lengths(view: View) -> NDArray[np.intp]:
    """How long the body in a view is from front to back at each height, voxels `(Z,)`; 0 where nothing is."""
    along = np.asarray(body_of(view.even > view.skin_level).any(axis=2))
    first, last = along.argmax(axis=1), along.shape[1] - along[:, ::-1].argmax(axis=1)
    return np.where(along.any(axis=1), last - first, 0)


def curtain_for(
    view: View,
    window: Window,
    *,
    shell_mm: float,
    smoothing_mm: float,
    volume: Volume,
    numbers: Numbers,
    random: np.random.Generator,
    style: Style,
) -> Curtain | None:
    """The curtain of a window in a view of a volume; None where it meets no skin."""
    step = view.frame.step_mm
    reach_mm = reach_of(volume.affine_lps, view)
    skin = without_gaps(view.skin, view, volume, reach_mm)
    is_open, is_aside = cut_open(skin, window, view, volume)
    is_hit = np.isfinite(skin) & ~is_open
    depth = np.where(is_hit, skin, np.float32(0))
    full = window.weight(skin.shape, ramp=numbers.ramp_mm / step)
    weight = np.where(is_hit, full, 0).astype(np.float32)
    is_inside = weight > 0
    if not is_inside.any():
        return None
    relief = _relief(skin.shape, random, numbers, step)
    shape = roundness(depth, is_hit, step_mm=step) if style.is_round else np.zeros_like(depth)
    # A little behind on the average, so that what stood out is not just met again.
    meant = shape + spread(depth - shape, is_hit, smoothing_mm / step) + relief + np.float32(1.0 / step)
    shell = _shell(window, weight, shell_mm=shell_mm, numbers=numbers, step=step)
    head, limit = _guard(depth, is_hit, is_aside, window, numbers=numbers, step=step)
    # Where the brain is near the new skin lies so far out that tissue fits behind it.
    tissue = np.minimum(shell, np.float32(_NEAR_BRAIN * numbers.forehead_shell_mm / step))
    meant = meant - _envelope(meant + tissue - limit, is_inside, step)
    leaves = np.where(is_hit, window.weight(skin.shape, ramp=_EDGE_MM / step), 0).astype(np.float32)
    beside = leaves * spread(depth, is_hit, _BESIDE_MM / step) + (1 - leaves) * depth
    new = weight * meant + (1 - weight) * beside
    margin = np.minimum(full * _SOFT_GAIN, 1) if style.is_soft else np.float32(1)
    wanted = np.where(is_hit, depth + margin * np.float32(numbers.skin_margin_mm / step), -np.inf).astype(np.float32)
    back = np.minimum(new + shell + _envelope(wanted - new - shell, is_inside, step), np.maximum(limit, new))
    deepest = np.maximum(_on_flanks(limit, head), new)
    # Above the brow skin far behind the shape of the head is none: at an end of a scan, or in a hole of a faint scalp.
    is_skin = is_hit & ((depth <= deepest) | ~_is_above_brow(window, skin.shape))
    least = _least_back(depth, is_skin, reach_mm, step)
    if deep_levels(view, numbers):
        # Where a brain outshines the skin, it may lie right behind.
        least = np.minimum(least, deepest)
    back = np.maximum(back, least)
    # Near the brain tissue is as bright as it may be where the shell is thin, or what lies behind is seen as holes.
    shell = np.minimum(shell, _bright(window, shell.shape, shell_mm=shell_mm, numbers=numbers, step=step))
    # Thick voxels reach past the outline of the head: what they have of its skin becomes air.
    is_beside = ndimage.maximum_filter(is_hit, size=rays_of(reach_mm, step)) & ~np.isfinite(skin) & (full > 0)
    weight = np.where(is_beside, full, weight).astype(np.float32)
    new, back, shell = (_beyond(one, is_inside) for one in (new, back, shell))
    new = np.where(is_beside, back + np.float32(_AIR_MM / step), new).astype(np.float32)
    is_new = weight > 0
    return Curtain(view.frame, weight, _beyond(new, is_new), _beyond(back, is_new), shell)


def _guard(
    depth: Map, is_hit: Mask, is_aside: Mask, window: Window, *, numbers: Numbers, step: float
) -> tuple[Map, Map]:
    """The shape of a head that is met at depths, and behind which nothing may change, voxels `(Z, X)` each."""
    limit = _brain_limit(window, depth.shape, numbers=numbers, step=step)
    # Beside a brain that lies open it lies behind the skin as near as above the brow, whatever the head's shape beyond.
    is_near_open = ndimage.maximum_filter(is_aside, size=2 * round(_GIVEN_WAY_MM / step) + 1)
    limit = np.where(is_near_open, np.minimum(limit, numbers.forehead_shell_mm / step), limit)
    head = spread(depth, is_hit, _HEAD_SHAPE_MM / step)
    return head, np.asarray(np.where(is_near_open, np.minimum(head, depth), head) + limit, np.float32)


def _least_back(depth: Map, is_hit: Mask, reach_mm: tuple[float, float, float], step: float) -> Map:
    """How far everything is new whatever may lie behind, voxels: past every voxel that has old skin in it."""
    x, y, z = reach_mm
    skin = np.where(is_hit, depth, -np.inf).astype(np.float32)
    deepest = ndimage.maximum_filter(skin, size=rays_of(reach_mm, step))
    # Beside a steep flank another ray's skin lies far behind: that is for the ray itself.
    gentle = np.minimum(deepest, skin + np.float32(_STEEPEST * max(x, z) / step))
    return np.asarray(gentle + np.float32((y + CREASE_MM) / step), np.float32)


def _is_above_brow(window: Window, shape: tuple[int, ...]) -> Mask:
    """Rows of a map above the brow, `(Z, 1)`; none for an ear, for no ear and no socket is as round as a forehead."""
    return np.asarray((np.arange(shape[0])[:, None] > window.brow_z) & (not window.is_ear), np.bool_)


def _on_flanks(limit: Map, head: Map) -> Map:
    """A limit as deep behind the shape of a head, voxels, across its surface as it is along the rays that meet it."""
    down, across = np.gradient(head)
    return np.asarray(head + (limit - head) * np.sqrt(1 + down * down + across * across), np.float32)


def _envelope(excess: Map, is_inside: Mask, step: float) -> Map:
    """How much has to give way so that no excess is left, voxels: broad, so that it does not tell what asked for it."""
    over = np.where(is_inside, np.maximum(excess, 0), 0).astype(np.float32)
    size = 2 * round(_GIVEN_WAY_MM / step) + 1
    highest = ndimage.maximum_filter(over, size=size)
    return np.asarray(ndimage.gaussian_filter(highest, _GIVEN_WAY_MM / 2 / step), np.float32)


def spread(values: Map, is_known: Mask, sigma: float) -> Map:
    """Known values of a map blurred by `sigma` voxels, each place judged by the known ones around it alone."""
    weight = ndimage.gaussian_filter(is_known.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(is_known, values, 0).astype(np.float32), sigma)
    return np.asarray(total / np.maximum(weight, _LEAST_WEIGHT), np.float32)


def _relief(shape: tuple[int, ...], random: np.random.Generator, numbers: Numbers, step: float) -> Map:
    """What the key adds to a new skin, voxels `(Z, X)`: broad bumps, and pleats from top to bottom.

    A face has hardly an edge that runs upright, so that a detector takes a pleated skin for none, however it is lit.
    """
    bumps = ndimage.gaussian_filter(
        random.standard_normal(shape).astype(np.float32), _RELIEF_BREADTH_MM / step, mode="wrap"
    )
    bumps = bumps / max(float(bumps.std()), 1e-6)
    breadth, start = numbers.pleat_breadth_mm * (1 + _UNLIKE * (2 * random.random() - 1)) / step, random.random()
    turns = np.arange(shape[1], dtype=np.float32) / breadth + start
    pleats = np.sin(2 * np.pi * turns + _BENT * bumps)
    return np.asarray((numbers.relief_mm * bumps + numbers.pleat_mm * pleats) / step, np.float32)


def _shell(window: Window, weight: Map, *, shell_mm: float, numbers: Numbers, step: float) -> Map:
    """How deep behind the new skin everything is new, voxels: less above the eyes, less at the edge."""
    z = np.arange(weight.shape[0], dtype=np.float32)[:, None]
    forehead = min(numbers.forehead_shell_mm, shell_mm)
    up = np.clip((z - window.eye_z) / max(window.brow_z - window.eye_z, 1.0), 0, 1)
    depth = shell_mm + (forehead - shell_mm) * up
    inward = np.clip(weight * numbers.ramp_mm / _EDGE_MM, _EDGE_SHELL, 1)
    return np.asarray(depth * inward / step, np.float32)


def _brain_limit(window: Window, shape: tuple[int, ...], *, numbers: Numbers, step: float) -> Map:
    """How far behind the old skin nothing may change, voxels `(Z, X)`: above the brow the brain is near."""
    z, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    bottom = window.eye_z - _UNDER_EYES_MM / step
    up = np.clip((z - bottom) / max(window.brow_z - bottom, 1.0), 0, 1)
    # Below the orbits there is no brain behind the face.
    below = np.clip((bottom - z) * step / _DOWN_MM, 0, 1) * _FACE_MM
    near, far = _ASIDE_MM
    aside = np.clip((np.abs(x - window.x) * step - near) / (far - near), 0, 1)
    under_lobe = np.clip(((window.eye_z - z) * step - _LOBE_MM) / _UNDER_EYES_MM, 0, 1) * _FACE_MM
    below = (1 - aside) * below + aside * np.minimum(below, _BESIDE_LOBE_MM + under_lobe)
    return np.asarray((numbers.forehead_shell_mm + (1 - up) * _ORBIT_MM + below) / step, np.float32)


def _bright(window: Window, shape: tuple[int, int], *, shell_mm: float, numbers: Numbers, step: float) -> Map:
    """How far behind the new skin tissue is as bright as it gets, voxels `(Z, 1)`: it follows from the height alone."""
    z = np.arange(shape[0], dtype=np.float32)[:, None]
    near = _BRIGHT_NEAR_BRAIN * numbers.forehead_shell_mm
    # Gently, for a step would be seen as a brow.
    up = np.clip((z - window.eye_z) * step / _BRIGHT_RAMP_MM + 1, 0, 1)
    up = up * up * (3 - 2 * up)
    return np.asarray((shell_mm + (near - shell_mm) * up) / step, np.float32)


def _beyond(values: Map, is_inside: Mask) -> Map:
    """A map whose values outside the window are those of the nearest ray inside, so that its edge interpolates well."""
    nearest = ndimage.distance_transform_edt(~is_inside, return_distances=False, return_indices=True)
    return np.ascontiguousarray(values[tuple(nearest)], np.float32)
