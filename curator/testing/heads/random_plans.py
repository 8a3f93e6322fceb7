"""Random heads for an acceptance: people, contrasts, spacings, positions and fields of view as they come.

The law: the same seed gives the same plans, and the first of a longer list are those of a shorter one; every contrast,
plane, position and cut of the face comes up in the first fifty.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curator.testing.heads.plan import (
    ABOVE_BROW,
    CUT_AT_CHIN,
    CUT_BELOW_EYES,
    CUT_BELOW_NOSE,
    NO_VAULT,
    TIGHT,
    VAULT,
    WHOLE,
    WIDE,
    WITH_NECK,
    Contrast,
    HeadPlan,
    Pose,
)
from curator.testing.invented import random_stream

_CONTRASTS = (
    *(Contrast.T1, Contrast.CT, Contrast.T2, Contrast.T1, Contrast.FLAIR, Contrast.CT),
    *(Contrast.PD, Contrast.T1, Contrast.PET),
)
_PLANES = ("axial", "sagittal", "axial", "coronal")
_POSITIONS = ("HFS", "HFS", "FFS", "HFP", "HFS", "HFDL", "FFP", "HFDR", "FFDL", "HFS", "FFDR")
_VIEWS = (
    *(WHOLE, WITH_NECK, WHOLE, CUT_AT_CHIN, WHOLE, CUT_BELOW_NOSE, WITH_NECK, TIGHT, WHOLE, CUT_BELOW_EYES),
    *(NO_VAULT, WHOLE, ABOVE_BROW, WITH_NECK, VAULT, WHOLE, WHOLE),
)
_MOST_VOXELS = 14e6
_FINE_MM, _THICK_MM = 0.5, 6.0
_MOST_OBLIQUE_DEG = 25.0


def random_heads(seed: int, count: int) -> tuple[HeadPlan, ...]:
    """So many plans; spacings run from 0.5 to 6 mm, and one in six is a child."""
    return tuple(_random_plan(seed, number) for number in range(count))


def _random_plan(seed: int, number: int) -> HeadPlan:
    rng = random_stream(seed, "random heads", number)
    contrast = _CONTRASTS[number % len(_CONTRASTS)]
    plane = _PLANES[number % len(_PLANES)] if contrast.modality == "MR" else "axial"
    is_oblique = contrast.modality == "MR" and bool(rng.random() < 0.4)
    oblique = rng.uniform(-1, 1, 3) * _MOST_OBLIQUE_DEG * (1.0 if is_oblique else 0.0)
    view = _VIEWS[number % len(_VIEWS)]
    is_ct = contrast is Contrast.CT
    if is_ct and view is not TIGHT:
        view = replace(view, front_mm=WIDE.front_mm, back_mm=WIDE.back_mm, side_mm=WIDE.side_mm)
    return HeadPlan(
        seed=seed,
        person=number,
        strength=float(rng.choice([1.0, 1.7])),
        is_child=number % 6 == 5,
        contrast=contrast,
        spacing_mm=_spacing(rng, contrast),
        plane=plane,
        oblique_deg=_triple(oblique),
        position=_POSITIONS[number % len(_POSITIONS)],
        field_of_view=view,
        pose=Pose(_triple(rng.normal(0, (7, 4, 6))), _triple(rng.normal(0, (8, 15, 40)))),
        shading=float(rng.choice([1.0, 1.5, 2.0, 3.0])) if contrast.modality == "MR" else 1.0,
        gain=float(np.round(np.exp(rng.uniform(np.log(0.3), np.log(8.0))), 3)),
        noise=float(rng.choice([0.5, 1.0, 2.0])),
        has_table=is_ct and bool(rng.random() < 0.8),
        has_tube=bool(rng.random() < 0.12),
    )


def _spacing(rng: np.random.Generator, contrast: Contrast) -> tuple[float, float, float]:
    """Between slices, rows and columns, mm, so coarse that the volume has no more than `_MOST_VOXELS`."""
    if contrast is Contrast.PET:
        pixel, slice_ = rng.uniform(1.5, 4.0), rng.uniform(1.5, 5.0)
    else:
        pixel = np.exp(rng.uniform(np.log(_FINE_MM), np.log(2.0)))
        slice_ = np.exp(rng.uniform(np.log(max(_FINE_MM, pixel * 0.8)), np.log(_THICK_MM)))
    whole_mm3 = 194.0 * 250.0 * 280.0
    slice_ = max(slice_, whole_mm3 / _MOST_VOXELS / pixel**2)
    return (round(float(slice_), 2), round(float(pixel), 2), round(float(pixel), 2))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) + 0.0 for value in values)
    return (x, y, z)
