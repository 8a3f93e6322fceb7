"""How far dates may move.

The law: how far stands in `rules/header/dates.toml`; a shift is of whole weeks and never zero.

Sources: DICOM PS3.15 E.3.6.
"""

from __future__ import annotations

from pathlib import Path

from curator.policy.single_rule import read_single_rule

RULES = Path("header") / "dates.toml"
_CENTURY_OF_WEEKS = 5200
_DAYS_A_WEEK = 7


def longest_shift_weeks(folder: Path) -> int:
    """The longest shift in whole weeks, 1 to 5200.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or has not exactly one rule.
    """
    rule = read_single_rule(folder, RULES, key="longest_weeks")
    return rule.number("longest_weeks", least=1, most=_CENTURY_OF_WEEKS)


def shift_range_days(folder: Path) -> tuple[int, int]:
    """The shortest and the longest shift, days.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or has not exactly one rule.
    """
    return _DAYS_A_WEEK, _DAYS_A_WEEK * longest_shift_weeks(folder)
