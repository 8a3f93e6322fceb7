"""Instances by series, and which series are no regular volume.

The law: an irregular series is worth a note and never a reason to hold it: it leaks nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from curator.imaging.geometry import volume_geometry_problem
from curator.model.instance import SourceInstance


def series_of(candidates: Iterable[SourceInstance]) -> Mapping[str, tuple[SourceInstance, ...]]:
    """Instances by Series Instance UID, series by UID and instances by reference; empty for none."""
    groups: dict[str, list[SourceInstance]] = defaultdict(list)
    for one in candidates:
        groups[one.SeriesInstanceUID].append(one)
    return {uid: tuple(sorted(groups[uid], key=lambda one: one.reference)) for uid in sorted(groups)}


def geometry_note(series: Sequence[SourceInstance]) -> str | None:
    """Why the single-frame images of one series are not one regular volume; None where they are, or are fewer than two.

    Images that say nothing of where they lie are not meant to be a volume and are left out.
    """
    planes = [one.plane for one in series if one.plane is not None and one.NumberOfFrames == 1]
    return volume_geometry_problem(planes) if len(planes) > 1 else None
