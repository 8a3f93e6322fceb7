"""The attack on a scan that is said to have no face.

The law: what the detectors see is a finding, whoever says otherwise; where neither they nor the geometry can tell, it
is said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from curator.deid.faces.attack import attacked
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import head_frame, view_of
from curator.deid.faces.whether import faceless

FACE, CLEAN, UNSURE = "face", "clean", "cannot tell"


@dataclass(frozen=True, slots=True)
class Audited:
    """What an attack saw: `verdict` is `FACE`, `CLEAN` or `UNSURE`, with its reason and numbers."""

    verdict: str
    why: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def audit_scan(scan: Scan, tools: FaceTools) -> Audited:
    """What an attack sees in a scan."""
    numbers = tools.rules.numbers
    if scan.is_flat:
        return Audited(UNSURE, "a few slices that cannot be judged")
    view = view_of(scan, head_frame(scan, tools.resampler, tools.judge), tools.resampler)
    proof = faceless(scan, view, numbers)
    if proof is not None:
        return Audited(CLEAN, proof)
    seen = attacked(view, tools.judge, tools.resampler, numbers)
    said = {"after_best": seen.best, "after_hits": float(seen.hits), "after_network": seen.network}
    if seen.hits or seen.network >= numbers.network_confidence:
        return Audited(FACE, "a detector sees a face", said)
    if seen.is_clear(numbers):
        return Audited(CLEAN, "no detector sees a face from any side", said)
    return Audited(UNSURE, "almost a face", said)
