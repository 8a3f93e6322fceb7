"""What a training run's folder says: its plan, its curve, its scores."""

from __future__ import annotations

import json
from pathlib import Path

from curator.errors import IntegrityError
from curator.jobs.summaries.dataset import label_names
from curator.model.summary import EvaluationSummary, TrainingPoint, TrainingSummary
from trainers.evaluate import read_evaluation
from trainers.files import read_json
from trainers.runs import EVALUATION_NAME, METRICS_NAME, RUN_NAME, finished_result, run_config, run_identity, run_plan


def training_summary(run: Path) -> TrainingSummary:
    """The run as far as it went.

    Raises:
        UsageError: there is no run.
        IntegrityError: its files cannot be read.
    """
    identity, plan, config, result = run_identity(run), run_plan(run), run_config(run), finished_result(run)
    versions = read_json(run / RUN_NAME).get("versions", {})
    return TrainingSummary(
        dataset=f"{identity.name} {identity.version}",
        merkle_root=identity.merkle_root,
        labels=label_names(plan.labels),
        network=f"{plan.network}, channels {' '.join(str(width) for width in plan.channels)}",
        training_items=plan.training_items,
        spacing_mm=plan.spacing_mm,
        patch_size=plan.patch_size,
        batch_size=plan.batch_size,
        steps_planned=config.steps,
        seed=config.seed,
        versions={str(name): str(version) for name, version in versions.items()},
        points=_points(run),
        best_step=None if result is None else result.best_step,
        dice_validation=None if result is None else result.dice_validation,
    )


def _points(run: Path) -> tuple[TrainingPoint, ...]:
    """One a validation; none before the first."""
    path = run / METRICS_NAME
    if not path.is_file():
        return ()
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return tuple(
            TrainingPoint(
                step=int(line["step"]),
                loss_train=float(line["loss_train"]),
                dice_validation=line["dice_validation"],
                dice_by_label=dict(line["dice_validation_by_label"]),
            )
            for line in lines
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{METRICS_NAME} of this run cannot be read") from error


def evaluation_summary(run: Path) -> EvaluationSummary | None:
    """The scores of the run's predictions; None where it was not evaluated.

    Raises:
        IntegrityError: they cannot be read.
    """
    if not (run / EVALUATION_NAME).is_dir():
        return None
    found = read_evaluation(run)
    known = label_names(run_plan(run).labels)
    # The predictions may be of another dataset, whose classes need not all be the run's.
    others = sorted({group.label for group in found.groups} - set(known))
    return EvaluationSummary(
        dataset=f"{found.dataset.name} {found.dataset.version}",
        merkle_root=found.dataset.merkle_root,
        labels=(*known, *others),
        splits=tuple(sorted({case.split for case in found.cases if case.split})),
        items=len({case.item_id for case in found.cases}),
        mean_dice=found.mean_dice,
        groups=found.groups,
    )
