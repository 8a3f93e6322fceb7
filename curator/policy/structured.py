"""What happens to each content item of a structured report.

The law: every item gets a decision by its concept and its value type: by Table E.3.4-1 where that lists them, else by
the rules for its value type; where options disagree, the most protective action wins.

Sources: DICOM PS3.15 2026d E.3.4, Table E.3.4-1, (c) NEMA; PS3.3 C.17.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curator.errors import IntegrityError
from curator.model.decision import Action, Decision
from curator.policy.csv_tables import parse_csv
from curator.policy.element_rules import ACTIONS
from curator.policy.options import MODIFIED, OptionRules
from curator.policy.tags import tag_of
from curator.strict import Table, parse_toml, read_bytes

EDITION, RULES = "structured/edition.toml", "structured/content.toml"
ALIASES, CONCEPTS = "structured/aliases.csv", "structured/concepts.csv"
FILES = (ALIASES, CONCEPTS, EDITION, RULES)
OPTION_COLUMNS = (
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-long-full-dates",
    "retain-long-modified-dates",
    "clean-descriptors",
)
_DATES = ("DATE", "DATETIME")
_REFERENCES = ("IMAGE", "COMPOSITE", "WAVEFORM", "CONTAINER")
_UID_REFERENCE = "UIDREF"
_UID_TAG = 0x0040A124


@dataclass(frozen=True, slots=True)
class ContentItemRef:
    """What an item is about and what kind of value it has; `years` is an age that it states, None for none."""

    value_type: str
    scheme: str = ""
    code_value: str = ""
    years: float | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    basic: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _ValueTypeRule:
    id: str
    why: str
    value_types: frozenset[str]
    action: Action
    otherwise: Action
    option_actions: Mapping[str, Action]


@dataclass(frozen=True, slots=True)
class ContentRules:
    """Everything under `rules/structured` with the options in force.

    `annotation_tags` are elements whose text is cleaned in every cleaned sequence.
    """

    rows: Mapping[tuple[str, str, str], _Row] = field(repr=False)
    aliases: Mapping[tuple[str, str], tuple[str, str]] = field(repr=False)
    by_value_type: tuple[_ValueTypeRule, ...] = field(repr=False)
    annotation: Decision
    annotation_tags: frozenset[int]
    oldest: tuple[str, str]
    oldest_years: int
    options: tuple[str, ...]
    option_rules: OptionRules = field(repr=False)

    def decide(self, item: ContentItemRef) -> Decision:
        """What happens to an item; `REMOVE` is the item with all it holds, everything else is about its value."""
        concept = (item.scheme, item.code_value)
        concept = self.aliases.get(concept, concept)
        row = self.rows.get((*concept, item.value_type))
        if row is None:
            return self._unlisted(item.value_type)
        rule_id = f"PS3.15-E.3.4-1/{concept[1]}/{item.value_type}"
        if concept == self.oldest and (item.years or 0) > self.oldest_years:
            return self._basic(row, item, rule_id)
        granted = [self._granted(row, option, item, rule_id) for option in self.options if option in row.cells]
        if not granted:
            return self._basic(row, item, rule_id)
        order = self.option_rules.most_protective_first
        return min(granted, key=lambda decision: order.index(decision.action))

    def keeps_uid(self, tag: int) -> bool:
        """Whether an element holds the UID of content items, and those stay, whatever Table E.1-1 says of it."""
        return tag == _UID_TAG and self._unlisted(_UID_REFERENCE).action is Action.KEEP

    def _basic(self, row: _Row, item: ContentItemRef, rule_id: str) -> Decision:
        # A stand-in is what both parts of X/D admit.
        if "D" not in row.basic:
            return Decision(Action.REMOVE, f"{rule_id}/basic", "X in the Basic profile")
        if item.value_type in _REFERENCES:
            return Decision(Action.KEEP, f"{rule_id}/basic", "references stay, with every UID inside replaced")
        if item.value_type == _UID_REFERENCE:
            return Decision(Action.REPLACE_UID, f"{rule_id}/basic", "a UID of the source, replaced the same everywhere")
        return Decision(Action.DUMMY, f"{rule_id}/basic", f"{row.basic} in the Basic profile")

    def _granted(self, row: _Row, option: str, item: ContentItemRef, rule_id: str) -> Decision:
        rule_id = f"{rule_id}/{option}"
        if row.cells[option] == "K":
            return Decision(Action.KEEP, rule_id, f"{option} keeps it")
        if self.option_rules.options[option].temporal == MODIFIED:
            if item.value_type in _DATES:
                return Decision(Action.SHIFT, rule_id, f"{option} moves all dates of a person by the same number")
            return Decision(Action.KEEP, rule_id, f"{option} moves dates only; a time of day alone places nobody")
        otherwise = self._basic(row, item, rule_id).action
        return Decision(Action.CLEAN, rule_id, f"{option} keeps the words that are allowed", otherwise=otherwise)

    def _unlisted(self, value_type: str) -> Decision:
        for rule in self.by_value_type:
            if not rule.value_types or value_type in rule.value_types:
                chosen = next((rule.option_actions[name] for name in self.options if name in rule.option_actions), None)
                return Decision(chosen or rule.action, rule.id, rule.why, otherwise=rule.otherwise)
        return Decision(Action.REMOVE, RULES, "no rule fits")


def load_content_rules(folder: Path, *, option_rules: OptionRules, options: Collection[str]) -> ContentRules:
    """The rules under `folder`/structured with the chosen options.

    Raises:
        ConfigurationError: a file is missing or malformed.
        IntegrityError: a table of the standard was altered.
    """
    inputs = {name: read_bytes(folder / name, name=name) for name in FILES}
    _verify(inputs)
    columns = ("code_value", "scheme", "meaning", "value_type", "basic", *OPTION_COLUMNS)
    rows = {
        (row["scheme"], row["code_value"], row["value_type"]): _Row(
            row["basic"], {name: row[name] for name in OPTION_COLUMNS if row[name]}
        )
        for row in parse_csv(inputs[CONCEPTS], name=CONCEPTS, columns=columns)
    }
    alias_columns = ("scheme", "code_value", "of_scheme", "of_code_value")
    aliases = {
        (row["scheme"], row["code_value"]): (row["of_scheme"], row["of_code_value"])
        for row in parse_csv(inputs[ALIASES], name=ALIASES, columns=alias_columns)
    }
    document = parse_toml(inputs[RULES], name=RULES)
    document.only(required=("rule", "annotation", "oldest"))
    annotation, oldest = document.table("annotation"), document.table("oldest")
    annotation.only(required=("id", "why", "source", "example", "tags"))
    oldest.only(required=("id", "why", "source", "example", "scheme", "code_value", "years"))
    return ContentRules(
        rows=rows,
        aliases=aliases,
        by_value_type=tuple(_rule(table, option_rules) for table in document.tables("rule")),
        annotation=Decision(
            Action.CLEAN, annotation.get("id", str), annotation.get("why", str), otherwise=Action.DUMMY
        ),
        annotation_tags=frozenset(tag_of(tag, where=f"[{annotation.name}] tags") for tag in annotation.texts("tags")),
        oldest=(oldest.get("scheme", str), oldest.get("code_value", str)),
        oldest_years=oldest.number("years", least=1),
        options=tuple(options),
        option_rules=option_rules,
    )


def _rule(table: Table, option_rules: OptionRules) -> _ValueTypeRule:
    table.only(("value_types", "option_actions", "otherwise"), required=("id", "why", "source", "example", "action"))
    actions = table.table("option_actions")
    actions.only(option_rules.options)
    return _ValueTypeRule(
        id=table.get("id", str),
        why=table.get("why", str),
        value_types=frozenset(table.texts("value_types")),
        action=Action(table.one_of("action", ACTIONS)),
        otherwise=Action(table.one_of("otherwise", ACTIONS, Action.REMOVE.value)),
        option_actions={name: Action(actions.one_of(name, ACTIONS)) for name in actions.values},
    )


def _verify(inputs: Mapping[str, bytes]) -> None:
    edition = parse_toml(inputs[EDITION], name=EDITION)
    edition.only(required=("edition", "citation", "table"))
    for entry in edition.tables("table"):
        entry.only(required=("name", "rows", "sha256"))
        content = inputs.get(f"structured/{entry.get('name', str)}", b"")
        rows = content.count(b"\n") - 1
        if hashlib.sha256(content).hexdigest() != entry.get("sha256", str) or rows != entry.get("rows", int):
            raise IntegrityError(
                f"structured/{entry.get('name', str)} is not the table that {EDITION} describes; restore it"
            )
