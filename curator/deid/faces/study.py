"""All scans of one study: each defaced and proven, shown to have no face, or held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.deid.faces.fill import Filled
from curator.deid.faces.scan import Scan
from curator.deid.faces.zone import Zone
from curator.model.faces import FaceMode, FaceOutcome
from curator.policy.faces.defacing import FaceRules
from curator.ports.faces import FaceJudge, Registrar, Resampler


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceTools:
    """What looks, turns and lays over; `registrar` None leaves every frame of reference to itself."""

    rules: FaceRules = field(repr=False)
    judge: FaceJudge
    resampler: Resampler
    registrar: Registrar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a steward asks for: how faces are replaced, and whether ears and teeth go too."""

    mode: FaceMode = FaceMode.SMOOTH
    ears: bool = False
    teeth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What became of one scan: `filled` is what changed, None where nothing may or has to; `zone` is where."""

    outcome: FaceOutcome
    filled: Filled | None = field(repr=False, default=None)
    zone: Zone | None = field(repr=False, default=None)


def treat_study(scans: Sequence[Scan], tools: FaceTools, *, wish: Wish, secret: bytes) -> tuple[Treated, ...]:
    """What becomes of each scan of a study, in their order; () for none.

    `secret` is derived from the key for this study alone: the relief of the new skin follows from it.
    """
    raise NotImplementedError
