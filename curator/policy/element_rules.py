"""Rules about elements, as a steward writes them, and which of them fits.

The law: the first rule that fits decides; a rule fits when every condition it states holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from curator.model.decision import Action, Decision, ElementRef
from curator.policy.csv_tables import parse_csv
from curator.policy.tags import tag_mask_of, tag_of
from curator.strict import Table

_CONDITIONS = ("tags", "vrs", "private", "known", "vr_agrees", "list")
_KEPT_COLUMNS = ("tag", "keyword", "action", "depth", "why")
ACTIONS = tuple(action.value for action in Action)
_DEPTHS = ("any", "top")


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


def parse_rule(table: Table, *, lists: Mapping[str, Mapping[int, KeptRow]], options: Collection[str]) -> ElementRule:
    """A rule of a TOML file; `lists` and `options` are those it may name.

    Raises:
        ConfigurationError: a key is unknown, missing or malformed.
    """
    table.only((*_CONDITIONS, "action", "option_actions"), required=("id", "why", "source", "example"))
    listed = lists[table.one_of("list", lists)] if "list" in table.values else None
    option_actions = table.table("option_actions")
    option_actions.only(options)
    return ElementRule(
        id=table.get("id", str),
        why=table.get("why", str),
        source=table.get("source", str),
        action=None if listed is not None else Action(table.one_of("action", ACTIONS)),
        option_actions={option: Action(option_actions.one_of(option, ACTIONS)) for option in option_actions.values},
        tag_masks=tuple(tag_mask_of(tag, where=f"[{table.name}] tags") for tag in table.texts("tags")),
        vrs=frozenset(table.texts("vrs")),
        private=table.maybe("private", bool),
        known=table.maybe("known", bool),
        vr_agrees=table.maybe("vr_agrees", bool),
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


def parse_kept(content: bytes, *, name: str) -> dict[int, KeptRow]:
    """The rows of a list of attributes.

    Raises:
        ConfigurationError: a row is malformed or names a tag twice.
    """
    rows: dict[int, KeptRow] = {}
    for row in parse_csv(content, name=name, columns=_KEPT_COLUMNS):
        tag = tag_of(row["tag"], where=row.name)
        if tag in rows:
            raise row.wrong("tag", f"{row['tag']} stands twice")
        action = Action(row.one_of("action", ACTIONS))
        rows[tag] = KeptRow(action, row.one_of("depth", _DEPTHS) == "top", row["why"])
    return rows
