"""What a job would do, without doing it: files are read, nothing is written.

The law: a rehearsal opens no file for writing, neither a database nor the vault.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

from curator.adapters.processes import executor
from curator.bundled import bundled_folder
from curator.identity.pseudonyms import Pseudonyms
from curator.ingest.find import find
from curator.ingest.scan import ScanTask
from curator.jobs.context import refuse_overlap
from curator.jobs.job import Job
from curator.jobs.progress import Progress, Report
from curator.jobs.release.plan import plan_release
from curator.jobs.workspace import open_workspace
from curator.policy.dependents import load_dependents
from curator.policy.gates import gate, load_gates


def rehearse(job: Job, *, workers: int, report: Report) -> dict[str, object]:
    """Counts by name: files, what would be tried, what would be quarantined by reason, and the stages behind.

    Raises:
        CuratorError: what would stop the job stops its rehearsal.
    """
    workspace = open_workspace(job.workspace)
    refuse_overlap(job.paths, (job.out or workspace.released, workspace.root))
    key, rules = workspace.load_key(), bundled_folder("rules")
    found = list(find(job.paths, ignore=job.ignore))
    progress = Progress("scan", len(found), report)
    pool = executor(workers)
    scanned = []
    try:
        for one in pool.map(ScanTask(key, rules, job.profile, job.options), found):
            scanned.append(one)
            progress.step()
    finally:
        pool.close()
    dependents = load_dependents(rules)
    plan = plan_release(
        scanned,
        gate=partial(gate, load_gates(rules)),
        is_dependent=lambda source: source.SOPClassUID in dependents,
        pseudonyms=Pseudonyms(key),
    )
    reasons = Counter(one.reason.value for one in plan.held)
    stages = [
        name
        for name, wanted in (
            ("annotate", job.annotate),
            ("dataset", job.dataset),
            ("train", job.train),
            ("report", job.report),
        )
        if wanted is not None
    ]
    return {
        "files": len(found),
        "would_release": len(plan.first),
        "would_follow_their_images": len(plan.dependent),
        "would_quarantine": dict(sorted(reasons.items())),
        "stages_behind": stages,
    }
