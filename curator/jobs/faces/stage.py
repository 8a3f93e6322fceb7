"""Heads through a job: every study that is not done yet is treated on a worker, and what follows from it comes after.

The law: a study whose every instance is done, and from which nothing that is not done follows, is not looked at again;
zones lie in a folder that is emptied when the stage begins and when it ends.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from curator.errors import ItemError
from curator.ingest.scanned import held
from curator.jobs.context import JobContext
from curator.jobs.faces.follow import Frames, Ties, Treatment
from curator.jobs.faces.task import HeadTask, TreatedHead, lost_head
from curator.jobs.progress import Progress
from curator.jobs.release.plan import Plan
from curator.jobs.release.record import Recorder
from curator.jobs.release.work import ReleaseTask
from curator.model.instance import SourceInstance
from curator.policy.dependents import shapeless_classes
from curator.policy.gates import Gates, load_gates, names_head

_SCRATCH = ".faces-"
_WORK = "curator.jobs.faces.work"
FOLDER = "faces"
"""Where the zones lie in a workspace as segmentations, by the keyed name of the study."""


@dataclass(frozen=True, slots=True)
class Heads:
    """What the stage made of all head studies: ties to what follows, and what became of each."""

    ties: Ties = field(repr=False)
    treatment: Treatment = field(repr=False)
    beside: tuple[str, ...] = field(repr=False)
    shapeless: frozenset[str] = frozenset()

    def beside_of(self, source: SourceInstance, context: JobContext) -> str:
        """A keyed digest of the files that decide what becomes of a dependent object; "" for none."""
        studies = self.ties.studies(source)
        return context.pseudonyms.item_id("\n".join(self.beside[number] for number in studies)) if studies else ""

    def task(self, context: JobContext, recorder: Recorder, source: SourceInstance) -> ReleaseTask | None:
        """What a worker is given of a dependent object; None where nothing is left to do, or it is held."""
        beside = self.beside_of(source, context)
        if recorder.is_done(source, beside) or recorder.is_contested(source):
            return None
        try:
            zones = self.treatment.zones(source, self.ties, is_shape=lambda uid: uid not in self.shapeless)
        except ItemError as error:
            recorder.hold([held(source, error.reason, error.detail)])
            return None
        return recorder.task(source, beside=beside, zones=zones)


@contextmanager
def heads(context: JobContext, recorder: Recorder, plan: Plan) -> Iterator[Heads]:
    """Release what may go of every head study of a plan; the zones last as long as the block."""
    root = context.workspace.root
    for left in root.glob(f"{_SCRATCH}*"):
        # What a killed run was writing; nobody else writes here now.
        shutil.rmtree(left, ignore_errors=True)
    ties = Ties(plan.heads)
    beside = tuple(_digest(context, one) for one in plan.heads)
    done = Heads(ties, Treatment({}), beside, shapeless_classes(context.rules))
    if not plan.heads:
        yield done
        return
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=root) as folder:
        needed = _followed(context, recorder, plan, done)
        frames = _run(context, recorder, plan, beside, needed, Path(folder))
        yield Heads(ties, Treatment(frames), beside, done.shapeless)


def _digest(context: JobContext, sources: Iterable[SourceInstance]) -> str:
    """A keyed digest of all files of a study, whatever they are called."""
    return context.pseudonyms.item_id("\n".join(sorted(one.content_id for one in sources)))


def _followed(context: JobContext, recorder: Recorder, plan: Plan, heads: Heads) -> frozenset[int]:
    """The studies from which something follows that is not done and has all it refers to."""
    needed: set[int] = set()
    for source in plan.dependent:
        studies = heads.ties.studies(source)
        if not studies or recorder.is_made(source, heads.beside_of(source, context)):
            continue
        elsewhere = (uid for uid in source.references if not heads.ties.holds(uid))
        if all(recorder.is_released(uid) for uid in elsewhere):
            needed.update(studies)
    return frozenset(needed)


def _run(
    context: JobContext,
    recorder: Recorder,
    plan: Plan,
    beside: Sequence[str],
    needed: frozenset[int],
    folder: Path,
) -> dict[int, Frames]:
    """Treat what has to be treated; what became of the frames of reference of studies that something follows from."""
    progress = Progress("faces", len(plan.heads), context.report)
    gates = load_gates(context.rules)
    found: dict[int, Frames] = {}
    sent: dict[int, HeadTask] = {}

    def tasks() -> Iterator[HeadTask]:
        for number, sources in enumerate(plan.heads):
            task = _task(
                context, recorder, number, sources, beside[number], gates, folder if number in needed else None
            )
            if task is None:
                progress.step()
            else:
                sent[number] = task
                yield task

    # Detectors and codecs take seconds to load, and most jobs have no heads.
    release_head: Callable[[HeadTask], TreatedHead] = importlib.import_module(_WORK).release_head
    for treated in context.executor.map(release_head, tasks(), lost=lost_head):
        task = sent.pop(treated.number)
        _record(recorder, task, treated)
        found[treated.number] = treated.frames
        progress.step(held=any(answer.record is None for answer in treated.answers.values()))
    return found


def _task(
    context: JobContext,
    recorder: Recorder,
    number: int,
    sources: Sequence[SourceInstance],
    beside: str,
    gates: Gates,
    zones: Path | None,
) -> HeadTask | None:
    """What a worker is given of a study; None where nothing of it is left to do."""
    ordered = sorted(sources, key=lambda one: one.SOPInstanceUID)
    wanted, settled = [], []
    for at, source in enumerate(ordered):
        if recorder.is_done(source, beside) or recorder.is_contested(source):
            continue
        stands = recorder.settled(source, beside)
        if stands is None:
            wanted.append(at)
        else:
            settled.append(stands)
    if not wanted and zones is None:
        recorder.hold(settled)
        return None
    again = {one.reference for one in settled}
    return HeadTask(
        number=number,
        study=beside,
        tasks=tuple(recorder.task(source, beside=beside) for source in ordered),
        heads=tuple(names_head(gates, source) for source in ordered),
        wanted=frozenset(wanted) | {at for at, source in enumerate(ordered) if source.reference in again},
        zones=zones,
        kept=context.workspace.root / FOLDER,
    )


def _record(recorder: Recorder, task: HeadTask, treated: TreatedHead) -> None:
    if treated.is_lost:
        for at in sorted(task.wanted):
            recorder.discard(task.tasks[at].source)
    recorder.record([answer.outcome(task.tasks[at]) for at, answer in sorted(treated.answers.items())])
