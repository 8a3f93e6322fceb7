"""One head treated in a process of its own, so that its memory and time are its own.

    uv run python tests/bench/face_treat.py NAME SCRATCH [--says-head]

Writes NAME.npz (what is stored afterwards) and NAME.treated.json into the scratch folder.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from face_cases import load

from curator.adapters.dlib_heads import DlibHeads
from curator.bundled import bundled_folder
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import FaceTools, Wish
from curator.imaging.resample import CpuResampler
from curator.policy.faces.defacing import load_face_rules

_SECRET = b"a secret of the bench, 32 bytes."


def tools() -> FaceTools:
    """What looks and turns, with the shipped rules."""
    rules = load_face_rules(bundled_folder("rules"))
    return FaceTools(rules=rules, judge=DlibHeads(), resampler=CpuResampler())


def main() -> None:
    """Treat one head and write what became of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--says-head", action="store_true")
    arguments = parser.parse_args()
    case = load(arguments.name, arguments.scratch, says_head=True if arguments.says_head else None)
    started = time.process_time()
    base_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (treated,) = treat_study([case.scan], tools(), wish=Wish(), secret=_SECRET)
    spent = time.process_time() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stored = case.scan.volume.stored
    after = stored if treated.filled is None else treated.filled.onto(stored)
    np.savez_compressed(arguments.scratch / f"{case.name}.npz", after=after)
    found = {
        **treated.outcome.to_json(), "cpu_s": spent, "peak_mb": peak_mb, "loaded_mb": base_mb, "shows": case.shows,
        "about": case.about, "shape": list(stored.shape),
    }  # fmt: skip
    (arguments.scratch / f"{case.name}.treated.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
