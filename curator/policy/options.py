"""Which options a policy was asked for, and whether it may be.

The law: an option is claimed only where all it promises is carried out; two that contradict each other are refused.

Sources: DICOM PS3.15 E.3; PS3.16 CID 7050.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from curator.errors import ConfigurationError, RuleError
from curator.model.decision import Action
from curator.policy import reading
from curator.policy.element_rules import action_of
from curator.strict import nearest

TEMPORAL_WITHOUT_OPTION = "REMOVED"
MODIFIED = "MODIFIED"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of PS3.15 E.3; `temporal` is what it makes of (0028,0303), "" where it says nothing of time."""

    name: str
    available: bool
    excludes: tuple[str, ...]
    temporal: str
    why: str


@dataclass(frozen=True, slots=True)
class OptionRules:
    """All options by name, and the order of protection that settles their conflicts."""

    options: Mapping[str, Option]
    most_protective_first: tuple[Action, ...]


def parse_options(content: bytes, *, where: str) -> OptionRules:
    """The options file.

    Raises:
        ConfigurationError: it is malformed, or its order of protection leaves an action out.
    """
    table = reading.only(
        reading.parse_toml(content, where=where), where=where, required=("option", "most_protective_first")
    )
    options = {}
    for entry in reading.subtables(table, "option", where=where):
        reading.only(entry, where=where, required=("name", "available", "why"), optional=("excludes", "temporal"))
        name = reading.text(entry, "name", where=where)
        options[name] = Option(
            name=name,
            available=reading.truth(entry, "available", where=where) is True,
            excludes=reading.texts(entry, "excludes", where=where),
            temporal=reading.text(entry, "temporal", where=where),
            why=reading.text(entry, "why", where=where),
        )
    order = tuple(
        action_of(letter, where=where) for letter in reading.texts(table, "most_protective_first", where=where)
    )
    if sorted(order) != sorted(Action):
        raise ConfigurationError(f'{where}: "most_protective_first" must name every action once')
    return OptionRules(options, order)


def chosen_options(rules: OptionRules, names: Collection[str]) -> tuple[Option, ...]:
    """The named options in the order of the file, each once; empty for no names.

    Raises:
        RuleError: one is unknown or not available yet, or two exclude each other.
    """
    for name in sorted(names):
        if name not in rules.options:
            raise RuleError(f'option "{name}" is unknown{nearest(name, rules.options)}')
        option = rules.options[name]
        if not option.available:
            raise RuleError(f'option "{name}" is not available yet: {option.why}')
        for other in option.excludes:
            if other in names:
                raise RuleError(f'options "{name}" and "{other}" exclude each other; choose one')
    return tuple(option for option in rules.options.values() if option.name in names)


def temporal_of(options: Sequence[Option]) -> str:
    """The value of Longitudinal Temporal Information Modified: "REMOVED", "MODIFIED" or "UNMODIFIED"."""
    return next((option.temporal for option in options if option.temporal), TEMPORAL_WITHOUT_OPTION)
