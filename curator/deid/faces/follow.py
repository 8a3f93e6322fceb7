"""Scans that follow another: they lose the same zone, where they share its frame of reference or can be laid over it.

The law: what is taken over is proven on a scan's own new voxels; where that is not enough it is judged by itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from curator.deid.faces.fill import filled
from curator.deid.faces.judged import Trial
from curator.deid.faces.ladder import attempts, carried, random_of
from curator.deid.faces.likeness import LineUps
from curator.deid.faces.overlap import overlap_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.treated import Lead, Treated, first_look, outcome_of, treated_alone, without_face
from curator.deid.faces.view import View
from curator.deid.faces.whether import is_brain_alone, whether
from curator.model.faces import FaceOutcome, FaceStatus


def followed(
    scan: Scan,
    lead: Lead | None,
    leads: Sequence[Lead],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
) -> Treated:
    """A scan that does not lead: it takes the zone of its frame of reference over, or is judged by itself."""
    if scan.is_flat:
        return _flat(scan, lead, wish=wish, secret=secret)
    view, proof = first_look(scan, tools)
    if proof is not None:
        return without_face(proof, view)
    if lead is not None and not is_brain_alone(scan, view, tools.rules.numbers):
        return _carried(scan, view, lead, tools, wish=wish, secret=secret, is_quick=_is_repeat(scan, lead.scan))
    over = over_others(scan, view, leads, tools, wish=wish, secret=secret)
    if over is not None:
        return over[0]
    shown = whether(scan, view, tools.judge, tools.resampler, tools.rules.numbers)
    return treated_alone(scan, shown, view, tools, wish=wish, secret=secret)[0]


def _carried(
    scan: Scan, view: View, lead: Lead, tools: FaceTools, *, wish: Wish, secret: bytes, is_quick: bool = False
) -> Treated:
    """A scan without the zone of its lead; where that is not enough, without one of its own, from that rung on."""
    started = time.process_time()
    people = None if is_quick else LineUps(scan, view.levels, lead.sight, tools)
    # That all scans lose the same is worth more than that this one shows less than its back does.
    trial = Trial(people=people, axes=view.frame, mode=wish.mode, is_quick=is_quick, is_lenient=True)
    first = carried(scan, lead.zone, view, tools, trial, secret=secret, rung=lead.rung)
    numbers = {"carried": 1.0, "cpu_seconds": time.process_time() - started}
    if not first.fails:
        return outcome_of(first, numbers)
    for attempt in attempts(scan, view, lead.sight, tools, wish=wish, secret=secret, first=lead.rung):
        if not attempt.fails:
            return outcome_of(attempt, {**numbers, "carried": 0.0, "cpu_seconds": time.process_time() - started})
    return outcome_of(first, numbers)


def _is_repeat(scan: Scan, lead: Scan) -> bool:
    """Whether a scan is another time point or echo of the one that leads, voxel for voxel in the same place."""
    same_place = np.allclose(scan.volume.affine_lps, lead.volume.affine_lps, atol=1e-4)
    return scan.volume.shape == lead.volume.shape and bool(same_place)


def _flat(scan: Scan, lead: Lead | None, *, wish: Wish, secret: bytes) -> Treated:
    """A localizer or slab without the zone of its frame of reference: it shows no surface that could be attacked.

    What is in the zone is new by its place alone, which is what can be said of it.
    """
    values = scan.volume.stored
    if not values.size or values.min() == values.max():
        return Treated(outcome=FaceOutcome(status=FaceStatus.NOT_APPLICABLE, why="all voxels are alike"))
    if lead is None:
        why = "a few slices that cannot be judged, and no face was found in their frame of reference"
        return Treated(outcome=FaceOutcome(status=FaceStatus.QUARANTINED, why=why))
    views = (None,) * len(lead.zone.curtains)
    new = filled(scan, lead.zone, views, mode=wish.mode, random=random_of(secret, "fill"))
    numbers = {"carried": 1.0, "changed_share": float(new.mask.mean())}
    why = "the zone of its study was taken out of a few slices"
    outcome = FaceOutcome(status=FaceStatus.DEFACED, why=why, rung=lead.rung, numbers=numbers)
    return Treated(outcome=outcome, filled=new, zone=lead.zone)


def over_others(
    scan: Scan, view: View, leads: Sequence[Lead], tools: FaceTools, *, wish: Wish, secret: bytes
) -> tuple[Treated, Lead] | None:
    """A scan without the zone of another frame of reference that it could be laid over, and the lead that it is then.

    None where it could not, or where that was not enough.
    """
    if tools.registrar is None or scan.is_flat:
        return None
    for lead in leads:
        motion = tools.registrar.rigid(lead.scan.volume, scan.volume)
        if motion is None:
            continue
        overlap = overlap_of(lead.scan, scan, view, motion, tools)
        if overlap < tools.rules.numbers.least_overlap:
            continue
        sight = None if lead.sight is None else lead.sight.moved(motion)
        moved = Lead(scan, sight, lead.zone.moved(motion), lead.rung)
        treated = _carried(scan, view, moved, tools, wish=wish, secret=secret)
        if treated.zone is not None:
            numbers = {**treated.outcome.numbers, "overlap": overlap}
            known = replace(treated, outcome=replace(treated.outcome, numbers=numbers))
            return known, replace(moved, zone=treated.zone, rung=treated.outcome.rung)
    return None
