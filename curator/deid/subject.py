"""What the rewriting of an instance needs to know about the person it shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.identity.search import Needles


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person's replacement and what may not survive of the original.

    `shift_days` is how far back all dates move; `needles` are all of the person's identifiers as bytes.
    """

    patient_code: str
    shift_days: int = field(repr=False)
    needles: Needles = field(repr=False)
