"""Which options a policy was asked for, and whether it may be.

The law: an option is claimed only where all it promises is carried out; two that contradict each other are refused.

Sources: DICOM PS3.15 E.3; PS3.16 CID 7050.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from curator.errors import RuleError
from curator.model.decision import Action
from curator.policy.element_rules import ACTIONS
from curator.strict import Table, nearest, parse_toml

TEMPORAL_WITHOUT_OPTION = "REMOVED"
MODIFIED = "MODIFIED"
UNMODIFIED = "UNMODIFIED"
# Free text; content items of structured reports; annotations drawn over images.
TEXT = "text"
CLEANINGS = (TEXT, "structure", "graphics")
# What an option may state of an instance of which it was proven.
_CODE_STRINGS = ("BurnedInAnnotation", "RecognizableVisualFeatures")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of PS3.15 E.3.

    `temporal` is what it makes of (0028,0303), "" where it says nothing of time; `cleaning` what its C cells clean,
    "" where nothing. `verified` is what only an instance says of which the option was proven, by keyword, its method
    code among it; empty for an option that all instances claim.
    """

    name: str
    available: bool
    excludes: tuple[str, ...]
    temporal: str
    why: str
    cleaning: str = ""
    verified: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class OptionRules:
    """All options by name, and the order of protection that settles their conflicts."""

    options: Mapping[str, Option]
    most_protective_first: tuple[Action, ...]


def parse_options(content: bytes, *, name: str) -> OptionRules:
    """The options file.

    Raises:
        ConfigurationError: it is malformed, or its order of protection leaves an action out.
    """
    table = parse_toml(content, name=name)
    table.only(required=("option", "most_protective_first"))
    options = {}
    for entry in table.tables("option"):
        entry.only(("excludes", "temporal", "cleaning", "verified"), required=("name", "available", "why"))
        option = Option(
            name=entry.get("name", str),
            available=entry.get("available", bool),
            excludes=entry.texts("excludes"),
            temporal=entry.get("temporal", str, ""),
            why=entry.get("why", str),
            cleaning=entry.one_of("cleaning", ("", *CLEANINGS), ""),
            verified=_verified(entry.table("verified")),
        )
        options[option.name] = option
    order = tuple(Action(letter) for letter in table.texts("most_protective_first", ACTIONS))
    if len(order) != len(Action):
        raise table.wrong("most_protective_first", "must name every action once")
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


def _verified(table: Table) -> dict[str, str]:
    """Attributes by keyword, with the value that a proven instance states."""
    table.only(_CODE_STRINGS)
    return {keyword: table.get(keyword, str) for keyword in sorted(table.values)}
