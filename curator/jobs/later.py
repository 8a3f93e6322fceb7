"""The stages behind the release, brought by whoever runs a job.

The law: what a job does not name is not loaded for it; de-identifying one file needs neither a network nor a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from curator.errors import UsageError
from curator.jobs.context import JobContext
from curator.jobs.job import Job
from curator.model.quarantine import Reason
from curator.ports import StoredFile

if TYPE_CHECKING:
    from trainers.evaluate import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationCounts:
    """What one run of the annotation stage found: `masks` = `imported` + the sum of `quarantined`."""

    masks: int = 0
    imported: int = 0
    new: int = 0
    quarantined: Mapping[Reason, int] = field(default_factory=dict)


AnnotateStage: TypeAlias = Callable[[JobContext], AnnotationCounts]
"""`curator.jobs.annotations.annotate`."""
DatasetStage: TypeAlias = Callable[[JobContext], Path | None]
"""`curator.jobs.datasets.build_dataset`."""
TrainStage: TypeAlias = "Callable[[JobContext, Path | None], tuple[Path, Evaluation] | None]"
"""`curator.jobs.training.train`."""
ReportStage: TypeAlias = Callable[..., StoredFile]
"""`curator.jobs.summary.write_report`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterStages:
    """The stages themselves; one that the job does not name may be None."""

    annotate: AnnotateStage | None = None
    dataset: DatasetStage | None = None
    train: TrainStage | None = None
    report: ReportStage | None = None

    def require(self, job: Job) -> None:
        """Nothing, where all are there that the job names.

        Raises:
            UsageError: one is not.
        """
        brought = {"annotate": self.annotate, "dataset": self.dataset, "train": self.train, "report": self.report}
        for name, stage in brought.items():
            if getattr(job, name) is not None and stage is None:
                raise UsageError(f"this job has a stage `{name}`, which the caller did not provide for")
