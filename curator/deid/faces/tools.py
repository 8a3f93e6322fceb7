"""What defacing works with: the rules, who looks, who turns, and what a steward asks for."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.model.faces import FaceMode
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
