"""The day on which everybody's event falls, where dates are counted from an event.

The law: the day stands in `rules/header/events.toml` and is the same for everybody.

Sources: DICOM PS3.3 C.7.2.3; PS3.15 E.3.6.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from curator.policy.single_rule import read_single_rule
from curator.strict import Table

RULES = Path("header") / "events.toml"
OPTION = "retain-long-modified-dates"


def event_epoch(folder: Path) -> date:
    """The day on which every event falls.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or has not exactly one rule.
    """
    return day_of(read_single_rule(folder, RULES, key="epoch"), "epoch")


def day_of(table: Table, key: str) -> date:
    """A date that is written YYYYMMDD.

    Raises:
        ConfigurationError: it is missing or no such date.
    """
    text = table.get(key, str)
    try:
        return parsed_day(text)
    except ValueError:
        raise table.wrong(key, "must be a date, YYYYMMDD") from None


def parsed_day(text: str) -> date:
    """The date that YYYYMMDD says.

    Raises:
        ValueError: it is written otherwise, or there is no such day.
    """
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise ValueError("not eight digits")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
