"""One treated head as the bench's own renderer and curator's audit see it, beside what other programs make of it.

    uv run python tests/bench/face_look.py NAME SCRATCH [--quick] [--peers] [--controls]

Reads what face_treat.py wrote, and writes NAME.looked.json into the scratch folder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from face_cases import Case, load, zeroed
from face_likeness import rank_among_others
from face_peers import brain_of, pydefaced, quicksheared
from face_treat import tools
from face_views import brain_as_seen, face_of, looked_at
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.audit import audit_scan
from curator.deid.faces.scan import Scan

_SHELL_MM, _BLUR_MM = 7.0, 6.0


def main() -> None:
    """Look at one head and write what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--controls", action="store_true")
    arguments = parser.parse_args()
    case = load(arguments.name, arguments.scratch)
    volume, stored = case.scan.volume, case.scan.volume.stored
    with np.load(arguments.scratch / f"{case.name}.npz") as kept:
        after = replace(case.scan, volume=replace(volume, stored=kept["after"]))
    brain = case.brain if case.brain is not None else brain_of(case, arguments.scratch)
    face = case.face_lps if case.face_lps is not None else face_of(case.scan.physical(slice(None)), volume.affine_lps)
    shown = None if case.brain is None else brain_as_seen(case.brain, volume.spacing_mm, case.scan.modality)
    see = partial(_independent, face_lps=face, brain=shown, is_quick=arguments.quick)
    # A phantom is known to have a face.
    before = see(case.scan) if case.face_lps is None else see(case.scan, is_quick=True)
    found: dict[str, object] = {"before": before, "brain_ml": None, "brain_changed": None}
    is_changed = not np.array_equal(after.volume.stored, stored)
    found["after"] = seen = see(after) if is_changed else before
    if is_changed and face is not None and seen["hits"]:
        found["rank_of_look"] = rank_among_others(after, case.scan, face, seen["at"], brain=shown)
    if brain is not None:
        found["brain_ml"] = float(brain.sum() * np.prod(volume.spacing_mm) / 1000)
        found["brain_changed"] = int((after.volume.stored != stored)[brain].sum())
    found["changed_share"] = float((after.volume.stored != stored).mean())
    others: dict[str, Scan] = {}
    if arguments.controls:
        others |= {"zeroed shell": zeroed(case, _shell(case)), "blurred 6 mm": _blurred(case)}
    if arguments.peers:
        others |= {
            name: replace(case.scan, volume=replace(volume, stored=made))
            for name, made in (
                ("pydeface's mask", pydefaced(case, arguments.scratch)),
                ("quickshear", quicksheared(case, brain, arguments.scratch)),
            )
            if made is not None
        }
    if others and is_changed:
        others["curator"] = after
    found["others"] = {name: _other(case, scan, brain, see) for name, scan in others.items()}
    (arguments.scratch / f"{case.name}.looked.json").write_text(json.dumps(found), encoding="utf-8")


def _independent(
    scan: Scan, *, face_lps: NDArray[np.float64] | None, brain: NDArray[np.bool_] | None, is_quick: bool
) -> dict[str, Any]:
    values, affine = scan.physical(slice(None)), scan.volume.affine_lps
    return asdict(looked_at(values, affine, face_lps=face_lps, brain=brain, is_quick=is_quick))


def _other(
    case: Case, scan: Scan, brain: NDArray[np.bool_] | None, see: Callable[[Scan], dict[str, object]]
) -> dict[str, object]:
    """What the bench's renderer shows of a head, and what curator's audit says, which knows nothing of the original."""
    changed = scan.volume.stored != case.scan.volume.stored
    return {
        "independent": see(scan),
        "audit": audit_scan(scan, tools()).to_json(),
        "brain_changed": None if brain is None else int(changed[brain].sum()),
        "changed_share": float(changed.mean()),
    }


def _shell(case: Case) -> NDArray[np.bool_]:
    """What lies less than `_SHELL_MM` under air in the front half of a head, `(Z, Y, X)`."""
    values = ndimage.gaussian_filter(case.scan.physical(slice(None)), 0.7)
    low, high = np.percentile(values, (2, 99))
    inside = ndimage.binary_fill_holes(values > low + 0.2 * (high - low))
    depth = ndimage.distance_transform_edt(inside, sampling=case.scan.volume.spacing_mm)
    affine = case.scan.volume.affine_lps
    z, y, x = np.indices(inside.shape, np.float32)
    back = affine[1, 0] * x + affine[1, 1] * y + affine[1, 2] * z
    return np.asarray((depth > 0) & (depth <= _SHELL_MM) & (back < np.median(back[inside])), np.bool_)


def _blurred(case: Case) -> Scan:
    volume = case.scan.volume
    sigmas = [_BLUR_MM / step for step in volume.spacing_mm]
    made = ndimage.gaussian_filter(volume.stored.astype(np.float32), sigmas).astype(volume.stored.dtype)
    return replace(case.scan, volume=replace(volume, stored=made))


if __name__ == "__main__":
    main()
