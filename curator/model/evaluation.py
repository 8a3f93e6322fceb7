"""How well a model did, as the evaluator writes it and the report reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """One class of one item. `dice` is in [0, 1], 1.0 where prediction and reference are both empty.

    `hd95_mm` is the symmetric 95th percentile surface distance, `inf` where exactly one of the two is empty, 0.0 where
    both are. Volumes are millilitres.
    """

    item_id: str
    label: str
    dice: float
    hd95_mm: float
    reference_ml: float
    predicted_ml: float
    vendor: str
    centre_code: str
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """A mean over cases with its bootstrap interval; `group_by` is "" for all cases together.

    `dice_low` and `dice_high` bound the central 95 % of the bootstrap; with one case they equal the mean.
    """

    group_by: str
    group: str
    label: str
    cases: int
    dice_mean: float
    dice_low: float
    dice_high: float
    hd95_mm_median: float
