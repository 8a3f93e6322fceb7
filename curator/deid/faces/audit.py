"""The attack on data that claims to be defaced already.

The law: the audit knows nothing of how it was defaced; a face that is seen is a finding, and what cannot be judged is
no pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from curator.deid.faces.attack import ALL, IN_TURN, attacked, deep_levels
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import head_frame, view_of
from curator.deid.faces.whether import Finding, faceless, whether
from curator.deid.faces.windows import sockets_of

# Modalities of tracers, which the brain takes up more than the skin.
_OUTSHONE = frozenset({"PT", "NM"})


class AuditVerdict(StrEnum):
    """What an audit says of a volume."""

    FACE = "face"
    CLEAN = "clean"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True)
class Audit:
    """The verdict on one volume, why in structural words, and its numbers."""

    verdict: AuditVerdict
    why: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The audit for machines."""
        return {"verdict": self.verdict.value, "why": self.why, "numbers": dict(self.numbers)}


def audit_scan(scan: Scan, tools: FaceTools) -> Audit:
    """Whether a volume shows a face to anybody who looks: from many sides, at many thresholds, with two detectors."""
    return _audited(scan, tools, null_from=tools.rules.numbers.clean_score, shares=ALL)


def shows_face(scan: Scan, tools: FaceTools) -> bool:
    """Whether that audit would find a face: it looks less often where it may only ask whether a volume is clean.

    Of the thresholds it takes those at which an attack that goes before it does not look along the patient's axes.
    """
    found = _audited(scan, tools, null_from=tools.rules.numbers.face_score, shares=IN_TURN[:1])
    return found.verdict is AuditVerdict.FACE


def _audited(scan: Scan, tools: FaceTools, *, null_from: float, shares: tuple[slice, ...]) -> Audit:
    numbers = tools.rules.numbers
    if scan.is_flat:
        return Audit(AuditVerdict.UNCLEAR, "too few slices to look at")
    view = view_of(scan, head_frame(scan, tools.resampler, tools.judge), tools.resampler)
    proof = faceless(scan, view, numbers)
    if proof is not None:
        return Audit(AuditVerdict.CLEAN, proof)
    shown = whether(scan, view, tools.judge, tools.resampler, numbers)
    found = {"best": shown.score, "hits": float(shown.sight.hits if shown.sight is not None else 0)}
    if shown.finding is Finding.FACE:
        return Audit(AuditVerdict.FACE, shown.why, found)
    if shown.finding is Finding.NONE:
        return Audit(AuditVerdict.CLEAN, shown.why, found)
    seen = attacked([view], tools.judge, tools.resampler, numbers, null_from=null_from, asks_back=True, shares=shares)
    found |= {"best": max(shown.score, seen.best), "bright": seen.bright, "network": seen.network}
    # Where a brain outshines the skin, what is seen inside may be folds of it.
    is_brain = scan.modality in _OUTSHONE and bool(deep_levels(view, numbers)) and seen.best <= numbers.face_score
    if (seen.hits and not is_brain) or seen.network >= numbers.network_confidence:
        return Audit(AuditVerdict.FACE, "a face is seen from some side at some threshold", found)
    if sockets_of(view) is not None:
        return Audit(AuditVerdict.FACE, "two eye sockets under a brow, though no detector sees a face", found)
    if shown.finding is Finding.DOUBTFUL or not seen.is_clear(numbers):
        return Audit(AuditVerdict.UNCLEAR, "no face is seen, and its absence is not shown", found)
    return Audit(AuditVerdict.CLEAN, "no detector sees a face, and no socket or brow stands out", found)
