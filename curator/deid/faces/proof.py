"""The geometric proof: nothing of the old skin can be had back from what would be written, at any threshold.

The law: it is judged on the new voxels alone; a detector's silence is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.open_ends import rays_of, reach_of
from curator.deid.faces.render import first_hits
from curator.deid.faces.surface import spread
from curator.deid.faces.view import SKIN, View
from curator.deid.faces.zone import Curtain, Map, Mask
from curator.model.volume import Affine
from curator.policy.faces.defacing import Numbers

# Deviations beyond count as the same, so that one hole does not decide.
_MOST_DEVIATION_MM = 25.0
_STEEPEST = 1.5
_CORE = 0.75
_LEAST_RAYS = 200
# A surface that is what was meant to a fifth of a view's voxel tells nothing else: it is off by how steep it is, and so
# are features.
_EXACT_MM = 0.2
# A vault without brow, eyes or nose: its features deviate by less, those of half a face by four times as much.
_FEATURELESS_MM = 1.0
# Where a zone is no thicker the brain is near, and what is met so much farther back was not in it.
_GUARDED_MM, _BEHIND_MM = 14.0, 3.0
_PERCENTILES = (30.0, 60.0, 80.0, 90.0, 95.0)


@dataclass(frozen=True, slots=True)
class Geometry:
    """`recovered`, 0 to 1, is how much any new surface is like the old skin's features in the core, or their reverse.

    `unchanged` is how many old skin voxels of the zone kept their value by not being in the mask; `rays` were compared.
    """

    recovered: float
    unchanged: int
    rays: int

    def is_proven(self, numbers: Numbers) -> bool:
        """Whether the old surface is gone."""
        return self.recovered <= numbers.largest_recovery and self.unchanged == 0


def geometry(
    before: View, after: View, mask: NDArray[np.bool_], affine_lps: Affine, curtain: Curtain, numbers: Numbers
) -> Geometry:
    """The proof for one curtain; both views are in its frame.

    `mask` `(Z, Y, X)` says which voxels of the scan, which lies by `affine_lps`, are new.

    The shape of the head is taken off the old skin first, and what the new one was meant to be off the new surface:
    neither is secret. So is how what is left slopes and bends from top to bottom, as brightness does, which moves a
    surface by little; and how far pleats are blurred, which the old skin had none of.
    """
    step = before.frame.step_mm
    skin = before.skin
    core = (curtain.weight >= _CORE) & np.isfinite(skin)
    # Beside a hole in the window, as a brain that lies open makes one, a voxel of this ray may lie outside.
    core &= ndimage.minimum_filter(curtain.is_inside, size=rays_of(reach_of(affine_lps, before), step))
    # At an edge of the surface a ray meets what lies beside it.
    core &= _is_gentle(curtain.skin) & _is_gentle(np.where(np.isfinite(skin), skin, 0).astype(np.float32))
    is_guarded = (curtain.back - curtain.skin) * step < _GUARDED_MM
    unchanged = _kept(skin, core, is_guarded, mask, before.frame.indices_in(affine_lps))
    if core.sum() < _LEAST_RAYS:
        return Geometry(0.0, unchanged, int(core.sum()))
    # The relief of the new skin is no part of the old one's features, or all that lacks it would be like them.
    breadth = numbers.smoothing_mm / step
    feature = _deviation(skin, spread(skin, np.isfinite(skin), breadth), step)
    relief = _deviation(curtain.skin, spread(curtain.skin, curtain.is_inside, breadth), step)
    highest = 0.0
    for surface in _surfaces(after, numbers):
        # What lies behind a zone that keeps off the brain stays by law: a skull is as round as its skin.
        is_both = core & np.isfinite(surface) & ~(is_guarded & (surface > curtain.back + np.float32(_BEHIND_MM / step)))
        if is_both.sum() >= _LEAST_RAYS:
            deviation = _deviation(surface, curtain.skin, step)
            # A ray that meets nothing tells nothing.
            deviation[~is_both] = deviation[is_both].mean()
            highest = max(highest, _correlation(*(_untilted(one, core, relief) for one in (feature, deviation))))
    return Geometry(highest, unchanged, int(core.sum()))


def _surfaces(after: View, numbers: Numbers) -> list[Map]:
    """The first hits of a view at thresholds of skin, and at all levels of its tissue."""
    levels = after.levels
    tissue = after.smooth[::2, ::2, ::2]
    tissue = tissue[tissue > levels.threshold]
    bright = np.percentile(tissue, _PERCENTILES) if tissue.size else np.empty(0)
    return [
        *(first_hits(after.even, level) for level in sorted({*numbers.attack_levels, SKIN})),
        *(first_hits(after.smooth, float(threshold)) for threshold in bright),
    ]


def _deviation(surface: Map, intended: Map, step: float) -> Map:
    """How far a surface lies from the new skin as it was meant, mm, no farther than counts."""
    return np.asarray(np.clip((surface - intended) * step, -_MOST_DEVIATION_MM, _MOST_DEVIATION_MM), np.float32)


def _is_gentle(skin: Map) -> Mask:
    """Where a surface and all next to it face the camera: at its edges half a voxel sideways is many in depth."""
    down, across = np.gradient(skin)
    return np.asarray(ndimage.minimum_filter(np.hypot(down, across) < _STEEPEST, size=3), np.bool_)


def _untilted(values: Map, core: Mask, relief: Map) -> NDArray[np.float32]:
    """Values of the core, `(N,)`, without their slope and bend from top to bottom and across, nor any of a relief."""
    z, x = (axis / max(axis.max(), 1) for axis in np.nonzero(core))
    bends = np.stack([np.ones_like(z), z, x, z * z, x * x, z * x, relief[core]], axis=1)
    wanted = values[core]
    return np.asarray(wanted - bends @ np.linalg.lstsq(bends, wanted, rcond=None)[0], np.float32)


def _correlation(feature: NDArray[np.float32], deviation: NDArray[np.float32]) -> float:
    if feature.std() < _FEATURELESS_MM or deviation.std() < _EXACT_MM:
        return 0.0
    return abs(float(np.corrcoef(feature, deviation)[0, 1]))


def _kept(skin: Map, core: Mask, is_guarded: Mask, mask: NDArray[np.bool_], indices: Affine) -> int:
    """How many rays of the core have old skin that is not new; `indices` leads from the frame to the scan.

    Behind a zone that keeps off the brain a voxel after the one that has the skin stays by law.
    """
    z, x = np.nonzero(core)
    kept = np.zeros(len(z), np.bool_)
    for beside in (-1.0, 0.0, 1.0):
        places = np.stack([x, skin[z, x] + beside, z], axis=1) @ indices[:3, :3].T + indices[:3, 3]
        at = np.rint(places).astype(np.intp)[:, ::-1]
        is_asked = ((at >= 0) & (at < mask.shape)).all(axis=1) & ~(is_guarded[z, x] & (beside > 0))
        kept[is_asked] |= ~mask[tuple(at[is_asked].T)]
    return int(kept.sum())
