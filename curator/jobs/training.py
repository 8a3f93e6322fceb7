"""The training stage: fit, predict, evaluate on the frozen dataset.

The law: a run is named by what it was made from, so the same dataset and configuration are trained once.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from curator.dataset.read import read_lock
from curator.jobs.context import JobContext
from curator.jobs.ledger import StageResult
from curator.jobs.progress import Progress
from trainers.config import TrainConfig
from trainers.evaluate import Evaluation, evaluate_run, read_evaluation
from trainers.fit import fit
from trainers.infer import predict

STAGE = "train"
_NAME_DIGITS = 8


def train(context: JobContext, dataset: Path | None) -> tuple[Path, Evaluation] | None:
    """The run's folder and its evaluation, None where the job trains nothing or there is no dataset.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    if context.job.train is None or dataset is None:
        return None
    config = TrainConfig.from_table(context.job.train)
    lock = read_lock(dataset)
    given = hashlib.sha256(json.dumps([lock.merkle_root, config.to_table()], sort_keys=True).encode()).hexdigest()
    run = context.workspace.runs / f"{dataset.name}-{given[:_NAME_DIGITS]}"
    if context.ledger.stage_result(context.job.name, STAGE, given) is not None and run.is_dir():
        return run, read_evaluation(run)
    progress = _Steps(context)
    fit(dataset, run, config, progress=progress)
    predict(run, dataset)
    evaluation = evaluate_run(run, dataset)
    context.ledger.record_stage_result(
        StageResult(
            job=context.job.name,
            stage=STAGE,
            input_digest=given,
            output_digest=f"{evaluation.mean_dice:.6f}",
            output_path=run.relative_to(context.workspace.root).as_posix(),
        )
    )
    return run, evaluation


class _Steps:
    """Turns the trainer's (done, total) into this job's progress."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._progress: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        if self._progress is None:
            self._progress = Progress(STAGE, total, self._context.report)
        self._progress.at(done)
