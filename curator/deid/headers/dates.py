"""Dates moved back by whole days, to the precision they were given with.

The law: the distance between two shifted dates is the distance between the originals; a value that is no date gives
None, never a guess.

Sources: DICOM PS3.5 6.2 (DA, DT); PS3.15 E.3.6.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_DA = re.compile(r"(\d{4})(\d{2})(\d{2})|(\d{4})\.(\d{2})\.(\d{2})", re.ASCII)
_DT = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})((?:\d{2}){0,3}(?:\.\d{1,6})?))?)?([+-]\d{4})?", re.ASCII)
_MIDDLE_MONTH = 7
_MIDDLE_DAY = 15


def is_date(text: str) -> bool:
    """Whether a text has the form of a DA value, also of the one with dots that ACR-NEMA had."""
    return _DA.fullmatch(text) is not None


def is_datetime(text: str) -> bool:
    """Whether a text has the form of a DT value."""
    return _DT.fullmatch(text) is not None


def shifted_date(text: str, days_back: int) -> str | None:
    """A DA value `days_back` earlier as YYYYMMDD, "" for an empty value, None for what is no date."""
    if not text:
        return ""
    match = _DA.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    moved = _moved(year, month, day, days_back)
    return None if moved is None else f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def shifted_datetime(text: str, days_back: int) -> str | None:
    """A DT value `days_back` earlier with its time, fraction, offset and precision, "" for empty, None for no DT.

    A year or a month alone moves from its middle, so that it lands where most of its days do.
    """
    if not text:
        return ""
    match = _DT.fullmatch(text)
    if match is None:
        return None
    year, month, day, time, offset = match.groups()
    moved = _moved(int(year), int(month or _MIDDLE_MONTH), int(day or _MIDDLE_DAY), days_back)
    if moved is None:
        return None
    parts = (f"{moved.year:04d}", month and f"{moved.month:02d}", day and f"{moved.day:02d}", time, offset)
    return "".join(part for part in parts if part)


def day_of(text: str) -> date | None:
    """The day that a DA value says, None for what is no day."""
    match = _DA.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    return _moved(year, month, day, 0)


def _moved(year: int, month: int, day: int, days_back: int) -> date | None:
    try:
        return date(year, month, day) - timedelta(days=days_back)
    except (ValueError, OverflowError):
        return None
