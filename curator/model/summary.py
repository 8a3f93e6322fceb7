"""What a job did, as a report tells it: counts, codes, digests and scores.

The law: nothing from a patient and no source name stands here, so a summary may be shown to whoever may see the
dataset; every part that a job did not come to is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.model.annotation import Label
from curator.model.evaluation import GroupScore
from curator.model.quarantine import Reason

SCHEMA = 1


@dataclass(frozen=True, slots=True, order=True)
class Tally:
    """How often one value comes; an empty `name` is a value that was not stated."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many items one reason holds back at one stage."""

    reason: Reason
    stage: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One attribute over a collection, most frequent value first.

    `effective_number` is how many equally frequent values would be as diverse, `evenness` is in [0, 1].
    """

    attribute: str
    counts: tuple[Tally, ...]
    effective_number: float
    evenness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountGrid:
    """How often two attributes go together: `cells[i][j]` for the `i`-th row and `j`-th column value.

    `shared_information` is in [0, 1], 1.0 where one attribute tells the other; None where it was not measured.
    """

    row_attribute: str
    column_attribute: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]
    shared_information: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySummary:
    """One policy that `files` released files were made under.

    `edition` is that of PS3.15. `method` and `options` are as the released files state them (DICOM's De-identification
    Method and its codes); both are empty where no such file could be read. `weakened` is what a recipe let stay that
    the profile would not.
    """

    digest: str
    files: int
    method: str = ""
    options: tuple[str, ...] = ()
    dates: str = ""
    edition: str = ""
    weakened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The last search of all released files for identifiers, after they were written.

    `residuals` counts findings about files that are still there, `by_defect` all of them and `withdrawn` the instances
    that were taken back for theirs. References resolve within the release or point outside of it.
    """

    files: int
    residuals: int
    by_defect: tuple[Tally, ...] = ()
    withdrawn: int = 0
    references_resolved: int = 0
    references_outside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """How many elements of the released files one rule was applied to, with one action."""

    rule_id: str
    action: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldItem:
    """One item that is held back, by its opaque name."""

    item_id: str
    reason: Reason
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSummary:
    """What went in and what became of it, in files; masks are counted apart, for a released SEG is one too.

    `verification` is None where nobody searched again after writing. `audit_head` stands for the whole audit log.
    """

    files_in: int
    released: int
    held: tuple[ReasonCount, ...]
    masks_imported: int
    masks_held: tuple[ReasonCount, ...]
    patients: int
    studies: int
    series: int
    key_id: str
    policies: tuple[PolicySummary, ...]
    verification: Verification | None = None
    actions: tuple[RuleCount, ...] = ()
    held_items: tuple[HeldItem, ...] = ()
    audit_entries: int = 0
    audit_head: str = ""

    @property
    def held_count(self) -> int:
        """How many files are in the quarantine."""
        return sum(each.count for each in self.held)

    @property
    def withdrawn(self) -> int:
        """How many files were withdrawn because the search at writing found an identifier."""
        return sum(each.count for each in self.held if each.reason is Reason.RESIDUAL_IDENTIFIER)

    @property
    def unaccounted(self) -> int:
        """Files that are neither released nor held, less those that are both: 0 in every finished job."""
        return self.files_in - self.released - self.held_count


@dataclass(frozen=True, slots=True, kw_only=True)
class DiversitySummary:
    """How varied the released series are."""

    series: int
    patients: int
    attributes: tuple[Distribution, ...]
    vendor_by_centre: CountGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorSummary:
    """One author of masks by code; `roles` and `tools` as declared."""

    author_code: str
    roles: tuple[str, ...]
    tools: tuple[str, ...]
    masks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAgreementSummary:
    """One class, in the order of the authors of its `AgreementSummary`.

    `dice[i][j]` is the mean over images that both drew, in [0, 1]; `bias_ml[i]` is by how much author i's mask is
    larger than the consensus, mean over images, millilitres. None where there was nothing to compare.
    """

    label: str
    dice: tuple[tuple[float | None, ...], ...]
    bias_ml: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSummary:
    """How far authors agree over `items` images out of `items_with_several` that several of them drew.

    `kappa` and `alpha` are means over images, all classes together, within the box around all masks.
    """

    authors: tuple[AuthorSummary, ...]
    items: int
    items_with_several: int
    labels: tuple[LabelAgreementSummary, ...]
    kappa: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSlice:
    """One slice as it is shown: `grey` `(Y, X)` uint8, `mask` `(Y, X)` uint8 label values, `spacing_mm` `(y, x)`."""

    grey: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.uint8] = field(repr=False)
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Some slices of one volume, foot to head, with what may be said of it."""

    Modality: str
    BodyPartExamined: str
    vendor: str
    centre_code: str
    split: str
    slices: tuple[ExampleSlice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """A frozen dataset.

    `by_split` has one grid per attribute, its columns are the splits. `left_out` is by the selection's reasons,
    `excluded` what was chosen and could not be used. `l1` is how far the choice is from even, `l1_bound` how near any
    choice could come; both None where the certificate is missing.
    """

    name: str
    version: str
    seed: int
    consensus: tuple[str, ...]
    items: int
    patients: int
    annotations: int
    labels: tuple[Label, ...]
    merkle_root: str
    by_split: tuple[CountGrid, ...]
    tools: Mapping[str, str]
    policy_digests: Mapping[str, str]
    left_out: tuple[Tally, ...] = ()
    excluded: tuple[Tally, ...] = ()
    l1: float | None = None
    l1_bound: float | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPoint:
    """One validation; `dice_by_label` is empty where the dataset has no annotated validation item."""

    step: int
    loss_train: float
    dice_validation: float | None
    dice_by_label: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSummary:
    """One training run; `best_step` and `dice_validation` are None while it is not complete. Axes are `(z, y, x)`.

    `labels` are the classes in the order of their values.
    """

    dataset: str
    merkle_root: str
    labels: tuple[str, ...]
    network: str
    training_items: int
    spacing_mm: tuple[float, float, float]
    patch_size: tuple[int, int, int]
    batch_size: int
    steps_planned: int
    seed: int
    versions: Mapping[str, str]
    points: tuple[TrainingPoint, ...]
    best_step: int | None = None
    dice_validation: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """How good a run's predictions are; `groups` as the evaluator wrote them, `group_by` is "" for all cases.

    `labels` are the classes in the order of their values.
    """

    dataset: str
    merkle_root: str
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    items: int
    mean_dice: float
    groups: tuple[GroupScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalSummary:
    """A job on phantoms: how many distinct planted identifiers were searched in how many files; how many survived."""

    planted: int
    files_searched: int
    surviving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """Everything one report tells; `title` names the workspace, dataset or run it is about."""

    title: str
    curator_version: str
    release: ReleaseSummary | None = None
    diversity: DiversitySummary | None = None
    agreement: AgreementSummary | None = None
    dataset: DatasetSummary | None = None
    training: TrainingSummary | None = None
    evaluation: EvaluationSummary | None = None
    rehearsal: RehearsalSummary | None = None

    def to_json(self) -> dict[str, object]:
        """Plain JSON values under the records' own names, with `schema`.

        Pixels are left out and what is not finite is null, so canonical JSON can hold it.
        """
        return {"schema": SCHEMA, **_plain(self)}


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name != "slices"}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
