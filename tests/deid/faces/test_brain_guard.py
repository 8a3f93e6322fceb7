"""No zone of the ladder has a voxel of brain in it: heads in which one had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from face_tools import SECRET, THREE_MM
from treated_heads import FRONT, scan_of

from curator.adapters.dlib_heads import DlibHeads
from curator.bundled import bundled_folder
from curator.deid.faces.ladder import _zone
from curator.deid.faces.surface import Style, _brain_limit
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import STEP_MM, View, view_of
from curator.deid.faces.zone import Curtain, Window
from curator.imaging.frame import patient_frame
from curator.imaging.resample import CpuResampler
from curator.policy.faces.defacing import Rung, load_face_rules
from curator.testing.heads import Head, make_head, random_heads

TOOLS = FaceTools(rules=load_face_rules(bundled_folder("rules")), judge=DlibHeads(), resampler=CpuResampler())
# A slab that is cut through both sides of a head; a child's temporal poles.
_ONCE_CUT = ((4, 7), (5, 23))
# Without a face in sight, as they were scanned: slits in what is cut open; a PET's scalp with holes; a
# scalp that a dark skull parts from a brain that is larger; a lower end that a camera grazes, and
# one that it sees with the skull's dark in it; a lowest ray that passes under a faint scalp.
_ONCE_CUT_UNSEEN = ((6, 12), (8, 26), (8, 31), (12, 48), (13, 9), (13, 29))
# How far behind the shape of a head brains were found in its middle: so far above the eyes (or where they were taken to
# be, 10 mm too high), mm, where the brow was so far above them. A child's, and an adult's.
_FOUND = ((-2, 17, 14.7), (-7, 17, 16.9), (-15, 20, 25.4), (-17, 20, 31.0), (-20, 20, 34.5), (-23, 20, 34.9))


def _face(head: Head, view: View) -> Window:
    places = view.frame.voxels_of(np.array([head.landmarks_mm[name] for name in FRONT]))
    x, eye, chin = places[:, 0].mean(), places[0, 2], places[-1, 2]
    brow, ramp_mm = eye + 17.0 / STEP_MM, TOOLS.rules.numbers.ramp_mm
    top, bottom = brow + (30.0 + ramp_mm / 2) / STEP_MM, chin - (30.0 + ramp_mm / 2) / STEP_MM
    return Window(x, (top + bottom) / 2, 70.0 / STEP_MM, (top - bottom) / 2, eye, brow)


def _is_inside(curtain: Curtain, places_lps: np.ndarray) -> np.ndarray:
    x, y, z = (one.reshape(-1, 1).astype(np.float32) for one in curtain.frame.voxels_of(places_lps).T)
    rows = [curtain.at(x[part], z[part]) for part in _parts(len(x))]
    weight, _, back, _ = (np.concatenate(one) for one in zip(*rows, strict=True))
    return (weight > 0) & (y < back)


def _parts(count: int) -> list[slice]:
    """So many at once as OpenCV maps."""
    return [slice(first, first + 30_000) for first in range(0, count, 30_000)]


@pytest.mark.parametrize(("seed", "number"), _ONCE_CUT)
def test_no_zone_has_brain_in_it(seed: int, number: int) -> None:
    plan = random_heads(seed, number + 1)[number]
    head = make_head(replace(plan, spacing_mm=THREE_MM))
    view = _view(head)
    # The one that smooths most, and all of the front with the ears.
    for rung in TOOLS.rules.ladder[2], TOOLS.rules.ladder[-1]:
        assert _brain_in(head, view, _face(head, view), rung) == 0


@pytest.mark.parametrize(("seed", "number"), _ONCE_CUT_UNSEEN)
def test_no_zone_of_a_whole_front_has_brain_in_it(seed: int, number: int) -> None:
    head = make_head(random_heads(seed, number + 1)[number])
    assert _brain_in(head, _view(head), None, TOOLS.rules.ladder[-1]) == 0


def _view(head: Head) -> View:
    scan = scan_of(head)
    return view_of(scan, patient_frame(scan.volume, step_mm=STEP_MM), TOOLS.resampler)


def _brain_in(head: Head, view: View, face: Window | None, rung: Rung) -> int:
    """How many voxels of a head's brain a rung takes."""
    scan = scan_of(head)
    style = Style(is_round=False, is_soft=False)
    zone = _zone(scan, view, face, rung, TOOLS, secret=SECRET, style=style)
    assert zone is not None
    places = np.argwhere(head.brain)[:, ::-1] @ scan.volume.affine_lps[:3, :3].T + scan.volume.affine_lps[:3, 3]
    return sum(int(_is_inside(curtain, places).sum()) for curtain in zone.curtains)


@pytest.mark.parametrize(("above_eyes_mm", "brow_mm", "found_mm"), _FOUND)
def test_nothing_changes_as_deep_as_brains_were_found(above_eyes_mm: int, brow_mm: int, found_mm: float) -> None:
    window = Window(60.0, 90.0, 60.0, 80.0, eye_z=100.0, brow_z=100.0 + brow_mm)
    limit = _brain_limit(window, (180, 120), numbers=TOOLS.rules.numbers, step=1.0)
    assert limit[100 + above_eyes_mm, 60] < found_mm
