"""Slices of one series that belong together: those of one orientation, and of those the ones that hold no place twice.

The law: order of arrival has no say; what the header says tells volumes apart, and only where it says nothing does the
order in which they were acquired.

Sources: DICOM PS3.3 C.7.6.16.2.2 (frame content), C.8.3.1, C.8.13.5 (MR).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curator.imaging.geometry import DUPLICATE_MM, ORIENTATION_TOLERANCE
from curator.imaging.slices import TOLD_APART_BY, Slice


def by_orientation(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices that share an orientation, together."""
    clusters: list[tuple[NDArray[np.float64], list[Slice]]] = []
    for one in sorted(slices, key=_by_value):
        assert one.plane is not None
        cosines = np.array(one.plane.ImageOrientationPatient)
        for reference, members in clusters:
            if np.abs(reference - cosines).max() <= ORIENTATION_TOLERANCE:
                members.append(one)
                break
        else:
            clusters.append((cosines, [one]))
    return [members for _, members in clusters]


def told_apart_sets(slices: list[Slice]) -> list[list[Slice]]:
    """Slices of one orientation as sets of which none holds a place twice, as far as something tells them apart."""
    places = _place_numbers(slices)
    most = max(Counter(places).values(), default=0)
    if most <= 1:
        return [slices] if slices else []
    for at in range(len(TOLD_APART_BY)):
        groups: dict[str, list[int]] = {}
        for index, one in enumerate(slices):
            groups.setdefault(one.told_apart[at], []).append(index)
        partial = sum({places[index] for index in group} != set(places) for group in groups.values())
        # What varies from slice to slice tells slices apart, not volumes; the last of many may have broken off.
        if len(groups) > 1 and partial <= min(1, len(groups) - 2):
            ordered = sorted(groups.items(), key=lambda pair: (_number(pair[0]), pair[0]))
            return [part for _, group in ordered for part in told_apart_sets([slices[index] for index in group])]
    return _dealt(slices, places)


def _dealt(slices: Sequence[Slice], places: Sequence[int]) -> list[list[Slice]]:
    """The first at every place together, the second at every place, and so on, in the order of acquisition."""
    at: dict[int, list[Slice]] = {}
    for place, one in zip(places, slices, strict=True):
        at.setdefault(place, []).append(one)
    dealt: list[list[Slice]] = [[] for _ in range(max(map(len, at.values())))]
    for place in sorted(at):
        for number, one in enumerate(sorted(at[place], key=lambda one: one.acquired)):
            dealt[number].append(one)
    return dealt


def _place_numbers(slices: Sequence[Slice]) -> list[int]:
    """A number for each slice, the same for those at one place along the normal."""
    cosines = np.array([one.plane.ImageOrientationPatient for one in slices if one.plane is not None])
    positions = np.array([one.plane.ImagePositionPatient for one in slices if one.plane is not None])
    if not len(positions):
        return []
    along = positions @ np.cross(cosines[0, :3], cosines[0, 3:])
    order = np.argsort(along, kind="stable")
    numbers = np.empty(len(slices), np.intp)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) >= DUPLICATE_MM)])
    return [int(number) for number in numbers]


def _number(text: str) -> float:
    """The number that a text begins with, so that 10 comes behind 9; 0 for another text."""
    try:
        number = float(text.split("\\")[0])
    except ValueError:
        return 0.0
    return number if np.isfinite(number) else 0.0


def _by_value(one: Slice) -> tuple[object, ...]:
    assert one.plane is not None
    return (one.plane.ImageOrientationPatient, one.plane.ImagePositionPatient, one.acquired)
