"""A frame as 8-bit pictures: as a person sees it, and so that what a person overlooks stands out.

The law: two stored values that differ visibly under some usual window differ in one of the views. So do neighbours to
which a palette gives one colour of 8 bits, and what is drawn, on ground without noise, in steps of four and more where
every other view is flat; fainter letters in noise may be missed. Pictures that are equal come once, and every picture
has the rows and columns of the frame.

Sources: DICOM PS3.3 C.7.6.3.1.2 (photometric interpretations), C.11.2 (windows); ITU-R BT.601 (YCbCr).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.appearance import Appearance
from curator.deid.pixels.module import MONOCHROME1, MONOCHROME2, PALETTE
from curator.ports.pixels import Picture

Values = NDArray[np.integer]
_GREY = frozenset({MONOCHROME1, MONOCHROME2})
# Red, green, blue of luma and the two chroma differences.
_YBR_TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]], dtype=np.float32)
_CENTRE = 128
_STUDIO_BLACK, _STUDIO_LUMA, _STUDIO_CHROMA = 16, 255 / 219, 255 / 224
_WIDE_BITS = 8
# Share of the values below which nothing but stray ones lies.
_STRAY = 0.002
_SAME_SHADE = 2
# Fewer neighbours than this that differ in nothing a palette shows are no letter.
_FEW_STEPS = 8
# The evened view: pixels around that are flat or not, and that a value is measured against; grey levels; least area.
_AROUND, _NEIGHBOURS = (9, 9), (41, 41)
_LEAST_SPREAD, _EVEN_CONTRAST = 0.25, 45.0
_LEAST_HIDDEN, _LEAST_STEP, _DRAWN = 400, 4, 0.6


def views(values: Values, appearance: Appearance, *, is_mean: bool = False) -> tuple[Picture, ...]:
    """The pictures of one decoded frame, `(Y, X)` or `(Y, X, S)`; the first of colours is as a person sees it.

    Grey of more than 8 bits comes windowed, over its full range, with the dark spread out, and evened where all of
    these are flat, unless it `is_mean`, whose finest steps are noise; colours of more than 8 bits come over the full
    range of each sample and with the dark of the brightest spread out too; a palette with what its colours hide.
    """
    if appearance.photometric == PALETTE and appearance.colours is not None:
        return _distinct([appearance.colours.shown(values), *_hidden_by_palette(values, appearance)])
    if appearance.photometric not in _GREY:
        wide = appearance.bits > _WIDE_BITS
        return _distinct([_colour(values, appearance), *(_hidden_low_bits(values, appearance) if wide else ())])
    shown = [_windowed(values, appearance)] if appearance.window or appearance.voi else []
    shown.append(_full_range(values, appearance))
    if appearance.is_inverted:
        shown = [255 - picture for picture in shown]
    if appearance.bits > _WIDE_BITS:
        shown.append(_dark_spread(values, appearance))
    if appearance.colours is not None and (mapped := values >= appearance.colours.first).any():
        coloured = np.repeat(shown[0][:, :, np.newaxis], 3, axis=2)
        coloured[mapped] = appearance.colours.shown(values)[mapped]
        shown.append(coloured)
    even = _evened(values, shown) if appearance.bits > _WIDE_BITS and not is_mean else None
    return _distinct(shown if even is None else [*shown, even])


def _windowed(values: Values, appearance: Appearance) -> Picture:
    if appearance.voi is not None:
        return appearance.voi.shown(values)
    low, high = appearance.window or (0.0, 1.0)
    return _stretched(values, low, high)


def _full_range(values: Values, appearance: Appearance) -> Picture:
    """8 bits as they are, so that an almost even picture keeps its evenness; more or fewer bits from least to most."""
    if appearance.bits == _WIDE_BITS:
        return (values.astype(np.int16) - appearance.lowest).astype(np.uint8)
    kept = _without_padding(values, appearance)
    return _stretched(values, float(kept.min()), float(kept.max()))


def _dark_spread(values: Values, appearance: Appearance) -> Picture:
    """Brightness by the logarithm of the distance from the darkest value: a faint line in the dark stands out."""
    sign = np.float32(-1 if appearance.is_inverted else 1)
    kept = _without_padding(values, appearance).ravel().astype(np.float32) * sign
    stray = int(_STRAY * kept.size)
    darkest = np.partition(kept, stray)[stray]
    above = np.clip(values.astype(np.float32) * sign - darkest, 0, None)
    span = np.log1p(max(float(kept.max() - darkest), 1.0))
    return _rounded(np.log1p(above) * np.float32(255 / span))


def _evened(values: Values, shown: list[Picture]) -> Picture | None:
    """The stored values, of equal contrast everywhere, where they have steps and all that is shown is flat; else grey.

    None where there is no such place. Steps of what is drawn have equal values on both sides; noise has not.
    """
    stored = values.astype(np.float32)
    is_hidden = (_range_around(stored) >= _LEAST_STEP) & (_share_equal(stored) >= _DRAWN)
    for picture in shown:
        is_hidden &= _range_around(picture.max(axis=2) if picture.ndim == 3 else picture) <= _SAME_SHADE
    if np.count_nonzero(is_hidden) < _LEAST_HIDDEN:
        return None
    # A mean first: the squares of 16 bits have more digits than these numbers.
    apart = stored - cv2.blur(stored, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT)
    variance = cv2.blur(apart * apart, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(variance, _LEAST_SPREAD)).astype(np.float32)
    even = _rounded(apart / spread * np.float32(_EVEN_CONTRAST) + np.float32(_CENTRE))
    even[~is_hidden] = _CENTRE
    return even


def _share_equal(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """Which share of the pixels around each pixel have the value of the pixel to their left."""
    equal = np.zeros(stored.shape, dtype=np.float32)
    equal[:, 1:] = stored[:, 1:] == stored[:, :-1]
    return np.asarray(cv2.blur(equal, _AROUND, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _range_around(picture: NDArray[np.float32] | Picture) -> NDArray[np.float32]:
    """How far the greatest value around each pixel is above the least."""
    window = np.ones(_AROUND, dtype=np.uint8)
    return np.asarray(cv2.dilate(picture, window), np.float32) - np.asarray(cv2.erode(picture, window), np.float32)


def _without_padding(values: Values, appearance: Appearance) -> Values:
    kept = values if appearance.padding is None else values[values != appearance.padding]
    return kept if kept.size else values


def _stretched(values: Values, low: float, high: float) -> Picture:
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / max(high - low, 1e-6))
    return _rounded(scaled)


def _colour(values: Values, appearance: Appearance) -> Picture:
    """RGB of colour samples `(Y, X, S)`."""
    eight = _eight_bits(values, appearance)
    kind = appearance.photometric
    if kind.startswith("YBR"):
        return _from_ybr(eight, partial=kind.startswith("YBR_PARTIAL"))
    if kind == "HSV":
        # OpenCV counts hue to 255 where told that all of a byte is used.
        return np.asarray(cv2.cvtColor(eight, cv2.COLOR_HSV2RGB_FULL), dtype=np.uint8)
    if kind == "CMYK":
        inks = eight.astype(np.uint16)
        return ((255 - inks[..., :3]) * (255 - inks[..., 3:]) // 255).astype(np.uint8)
    # ARGB has its transparency first.
    return np.ascontiguousarray(eight[..., -3:])


def _hidden_low_bits(values: Values, appearance: Appearance) -> tuple[Picture, ...]:
    """Colour samples `(Y, X, S)`, each from its least to its greatest, and the dark of the brightest spread out."""
    samples = [values[..., sample] for sample in range(values.shape[2])]
    each = [_stretched(sample, float(sample.min()), float(sample.max())) for sample in samples]
    luma = appearance.photometric.startswith("YBR")
    brightest = samples[0] if luma else values.max(axis=2)
    return np.stack(each, axis=2), _dark_spread(brightest, appearance)


def _hidden_by_palette(values: Values, appearance: Appearance) -> tuple[Picture, ...]:
    """Stored values of one colour told apart, where such lie side by side: the least of a colour black, the last white.

    Stored values of more than 8 bits, which may be many to a colour, come as grey does too.
    """
    if appearance.colours is None:
        return ()
    used = np.unique(values)
    colour_of = appearance.colours.shown(used[np.newaxis])[0].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    _, group, sizes = np.unique(colour_of, return_inverse=True, return_counts=True)
    if sizes.max() == 1:
        return ()
    place = np.searchsorted(used, values)
    groups = group.astype(np.uint16)[place]
    if _steps_within(groups, place) < _FEW_STEPS:
        return ()
    # Values are in order, so those of a colour are ranked by how many of it came before.
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(used), dtype=np.int64)
    rank[order] = np.arange(len(used)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = (rank * 255 // np.maximum(sizes[group] - 1, 1)).astype(np.uint8)
    if appearance.bits <= _WIDE_BITS:
        return (ranks[place],)
    return ranks[place], _full_range(values, appearance), _dark_spread(values, appearance)


def _steps_within(groups: NDArray[np.integer], place: NDArray[np.integer]) -> int:
    """How many neighbours are of one group and differ."""
    across = (groups[:, 1:] == groups[:, :-1]) & (place[:, 1:] != place[:, :-1])
    down = (groups[1:] == groups[:-1]) & (place[1:] != place[:-1])
    return int(np.count_nonzero(across)) + int(np.count_nonzero(down))


def _eight_bits(values: Values, appearance: Appearance) -> Picture:
    above = values.astype(np.int64) - appearance.lowest
    if appearance.bits > _WIDE_BITS:
        return (above >> (appearance.bits - _WIDE_BITS)).astype(np.uint8)
    return (above * 255 // ((1 << appearance.bits) - 1)).astype(np.uint8)


def _from_ybr(ybr: Picture, *, partial: bool) -> Picture:
    parts = ybr.astype(np.float32) - np.array([_STUDIO_BLACK if partial else 0, _CENTRE, _CENTRE], dtype=np.float32)
    if partial:
        parts *= np.array([_STUDIO_LUMA, _STUDIO_CHROMA, _STUDIO_CHROMA], dtype=np.float32)
    return _rounded(parts @ _YBR_TO_RGB.T)


def _rounded(shades: NDArray[np.float32]) -> Picture:
    picture: Picture = np.clip(np.rint(shades), 0, 255).astype(np.uint8)
    return picture


def _distinct(shown: list[Picture]) -> tuple[Picture, ...]:
    kept: list[Picture] = []
    for picture in shown:
        if not any(_is_alike(picture, other) for other in kept):
            kept.append(picture)
    return tuple(kept)


def _is_alike(one: Picture, other: Picture) -> bool:
    return one.shape == other.shape and bool((cv2.absdiff(one, other) <= _SAME_SHADE).all())
