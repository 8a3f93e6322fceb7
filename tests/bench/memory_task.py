"""One task in a process of its own, and the most memory that it took.

python tests/bench/memory_task.py (import | one SOURCE FOLDER | records SOURCE COUNT | job FOLDER SPACE WORKERS)
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from curator.model.identity import Identifier, IdentifierKind
from curator.model.instance import SourceInstance

_PEAK = "VmHWM:"
_BATCH = 16
_WHO = {"own": resource.RUSAGE_SELF, "workers": resource.RUSAGE_CHILDREN}


def main() -> None:
    """Do it and say so."""
    task, *arguments = sys.argv[1:]
    # A pool of workers runs this file again: it imports nothing that a worker does not need.
    before = time.monotonic()
    {"import": _import, "one": _one, "records": _records, "job": _job}[task](*arguments)
    taken = time.monotonic() - before
    usage = {name: resource.getrusage(who) for name, who in _WHO.items()}
    cpu = {f"cpu_{name}_s": one.ru_utime + one.ru_stime for name, one in usage.items()}
    sys.stdout.write(json.dumps({"peak_mb": _peak_mb(), "wall_s": taken, **cpu}))


def _peak_mb() -> float:
    # Not ru_maxrss: that one is inherited from whoever started this process.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(_PEAK)) / 1024


def _import() -> None:
    import curator.jobs.release.work  # noqa: F401, PLC0415 - what is measured


def _one(source: str, folder: str) -> None:
    """One file scanned and released through a whole job."""
    from workload import opened  # noqa: PLC0415 - measured

    from curator.jobs.release.stage import release  # noqa: PLC0415 - measured

    Path(folder).mkdir()
    alone = Path(folder) / "in"
    alone.mkdir()
    (alone / "file.dcm").hardlink_to(source)
    with opened(Path(folder) / "space", alone) as context:
        counts = release(context)
    if counts.released != 1:
        raise SystemExit(f"not released: {counts.quarantined}")


def _job(folder: str, space: str, workers: str) -> None:
    """All files of a folder released, from a standing start: workers are started and load their rules, too."""
    from workload import opened  # noqa: PLC0415 - measured

    from curator.jobs.release.stage import release  # noqa: PLC0415 - measured

    with opened(Path(space), Path(folder), workers=int(workers)) as context:
        counts = release(context)
    if counts.released != sum(1 for _ in Path(folder).iterdir()):
        raise SystemExit(f"only {counts.released} released")


def _records(source: str, count: str) -> None:
    """What the scan of `count` files leaves in memory, the plan made of it, and what a release run knows of each."""
    from workload import opened, settings_of  # noqa: PLC0415 - measured

    from curator.ingest.find import find  # noqa: PLC0415 - measured
    from curator.ingest.scan import ScanTask  # noqa: PLC0415 - measured
    from curator.jobs.release.plan import plan_release  # noqa: PLC0415 - measured
    from curator.jobs.release.record import Recorder  # noqa: PLC0415 - measured
    from curator.jobs.release.survey import ScannedFiles, Survey, pickled  # noqa: PLC0415 - measured
    from curator.policy.gates import Handling, PixelAction  # noqa: PLC0415 - measured

    with opened(Path(source).parent / "records-space", Path(source)) as context:
        scan = ScanTask(context.key, context.rules, context.job.profile, context.job.options)
        (found,) = find([Path(source)])
        sent = pickle.dumps(scan(found))
        survey = Survey(context.workspace.root)
        for start in range(0, int(count), _BATCH):
            # As workers send them: each with strings of its own.
            records = [_received(sent, source, number) for number in range(start, min(int(count), start + _BATCH))]
            survey.add(ScannedFiles(start, len(records), 0, pickled(records)))
        passed = PixelAction(Handling.PASS, None)
        plan = plan_release(survey, judge=lambda _: passed, is_dependent=lambda _: False, subjects=context.subjects)
        recorder = Recorder(context, settings_of(context), plan=plan, scanned=survey)
        if sum(not recorder.is_done(one) for one in plan.first) != int(count):
            raise SystemExit(f"only {len(plan.first)} planned")


def _received(sent: bytes, source: str, number: int) -> SourceInstance:
    one = pickle.loads(sent)
    uid = f"1.3.6.1.4.1.99999.7.4.{number}"
    own = Identifier(IdentifierKind.UID, uid)
    return replace(
        one,
        reference=f"{source}-{number}",
        content_id=f"{number:064d}",
        SOPInstanceUID=uid,
        identifiers=one.identifiers | {own},
    )


if __name__ == "__main__":
    main()
