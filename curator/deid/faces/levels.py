"""What air and tissue measure in a volume, whatever made it.

The law: levels come from the values alone, never from the modality; where a coil shades the head, tissue is judged by
its own neighbourhood.

Sources: Ridler and Calvard 1978 (iterated threshold), here with medians, which bone, teeth and vessels do not move.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.ports.faces import Field

# A threshold this far up from air to tissue lies on the skin: half way would cut a shaded one away.
_SHARE = 0.4
_FIRST_SHARE = 0.3
# One value on so much of a scan was not measured, if so much of what else is dark has others.
_LEAST_BLANK, _LEAST_OTHER, _FEW = 0.05, 0.25, 200_000
_ROUNDS = 30
_COARSE = 4
# Tissue is judged by what lies around it, mm: a nose is lit like the cheeks beside it.
_NEIGHBOURHOOD_MM = 20.0
_LEAST_SHADE, _MOST_SHADE = 0.2, 3.0
_STANDARD = 1.4826  # of a median absolute deviation, for a normal distribution


@dataclass(frozen=True, slots=True)
class Levels:
    """Typical physical values: `air`, `tissue`, what parts them, and how much air varies (one standard deviation)."""

    air: float
    tissue: float
    threshold: float
    noise: float

    @property
    def contrast(self) -> float:
        """From air to tissue; 0 where there is nothing to see."""
        return self.tissue - self.air


def levels_of(values: Field, is_scanned: NDArray[np.bool_] | None = None) -> Levels:
    """The levels of a volume `(Z, Y, X)`; all of one value where it has but one.

    `is_scanned` says for `values[::2, ::2, ::2]` where something was measured; None where it was everywhere.
    """
    thin = values[::2, ::2, ::2]
    sample = ndimage.gaussian_filter(thin, 0.7)
    if is_scanned is not None and is_scanned.any():
        thin, sample = thin[is_scanned], sample[is_scanned]
    is_measured = _is_measured(thin)
    thin, sample = thin[is_measured], sample[is_measured]
    low, high = (float(value) for value in np.percentile(sample, (2, 99)))
    if not high > low:
        return Levels(low, low, low, 0.0)
    threshold = low + _FIRST_SHARE * (high - low)
    for _ in range(_ROUNDS):
        is_tissue = sample > threshold
        if is_tissue.all() or not is_tissue.any():
            break
        air, tissue = float(np.median(sample[~is_tissue])), float(np.median(sample[is_tissue]))
        moved = air + _SHARE * (tissue - air)
        if abs(moved - threshold) < 1e-3 * (tissue - air):
            break
        threshold = moved
    below, above = thin[sample <= threshold], sample[sample > threshold]
    air = float(np.median(below)) if below.size else low
    tissue = float(np.median(above)) if above.size else high
    noise = _STANDARD * float(np.median(np.abs(below - air))) if below.size else 0.0
    return Levels(air, tissue, threshold, noise)


def _is_measured(thin: Field) -> NDArray[np.bool_]:
    """Where values were measured: all but one dark value that scanners put where they corrected something away.

    Where hardly any other dark values exist, as around a brain that was cut out, that value is the air.
    """
    few = thin.ravel()[:: max(1, thin.size // _FEW)]
    found, counts = np.unique(few, return_counts=True)
    blank = found[counts.argmax()]
    low, high = np.percentile(few, (2, 99))
    is_dark = thin <= low + _FIRST_SHARE * (high - low)
    is_other = thin != blank
    is_filler = counts.max() > _LEAST_BLANK * few.size and blank <= low + _FIRST_SHARE * (high - low)
    if is_filler and (is_dark & is_other).sum() > _LEAST_OTHER * is_dark.sum():
        return np.asarray(is_other, np.bool_)
    return np.ones_like(thin, np.bool_)


def evened(smooth: Field, levels: Levels, *, step_mm: float) -> Field:
    """A volume as shares of the tissue around each place: 0 is air, 1 its neighbourhood's tissue.

    `smooth` is the volume, its noise smoothed away. All 0 where air and tissue cannot be told apart.
    """
    if not levels.contrast > 0:
        return np.zeros_like(smooth)
    coarse = smooth[::_COARSE, ::_COARSE, ::_COARSE]
    # Shaded tissue counts too, if it stands out of the noise.
    floor = max(levels.air + 0.35 * (levels.threshold - levels.air), levels.air + 4 * levels.noise)
    is_tissue = coarse > floor
    sigma = _NEIGHBOURHOOD_MM / (step_mm * _COARSE)
    weight = ndimage.gaussian_filter(is_tissue.astype(np.float32), sigma)
    level = ndimage.gaussian_filter(np.where(is_tissue, coarse - levels.air, 0).astype(np.float32), sigma)
    contrast = np.float32(levels.contrast)
    local = np.where(weight > 1e-3, level / np.maximum(weight, 1e-3), contrast)
    local = np.clip(local, _LEAST_SHADE * contrast, _MOST_SHADE * contrast)
    return _divided(smooth, np.asarray(local, np.float32), levels.air)


def _divided(smooth: Field, local: Field, air: float) -> Field:
    """`(smooth - air) / local`, where `local` is coarse and grows to the size of `smooth` a slice at a time."""
    depth, rows, columns = smooth.shape
    places = np.minimum(np.arange(depth) / _COARSE, local.shape[0] - 1)
    shares = np.empty_like(smooth)
    for index, place in enumerate(places):
        below = int(place)
        above = min(below + 1, local.shape[0] - 1)
        plane = local[below] + np.float32(place - below) * (local[above] - local[below])
        full = _grown(plane, rows, columns)
        np.divide(smooth[index] - np.float32(air), full, out=shares[index])
    return shares


def _grown(plane: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """A coarse plane interpolated to every fine place; the last coarse row serves for those behind it."""
    maps = (
        np.broadcast_to(np.arange(columns, dtype=np.float32) / _COARSE, (rows, columns)),
        np.broadcast_to((np.arange(rows, dtype=np.float32) / _COARSE)[:, None], (rows, columns)),
    )
    grown = cv2.remap(
        plane,
        np.ascontiguousarray(maps[0]),
        np.ascontiguousarray(maps[1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(grown, np.float32)
