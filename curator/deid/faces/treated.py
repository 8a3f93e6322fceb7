"""What becomes of one scan that is judged by itself, and the lead that it gives to others.

The law: a scan is defaced only by what was proven on its own new voxels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from curator.deid.faces.fill import Filled
from curator.deid.faces.find import Sight
from curator.deid.faces.ladder import Defaced, attempts, ears_stay
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.view import View, head_frame, view_of
from curator.deid.faces.whether import Finding, Whether, faceless
from curator.deid.faces.zone import Zone
from curator.model.faces import FaceOutcome, FaceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What became of one scan: `filled` is what changed, None where nothing may or has to; `zone` is where."""

    outcome: FaceOutcome
    filled: Filled | None = field(repr=False, default=None)
    zone: Zone | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Lead:
    """The scan in which a face was found and removed, whose zone the others take over."""

    scan: Scan
    sight: Sight | None
    zone: Zone
    rung: int


def first_look(scan: Scan, tools: FaceTools) -> tuple[View, str | None]:
    """The view of a scan and the proof that it has no face, None where that is not plain."""
    view = view_of(scan, head_frame(scan, tools.resampler, tools.judge), tools.resampler)
    return view, faceless(scan, view, tools.rules.numbers)


def treated_alone(
    scan: Scan, shown: Whether, view: View, tools: FaceTools, *, wish: Wish, secret: bytes
) -> tuple[Treated, Lead | None]:
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
    treated = outcome_of(last, before)
    return treated, None if last.fails else Lead(scan, sight, last.zone, last.rung)


def outcome_of(attempt: Defaced, before: dict[str, float]) -> Treated:
    """What an attempt makes of a scan: defaced where it passed, else held; `before` are numbers that go with it."""
    numbers = {**before, **attempt.judged.numbers(), "changed_share": float(attempt.filled.mask.mean())}
    if attempt.fails:
        why, status = attempt.fails, FaceStatus.QUARANTINED
        return Treated(outcome=FaceOutcome(status=status, why=why, rung=attempt.rung, numbers=numbers))
    why = "defaced, and nothing of the face could be had back"
    outcome = FaceOutcome(status=FaceStatus.DEFACED, why=why, rung=attempt.rung, numbers=numbers)
    return Treated(outcome=outcome, filled=attempt.filled, zone=attempt.zone)


def without_face(proof: str, view: View) -> Treated:
    """A scan that was proven to have no face."""
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
