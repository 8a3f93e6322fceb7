"""How far dates may move."""

from __future__ import annotations

from pathlib import Path

from curator.strict import read_toml

RULES = Path("header") / "dates.toml"
_CENTURY_OF_WEEKS = 5200


def longest_shift_weeks(folder: Path) -> int:
    """The longest shift in whole weeks.

    Raises:
        ConfigurationError: the rule file is missing or malformed.
    """
    document = read_toml(folder / RULES, name=RULES.as_posix())
    document.only(("rule",))
    (rule,) = document.tables("rule")
    rule.only(("id", "why", "source", "longest_weeks", "example"))
    return rule.number("longest_weeks", least=1, most=_CENTURY_OF_WEEKS)
