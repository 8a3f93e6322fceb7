"""What a job would do, without doing it: files are read, nothing is written.

The law: a rehearsal opens no file for writing, neither a database nor the vault; what would stop the job stops it too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from curator.adapters.processes import executor
from curator.bundled import bundled_folder
from curator.ingest.find import find
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Scanned
from curator.jobs.context import checked, subjects_for
from curator.jobs.differences import WhatIf, what_if
from curator.jobs.job import Job
from curator.jobs.progress import Progress, Report
from curator.jobs.release.equipment import ReleaseSettings
from curator.jobs.release.looking import FACE_OPTION
from curator.jobs.release.plan import Plan, judge_of, plan_release, resolvable
from curator.jobs.release.work import ReleaseTask
from curator.model.instance import SourceInstance
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.policy.dates import longest_shift_weeks
from curator.policy.dependents import load_dependents
from curator.policy.explain import recipe_sentences
from curator.policy.gates import Handling, load_gates
from curator.policy.recipe.laid import load_policy
from curator.ports import Subjects


def rehearse(job: Job, *, workers: int, report: Report, each_element: bool = False) -> dict[str, object]:
    """Counts by name, as a first run of the job would give them: files, released, quarantined, and the stages behind.

    Fewer may be released: only the search in the written bytes can tell that an identifier survives, and only who looks
    at pixels that burned-in text is to be judged by a person, or that a face cannot be shown to be gone. `each_element`
    adds `instances`: what the rewriting would make of every element that it changes, that search included.

    Raises:
        CuratorError: what would stop the job.
    """
    workspace, ring = checked(job)
    policy = load_policy(bundled_folder("rules"), profile=job.profile, options=job.options, recipe=job.recipe)
    scanned = _scanned(job, ring.active, workers=workers, report=report)
    subjects = subjects_for(job, workspace, ring, kept=False)
    plan = _plan(job, scanned, subjects)
    standing = {source.SOPInstanceUID for source in plan.standing if source.has_pixel_data}
    first = tuple(plan.standing)
    ready, unresolved = resolvable(plan.dependent, standing, str)
    reasons = Counter(one.reason for one in (*plan.held, *unresolved))
    stages = {"annotate": job.annotate, "dataset": job.dataset, "train": job.train, "report": job.report}
    counts: dict[str, object] = {
        "files": len(scanned),
        "would_release": len(first) + len(ready),
        "would_look_at": len(plan.looked),
        "would_deface": sum(map(len, plan.heads)),
        "would_quarantine": {reason.value: reasons[reason] for reason in Reason if reasons[reason]},
        "weaker_than_profile": list(recipe_sentences(policy)),
        "stages_behind": [name for name, wanted in stages.items() if wanted is not None],
    }
    if each_element:
        tasks = _tasks(job, ring.active, plan, (*first, *ready), subjects)
        counts["instances"] = [one.to_json() for one in _what_if(tasks, workers=workers, report=report)]
    return counts


def _tasks(
    job: Job, key: Key, plan: Plan, sources: Iterable[SourceInstance], subjects: Subjects
) -> Iterator[ReleaseTask]:
    rules = bundled_folder("rules")
    settings = ReleaseSettings(
        key=key,
        rules=rules,
        profile=job.profile,
        options=job.options,
        released=job.out or job.workspace,
        longest_shift_weeks=longest_shift_weeks(rules),
        recipe=job.recipe,
    )
    for source in sources:
        if source.subject is not None:
            alias = subjects.subject_of(source.subject)
            yield ReleaseTask(
                settings=settings,
                source=source,
                alias=alias,
                identifiers=plan.identifiers.get(alias.patient_code, frozenset()),
                handling=plan.looked.get(source.reference, Handling.PASS),
            )


def _what_if(tasks: Iterable[ReleaseTask], *, workers: int, report: Report) -> list[WhatIf]:
    wanted = list(tasks)
    progress = Progress("compare", len(wanted), report)
    pool = executor(workers)
    found = []
    try:
        for one in pool.map(what_if, wanted):
            found.append(one)
            progress.step(held=one.reason is not None)
    finally:
        pool.close()
    return sorted(found, key=lambda one: one.item_id)


def _scanned(job: Job, key: Key, *, workers: int, report: Report) -> list[Scanned]:
    found = list(find(job.paths, ignore=job.ignore))
    progress = Progress("scan", len(found), report)
    pool = executor(workers)
    scanned = []
    try:
        for one in pool.map(ScanTask(key, bundled_folder("rules"), job.profile, job.options, job.recipe), found):
            scanned.append(one)
            progress.step()
    finally:
        pool.close()
    return sorted(scanned, key=lambda one: one.reference)


def _plan(job: Job, scanned: list[Scanned], subjects: Subjects) -> Plan:
    rules = bundled_folder("rules")
    dependents = load_dependents(rules)
    return plan_release(
        scanned,
        judge=judge_of(load_gates(rules), job.options),
        is_dependent=lambda source: source.SOPClassUID in dependents,
        subjects=subjects,
        defaces=FACE_OPTION in job.options,
    )
