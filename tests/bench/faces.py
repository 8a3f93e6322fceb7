"""Faces in head scans: what curator removes, seen by a renderer that it does not know, beside pydeface and quickshear.

    uv run python tests/bench/faces.py [--quick] [--seed 1] [--phantoms 50] [--first 0] [--only NAME ...] [--no-real]
                                       [--no-peers] [--no-controls] [--says-head] [--scratch FOLDER]
                                       [--json FILE] [--at-once 1]

Real heads are those of ../shared/data/heads, where they are. Every head is treated in a process of its own; its time
and memory are that process's, also where several are treated at once; lines keep the order of the names. A silent
failure is a head that was released though the bench's renderer shows the detector a face where its face was; what looks
like one elsewhere, as noise on a forehead does, is counted beside it, and so is a phantom's brain, seen where a
threshold lies above all skin. Whose face such a look shows is asked of a network of faces, among 20 other people seen
in the same way.
Pictures are made in memory and never written.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_BENCH = Path(__file__).resolve().parent
_REAL = ("trio", "prisma", "chris", "chris-pd", "headsq", "plastic")
_CUBES = ("cube-t1", "cube-ct")
_HEADS = _BENCH.parents[1].parent / "shared" / "data" / "heads"
# Negative controls are made of every real head and cube but the plastic skull, which has no skin.
_CONTROLLED = tuple(name for name in (*_REAL, *_CUBES) if name != "plastic")
_QUICK = ("trio", "headsq", "cube-t1")
Row = dict[str, object]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    scratch = arguments.scratch or Path(tempfile.mkdtemp()) / "faces"
    scratch.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with ThreadPoolExecutor(arguments.at_once) as pool:
        for row in pool.map(lambda name: _row(name, arguments, scratch), _names(arguments)):
            rows.append(row)
            _say(_line(row))
            for line in _others(row):
                _say(line)
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    for line in summary(rows):
        _say(line)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three heads and two phantoms, from fewer sides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phantoms", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=())
    parser.add_argument("--no-real", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-controls", action="store_true")
    parser.add_argument("--says-head", action="store_true", help="headers say that it is a head; else they say nothing")
    parser.add_argument("--scratch", type=Path, help="kept; without it a new folder")
    parser.add_argument("--at-once", type=int, default=1, help="heads; each takes a core and up to 2 GB")
    parser.add_argument("--json", type=Path, help="all figures, written after each head")
    return parser.parse_args()


def _names(arguments: argparse.Namespace) -> list[str]:
    if arguments.only:
        return list(arguments.only)
    count = min(arguments.phantoms, 2) if arguments.quick else arguments.phantoms
    numbers = range(arguments.first, arguments.first + count)
    phantoms = [f"phantom-{arguments.seed}-{number}" for number in numbers]
    if arguments.no_real:
        return phantoms
    known = _QUICK if arguments.quick else (*_REAL, *_CUBES)
    real = [name for name in known if _HEADS.is_dir() or name in _CUBES]
    return real + phantoms


def _row(name: str, arguments: argparse.Namespace, scratch: Path) -> Row:
    """All figures of one head; `error` where a process ended badly."""
    says = ["--says-head"] if arguments.says_head else []
    looks = ["--quick"] if arguments.quick else []
    looks += ["--peers"] if not arguments.no_peers and not name.startswith("phantom") else []
    looks += ["--controls"] if name in _CONTROLLED and not arguments.no_controls else []
    row: Row = {"name": name}
    for script, options, part in (("face_treat", says, "treated"), ("face_look", looks, "looked")):
        command = [sys.executable, str(_BENCH / f"{script}.py"), name, str(scratch), *options]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        if done.returncode:
            return {**row, "error": f"{script}: {done.stderr.strip().splitlines()[-1:]}"}
        row[part] = json.loads((scratch / f"{name}.{part}.json").read_text(encoding="utf-8"))
    if not _is_silent_failure(row):
        (scratch / f"{name}.npz").unlink()
    return row


def _line(row: Row) -> str:
    if "error" in row:
        return f"{row['name']:14} ERROR {row['error']}"
    treated, looked = _part(row, "treated"), _part(row, "looked")
    numbers, before, after = _part(treated, "numbers"), _part(looked, "before"), _part(looked, "after")
    own = " ".join(
        f"{short} {numbers[key]:.2f}"
        for short, key in (
            ("before", "before_best"), ("hits", "before_hits"), ("after", "after_best"), ("bright", "after_bright"),
            ("hits", "after_hits"), ("cnn", "after_network"), ("rank", "rank"), ("recovered", "recovered"),
        )
        if key in numbers
    )  # fmt: skip
    behind = f"behind {after['null_hits']} {after['null']:.2f}"
    flag = f" SILENT-FAILURE {_words_of_rank(row)}" if _is_silent_failure(row) else " HELD" if _is_held(row) else ""
    return " | ".join(
        [
            f"{row['name']:14} {treated['status']:14} rung {treated['rung']} {treated['shows']:5}",
            f"own: {own}",
            f"independent: {_seen(before)} -> {_seen(after)} at {after['at']} {behind}",
            f"brain {looked['brain_changed']} of {_rounded(looked['brain_ml'])} ml",
            f"changed {100 * looked['changed_share']:.1f} %",
            f"{treated['cpu_s']:.0f} s {treated['peak_mb']:.0f} MB {treated['shape']}",
            f"{treated['why']}{flag}",
            f"{treated['about']}",
        ]
    )


def _seen(looked: Row) -> str:
    others = f"elsewhere {looked['beside']}, brain {looked['brain']}"
    return f"{looked['hits']}/{looked['looks']} {looked['best']:.2f} ({others})"


def _others(row: Row) -> Iterator[str]:
    if "error" in row:
        return
    for name, other in _part(_part(row, "looked"), "others").items():
        seen, audit = other["independent"], other["audit"]
        words = [f"    {name:16} independent {_seen(seen)} at {seen['at']}"]
        words.append(f"audit: {audit['verdict']}, {audit['why']}, best {audit['numbers'].get('best', 0):.2f}")
        words.append(f"brain {other['brain_changed']}, changed {100 * other['changed_share']:.1f} %")
        yield " | ".join(words)


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Pass rate, silent failures, what was held, brain voxels, time and memory."""
    done = [row for row in rows if "error" not in row]
    if not done:
        yield "nothing was measured"
        return
    with_face = [row for row in done if _part(row, "treated")["shows"] in ("whole", "part")]
    passed = [row for row in with_face if _part(row, "treated")["status"] == "defaced" and not _is_silent_failure(row)]
    yield f"errors: {[row['name'] for row in rows if 'error' in row]}"
    yield f"heads with a face or a part of one: {len(passed)} of {len(with_face)} defaced and not seen again"
    failures = [str(row["name"]) for row in done if _is_silent_failure(row)]
    yield f"silent failures (released, and the independent renderer shows a face): {len(failures)} {failures}"
    beyond = [name for row in done for name in [str(row["name"])] if name in failures and _is_beyond_its_back(row)]
    yield f"of these, seen with a higher score than their own backs, looked at as often: {len(beyond)} {beyond}"
    own = [str(row["name"]) for row in done if _is_silent_failure(row) and _rank(row)[0] <= 1]
    yield f"of these, its own face is the most alike to what is seen, or that is not known: {len(own)} {own}"
    released = [_part(_part(row, "looked"), "after") for row in done if _is_released(row)]
    looks, hits, behind = (sum(one[key] for one in released) for key in ("looks", "hits", "null_hits"))
    yield f"looks at released heads: {looks}, with a face {hits}, from behind {behind}"
    held = [str(row["name"]) for row in done if _is_held(row)]
    yield f"held: {len(held)} {held}"
    brains = [
        _part(row, "looked")["brain_changed"] for row in done if _part(row, "looked")["brain_changed"] is not None
    ]
    touched = [count for count in brains if count]
    yield f"brain voxels changed: in {len(touched)} of {len(brains)} heads, most {max(brains, default=0)}"
    for what, key in (("CPU seconds", "cpu_s"), ("peak memory, MB", "peak_mb")):
        every = [_part(row, "treated")[key] for row in done]
        cubes = {row["name"]: round(_part(row, "treated")[key], 1) for row in done if row["name"] in _CUBES}
        yield f"{what}: median {statistics.median(every):.1f}, most {max(every):.1f}; of 256 x 256 x 256: {cubes}"
    others: dict[str, list[Row]] = {}
    for row in done:
        for name, other in _part(_part(row, "looked"), "others").items():
            others.setdefault(name, []).append(other)
    for name, seen in others.items():
        faces = sum(_part(one, "independent")["hits"] > 0 for one in seen)
        caught = sum(_part(one, "audit")["verdict"] != "clean" for one in seen)
        brain = [one["brain_changed"] for one in seen]
        still = f"{faces} of {len(seen)} still show a face"
        yield f"{name}: {still}; curator's audit passes {len(seen) - caught}; brain voxels {brain}"


def _rank(row: Row) -> list[int]:
    """The rank of its own face in the look that shows one, and among how many; `[0, 0]` where it is not known."""
    return list(_part(row, "looked").get("rank_of_look", [0, 0]))


def _words_of_rank(row: Row) -> str:
    rank, among = _rank(row)
    return f"(its own face is number {rank} of {among} in likeness)" if among else "(its likeness is not known)"


def _is_released(row: Row) -> bool:
    return bool(_part(row, "treated")["status"] != "quarantined")


def _is_silent_failure(row: Row) -> bool:
    """A head is released and still looks like a face where its face was."""
    after = _part(_part(row, "looked"), "after")
    return _is_released(row) and _part(row, "treated")["shows"] != "skull" and after["best"] > 0


def _is_beyond_its_back(row: Row) -> bool:
    after = _part(_part(row, "looked"), "after")
    return bool(after["best"] > after["null"])


def _is_held(row: Row) -> bool:
    return _part(row, "treated")["status"] == "quarantined"


def _part(row: Row, key: str) -> dict[str, object]:  # values are numbers and words of JSON
    found = row[key]
    assert isinstance(found, dict) or found is None
    return found  # type: ignore[return-value]


def _rounded(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else "?"


if __name__ == "__main__":
    main()
