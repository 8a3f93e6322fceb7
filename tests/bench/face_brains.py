"""Brains of phantoms against every zone that the ladder may draw: by geometry alone, so that many heads can be asked.

    uv run python tests/bench/face_brains.py [--seed 1] [--phantoms 50] [--first 0] [--draws 4]

A line for each head with the rungs, draws and curtains that reach its brain, and by how many voxels; then how many do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from face_cases import Case, load, names_of
from face_treat import tools
from numpy.typing import NDArray

from curator.deid.faces.ladder import _STYLES, _placed, _zone
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.treated import first_look
from curator.deid.faces.whether import Finding, whether
from curator.deid.faces.zone import Curtain

_SECRET = b"a secret of the bench, 32 bytes."
# OpenCV maps so many places in a row.
_ROW = 1000


def main() -> None:
    """Ask every head and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phantoms", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--draws", type=int, default=len(_STYLES), help="of each rung; depths hardly vary")
    arguments = parser.parse_args()
    reached = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names_of(arguments.seed, arguments.phantoms, arguments.first):
            case = load(name, Path(scratch))
            found = dict(_reaching(case, tools(), arguments.draws))
            reached += [name] if found else []
            sys.stdout.write(f"{name:14} {found or 'ok'} {case.about}\n")
            sys.stdout.flush()
    sys.stdout.write(f"zones that reach a brain: in {len(reached)} of {arguments.phantoms} heads {reached}\n")


def _reaching(case: Case, look: FaceTools, draws: int) -> Iterator[tuple[str, int]]:
    """Rung, draw and curtain of those with brain in them, and how many voxels; nothing without a head."""
    scan, numbers = case.scan, look.rules.numbers
    view, proof = first_look(scan, look)
    if proof is not None or case.brain is None or not case.brain.any():
        return
    shown = whether(scan, view, look.judge, look.resampler, numbers)
    front, face, _ = _placed(scan, view, shown.sight if shown.finding is Finding.FACE else None, look)
    places = np.argwhere(case.brain)[:, ::-1] @ scan.volume.affine_lps[:3, :3].T + scan.volume.affine_lps[:3, 3]
    for rung in look.rules.ladder:
        if rung.window == "face" and face is None:
            continue
        for draw, style in enumerate(_STYLES[:draws]):
            zone = _zone(scan, front, face, rung, look, secret=_SECRET + f"{rung.id} {draw}".encode(), style=style)
            for number, curtain in enumerate(() if zone is None else zone.curtains):
                count = _count(curtain, places)
                if count:
                    yield f"{rung.id} {draw} {number}", count


def _count(curtain: Curtain, places_lps: NDArray[np.float64]) -> int:
    """How many of some places `(N, 3)` lie in what a curtain makes new."""
    inside = 0
    for first in range(0, len(places_lps), _ROW):
        x, y, z = (one[None] for one in curtain.frame.voxels_of(places_lps[first : first + _ROW]).T.astype(np.float32))
        weight, _, back, _ = curtain.at(x, z)
        inside += int(((weight > 0) & (y < back)).sum())
    return inside


if __name__ == "__main__":
    main()
