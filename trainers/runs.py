"""The folder of one run.

    RUN/
      plan.json  config.json  run.json    what is trained, on which dataset, with what result
      metrics.jsonl                       one line a validation
      checkpoint.pt                       where the run can go on
      model.pt                            the best weights so far, with their plan: all that prediction needs
      predictions/  evaluation/

The law: a run belongs to one dataset, to the byte, and to one configuration; the same two give the same bytes here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curator.errors import IntegrityError, UsageError
from trainers.config import TrainConfig
from trainers.dataset import DatasetIdentity, FrozenDataset
from trainers.files import json_bytes, read_json, write_bytes
from trainers.plan import Plan

PLAN_NAME = "plan.json"
CONFIG_NAME = "config.json"
RUN_NAME = "run.json"
METRICS_NAME = "metrics.jsonl"
CHECKPOINT_NAME = "checkpoint.pt"
MODEL_NAME = "model.pt"
FILE_NAMES = (PLAN_NAME, CONFIG_NAME, RUN_NAME, METRICS_NAME, CHECKPOINT_NAME, MODEL_NAME)
PREDICTIONS_NAME = "predictions"
EVALUATION_NAME = "evaluation"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """How a run ended.

    `dice_validation` is the mean over labels and validation cases of the weights kept, `None` where the dataset has no
    annotated validation item; then the last weights are kept. `resumed_at_step` is 0 for an unbroken run.
    """

    run: Path
    steps: int
    best_step: int
    dice_validation: float | None
    resumed_at_step: int


def is_run_of(run: Path, dataset: FrozenDataset, config: TrainConfig) -> bool:
    """Whether `run` was begun with this configuration on this dataset; False where no run is there.

    Raises:
        UsageError: it is the folder of another run.
    """
    if not (run / RUN_NAME).is_file():
        return False
    same_dataset = run_identity(run) == dataset.identity
    if not same_dataset or run_config(run) != config:
        what = "configuration" if same_dataset else "dataset"
        raise UsageError(f"this folder holds a run of another {what}; choose another folder for the new run")
    return True


def begin_run(run: Path, dataset: FrozenDataset, config: TrainConfig, plan: Plan) -> None:
    """Make `run` the folder of this configuration on this dataset.

    Raises:
        ItemError: it cannot be written.
    """
    write_bytes(run / PLAN_NAME, json_bytes(plan.to_json()))
    write_bytes(run / CONFIG_NAME, json_bytes(config.to_table()))
    _write_run(run, dataset, None)


def finish_run(run: Path, dataset: FrozenDataset, result: FitResult) -> None:
    """Record in `run.json` that the run is complete."""
    outcome = {
        "steps": result.steps,
        "best_step": result.best_step,
        "dice_validation": result.dice_validation,
    }
    _write_run(run, dataset, outcome)


def finished_result(run: Path) -> FitResult | None:
    """The result of a complete run; `None` while there is none."""
    outcome = read_json(run / RUN_NAME)["result"]
    return None if outcome is None else FitResult(run=run, resumed_at_step=0, **outcome)


def run_identity(run: Path) -> DatasetIdentity:
    """The dataset that `run` was trained on.

    Raises:
        UsageError: there is no run in `run`.
        IntegrityError: its record cannot be read.
    """
    stated = _record(run).get("dataset", {})
    try:
        return DatasetIdentity(**{name: str(stated[name]) for name in ("name", "version", "merkle_root")})
    except KeyError as error:
        raise IntegrityError(f"{RUN_NAME} does not name its dataset; fit it again") from error


def run_dataset_folder(run: Path) -> Path:
    """Where the run's dataset lay when it began, found from where the run lies now."""
    run_identity(run)
    return Path(os.path.normpath(run / str(_record(run)["dataset"]["relative_folder"])))


def run_config(run: Path) -> TrainConfig:
    """The configuration of `run`.

    Raises:
        UsageError: there is no run in `run`.
    """
    _record(run)
    return TrainConfig.from_table(read_json(run / CONFIG_NAME))


def run_plan(run: Path) -> Plan:
    """The plan of `run`.

    Raises:
        UsageError: there is no run in `run`.
    """
    _record(run)
    return Plan.from_json(read_json(run / PLAN_NAME))


def _record(run: Path) -> dict[str, Any]:
    if not (run / RUN_NAME).is_file():
        raise UsageError(f"no run here: {RUN_NAME} is missing; make one with `curator train fit`")
    return read_json(run / RUN_NAME)


def _write_run(run: Path, dataset: FrozenDataset, result: Mapping[str, object] | None) -> None:
    folder = os.path.relpath(dataset.folder.resolve(), run.resolve())
    record = {
        "schema": 1,
        "dataset": {**asdict(dataset.identity), "relative_folder": Path(folder).as_posix()},
        "versions": {name: version(name) for name in ("curator", "monai", "torch")},
        "result": result,
    }
    write_bytes(run / RUN_NAME, json_bytes(record))
