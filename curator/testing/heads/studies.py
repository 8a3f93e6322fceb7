"""Studies of one head: several contrasts, each on a grid of its own, and PET with CT.

The law: what lies in one frame of reference shows the head at one place; between two frames it moved rigidly, and the
motion is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from curator.testing.heads.grid import head_from_lps
from curator.testing.heads.phantom import Head, make_head
from curator.testing.heads.plan import WHOLE, WIDE, Contrast, HeadPlan, Pose
from curator.testing.heads.series import write_series
from curator.testing.heads.visit import SHARED_FRAME, SeriesPlan, Visit, WrittenSeries

_OTHER_FRAME = 98
_NODDED = Pose((3.0, -2.0, 4.0), (4.0, -3.0, 6.0))
_ELSEWHERE = Pose((-6.0, 3.0, 5.0), (12.0, -18.0, 35.0))


@dataclass(frozen=True, slots=True)
class StudyPart:
    """One series of a study: how it is scanned, and what its header says."""

    plan: HeadPlan
    series: SeriesPlan


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """The series of a study, in the order of its parts."""

    series: tuple[WrittenSeries, ...] = field(repr=False)


def multi_contrast(person: HeadPlan, *, coarse: float = 1.0) -> tuple[StudyPart, ...]:
    """A sagittal T1, an oblique thick T2 in its frame, and a coronal FLAIR in another frame after the head moved.

    Only seed, person, strength, age and pose of `person` are taken; `coarse` multiplies every spacing.
    """
    t1 = replace(
        person, contrast=Contrast.T1, plane="sagittal", spacing_mm=_times((1.0, 1.0, 1.0), coarse), position="HFS"
    )
    t2 = replace(
        person,
        contrast=Contrast.T2,
        plane="axial",
        oblique_deg=(-12.0, 2.0, 0.0),
        spacing_mm=_times((4.0, 0.8, 0.8), coarse),
        gain=2.0,
        take=1,
    )
    flair = replace(
        person,
        contrast=Contrast.FLAIR,
        plane="coronal",
        spacing_mm=_times((3.0, 1.0, 1.0), coarse),
        shading=1.8,
        pose=_moved(person.pose, _NODDED),
        take=2,
    )
    return (
        StudyPart(t1, SeriesPlan(1, "t1_mprage_sag")),
        StudyPart(t2, SeriesPlan(2, "t2_tse_tra", None)),
        StudyPart(flair, SeriesPlan(3, "t2_flair_cor", "BRAIN", _OTHER_FRAME)),
    )


def pet_ct(person: HeadPlan, *, is_one_frame: bool = True, coarse: float = 1.0) -> tuple[StudyPart, ...]:
    """A CT with neck and table, and a PET of the head; in two frames of reference the head moved between them."""
    ct = replace(
        person,
        contrast=Contrast.CT,
        spacing_mm=_times((2.0, 1.0, 1.0), coarse),
        field_of_view=WIDE,
        has_table=True,
    )
    pose = person.pose if is_one_frame else _moved(person.pose, _ELSEWHERE)
    pet = replace(
        person,
        contrast=Contrast.PET,
        spacing_mm=_times((3.0, 2.0, 2.0), coarse),
        field_of_view=WHOLE,
        pose=pose,
    )
    frame = SHARED_FRAME if is_one_frame else _OTHER_FRAME
    return (
        StudyPart(ct, SeriesPlan(1, "AC CT", "WHOLEBODY")),
        StudyPart(pet, SeriesPlan(2, "PET AC", "WHOLEBODY", frame)),
    )


def write_study(visit: Visit, parts: tuple[StudyPart, ...]) -> WrittenStudy:
    """Make and write every part of a study."""
    return WrittenStudy(tuple(write_series(visit, make_head(part.plan), part.series) for part in parts))


def lps_between(source: HeadPlan | Head, target: HeadPlan | Head) -> NDArray[np.float64]:
    """`(4, 4)` that takes a place of the head from the patient millimetres of one plan to those of another."""
    here, there = (plan.plan if isinstance(plan, Head) else plan for plan in (source, target))
    return np.asarray(np.linalg.inv(head_from_lps(there)) @ head_from_lps(here), np.float64)


def _times(spacing_mm: tuple[float, float, float], coarse: float) -> tuple[float, float, float]:
    z, y, x = spacing_mm
    return (z * coarse, y * coarse, x * coarse)


def _moved(pose: Pose, by: Pose) -> Pose:
    """A pose with turns and shifts added."""
    a, b, c = (one + more for one, more in zip(pose.turn_deg, by.turn_deg, strict=True))
    x, y, z = (one + more for one, more in zip(pose.shift_mm, by.shift_mm, strict=True))
    return Pose((a, b, c), (x, y, z))
