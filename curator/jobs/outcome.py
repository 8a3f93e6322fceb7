"""What a job came to, as a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from curator.jobs.run import JobResult


def result_table(result: JobResult) -> str:
    """A table without a frame: one fact a line, reasons indented under the quarantined."""
    return "\n".join(f"{name:<34}{value}" for name, value in _rows(result))


def _rows(result: JobResult) -> Iterator[tuple[str, object]]:
    yield "files in", result.release.files
    yield "released", result.release.released
    yield "quarantined", sum(result.release.quarantined.values())
    for reason, count in result.release.quarantined.items():
        yield f"  {reason.value}", count
    for sentence in result.release.weakened:
        yield "weaker than the profile", sentence
    yield "findings of the proof", result.residual
    if result.residual:
        yield "  instances withdrawn for them", result.withdrawn.count
        yield "  about files that stay", len(result.withdrawn.remaining)
    yield "references that resolve", result.proof.references_resolved
    yield "references to what is not here", result.proof.references_outside
    if result.annotations.masks:
        yield "masks imported", f"{result.annotations.imported} of {result.annotations.masks}"
        for reason, count in result.annotations.quarantined.items():
            yield f"  {reason.value}", count
    if result.dataset is not None:
        yield "dataset", result.dataset.name
    if result.mean_dice is not None:
        yield "mean Dice on the test split", f"{result.mean_dice:.3f}"
    if result.report is not None:
        yield "report", result.report
