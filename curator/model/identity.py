"""Who an instance belongs to, before and after: source identifiers and the codes that replace them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class IdentifierKind(StrEnum):
    """How an identifier is written, and so how a search for it must fold and split."""

    PERSON_NAME = "person_name"
    ID = "id"
    DATE = "date"
    UID = "uid"
    TEXT = "text"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One value that identifies a person, an institution or a source object."""

    kind: IdentifierKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, order=True)
class SubjectKey:
    """What makes two source instances the same person: Patient ID within its issuer."""

    patient_id: str = field(repr=False)
    issuer: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Origin:
    """From what a person's days are counted: an event, and the day on which it falls after the shift."""

    event_type: str
    day: date


@dataclass(frozen=True, slots=True)
class Alias:
    """What stands for one person in a release: a code, and how many days all dates move back.

    `origin` is the event from which days are counted, None where they are not.
    """

    patient_code: str
    shift_days: int = field(repr=False)
    origin: Origin | None = None
