"""Speed and memory of header de-identification, as ratios against a file copy and against peers, all in one run.

    uv run python tests/bench/headers.py [--quick] [--no-peers]

CPU seconds of this process and its children, medians of repeated runs over the same files; each run of ours starts
with empty memories, as a job does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_files import element_count, make_multiframe, make_series
from peers import peer_seconds
from workload import Workload

_GOALS = {
    "rewrite and write": ("≤ 2.0 x copyfile", lambda row: row["copies"] <= 2.0),
    "with proof and ledger": ("≤ 3.5 x copyfile", lambda row: row["copies"] <= 3.5),
}
_PEER_GOALS = {"gdcmanon -e": 1.5, "dicognito": 20.0, "dicom-anonymizer": 20.0, "deid": 100.0}
_GIB = 1 << 30
_RSS_GOAL_MB = 100
_SMALL_SIDE = 16
# A small job is about the start of the workers, a large one about the work.
_JOBS = (100, 1000, 4000)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    scratch = Path(tempfile.mkdtemp(prefix="curator-bench-", dir=arguments.folder))
    try:
        files = make_series(scratch / "in", files=100 if arguments.quick else 200)
        size, elements = files[0].stat().st_size, element_count(files[0])
        _say(f"{len(files)} files of {size:,} bytes, {elements} elements; {os.cpu_count()} cores; CPU ms a file")
        repeats = 3 if arguments.quick else 7
        ours = measured(files, scratch, repeats=repeats)
        _print_ours(ours)
        if not arguments.no_peers:
            _print_peers(peer_seconds(files, scratch, repeats=repeats), ours["rewrite and write"])
        if not arguments.no_memory:
            _print_memory(scratch, quick=arguments.quick)
        if not arguments.quick:
            _print_workers(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def measured(files: list[Path], scratch: Path, *, repeats: int) -> dict[str, float]:
    """CPU seconds a file by what is done, interleaved so that a busy machine slows all alike."""
    work = Workload(files, scratch)
    steps: dict[str, Callable[[], None]] = {
        "shutil.copyfile": work.copy,
        "parse": work.parse,
        "scan": work.scan,
        "rewrite and write": work.rewrite,
        "with proof": work.prove,
        "worker: proof, digest, sync": work.work,
        "with proof and ledger": work.release,
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    # The first round fills caches and counts for nothing.
    for step in steps.values():
        step()
    for _ in range(repeats):
        for name, step in steps.items():
            work.forget()
            before = time.process_time()
            step()
            taken[name].append((time.process_time() - before) / len(files))
    work.close()
    return {name: statistics.median(values) for name, values in taken.items()}


def in_child(task: str, *arguments: object) -> dict[str, float]:
    """What a fresh process that does one task takes: `peak_mb`, `wall_s`, `cpu_own_s`, `cpu_workers_s`."""
    program = Path(__file__).with_name("memory_task.py")
    done = subprocess.run(
        [sys.executable, str(program), task, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    taken: dict[str, float] = json.loads(done.stdout)
    return taken


def _print_ours(ours: dict[str, float]) -> None:
    copy = ours["shutil.copyfile"]
    for name, seconds in ours.items():
        row = {"copies": seconds / copy}
        goal, met = _GOALS.get(name, ("", None))
        verdict = "" if met is None else f"goal {goal}: {'met' if met(row) else 'MISSED'}"
        _say(
            f"  {name:28} {seconds * 1e3:8.3f}  {row['copies']:6.2f} x copyfile  {1 / seconds:8.0f} files/s  {verdict}"
        )


def _print_peers(peers: dict[str, float | None], ours: float) -> None:
    _say("peers, and how many times as many files a CPU second ours does")
    for name, seconds in peers.items():
        if seconds is None:
            _say(f"  {name:28} not installed here")
            continue
        goal = _PEER_GOALS.get(name)
        verdict = "" if goal is None else f"goal ≥ {goal} x: {'met' if seconds / ours >= goal else 'MISSED'}"
        _say(f"  {name:28} {seconds * 1e3:8.3f}  {seconds / ours:6.2f} x  {verdict}")


def _print_memory(scratch: Path, *, quick: bool) -> None:
    _say(f"peak resident memory of a process, MB (goal ≤ {_RSS_GOAL_MB})")
    small = make_series(scratch / "one", files=1)[0]
    large = make_multiframe(scratch / "large.dcm", size_bytes=_GIB if quick else 4 * _GIB)
    count = 10_000 if quick else 100_000
    many = make_series(scratch / "many", files=count // 20, side=_SMALL_SIDE)
    tasks = {
        "import only": ("import",),
        "one file": ("one", small, scratch / "one-out"),
        f"{large.stat().st_size / _GIB:.0f} GiB multi-frame": ("one", large, scratch / "large-out"),
        f"{count:,} records, planned": ("records", small, count),
        f"{len(many):,} files released": ("job", scratch / "many", scratch / "job", 1),
    }
    for name, task in tasks.items():
        taken = in_child(*task)
        verdict = "met" if taken["peak_mb"] <= _RSS_GOAL_MB else "MISSED"
        _say(f"  {name:28} {taken['peak_mb']:8.1f}  in {taken['wall_s']:5.1f} s  {verdict}")


def _print_workers(scratch: Path) -> None:
    _say("two workers against one, wall clock from a standing start (goal ≥ 1.8 where work outweighs the start)")
    for count in _JOBS:
        folder = scratch / f"job-{count}"
        make_series(folder, files=count)
        one, two = (in_child("job", folder, scratch / f"space-{count}-{workers}", workers) for workers in (1, 2))
        shutil.rmtree(folder)
        parent, workers = two["cpu_own_s"], two["cpu_workers_s"]
        _say(
            f"  {count:6,} files  {one['wall_s'] / two['wall_s']:5.2f} x  one: {one['wall_s']:.1f} s, "
            f"{one['cpu_own_s']:.1f} s of CPU; two: {two['wall_s']:.1f} s, {parent:.1f} + {workers:.1f} s of CPU"
        )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a bench is a program, and this is its output


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and memory of header de-identification.")
    parser.add_argument("--quick", action="store_true", help="fewer files and repeats")
    parser.add_argument("--no-peers", action="store_true", help="ours only")
    parser.add_argument("--no-memory", action="store_true", help="speed only")
    parser.add_argument("--folder", type=Path, help="where to make the files; the system's scratch folder otherwise")
    return parser.parse_args()


if __name__ == "__main__":
    main()
