"""All scans of one study: each defaced and proven, shown to have no face, or held.

The face is found where it is seen best, and the same zone of space is then taken out of every scan of its frame of
reference, and of those of others that can be laid over it.

The law: a scan is defaced only by what was proven on its own new voxels; one that cannot be proven is held, and so is
what it would give away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from curator.deid.faces.fill import Filled, filled
from curator.deid.faces.find import Sight
from curator.deid.faces.judged import Trial
from curator.deid.faces.ladder import Defaced, attempts, carried, ears_stay, random_of
from curator.deid.faces.likeness import LineUps
from curator.deid.faces.overlap import overlap_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.view import View, head_frame, view_of
from curator.deid.faces.whether import Finding, Whether, faceless, is_brain_alone, whether
from curator.deid.faces.zone import Zone
from curator.model.faces import FaceOutcome, FaceStatus

# So many scans of a frame of reference are looked at for the clearest face; the finest come first.
_MOST_LOOKED_AT = 3
_BEST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What became of one scan: `filled` is what changed, None where nothing may or has to; `zone` is where."""

    outcome: FaceOutcome
    filled: Filled | None = field(repr=False, default=None)
    zone: Zone | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class _Lead:
    """The scan in which a face was found and removed, whose zone the others take over."""

    scan: Scan
    sight: Sight | None
    zone: Zone
    rung: int


def treat_study(scans: Sequence[Scan], tools: FaceTools, *, wish: Wish, secret: bytes) -> tuple[Treated, ...]:
    """What becomes of each scan of a study, in their order; () for none.

    `secret` is derived from the key for this study alone: the relief of the new skin follows from it.
    """
    done: dict[int, Treated] = {}
    leads: list[_Lead] = []
    for numbers in _by_frame_of_reference(scans):
        lead = _joined(scans, numbers, leads, tools, wish=wish, secret=secret, done=done)
        if lead is None:
            lead = _led(scans, numbers, tools, wish=wish, secret=secret, done=done)
        if lead is not None:
            leads.append(lead)
        for number in numbers:
            if number not in done:
                own = _secret(secret, number)
                done[number] = _follow(scans[number], lead, leads, tools, wish=wish, secret=own)
    # What could not be judged while no lead was known yet is tried again with those of other frames of reference.
    for number, treated in list(done.items()):
        scan = scans[number]
        if treated.outcome.status is FaceStatus.QUARANTINED and leads and not scan.is_flat:
            view, _ = _first_look(scan, tools)
            again = _over_others(scan, view, leads, tools, wish=wish, secret=_secret(secret, number))
            done[number] = again[0] if again is not None else treated
    return tuple(done[number] for number in range(len(scans)))


def _by_frame_of_reference(scans: Sequence[Scan]) -> Iterator[list[int]]:
    """The numbers of scans that share a frame of reference, the finest first; one without is alone."""
    groups: dict[str, list[int]] = {}
    for number, scan in enumerate(scans):
        groups.setdefault(scan.frame_of_reference or f" {number}", []).append(number)
    for numbers in sorted(groups.values(), key=lambda group: min(_fineness(scans[number]) for number in group)):
        yield sorted(numbers, key=lambda number: (_fineness(scans[number]), number))


def _fineness(scan: Scan) -> tuple[bool, float]:
    """Flat scans last, then by the size of a voxel, cubic mm."""
    return scan.is_flat, float(abs(np.linalg.det(scan.volume.affine_lps[:3, :3])))


def _joined(
    scans: Sequence[Scan],
    numbers: Sequence[int],
    leads: Sequence[_Lead],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
    done: dict[int, Treated],
) -> _Lead | None:
    """The lead of a frame of reference whose finest scan another could be laid over, so that both lose the same.

    None where none could, or what was taken over is not enough; what is decided goes into `done`.
    """
    number = numbers[0]
    if not leads or scans[number].is_flat:
        return None
    view, proof = _first_look(scans[number], tools)
    if proof is not None:
        return None
    over = _over_others(scans[number], view, leads, tools, wish=wish, secret=_secret(secret, number))
    if over is None:
        return None
    done[number], lead = over
    return lead


def _led(
    scans: Sequence[Scan],
    numbers: Sequence[int],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
    done: dict[int, Treated],
) -> _Lead | None:
    """The lead of a frame of reference, None where no face was removed; what is decided goes into `done`."""
    looked: list[tuple[float, int]] = []
    shapes: set[tuple[object, ...]] = set()
    found: dict[int, tuple[Whether, View]] = {}
    for number in numbers:
        scan = scans[number]
        if (
            scan.is_flat
            or len(looked) == _MOST_LOOKED_AT
            or (scan.volume.shape, scan.volume.affine_lps.tobytes()) in shapes
        ):
            continue
        view, proof = _first_look(scan, tools)
        if proof is not None:
            done[number] = _without(proof, view)
            continue
        shapes.add((scan.volume.shape, scan.volume.affine_lps.tobytes()))
        shown = whether(scan, view, tools.judge, tools.resampler, tools.rules.numbers)
        found[number] = shown, view
        looked.append((shown.score, number))
        if shown.score > _BEST:
            break
    # Whoever shows a face leads; else a head that is known to be one.
    ranks = {Finding.FACE: 0, Finding.HEAD: 1, Finding.DOUBTFUL: 2, Finding.NONE: 3}
    lead: _Lead | None = None
    for _, number in sorted(looked, key=lambda one: (ranks[found[one[1]][0].finding], -one[0], one[1])):
        shown, view = found[number]
        if lead is not None:
            break
        done[number], lead = _treated(scans[number], shown, view, tools, wish=wish, secret=_secret(secret, number))
    return lead


def _first_look(scan: Scan, tools: FaceTools) -> tuple[View, str | None]:
    """The view of a scan and the proof that it has no face, None where that is not plain."""
    view = view_of(scan, head_frame(scan, tools.resampler, tools.judge), tools.resampler)
    return view, faceless(scan, view, tools.rules.numbers)


def _treated(
    scan: Scan, shown: Whether, view: View, tools: FaceTools, *, wish: Wish, secret: bytes
) -> tuple[Treated, _Lead | None]:
    """A scan that is judged by itself, and the lead that it gives."""
    started = time.process_time()
    before = _before(shown)
    if shown.finding is Finding.NONE:
        return Treated(outcome=FaceOutcome(status=FaceStatus.NOT_APPLICABLE, why=shown.why, numbers=before)), None
    if shown.finding is Finding.DOUBTFUL:
        return Treated(outcome=FaceOutcome(status=FaceStatus.QUARANTINED, why=shown.why, numbers=before)), None
    sight = shown.sight if shown.finding is Finding.FACE else None
    if wish.ears and ears_stay(scan, view, sight, tools):
        why = "an ear may be kept: its height is not known, or the scan ends beside it"
        return Treated(outcome=FaceOutcome(status=FaceStatus.QUARANTINED, why=why, numbers=before)), None
    last: Defaced | None = None
    for attempt in attempts(scan, view, sight, tools, wish=wish, secret=secret):
        last = attempt
        if not attempt.fails:
            break
    before["cpu_seconds"] = time.process_time() - started
    if last is None:
        why = "no skin was met where a face would be"
        return Treated(outcome=FaceOutcome(status=FaceStatus.QUARANTINED, why=why, numbers=before)), None
    treated = _of(last, before)
    return treated, None if last.fails else _Lead(scan, sight, last.zone, last.rung)


def _of(attempt: Defaced, before: dict[str, float]) -> Treated:
    numbers = {**before, **attempt.judged.numbers(), "changed_share": float(attempt.filled.mask.mean())}
    if attempt.fails:
        why, status = attempt.fails, FaceStatus.QUARANTINED
        return Treated(outcome=FaceOutcome(status=status, why=why, rung=attempt.rung, numbers=numbers))
    why = "defaced, and nothing of the face could be had back"
    outcome = FaceOutcome(status=FaceStatus.DEFACED, why=why, rung=attempt.rung, numbers=numbers)
    return Treated(outcome=outcome, filled=attempt.filled, zone=attempt.zone)


def _follow(
    scan: Scan,
    lead: _Lead | None,
    leads: Sequence[_Lead],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
) -> Treated:
    """A scan that does not lead: it takes the zone of its frame of reference over, or is judged by itself."""
    if scan.is_flat:
        return _flat(scan, lead, wish=wish, secret=secret)
    view, proof = _first_look(scan, tools)
    if proof is not None:
        return _without(proof, view)
    if lead is not None and not is_brain_alone(scan, view, tools.rules.numbers):
        return _carried(scan, view, lead, tools, wish=wish, secret=secret, is_quick=_is_repeat(scan, lead.scan))
    over = _over_others(scan, view, leads, tools, wish=wish, secret=secret)
    if over is not None:
        return over[0]
    shown = whether(scan, view, tools.judge, tools.resampler, tools.rules.numbers)
    return _treated(scan, shown, view, tools, wish=wish, secret=secret)[0]


def _carried(
    scan: Scan, view: View, lead: _Lead, tools: FaceTools, *, wish: Wish, secret: bytes, is_quick: bool = False
) -> Treated:
    """A scan without the zone of its lead; where that is not enough, without one of its own, from that rung on."""
    started = time.process_time()
    people = None if is_quick else LineUps(scan, view.levels, lead.sight, tools)
    # That all scans lose the same is worth more than that this one shows less than its back does.
    trial = Trial(people=people, axes=view.frame, mode=wish.mode, is_quick=is_quick, is_lenient=True)
    first = carried(scan, lead.zone, view, tools, trial, secret=secret, rung=lead.rung)
    numbers = {"carried": 1.0, "cpu_seconds": time.process_time() - started}
    if not first.fails:
        return _of(first, numbers)
    for attempt in attempts(scan, view, lead.sight, tools, wish=wish, secret=secret, first=lead.rung):
        if not attempt.fails:
            return _of(attempt, {**numbers, "carried": 0.0, "cpu_seconds": time.process_time() - started})
    return _of(first, numbers)


def _is_repeat(scan: Scan, lead: Scan) -> bool:
    """Whether a scan is another time point or echo of the one that leads, voxel for voxel in the same place."""
    same_place = np.allclose(scan.volume.affine_lps, lead.volume.affine_lps, atol=1e-4)
    return scan.volume.shape == lead.volume.shape and bool(same_place)


def _flat(scan: Scan, lead: _Lead | None, *, wish: Wish, secret: bytes) -> Treated:
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


def _over_others(
    scan: Scan, view: View, leads: Sequence[_Lead], tools: FaceTools, *, wish: Wish, secret: bytes
) -> tuple[Treated, _Lead] | None:
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
        moved = _Lead(scan, sight, lead.zone.moved(motion), lead.rung)
        treated = _carried(scan, view, moved, tools, wish=wish, secret=secret)
        if treated.zone is not None:
            numbers = {**treated.outcome.numbers, "overlap": overlap}
            known = replace(treated, outcome=replace(treated.outcome, numbers=numbers))
            return known, replace(moved, zone=treated.zone, rung=treated.outcome.rung)
    return None


def _without(proof: str, view: View) -> Treated:
    numbers = {"contrast": view.levels.contrast}
    return Treated(outcome=FaceOutcome(status=FaceStatus.NOT_APPLICABLE, why=proof, numbers=numbers))


def _before(shown: Whether) -> dict[str, float]:
    if shown.sight is None:
        return {"before_hits": 0.0}
    return {
        "before_best": shown.sight.score,
        "before_hits": float(shown.sight.hits),
        "before_looks": float(shown.sight.looks),
        "yaw_deg": shown.sight.yaw_deg,
        "pitch_deg": shown.sight.pitch_deg,
    }


def _secret(secret: bytes, number: int) -> bytes:
    return secret + number.to_bytes(4, "big")
