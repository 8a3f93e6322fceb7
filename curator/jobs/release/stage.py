"""The release stage: everything under the job's paths becomes a released instance or a quarantine entry.

The law: a file is released exactly once however often the stage runs; what it once released and would not release
today is withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from curator.ingest.find import find
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Scanned
from curator.jobs.context import JobContext
from curator.jobs.faces.stage import heads
from curator.jobs.progress import Progress
from curator.jobs.release.batch import ReleaseBatch, batched, lost_batch, one_by_one, release_batch
from curator.jobs.release.equipment import ReleaseSettings, policy_of
from curator.jobs.release.looking import FACE_OPTION
from curator.jobs.release.made import made_under
from curator.jobs.release.plan import Plan, judge_of, plan_release, resolvable
from curator.jobs.release.record import STAGE, Recorder
from curator.jobs.release.survey import ScanFiles, Survey, batches
from curator.jobs.release.work import Outcome, ReleaseTask
from curator.jobs.subjects import person_entries, require_drawn, uid_entries
from curator.jobs.weakened import record_weakened
from curator.model.identity import Identifier
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.dates import longest_shift_weeks
from curator.policy.dependents import load_dependents
from curator.policy.explain import recipe_sentences
from curator.policy.gates import load_gates

# Results are recorded in groups: few enough that a kill loses little work, many enough to spare the disk.
_GROUP = 128
# Attributes that a line of the progress names; the conformance statement names them all.
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCounts:
    """What one run of the stage found: `files` = `released` + the sum of `quarantined`; `new` were written by it.

    `weakened` says what the job's recipe lets stay that its profile would not.
    """

    files: int
    released: int
    new: int
    quarantined: Mapping[Reason, int] = field(default_factory=dict)
    weakened: tuple[str, ...] = ()


def release(context: JobContext) -> ReleaseCounts:
    """Run the stage over the job's paths; all zero for no files.

    Raises:
        UsageError: a path does not exist, or the rules refuse the job's options.
    """
    require_drawn(_codes_in_outputs(context), context.workspace, context.ring)
    settings = _settings(context)
    weakened = _weakened(context, settings)
    with closing(_scan(context)) as scanned:
        return _release(context, settings, scanned, weakened=weakened)


def _release(
    context: JobContext, settings: ReleaseSettings, scanned: Sequence[Scanned], *, weakened: tuple[str, ...]
) -> ReleaseCounts:
    plan = _plan(context, scanned)
    plan = replace(plan, identifiers=_remember(context, plan))
    recorder = Recorder(context, settings, plan=plan, scanned=scanned)
    recorder.begin(plan.held)
    _run(context, recorder, plan.first, partial(_task, recorder), name="release")
    with heads(context, recorder, plan) as faces:
        images = (source for source in plan.standing if source.has_pixel_data)
        ready, unresolved = resolvable(plan.dependent, recorder.released_among(images), recorder.uid)
        recorder.hold(unresolved)
        _run(context, recorder, ready, partial(faces.task, context, recorder), name="dependents")
    recorder.forget_gone()
    return ReleaseCounts(
        files=len(scanned),
        released=recorder.released_count,
        new=recorder.new_count,
        quarantined={reason: recorder.reasons[reason] for reason in Reason if recorder.reasons[reason]},
        weakened=weakened,
    )


def _weakened(context: JobContext, settings: ReleaseSettings) -> tuple[str, ...]:
    policy = policy_of(settings)
    sentences = recipe_sentences(policy, most=_MOST_NAMED)
    record_weakened(context, policy.digest, sentences)
    for sentence in sentences:
        context.report(f"weaker than the profile by the recipe, {sentence}")
    return sentences


def _settings(context: JobContext) -> ReleaseSettings:
    return ReleaseSettings(
        key=context.key,
        rules=context.rules,
        profile=context.job.profile,
        options=context.job.options,
        released=context.released,
        longest_shift_weeks=longest_shift_weeks(context.rules),
        recipe=context.job.recipe,
        faces=context.job.faces,
    )


def _scan(context: JobContext) -> Survey:
    job = context.job
    found = find(job.paths, ignore=job.ignore)
    task = ScanFiles(ScanTask(context.key, context.rules, job.profile, job.options, job.recipe))
    progress = Progress("scan", len(found), context.report)
    survey = Survey(context.workspace.root)
    for scanned in context.executor.map(task, batches(found)):
        survey.add(scanned)
        progress.on(scanned.count, held=scanned.held)
    return survey


def _plan(context: JobContext, scanned: Sequence[Scanned]) -> Plan:
    dependents = load_dependents(context.rules)
    return plan_release(
        scanned,
        judge=judge_of(load_gates(context.rules), context.job.options),
        is_dependent=lambda source: source.SOPClassUID in dependents,
        subjects=context.subjects,
        defaces=FACE_OPTION in context.job.options,
    )


def _codes_in_outputs(context: JobContext) -> set[str]:
    """The patient codes of what was released under the active key."""
    ending = made_under(context.key)
    rows = context.ledger.current(STAGE).values()
    return {row.output_path.partition("/")[0] for row in rows if row.output_path and row.detail.endswith(ending)}


def _remember(context: JobContext, plan: Plan) -> dict[str, frozenset[Identifier]]:
    """Let the escrow know, before anything is written, who stands behind each code and what must not survive.

    What must not survive of each person by code, as far as any job of the workspace knows: the proof searches for all
    of it, so the writing has to look for no less.
    """
    vault, escrow = context.workspace.vault(context.pseudonyms), context.workspace.escrow(context.ring)
    vault.take_in(context.workspace.earlier_vault, context.seal)
    vault.remember(plan.identifiers)
    escrow.write(person_entries(_people(context, plan), escrow, epoch=context.key.epoch))
    if context.workspace.keeps_uids:
        escrow.write(uid_entries(_people(context, plan), context.pseudonyms, epoch=context.key.epoch))
    known = vault.recall()
    return {code: _joined(found, known.pop(code, frozenset())) for code, found in plan.identifiers.items()}


def _joined(found: frozenset[Identifier], known: frozenset[Identifier]) -> frozenset[Identifier]:
    """Both; the very object that was found where nothing else was known, which is mostly so."""
    return found if known <= found else found | known


def _people(context: JobContext, plan: Plan) -> Iterator[tuple[str, SourceInstance]]:
    """Every instance of the plan with the code of its person."""
    for source in plan.candidates:
        if source.subject is not None:
            yield context.subjects.subject_of(source.subject).patient_code, source


def _run(
    context: JobContext,
    recorder: Recorder,
    sources: Sequence[SourceInstance],
    task_of: Callable[[SourceInstance], ReleaseTask | None],
    *,
    name: str,
) -> None:
    """Release what is not released yet, and record it in groups."""
    progress = Progress(name, len(sources), context.report)
    group: list[Outcome] = []
    for outcome in _outcomes(context, recorder, batched(_tasks(task_of, sources, progress))):
        group.append(outcome)
        progress.step(held=outcome.record is None)
        if len(group) >= _GROUP:
            recorder.record(group)
            group = []
    recorder.record(group)


def _outcomes(context: JobContext, recorder: Recorder, waiting: Iterable[ReleaseBatch]) -> Iterator[Outcome]:
    """What became of each instance; a batch that ended its worker is done again one by one, to know which it was."""
    sent: dict[int, ReleaseBatch] = {}
    again: list[ReleaseTask] = []
    for released in context.executor.map(release_batch, _sent(waiting, sent), lost=lost_batch):
        batch = sent.pop(released.number)
        if released.is_lost and len(batch.tasks) > 1:
            again += batch.tasks
            continue
        if released.is_lost:
            recorder.discard(batch.tasks[0].source)
        yield from released.outcomes(batch)
    if again:
        yield from _outcomes(context, recorder, one_by_one(again))


def _task(recorder: Recorder, source: SourceInstance) -> ReleaseTask | None:
    """What a worker is given of an instance that stands on its own; None where nothing is left to do."""
    return None if recorder.is_done(source) or recorder.is_contested(source) else recorder.task(source)


def _tasks(
    task_of: Callable[[SourceInstance], ReleaseTask | None], sources: Iterable[SourceInstance], progress: Progress
) -> Iterator[ReleaseTask]:
    for source in sources:
        task = task_of(source)
        if task is None:
            progress.step()
        else:
            yield task


def _sent(waiting: Iterable[ReleaseBatch], sent: dict[int, ReleaseBatch]) -> Iterator[ReleaseBatch]:
    """Batches for workers; `sent` holds those that are on their way."""
    for batch in waiting:
        sent[batch.number] = batch
        yield batch
