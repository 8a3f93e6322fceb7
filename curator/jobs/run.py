"""A whole job: its stages in order, and what came of it.

The law: a job that is run again goes on where it was stopped and writes nothing where it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from curator.adapters.processes import executor
from curator.errors import EXIT_DONE, EXIT_FINDINGS
from curator.jobs.context import ExecutorOf, JobContext, open_job
from curator.jobs.job import Job
from curator.jobs.later import AnnotationCounts, LaterStages
from curator.jobs.progress import Report
from curator.jobs.proof import Proof
from curator.jobs.proven import record_proof
from curator.jobs.release.stage import ReleaseCounts, release
from curator.jobs.verification import verify_released
from curator.jobs.withdrawal import Withdrawn, withdraw
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a job came to; a part is None where its stage did not run.

    `proof` is what the search over everything that lay released came to, `withdrawn` what was taken back for it;
    `release` counts what was so taken back as quarantined.
    """

    release: ReleaseCounts
    proof: Proof
    withdrawn: Withdrawn
    annotations: AnnotationCounts
    dataset: Path | None = field(repr=False)
    run: Path | None = field(repr=False)
    mean_dice: float | None
    report: Path | None = field(repr=False)

    @property
    def exit_code(self) -> int:
        """0 where everything went through, 1 where something was quarantined or found."""
        held = sum(self.release.quarantined.values()) + sum(self.annotations.quarantined.values())
        return EXIT_FINDINGS if held or self.residual else EXIT_DONE

    @property
    def residual(self) -> int:
        """How many findings the proof made, of what was taken back and of what was not."""
        return len(self.proof.findings)

    def to_json(self) -> Mapping[str, object]:
        """The result for machines."""
        return {
            "files": self.release.files,
            "released": self.release.released,
            "released_new": self.release.new,
            "quarantined": {reason.value: count for reason, count in self.release.quarantined.items()},
            "weaker_than_profile": list(self.release.weakened),
            "residual_findings": self.residual,
            "residual_findings_remaining": len(self.withdrawn.remaining),
            "withdrawn": self.withdrawn.count,
            "references": {"resolved": self.proof.references_resolved, "outside": self.proof.references_outside},
            "annotations": {
                "masks": self.annotations.masks,
                "imported": self.annotations.imported,
                "imported_new": self.annotations.new,
                "quarantined": {reason.value: count for reason, count in self.annotations.quarantined.items()},
            },
            "dataset": self.dataset and self.dataset.name,
            "run": self.run and self.run.name,
            "mean_dice": self.mean_dice,
            "report": self.report and str(self.report),
        }


def run_job(
    job: Job,
    *,
    workers: int,
    report: Report,
    stages: LaterStages | None = None,
    executor_of: ExecutorOf = executor,
) -> JobResult:
    """Run all stages of a job; `stages` are needed where it names any behind the release.

    Raises:
        CuratorError: the job cannot be run as written, or not safely; what went wrong with single items is in the
            result.
    """
    later = stages or LaterStages()
    later.require(job)
    with open_job(job, workers=workers, report=report, executor_of=executor_of) as context:
        return _run(context, later)


def _run(context: JobContext, later: LaterStages) -> JobResult:
    released = release(context)
    proof = verify_released(context)
    withdrawn = withdraw(context, proof)
    record_proof(context, proof, withdrawn)
    annotations = later.annotate(context) if later.annotate is not None else AnnotationCounts()
    dataset = later.dataset(context) if later.dataset is not None else None
    trained = later.train(context, dataset) if later.train is not None else None
    report = _report(context, later, dataset, trained[0] if trained else None, residual=len(withdrawn.remaining))
    return JobResult(
        release=_without(released, withdrawn),
        proof=proof,
        withdrawn=withdrawn,
        annotations=annotations,
        dataset=dataset,
        run=trained[0] if trained else None,
        mean_dice=trained[1].mean_dice if trained else None,
        report=report,
    )


def _without(released: ReleaseCounts, withdrawn: Withdrawn) -> ReleaseCounts:
    """The counts after instances were taken back."""
    held = {
        reason: released.quarantined.get(reason, 0) + withdrawn.reasons.get(reason, 0)
        for reason in Reason
        if reason in released.quarantined or reason in withdrawn.reasons
    }
    # What another job had released may be taken back too.
    left = max(0, released.released - withdrawn.count)
    return replace(released, released=left, new=min(released.new, left), quarantined=held)


def _report(
    context: JobContext, later: LaterStages, dataset: Path | None, run: Path | None, *, residual: int
) -> Path | None:
    if context.job.report is None or later.report is None:
        return None
    later.report(
        context.workspace,
        context.job.report,
        dataset=dataset,
        run=run,
        released=context.released,
        residuals=residual,
    )
    return context.job.report
