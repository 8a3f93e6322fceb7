"""Rules about elements, as a steward writes them, and which of them fits.

The law: the first rule that fits decides; a rule fits when every condition it states holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from curator.model.decision import Action, Decision, ElementRef
from curator.policy import reading

_CONDITIONS = ("tags", "vrs", "private", "known", "vr_agrees", "list")
_KEPT_COLUMNS = ("tag", "keyword", "action", "depth", "why")
_ACTIONS = {action.value: action for action in Action}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the standard's dictionary says of an element: its VR ("" for an unknown tag), and the families of VRs."""

    families: tuple[frozenset[str], ...] = ()

    def agrees(self, declared: str, defined: str) -> bool:
        """Whether a declared VR is one that is defined ("US or SS"), or of its family."""
        alternatives = defined.split(" or ")
        return declared in alternatives or any(
            declared in family and not family.isdisjoint(alternatives) for family in self.families
        )


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One attribute of a list: what to do with it, and whether only at the top level."""

    action: Action
    top_only: bool
    why: str


@dataclass(frozen=True, slots=True)
class ElementRule:
    """Conditions and an action; an empty condition holds for everything."""

    id: str
    why: str
    source: str
    action: Action | None
    option_actions: Mapping[str, Action]
    tag_masks: tuple[tuple[int, int], ...]
    vrs: frozenset[str]
    private: bool | None
    known: bool | None
    vr_agrees: bool | None
    listed: Mapping[int, KeptRow] | None

    def decide(
        self, element: ElementRef, defined_vr: str, *, vr_agrees: bool, options: Collection[str]
    ) -> Decision | None:
        """The decision, None where the rule does not fit; `defined_vr` is "" for a tag the dictionary lacks."""
        facts = (
            (self.private, element.is_private),
            (self.known, defined_vr != ""),
            (self.vr_agrees, vr_agrees),
        )
        if any(wanted is not None and wanted is not fact for wanted, fact in facts):
            return None
        if self.vrs and element.vr not in self.vrs:
            return None
        if self.tag_masks and not any(element.tag & mask == fixed for fixed, mask in self.tag_masks):
            return None
        if self.listed is not None:
            return self._listed(element, self.listed)
        return Decision(self._action(options), self.id, self.why)

    def _listed(self, element: ElementRef, rows: Mapping[int, KeptRow]) -> Decision | None:
        row = rows.get(element.tag)
        if row is None or (row.top_only and element.path):
            return None
        return Decision(row.action, f"{self.id}/{element.tag:08X}", row.why)

    def _action(self, options: Collection[str]) -> Action:
        for option, action in self.option_actions.items():
            if option in options:
                return action
        # Parsing made sure that a rule without a list has an action.
        return self.action or Action.REMOVE


def parse_rule(table: reading.Table, *, where: str, lists: Mapping[str, Mapping[int, KeptRow]]) -> ElementRule:
    """A rule of a TOML file.

    Raises:
        ConfigurationError: a key is unknown, missing or malformed.
    """
    where = f'{where}: rule "{table.get("id", "?")}"'
    reading.only(
        table,
        where=where,
        required=("id", "why", "source", "example"),
        optional=(*_CONDITIONS, "action", "option_actions"),
    )
    name = reading.text(table, "list", where=where)
    listed = lists[reading.member(name, lists, where=where)] if name else None
    option_actions = table.get("option_actions", {})
    return ElementRule(
        id=reading.text(table, "id", where=where),
        why=reading.text(table, "why", where=where),
        source=reading.text(table, "source", where=where),
        action=None if listed is not None else action_of(reading.text(table, "action", where=where), where=where),
        option_actions={
            str(option): action_of(str(action), where=where)
            for option, action in (option_actions.items() if isinstance(option_actions, dict) else ())
        },
        tag_masks=tuple(reading.tag_mask_of(tag, where=where) for tag in reading.texts(table, "tags", where=where)),
        vrs=frozenset(reading.texts(table, "vrs", where=where)),
        private=reading.truth(table, "private", where=where),
        known=reading.truth(table, "known", where=where),
        vr_agrees=reading.truth(table, "vr_agrees", where=where),
        listed=listed,
    )


def first_decision(
    rules: Sequence[ElementRule], element: ElementRef, defined_vr: str, *, vr_agrees: bool, options: Collection[str]
) -> Decision | None:
    """What the first rule that fits decides, None where none does."""
    for rule in rules:
        decision = rule.decide(element, defined_vr, vr_agrees=vr_agrees, options=options)
        if decision is not None:
            return decision
    return None


def parse_kept(content: bytes, *, where: str) -> dict[int, KeptRow]:
    """The rows of a list of attributes.

    Raises:
        ConfigurationError: a row is malformed or names a tag twice.
    """
    rows: dict[int, KeptRow] = {}
    for row in reading.parse_csv(content, where=where, columns=_KEPT_COLUMNS):
        tag = reading.tag_of(row["tag"], where=where)
        reading.member(row["depth"], {"any": 0, "top": 1}, where=where)
        if tag in rows:
            raise reading.twice(row["tag"], where=where)
        rows[tag] = KeptRow(action_of(row["action"], where=where), row["depth"] == "top", row["why"])
    return rows


def action_of(letter: str, *, where: str) -> Action:
    """The action a letter stands for.

    Raises:
        ConfigurationError: it stands for none.
    """
    return _ACTIONS[reading.member(letter, _ACTIONS, where=where)]
