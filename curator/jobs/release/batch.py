"""Instances on their way to a worker and back, several at a time.

The law: a batch holds no more than a worker does in a moment, and what its instances share crosses the border once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from curator.jobs.release.work import Outcome, ReleaseTask, release_one
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Reason

# What a worker knows of a person takes as long to make as two files take: a batch ends with a person where it can.
_FEW_TASKS = 8
_MOST_TASKS = 32
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ReleaseBatch:
    """Tasks under the number by which the answer is known."""

    number: int
    tasks: tuple[ReleaseTask, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome without its source, which the job has."""

    record: ReleasedInstance | None
    reason: Reason | None
    detail: str
    applied: tuple[tuple[str, str, int], ...] = field(repr=False)
    evidence: Mapping[str, object] | None = field(repr=False)

    @classmethod
    def of(cls, done: Outcome) -> Answer:
        """What of an outcome the job has not."""
        return cls(done.record, done.reason, done.detail, done.applied, done.evidence)

    def outcome(self, task: ReleaseTask) -> Outcome:
        """The outcome of the task that this answers."""
        return Outcome(
            source=task.source,
            record=self.record,
            reason=self.reason,
            detail=self.detail,
            applied=self.applied,
            evidence=self.evidence,
            beside=task.beside,
        )


@dataclass(frozen=True, slots=True)
class ReleasedBatch:
    """What became of each task of a batch, in their order; `is_lost` where the worker ended before it could say."""

    number: int
    answers: tuple[Answer, ...]
    is_lost: bool = False

    def outcomes(self, batch: ReleaseBatch) -> Iterator[Outcome]:
        """The outcomes of the batch that this answers."""
        for task, answer in zip(batch.tasks, self.answers, strict=True):
            yield answer.outcome(task)


def release_batch(batch: ReleaseBatch) -> ReleasedBatch:
    """Release the instances of a batch one by one; what goes wrong with one stays with it."""
    # Files of a series mostly have the same counts; the same object is sent once.
    counts: dict[tuple[tuple[str, str, int], ...], tuple[tuple[str, str, int], ...]] = {}
    answers = []
    for task in batch.tasks:
        done = release_one(task)
        applied = counts.setdefault(done.applied, done.applied)
        answers.append(Answer(done.record, done.reason, done.detail, applied, done.evidence))
    return ReleasedBatch(batch.number, tuple(answers))


def lost_batch(batch: ReleaseBatch) -> ReleasedBatch:
    """The answer for a batch whose worker ended with it: each of its instances is held."""
    answer = Answer(None, Reason.INTERNAL_ERROR, "the worker process ended", (), None)
    return ReleasedBatch(batch.number, (answer,) * len(batch.tasks), is_lost=True)


def one_by_one(tasks: Iterable[ReleaseTask]) -> Iterator[ReleaseBatch]:
    """Each task in a batch of its own."""
    for number, task in enumerate(tasks):
        yield ReleaseBatch(number, (task,))


def batched(tasks: Iterable[ReleaseTask]) -> Iterator[ReleaseBatch]:
    """All tasks in batches, taken when they are asked for; one that is large ends its batch. Nothing for none."""
    number, size = 0, 0
    waiting: list[ReleaseTask] = []
    for task in tasks:
        is_another = bool(waiting) and waiting[-1].alias.patient_code != task.alias.patient_code
        if len(waiting) == _MOST_TASKS or size > _MOST_BYTES or (is_another and len(waiting) >= _FEW_TASKS):
            yield ReleaseBatch(number, tuple(waiting))
            number, size, waiting = number + 1, 0, []
        waiting.append(task)
        size += task.source.size_bytes
    if waiting:
        yield ReleaseBatch(number, tuple(waiting))
