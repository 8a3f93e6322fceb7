"""Heads made of shapes: any person, contrast, grid, position and field of view, with the truth about each.

The law: a head is a pure function of its plan, and its face is one that a face detector believes.
"""

from curator.testing.heads.landmarks import skin_distance_mm
from curator.testing.heads.phantom import Head, make_head
from curator.testing.heads.plan import FIELDS_OF_VIEW, Contrast, FieldOfView, HeadPlan, Pose, Subject

__all__ = [
    "FIELDS_OF_VIEW",
    "Contrast",
    "FieldOfView",
    "Head",
    "HeadPlan",
    "Pose",
    "Subject",
    "make_head",
    "skin_distance_mm",
]
