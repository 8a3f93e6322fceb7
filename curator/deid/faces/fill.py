"""New values for the voxels of a zone, on the scan's own grid.

In front of the new skin stands what the scan measures in its own air, behind it tissue: the level just under the old
skin around the place, with the variation of the scan's own tissue, brighter the deeper it lies. So a threshold meets a
smooth surface wherever it is set, and nothing tells the new voxels from others but their shape.

The law: a voxel outside the zone keeps its stored value; inside, no old value decides a new one but through levels and
distributions over centimetres.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.palette import PROFILE_MM, Palette, flat_palette, palette_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.view import View
from curator.deid.faces.zone import Curtain, Map, Zone
from curator.model.faces import FaceMode
from curator.ports.faces import Field

# Voxels of tissue hang together over this much.
_GRAIN_MM = 1.2
# Of tissue's own variation its middle lies at the skin, its `_COMMON` share and its brightest so deep (as shares of the
# shell), in the front half: a plate that is bright at its back alone has holes where it is thin, seen as eyes. So thick
# it is bright, and a little brighter towards the middle, for what is all alike is specks to a threshold there; behind
# that it is as before. Where the shell is thin it is bright as far as the zone goes, or a scan's own blur leaves little
# of that, and eyeballs are seen through it. Noise moves a place by so much.
_COMMON, _BRIGHTEST, _BRIGHTER = 0.98, 0.9999, 1.1
_DEEP, _DEEPEST, _BRIGHT_MM, _ROUGH = 0.29, 0.45, 3.0, 0.006
_BRIGHT_THIN_MM, _THIN_MM = 10.0, (2.0, 12.0)
# The places of a thick voxel lie so many mm apart; it measures so much of itself to both sides of its middle.
_FINE_MM, _THICK = 2.0, 1.0
_SLICES_AT_ONCE = 16
# Lines of a projection are followed so far, mm, in steps of so much.
_ALONG_MM, _STEPS_ALONG = 3.0, 80


@dataclass(frozen=True, slots=True)
class Filled:
    """What changed of a scan: `mask` `(Z, Y, X)`, and `stored` where it is True, in C order."""

    mask: NDArray[np.bool_] = field(repr=False)
    stored: NDArray[np.generic] = field(repr=False)

    def onto(self, stored: NDArray[np.generic]) -> NDArray[np.generic]:
        """A copy of a scan's stored values with the new ones in their places."""
        changed = stored.copy()
        changed[self.mask] = self.stored
        return changed


def filled(
    scan: Scan, zone: Zone, views: tuple[View | None, ...], *, mode: FaceMode, random: np.random.Generator
) -> Filled:
    """The scan without what lies in the zone; `views` are how each curtain's camera sees it, None of a flat one.

    Nothing changes where the zone does not meet the scan.
    """
    shape = scan.volume.shape
    mask = np.zeros(shape, np.bool_)
    values = scan.volume.stored.copy()
    for curtain, view in zip(zone.curtains, views, strict=True):
        palette = _palette(scan, curtain, view, random)
        box = _box(curtain, scan)
        if any(part.stop <= part.start for part in box):
            continue
        grain = _grain(box, scan, random)
        for part in _slabs(box):
            new, inside = _slab(scan, curtain, palette, part, grain[part[0].start - box[0].start :], mode, random)
            mask[part] |= inside
            values[part][inside] = new
    return Filled(mask, values[mask])


def _palette(scan: Scan, curtain: Curtain, view: View | None, random: np.random.Generator) -> Palette:
    if view is None:
        return flat_palette(scan, curtain, random)
    return palette_of(curtain, view, scan.volume.affine_lps, random)


def _box(curtain: Curtain, scan: Scan) -> tuple[slice, slice, slice]:
    """The slices `(z, y, x)` of a scan that a curtain may reach."""
    if scan.is_projection:
        z, y, x = (slice(0, length) for length in scan.volume.shape)
        return z, y, x
    inside = curtain.is_inside
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return (slice(0, 0),) * 3
    deep = float(curtain.back[inside].max())
    # In front of the frame lies nothing of the scan but what is cut off with it.
    reach = float(max(scan.volume.shape)) * max(scan.volume.spacing_mm) / curtain.frame.step_mm
    ends = ((columns[0] - 1, columns[-1] + 1), (-reach, deep), (rows[0] - 1, rows[-1] + 1))
    corners = curtain.frame.points_of(np.array(list(product(*ends)), np.float64))
    back = np.linalg.inv(scan.volume.affine_lps)
    indices = corners @ back[:3, :3].T + back[:3, 3]
    low, high = np.floor(indices.min(axis=0)).astype(int), np.ceil(indices.max(axis=0)).astype(int) + 1
    z, y, x = (
        slice(max(0, int(first)), min(length, int(last)))
        for first, last, length in zip(low[::-1], high[::-1], scan.volume.shape, strict=True)
    )
    return z, y, x


def _grain(box: tuple[slice, slice, slice], scan: Scan, random: np.random.Generator) -> Field:
    """Normal noise over a box of a scan that hangs together like tissue does."""
    shape = tuple(part.stop - part.start for part in box)
    sigma = [_GRAIN_MM / spacing for spacing in scan.volume.spacing_mm]
    noise = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), sigma, mode="wrap")
    noise /= max(float(noise.std()), 1e-6)
    return np.asarray(noise, np.float32)


def _slabs(box: tuple[slice, slice, slice]) -> Iterator[tuple[slice, slice, slice]]:
    z, y, x = box
    for start in range(z.start, z.stop, _SLICES_AT_ONCE):
        yield slice(start, min(z.stop, start + _SLICES_AT_ONCE)), y, x


def _slab(
    scan: Scan,
    curtain: Curtain,
    palette: Palette,
    part: tuple[slice, slice, slice],
    grain: Field,
    mode: FaceMode,
    random: np.random.Generator,
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """The new stored values of some slices in C order, and where they go."""
    place = _places(scan, curtain, part)
    shape = place[0].shape
    flat = (shape[0] * shape[1], shape[2])
    x, y, z = (one.reshape(flat) for one in place)
    if scan.is_projection:
        x, y, z = _deepest(scan, curtain, x, y, z)
    weight, skin, back, shell = curtain.at(x, z)
    inside = (weight > 0) & (y < back)
    around = [one[inside] for one in _skins(scan, curtain, x, z, skin)]
    y, skin, shell = y[inside], np.mean(around, axis=0, dtype=np.float32), shell[inside]
    z_voxel, x_voxel = (
        np.clip(np.rint(one[inside]).astype(np.intp), 0, length - 1)
        for one, length in zip((z, x), palette.level.shape, strict=True)
    )
    air = palette.air[random.integers(0, palette.air.size, y.size)]
    # Not by how far the zone goes: that would tell where the old skin lay.
    shell = np.maximum(shell, np.float32(1))
    depth = _mirrored((y - skin) / shell, _brightest(shell, curtain.frame.step_mm))
    grain = grain[: shape[0]].reshape(flat)[inside]
    if mode is FaceMode.ZERO:
        new = np.full(y.size, palette.air[0], np.float32)
    else:
        if mode is FaceMode.NOISE:
            depth = np.float32(_DEEP) * (2 * random.random(y.size, np.float32) - 1)
        tissue = palette.level[z_voxel, x_voxel] + _variation(palette, depth, grain)
        rises = [np.interp((y - one) * curtain.frame.step_mm, PROFILE_MM, palette.profile) for one in around]
        share = np.mean(rises, axis=0).astype(np.float32)
        new = air + (tissue - air) * share
    inside = inside.reshape(shape)
    return stored_as(scan, np.asarray(new, np.float32), part[0], inside), inside


def _skins(scan: Scan, curtain: Curtain, x: Map, z: Map, skin: Map) -> list[Map]:
    """The new skin at some places of each voxel: what is thick measures all of it, and on a flank that is a broad rise.

    One, in the middle, of voxels that are not thick.
    """
    steps = np.linalg.solve(curtain.frame.affine_lps[:3, :3], scan.volume.affine_lps[:3, :3]).T
    thickest = steps[int(np.argmax(scan.volume.spacing_mm[::-1]))]
    count = round(float(np.hypot(thickest[0], thickest[2])) * curtain.frame.step_mm / _FINE_MM)
    if scan.is_projection or count < 1:
        return [skin]
    parts = np.linspace(-_THICK, _THICK, 2 * count + 1, dtype=np.float32)
    return [curtain.at(x + part * np.float32(thickest[0]), z + part * np.float32(thickest[2]))[1] for part in parts]


def _mirrored(depth: NDArray[np.float32], middle: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depths that grow from 0 to a middle and from there back to 0: nobody sees more of a bone than its front."""
    return np.asarray(np.clip(np.minimum(depth, 2 * middle - depth), 0, None), np.float32)


def _brightest(shell: NDArray[np.float32], step: float) -> NDArray[np.float32]:
    """The middle of what is as bright as it gets, as a share of shells that are given in voxels."""
    thick_mm = np.interp(shell * step, _THIN_MM, (_BRIGHT_THIN_MM, _BRIGHT_MM))
    return np.asarray(_DEEPEST + thick_mm / 2 / step / shell, np.float32)


def _variation(palette: Palette, depth: NDArray[np.float32], grain: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far tissue at a depth (0 at the skin to 1) lies from its level: the scan's own variation, rising inwards.

    It rises to the brightest, so that a threshold as high shows a surface as smooth as the skin, and no dark hole.
    """
    own = palette.variation
    depth = depth + np.float32(_ROUGH) * grain
    place = np.clip(0.5 + (_COMMON - 0.5) * depth / _DEEP, 1 - _COMMON, _COMMON)
    rise = np.interp(depth, (_DEEP, _DEEPEST, 1 + _DEEPEST), (0, 1, _BRIGHTER)).astype(np.float32)
    brighter = rise * (_at(own, _BRIGHTEST) - _at(own, _COMMON))
    return np.asarray(own[(place * own.size).astype(np.intp)] + brighter - _at(own, 0.5), np.float32)


def _at(values: NDArray[np.float32], share: float) -> np.float32:
    """The value of some that are sorted, below which such a share of them lies."""
    return np.float32(values[min(int(share * values.size), values.size - 1)])


def _places(scan: Scan, curtain: Curtain, part: tuple[slice, slice, slice]) -> tuple[Field, Field, Field]:
    """Where the voxels of some slices lie in a curtain's frame: x, y and z, each `(Z, Y, X)`."""
    to_frame = np.linalg.solve(curtain.frame.affine_lps, scan.volume.affine_lps)
    k, j, i = (np.arange(one.start, one.stop, dtype=np.float64) for one in part)
    x, y, z = (
        np.asarray(
            row[0] * i[None, None, :] + row[1] * j[None, :, None] + row[2] * k[:, None, None] + row[3], np.float32
        )
        for row in to_frame[:3]
    )
    return x, y, z


def _deepest(scan: Scan, curtain: Curtain, x: Map, y: Map, z: Map) -> tuple[Map, Map, Map]:
    """For each pixel of a projection, the place on its line that lies deepest in the curtain."""
    across = scan.volume.affine_lps[:3, 2]
    step = np.linalg.solve(curtain.frame.affine_lps[:3, :3], across / np.linalg.norm(across) * _ALONG_MM)
    best = np.full(x.shape, -np.inf, np.float32)
    places = [x.copy(), y.copy(), z.copy()]
    for count in range(-_STEPS_ALONG, _STEPS_ALONG + 1):
        there = [one + np.float32(count * part) for one, part in zip((x, y, z), step, strict=True)]
        weight, _, back, _ = curtain.at(there[0], there[2])
        inward = np.where(weight > 0, back - there[1], -np.inf).astype(np.float32)
        is_better = inward > best
        best[is_better] = inward[is_better]
        for kept, new in zip(places, there, strict=True):
            kept[is_better] = new[is_better]
    return places[0], places[1], places[2]


def stored_as(
    scan: Scan, physical: NDArray[np.float32], slices: slice, inside: NDArray[np.bool_]
) -> NDArray[np.generic]:
    """Physical values as the scan stores them: within its bounds, never the value that stands for no tissue.

    `inside` `(Z, Y, X)` says where in `slices` each stands, in C order.
    """
    slope, intercept = scan.scale(slices)
    counts = inside.reshape(inside.shape[0], -1).sum(axis=1)
    slopes, intercepts = (np.repeat(one[:, 0, 0], counts) for one in (slope, intercept))
    stored = (physical - intercepts) / np.where(slopes == 0, np.float32(1), slopes)
    kind: np.dtype[np.generic] = scan.volume.stored.dtype
    if kind.kind not in "iu":
        return stored.astype(kind)
    limits = np.iinfo(np.dtype(kind.str))
    low, high = max(limits.min, scan.lowest), min(limits.max, scan.highest)
    whole = np.clip(np.rint(stored), low, high)
    if scan.padding is not None:
        beside = scan.padding + 1 if scan.padding + 1 <= high else scan.padding - 1
        whole = np.where(whole == scan.padding, beside, whole)
    return whole.astype(kind)
