"""What becomes of a volume that may show a face.

The law: every volume has exactly one of three outcomes, with its reason in structural words and the numbers it rests
on; nothing here says anything of the person.

Sources: DICOM PS3.15 E.3.2 (Clean Recognizable Visual Features Option).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FaceStatus(StrEnum):
    """What was done with a volume."""

    DEFACED = "defaced"
    NOT_APPLICABLE = "not_applicable"
    QUARANTINED = "quarantined"


class FaceMode(StrEnum):
    """What takes the place of a face: a smooth skin, plain noise of the volume's own values, or its lowest value."""

    SMOOTH = "smooth"
    NOISE = "noise"
    ZERO = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceWish:
    """What a steward asks for: how faces are replaced, and whether ears and teeth go too."""

    mode: FaceMode = FaceMode.SMOOTH
    ears: bool = False
    teeth: bool = False


AS_USUAL = FaceWish()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOutcome:
    """What was done with one volume, why, and by which numbers (lengths in mm, shares 0 to 1, CPU seconds).

    `rung` is how far up the ladder of retries it went, 0 for none.
    """

    status: FaceStatus
    why: str
    rung: int = 0
    numbers: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The outcome as the ledger keeps it."""
        numbers = {name: round(float(value), 4) for name, value in sorted(self.numbers.items())}
        return {"status": self.status.value, "why": self.why, "rung": self.rung, "numbers": numbers}
