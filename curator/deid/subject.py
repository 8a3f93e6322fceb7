"""What the rewriting of an instance needs to know about the person it shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.identity.search import Needles
from curator.model.identity import Identifier, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person's replacement and what may not survive of the original.

    `shift_days` is how far back all dates move; `needles` are all of the person's identifiers as bytes;
    `identifiers` the same as they were said, for those who clean text. `origin` is the event from which the person's
    days are counted, None where they are not.
    """

    patient_code: str
    shift_days: int = field(repr=False)
    needles: Needles = field(repr=False)
    identifiers: frozenset[Identifier] = field(repr=False, default=frozenset())
    origin: Origin | None = None
