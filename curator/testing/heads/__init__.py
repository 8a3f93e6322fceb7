"""Heads made of shapes: any person, contrast, grid, position and field of view, with the truth about each.

The law: a head is a pure function of its plan, and its face is one that a face detector believes.
"""

from curator.testing.heads.derived import write_dose, write_segmentation, write_structure_set
from curator.testing.heads.enhanced import write_enhanced
from curator.testing.heads.landmarks import skin_distance_mm
from curator.testing.heads.overviews import write_localizer, write_scout
from curator.testing.heads.phantom import Head, make_head
from curator.testing.heads.plan import FIELDS_OF_VIEW, Contrast, FieldOfView, HeadPlan, Pose, Subject
from curator.testing.heads.random_plans import random_heads
from curator.testing.heads.series import write_series
from curator.testing.heads.studies import lps_between, multi_contrast, pet_ct, write_study
from curator.testing.heads.visit import SeriesPlan, Visit, WrittenSeries, start_visit

__all__ = [
    "FIELDS_OF_VIEW",
    "Contrast",
    "FieldOfView",
    "Head",
    "HeadPlan",
    "Pose",
    "SeriesPlan",
    "Subject",
    "Visit",
    "WrittenSeries",
    "lps_between",
    "make_head",
    "multi_contrast",
    "pet_ct",
    "random_heads",
    "skin_distance_mm",
    "start_visit",
    "write_dose",
    "write_enhanced",
    "write_localizer",
    "write_scout",
    "write_segmentation",
    "write_series",
    "write_structure_set",
    "write_study",
]
