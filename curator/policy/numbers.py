"""Rule files whose rules each set one number, or one list of numbers.

The law: every number that is known is set once, by a rule that says why, and nothing else is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from curator.errors import ConfigurationError
from curator.strict import Table, nearest


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a file sets: `values` by setting, `lists` by setting, and by `ids` the rule that each comes from."""

    values: Mapping[str, float]
    lists: Mapping[str, tuple[float, ...]]
    ids: Mapping[str, str]


def parse_numbers(
    document: Table, *, single: Collection[str], several: Collection[str] = (), signed: Collection[str] = ()
) -> Numbers:
    """The numbers that a file of rules sets; only those of `signed` may be negative, and those of lists.

    Raises:
        ConfigurationError: a rule is malformed, or a number is missing, unknown, negative or set twice.
    """
    document.only(required=("rule",))
    known = [*single, *several]
    values: dict[str, float] = {}
    lists: dict[str, tuple[float, ...]] = {}
    ids: dict[str, str] = {}
    for rule in document.tables("rule"):
        rule.only(("value", "values"), required=("id", "why", "source", "setting", "example"))
        name = rule.one_of("setting", known)
        if name in ids:
            raise rule.wrong("setting", f"{name} is set twice")
        ids[name] = rule.get("id", str)
        if name in several:
            lists[name] = _list_of(rule)
            continue
        values[name] = rule.get("value", float)
        if not math.isfinite(values[name]) or (values[name] < 0 and name not in signed):
            raise rule.wrong("value", "must not be negative")
    for name in known:
        if name not in ids:
            raise ConfigurationError(f"[{document.name}] sets no {name}{nearest(name, known)}")
    return Numbers(values, lists, ids)


def _list_of(rule: Table) -> tuple[float, ...]:
    numbers = rule.get("values", list)
    if not numbers or not all(type(one) in (int, float) and math.isfinite(one) for one in numbers):
        raise rule.wrong("values", "must be a list of numbers")
    return tuple(float(one) for one in numbers)
