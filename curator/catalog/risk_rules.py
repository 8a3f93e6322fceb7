"""Which facts could single a person out, and how each is made coarser.

The law: what counts, in which steps and against which threshold stands in `rules/risk/risk.toml`; a value that a step
does not understand becomes "other", so that nothing odd stays finer than the rest.

Sources: Sweeney (2002), "k-anonymity: a model for protecting privacy"; DICOM PS3.5 6.2 (AS, DA, DS).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.strict import Table, read_toml

RULES = Path("risk") / "risk.toml"
OTHER = "other"
RARE = "rare"
"""The step that makes every value that too few people have `OTHER`."""
ATTRIBUTES = (
    "PatientAge",
    "PatientSex",
    "EthnicGroup",
    "PatientWeight",
    "PatientSize",
    "centre_code",
    "device_model",
    "StudyDate",
    "BodyPartExamined",
    "Modality",
    "labels",
)
_ROLES = ("quasi", "sensitive")
_OLDEST = 90
_CENTIMETRES_A_METRE = 100
_AGE = re.compile(r"(\d{3})([DWMY])")
_DATE = re.compile(r"(\d{4})\d{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quasi:
    """One fact that could single people out with others, and its steps from fine to coarse."""

    rule_id: str
    attribute: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """All of it: `k` people have to look alike, `l` different sensitive values have to stand in a class.

    `most_suppressed_percent` of the people may be left out rather than making everybody's facts coarser.
    """

    k: int
    l: int  # noqa: E741 - the name that l-diversity goes by
    most_suppressed_percent: int
    quasi: tuple[Quasi, ...] = field(repr=False)
    sensitive: tuple[str, ...]


def load_risk_rules(folder: Path | None = None) -> RiskRules:
    """The rules under a `rules/` folder, the bundled one where none is named.

    Raises:
        ConfigurationError: the file is missing or malformed.
    """
    document = read_toml((folder or bundled_folder("rules")) / RULES, name=RULES.as_posix())
    document.only(required=("format", "threshold", "rule"))
    document.number("format", least=1, most=1)
    threshold = document.table("threshold")
    threshold.only(required=("id", "why", "source", "example", "k", "l", "most_suppressed_percent"))
    rules = list(document.tables("rule"))
    return RiskRules(
        k=threshold.number("k", least=2),
        l=threshold.number("l", least=1),
        most_suppressed_percent=threshold.number("most_suppressed_percent", least=0, most=100),
        quasi=tuple(_quasi(rule) for rule in rules if _role(rule) == "quasi"),
        sensitive=tuple(rule.one_of("attribute", ATTRIBUTES) for rule in rules if _role(rule) == "sensitive"),
    )


def coarser(value: str, step: str) -> str:
    """A value as a step makes it, "" for none; `RARE` leaves it, for it depends on everybody's.

    Raises:
        ConfigurationError: there is no such step.
    """
    name, _, width = step.partition(":")
    make = _STEPS.get(name)
    if make is None or bool(width) != (name in _WIDE) or (width and not (width.isdigit() and int(width) > 0)):
        raise ConfigurationError(f"[{RULES.as_posix()}] knows no step {step!r}; known: {', '.join(sorted(_STEPS))}")
    return make(value, int(width or 1)) if value else ""


def _role(rule: Table) -> str:
    role = rule.one_of("role", _ROLES)
    steps = ("steps",) if role == "quasi" else ()
    rule.only(required=("id", "role", "attribute", "why", "source", "example", *steps))
    return role


def _quasi(rule: Table) -> Quasi:
    steps = rule.texts("steps")
    if not steps:
        raise rule.wrong("steps", "names none")
    for step in steps:
        coarser("", step)
    return Quasi(rule_id=rule.get("id", str), attribute=rule.one_of("attribute", ATTRIBUTES), steps=steps)


def _as_it_is(value: str, _width: int) -> str:
    return value


def _age(value: str, width: int) -> str:
    found = _AGE.fullmatch(value)
    if found is None:
        return OTHER
    # Weeks, months and days of an age count for children; a hundred months are eight years.
    years = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365, "D": 1 / 365}[found[2]] * int(found[1])
    return f"{_OLDEST}+" if years >= _OLDEST else _band(math.floor(years), width)


def _number(value: str, width: int) -> str:
    try:
        number = float(value)
    except ValueError:
        return OTHER
    return _band(math.floor(number), width) if math.isfinite(number) else OTHER


def _centimetres(value: str, width: int) -> str:
    try:
        metres = float(value)
    except ValueError:
        return OTHER
    return _band(math.floor(round(metres * _CENTIMETRES_A_METRE, 6)), width) if math.isfinite(metres) else OTHER


def _year(value: str, width: int) -> str:
    found = _DATE.fullmatch(value)
    return _band(int(found[1]), width) if found is not None else OTHER


def _maker(value: str, _width: int) -> str:
    return value.partition(" / ")[0]


def _band(number: int, width: int) -> str:
    start = number // width * width
    return f"{start}-{start + width - 1}" if width > 1 else f"{start}"


_STEPS: dict[str, Callable[[str, int], str]] = {
    "as-is": _as_it_is,
    "age": _age,
    "number": _number,
    "centimetres": _centimetres,
    "year": _year,
    "maker": _maker,
    RARE: _as_it_is,
}
_WIDE = frozenset({"age", "number", "centimetres", "year"})
