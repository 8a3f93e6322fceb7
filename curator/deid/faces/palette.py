"""What a scan's own air and tissue measure in front of and behind its skin: what new voxels are made of.

The law: only levels, distributions and one mean profile are taken from the old voxels, each over centimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.levels import levels_of
from curator.deid.faces.open_ends import reach_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import spread
from curator.deid.faces.view import FLESH, View
from curator.deid.faces.zone import Curtain, Map
from curator.model.volume import Affine

# Levels are taken from this deep under the skin, mm, and blurred so far that they tell no eye from a cheek.
_UNDER_SKIN_MM = (1.0, 6.0)
_LEVEL_BREADTH_MM = 25.0
# Tissue has at least so much of what is typical there.
_LEAST_SHARE = 0.5
# Behind (and before) the skin, mm; finer than a view's voxels it would have steps, which are seen as edges.
PROFILE_MM = np.arange(-10.0, 16.0, 1.0)
_MEASURED_MM = np.arange(-8.0, 7.0, 1.0)
# A profile that a thick voxel does not sample well makes the new skin a staircase: it is made so many voxels broad, one
# standard deviation, where it is sharper.
_BREADTH_VOXELS = 0.85
_STEP = np.clip(PROFILE_MM + 0.5, 0, 1).astype(np.float32)
_MOST_SAMPLES = 200_000
_LEAST_AIR = 100
# What lies so near to the skin is not taken for air, mm.
_NO_SKIN_MM = 10.0
# What is brighter in air is ghosts and flow, which hang together: drawn voxel by voxel they would be specks.
_NO_GHOST = 0.95


@dataclass(frozen=True, slots=True)
class Palette:
    """What a scan's own air and tissue measure along one curtain: `level` `(Z, X)` physical, `air`, `variation` sorted.

    `profile` is how skin rises from air (0) to tissue (1) at `PROFILE_MM` behind its surface, the same everywhere.
    """

    air: NDArray[np.float32] = field(repr=False)
    level: Map = field(repr=False)
    variation: NDArray[np.float32] = field(repr=False)
    profile: NDArray[np.float32] = field(repr=False)


def palette_of(curtain: Curtain, view: View, affine_lps: Affine, random: np.random.Generator) -> Palette:
    """The palette of a scan, whose voxels lie by an affine, for one curtain; `view` is the scan in its frame."""
    step, levels = view.frame.step_mm, view.levels
    skin = view.skin
    is_hit = np.isfinite(skin)
    depth = np.where(is_hit, skin, np.float32(0))
    floor = _least_tissue(view, depth, is_hit)
    total, count = np.zeros_like(depth), np.zeros_like(depth)
    for behind in np.arange(*_UNDER_SKIN_MM, step):
        values = _behind(view, depth, behind)
        is_tissue = is_hit & (values > floor)
        total += np.where(is_tissue, values, 0)
        count += is_tissue
    level = spread((total / np.maximum(count, 1)).astype(np.float32), count > 0, _LEVEL_BREADTH_MM / step)
    level = np.where(level > levels.air, level, np.float32(levels.tissue))
    rays = is_hit & curtain.is_inside
    found = []
    # Where a brain outshines the skin, what is no part of the zone is none of its tissue.
    deepest = np.where(floor < levels.threshold, (curtain.back - depth) * step, np.inf)
    for behind in np.arange(_UNDER_SKIN_MM[0], float(curtain.shell.max()) * step, 2 * step):
        values = _behind(view, depth, behind)
        is_tissue = rays & (values > floor) & (behind <= deepest)
        found.append((values - level)[is_tissue])
    variation = np.concatenate(found) if found else np.empty(0, np.float32)
    profile = _profile(view, depth, rays, level)
    profile = _broadened(profile, 2 * reach_of(affine_lps, view)[1] * _BREADTH_VOXELS)
    return Palette(_air(view, depth, is_hit, random), level, _sorted(variation, random), profile)


def _least_tissue(view: View, depth: Map, is_hit: NDArray[np.bool_]) -> float:
    """What tissue under the skin measures at the least; where a brain outshines it, less than the scan's threshold."""
    levels = view.levels
    if not is_hit.any():
        return levels.threshold
    typical = float(np.median(_behind(view, depth, sum(_UNDER_SKIN_MM) / 2)[is_hit]))
    return min(levels.threshold, levels.air + _LEAST_SHARE * (typical - levels.air))


def _behind(view: View, depth: Map, behind_mm: float) -> Map:
    """The values of a view so far behind a surface, `(Z, X)`."""
    y = np.rint(depth + behind_mm / view.frame.step_mm).astype(np.intp)
    y = np.clip(y, 0, view.frame.shape[1] - 1)
    return np.take_along_axis(view.smooth, y[:, None, :], axis=1)[:, 0, :]


def _profile(view: View, depth: Map, rays: NDArray[np.bool_], level: Map) -> NDArray[np.float32]:
    """How the skin of a scan rises on the average: a step is seen as an edge at every threshold but one.

    At `_MEASURED_MM` behind it.
    """
    if not rays.any():
        return np.asarray(np.clip(_MEASURED_MM + 0.5, 0, 1), np.float32)
    contrast = np.maximum(level - view.levels.air, 1e-6)
    shares = []
    for behind in _MEASURED_MM:
        values = _behind(view, depth, behind)
        shares.append(float(np.median(((values - view.levels.air) / contrast)[rays])))
    rising = np.maximum.accumulate(np.clip(shares, 0, 1))
    # Farther out lies air, whatever of the skin is smeared there.
    return np.asarray((rising - rising[0]) / max(1e-6, 1 - float(rising[0])), np.float32)


def _broadened(measured: NDArray[np.float32], least_mm: float) -> NDArray[np.float32]:
    """A measured profile at `PROFILE_MM`, as broad as its samples ask for; flesh begins where it did."""
    known = np.interp(PROFILE_MM, _MEASURED_MM, measured)
    rise, at = np.diff(known), PROFILE_MM[:-1] + 0.5
    middle = float(rise @ at)
    missing = least_mm**2 - float(rise @ (at - middle) ** 2)
    if missing <= 0:
        return np.asarray(known, np.float32)
    blurred = ndimage.gaussian_filter1d(known, math.sqrt(missing), mode="nearest")
    blurred = (blurred - blurred[0]) / max(1e-6, float(blurred[-1] - blurred[0]))
    moved = np.interp(FLESH, blurred, PROFILE_MM) - np.interp(FLESH, known, PROFILE_MM)
    return np.asarray(np.interp(PROFILE_MM + moved, PROFILE_MM, blurred), np.float32)


def flat_palette(scan: Scan, curtain: Curtain, random: np.random.Generator) -> Palette:
    """The palette of a scan of a few slices: one level of tissue everywhere, and what its air measures."""
    values = scan.physical(slice(None))
    levels = levels_of(np.repeat(values, 2, axis=0) if len(values) == 1 else values)
    air = values[values < levels.air + 0.5 * (levels.threshold - levels.air)]
    tissue = values[values > levels.threshold] - np.float32(levels.tissue)
    level = np.full(curtain.weight.shape, levels.tissue, np.float32)
    air = air if air.size else np.array([levels.air], np.float32)
    return Palette(_sorted(air, random), level, _sorted(tissue, random), _STEP)


def _air(view: View, depth: Map, is_hit: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.float32]:
    """What air measures in front of the head, as it was scanned; one level where there is none."""
    levels = view.levels
    limit = levels.air + 0.5 * (levels.threshold - levels.air)
    front = round(float(np.percentile(depth[is_hit], 60))) if is_hit.any() else 0
    before = view.smooth[:, : max(front, 1)]
    # The skin of a scan that is not sharp reaches far: drawn voxel by voxel it would be specks too.
    reach = round(_NO_SKIN_MM / view.frame.step_mm)
    is_beside = ndimage.maximum_filter(is_hit, size=2 * reach + 1) & ~is_hit
    ends = np.where(is_hit, depth - np.float32(reach), np.where(is_beside, np.float32(0), np.float32(front)))
    is_air = (before < limit) & (np.arange(before.shape[1], dtype=np.float32)[None, :, None] < ends[:, None, :])
    found = before[is_air]
    if found.size < _LEAST_AIR:
        return np.array([levels.air], np.float32)
    # A view is smoother than its scan: what the scan's air varies by is put back.
    spread_out = found + random.standard_normal(found.size).astype(np.float32) * np.float32(levels.noise)
    lowest = float(found.min())
    measured = _sorted(np.where(spread_out < lowest, 2 * lowest - spread_out, spread_out), random)
    return measured[: int(_NO_GHOST * measured.size)]


def _sorted(values: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """So many of the values that they stand for all, sorted; one 0 for none."""
    if not values.size:
        return np.zeros(1, np.float32)
    if values.size > _MOST_SAMPLES:
        values = values[random.integers(0, values.size, _MOST_SAMPLES)]
    return np.sort(values.astype(np.float32))
