"""Contours without what runs through a zone.

A contour is walked from point to point; where it enters the zone it is cut, and where it leaves it goes on, joined by a
straight line that tells nothing of what was there.

The law: no point that comes back lies in the zone, and a point outside it stays as it is.

Sources: DICOM PS3.3 C.8.8.6 (ROI Contour).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason

Points = NDArray[np.float64]
"""`(N, 3)`, patient millimetres, LPS."""
Inside = Callable[[Points], NDArray[np.bool_]]
"""Which of `(N, 3)` points lie in the zone that was removed, `(N,)`."""

STEP_MM = 1.0
"""How far apart a contour is looked at between its points; what a zone takes of it in less than that may stay."""

DIGITS = 4
"""Decimals of a new point; a ten-thousandth of a millimetre."""

_HALVINGS = 12
# How far back towards what was seen outside a new point goes, where rounding takes it into the zone.
_BACK = (0.02, 0.2, 0.6, 1.0)
_MOST_SAMPLES = 1 << 21
_BATCH = 1 << 18


@dataclass(frozen=True, slots=True)
class Clipped:
    """What is left of a contour: for each point the number that it had, or -1 for a new one at the border."""

    points: Points = field(repr=False)
    numbers: NDArray[np.intp] = field(repr=False)


def clipped(points: Points, inside: Inside, *, is_closed: bool) -> Clipped | None:
    """What is left of a contour of two points or more; None where nothing of it lies in the zone.

    All of it in the zone leaves no points.

    Raises:
        ItemError: UNSUPPORTED_OBJECT, a contour so long that it is made to exhaust the memory.
    """
    samples, numbers = _walked(points, is_closed=is_closed)
    is_in = _tested(samples, inside)
    if not is_in.any():
        return None
    if is_in.all():
        return Clipped(np.empty((0, 3)), np.empty(0, np.intp))
    crosses = np.flatnonzero(is_in[1:] != is_in[:-1])
    border = _borders(samples, is_in, crosses, inside)
    # Where rounding takes a new point into the zone whatever is tried, the point before it has to do.
    is_out = ~_tested(border, inside)
    crosses, border = crosses[is_out], border[is_out]
    # A new point lies between the sample that it was found behind and the next one.
    kept = np.flatnonzero(~is_in & (numbers >= 0))
    places = np.concatenate([kept.astype(np.float64), crosses + 0.5])
    order = np.argsort(places, kind="stable")
    found = np.concatenate([samples[kept], border])[order]
    names = np.concatenate([numbers[kept], np.full(len(border), -1)])[order].astype(np.intp)
    is_new = np.ones(len(found), bool)
    is_new[1:] = (found[1:] != found[:-1]).any(axis=1) | (names[1:] >= 0)
    return Clipped(found[is_new], names[is_new])


def _walked(points: Points, *, is_closed: bool) -> tuple[Points, NDArray[np.intp]]:
    """Samples along a contour, no two farther apart than a step, and the number of the point that each is, else -1.

    A closed one ends where it began, without that number.
    """
    ends = np.concatenate([points[1:], points[:1]]) if is_closed else points[1:]
    starts = points[: len(ends)]
    lengths = np.linalg.norm(ends - starts, axis=1)
    counts = np.maximum(1, np.ceil(lengths / STEP_MM)).astype(np.float64)
    if counts.sum() > _MOST_SAMPLES:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a contour of {lengths.sum():.0f} mm")
    each = counts.astype(np.intp)
    edge = np.repeat(np.arange(len(each)), each)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(each) - each, each)
    share = (within / each[edge])[:, None]
    samples = starts[edge] + share * (ends - starts)[edge]
    numbers = np.where(within == 0, edge, -1)
    last = 0 if is_closed else len(points) - 1
    return np.concatenate([samples, points[last : last + 1]]), np.append(numbers, -1 if is_closed else last)


def _borders(samples: Points, is_in: NDArray[np.bool_], crosses: NDArray[np.intp], inside: Inside) -> Points:
    """The point outside and next to the border on each step that crosses it, rounded."""
    is_first_in = is_in[crosses][:, None]
    outer = np.where(is_first_in, samples[crosses + 1], samples[crosses])
    inner = np.where(is_first_in, samples[crosses], samples[crosses + 1])
    seen_outside = outer
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2
        is_middle_in = _tested(middle, inside)[:, None]
        outer, inner = np.where(is_middle_in, outer, middle), np.where(is_middle_in, middle, inner)
    found: Points = np.round(outer, DIGITS).astype(np.float64)
    for share in _BACK:
        wrong = np.flatnonzero(_tested(found, inside))
        if not len(wrong):
            break
        found[wrong] = np.round(outer[wrong] + share * (seen_outside - outer)[wrong], DIGITS)
    return found


def _tested(points: Points, inside: Inside) -> NDArray[np.bool_]:
    """Which points lie in the zone, so many at a time."""
    parts = [inside(points[start : start + _BATCH]) for start in range(0, len(points), _BATCH)]
    return np.concatenate(parts) if parts else np.empty(0, bool)
