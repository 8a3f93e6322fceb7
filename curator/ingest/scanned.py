"""What a scan says of one file.

The law: no `repr` shows where a file lies or whom it shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file under the roots; `reference` is its absolute path as reached, which is how the steward knows it.

    `problem` is why it cannot be opened at all, None where that is yet to be seen.
    """

    reference: str = field(repr=False)
    size_bytes: int = 0
    problem: Reason | None = None
    detail: str = ""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One file that is not taken, and why; `content_id` is "" where its bytes could not be read."""

    reference: str = field(repr=False)
    reason: Reason
    detail: str = ""
    content_id: str = ""
    size_bytes: int = 0


Scanned = SourceInstance | Held


def held(scanned: Scanned, reason: Reason, detail: str = "") -> Held:
    """The same file, held for `reason`."""
    return Held(
        reference=scanned.reference,
        reason=reason,
        detail=detail,
        content_id=scanned.content_id,
        size_bytes=scanned.size_bytes,
    )
