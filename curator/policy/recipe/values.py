"""What a recipe's line states: a literal, a value from the steward's table, or a function that we have an equal for.

The law: a value that is not there stops the recipe; a function is carried out only where its result is the same in
every run.

Sources: the deid package's documentation of header values (`var:`, `func:`, `deid_func:`); DICOM PS3.5 6.2 (lengths and
forms of values).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from curator.dicom.dictionary import TEXT_VRS
from curator.errors import ConfigurationError, RuleError
from curator.policy.csv_tables import parse_csv
from curator.policy.recipe.lines import RecipeAction
from curator.strict import nearest, parse_toml

_NAME = "recipe values"
_SPECIAL = re.compile(r"(var|func|deid_func):(.*)", re.IGNORECASE)
_DAYS = re.compile(r"[+-]?\d{1,6}")
_DAYS_A_YEAR = 365
_STATING = (RecipeAction.ADD, RecipeAction.REPLACE)
_LONGEST = {"AE": 16, "AS": 4, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "LT": 10240, "PN": 64, "SH": 16, "ST": 1024}
_FORMS = {
    "DA": re.compile(r"\d{8}"),
    "DT": re.compile(r"\d{4}(\d{2}){0,5}(\.\d{1,6})?([+-]\d{4})?"),
    "TM": re.compile(r"\d{2}(\d{2}){0,2}(\.\d{1,6})?"),
    "DS": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "IS": re.compile(r"[+-]?\d+"),
    "FD": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "US": re.compile(r"\d{1,5}"),
}
_FORMS |= {"FL": _FORMS["FD"], "UL": re.compile(r"\d{1,10}"), "UV": _FORMS["US"]}
_FORMS |= {"SS": re.compile(r"[+-]?\d{1,5}"), "SL": re.compile(r"[+-]?\d{1,10}"), "SV": _FORMS["IS"]}
_PLAIN_BYTES = ("OB", "UN")
_SINGLE_VALUED = ("LT", "ST", "UR", "UT")


class Stated(NamedTuple):
    """The value of a line: text, days forward, or a keyed UID."""

    value: str = ""
    days: int | None = None
    is_new_uid: bool = False


def parse_values(content: bytes, *, is_csv: bool) -> dict[str, str]:
    """Values by name, from TOML (`name = "value"`) or CSV (columns name and value).

    Raises:
        ConfigurationError: it is malformed, or names one value twice.
    """
    if is_csv:
        found: dict[str, str] = {}
        for row in parse_csv(content, name=_NAME, columns=("name", "value")):
            if row["name"] in found:
                raise row.wrong("name", "stands twice")
            found[row["name"]] = row["value"]
        return found
    table = parse_toml(content, name=_NAME)
    for key, value in table.values.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ConfigurationError(f"[{_NAME}] {key}: must be a string or a number")
    return {key: str(value) for key, value in table.values.items()}


def stated(action: RecipeAction, written: str, values: Mapping[str, str]) -> Stated:
    """What a line states; nothing for KEEP, BLANK and a plain REMOVE.

    Raises:
        RuleError: a value or function is unknown, depends on chance, or is no number of days.
    """
    special = _SPECIAL.fullmatch(written)
    if special is not None and special[1].lower() == "func":
        raise RuleError(f"{written}: a function of one's own cannot be carried out")
    if action is RecipeAction.REMOVE and written:
        raise RuleError("REMOVE under a condition cannot be carried out; remove it, or name it otherwise")
    if special is not None and special[1].lower() == "deid_func":
        return _function(action, special[2].split())
    if special is not None:
        if special[2] not in values:
            raise RuleError(
                f"{written} has no value{nearest(special[2], values) if values else '; give a values file'}"
            )
        written = values[special[2]]
    if action is RecipeAction.JITTER:
        return Stated(days=_days(written))
    if action not in _STATING:
        return Stated()
    if not written.strip():
        raise RuleError("states no value; BLANK empties")
    if not written.isascii() or not written.isprintable():
        raise RuleError("states a value that not every character set can write; use ASCII")
    return Stated(value=written)


def _function(action: RecipeAction, words: list[str]) -> Stated:
    name, options = words[0] if words else "", dict(word.partition("=")[::2] for word in words[1:])
    if action is RecipeAction.REPLACE and name == "jitter":
        return Stated(days=_days(options.get("days", "1")) + _DAYS_A_YEAR * _days(options.get("years", "0"), least=0))
    if action is RecipeAction.REPLACE and name == "pydicom_uuid" and not options:
        return Stated(is_new_uid=True)
    raise RuleError(
        f"deid_func:{name} cannot be carried out here: only REPLACE with jitter days=n, or with pydicom_uuid alone "
        "(as a keyed UID), gives the same in every run"
    )


def _days(written: str, *, least: int = 1) -> int:
    if not _DAYS.fullmatch(written.strip()):
        raise RuleError("needs a whole number of days")
    days = int(written)
    if abs(days) < least:
        raise RuleError("moves dates by no days; KEEP keeps them")
    return days


def fits(value: str, vr: str) -> bool:
    """Whether a stated value can stand in an element of a VR."""
    if vr not in TEXT_VRS and vr not in _FORMS:
        return vr in _PLAIN_BYTES
    parts = [value] if vr in _SINGLE_VALUED else value.split("\\")
    form, longest = _FORMS.get(vr), _LONGEST.get(vr)
    return all((form is None or form.fullmatch(part)) and (longest is None or len(part) <= longest) for part in parts)
