"""The day of each person's event, from a CSV file: PatientID, IssuerOfPatientID, event_date (YYYYMMDD), event_type.

The law: the file is as sensitive as a key and is kept like one; a person without an event has no place in time, so
nothing of theirs is released. No error quotes a cell. People are compared as `curator.identity.pseudonyms` says.

Sources: DICOM PS3.3 C.7.2.3 (Longitudinal Temporal Event Type), PS3.5 6.2 (CS).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from curator.adapters.keyfile import read_private, refuse_placement
from curator.errors import ConfigurationError, ItemError
from curator.identity.pseudonyms import normalized_subject
from curator.model.identity import Alias, Origin, SubjectKey
from curator.model.quarantine import Reason
from curator.policy.csv_tables import cells_of
from curator.policy.events import parsed_day
from curator.ports import Subjects

_NAME = "the events file"
_COLUMNS = ["PatientID", "IssuerOfPatientID", "event_date", "event_type"]
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]{0,15}", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """When something of significance happened to a person, and what."""

    day: date = field(repr=False)
    type: str


class EventSubjects:
    """The aliases of others, their time counted from each person's event, which falls on `epoch`."""

    def __init__(self, subjects: Subjects, events: Mapping[SubjectKey, Event], *, epoch: date) -> None:
        self._subjects = subjects
        self._events = events
        self._epoch = epoch

    def settle(self, subjects: Collection[SubjectKey]) -> None:
        """See `Subjects.settle`."""
        self._subjects.settle(subjects)

    def subject_of(self, subject: SubjectKey) -> Alias:
        """See `Subjects.subject_of`."""
        event = self._events.get(normalized_subject(subject))
        if event is None:
            raise ItemError(Reason.PATIENT_NOT_MAPPED, "not in the events file")
        days = (event.day - self._epoch).days
        return replace(self._subjects.subject_of(subject), shift_days=days, origin=Origin(event.type, self._epoch))


def read_events(path: Path, *, forbidden: Iterable[Path]) -> dict[SubjectKey, Event]:
    """The events by person as compared; none for a header alone.

    Raises:
        KeyPlacementError: it lies where data may leave, or in a git checkout.
        KeyMaterialError: it is missing, or others can read it.
        ConfigurationError: it has other columns, a date or type that is none, or somebody twice.
    """
    refuse_placement(path, forbidden=forbidden)
    lines = cells_of(read_private(path, name=_NAME).removeprefix(_BYTE_ORDER_MARK), name=_NAME)
    if next(lines, (0, [""]))[1] != _COLUMNS:
        raise ConfigurationError(f"{_NAME}: the first line must be {','.join(_COLUMNS)}")
    events: dict[SubjectKey, Event] = {}
    for line, cells in lines:
        where = f"{_NAME}, line {line}"
        if len(cells) != len(_COLUMNS):
            raise ConfigurationError(f"{where}: {len(cells)} cells, the header has {len(_COLUMNS)}")
        subject = normalized_subject(SubjectKey(cells[0], cells[1]))
        if not subject.patient_id:
            raise ConfigurationError(f"{where}: the PatientID is empty")
        if subject in events:
            raise ConfigurationError(f"{where}: the person stands there twice")
        events[subject] = _event(cells[2], cells[3], where=where)
    return events


def _event(day: str, kind: str, *, where: str) -> Event:
    if _TYPE.fullmatch(kind) is None:
        raise ConfigurationError(f"{where}: event_type is up to 16 capitals, digits, blanks or underscores")
    try:
        return Event(parsed_day(day), kind)
    except ValueError:
        raise ConfigurationError(f"{where}: event_date is no date; write YYYYMMDD") from None
