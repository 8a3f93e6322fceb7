"""Private elements that the standard calls safe.

The law: a private element is kept only where its creator, as spelt, and its place in the block are a row of the table,
and what it is written as can be what the row says; everything else private is removed.

Sources: DICOM PS3.15 2026d E.3.10, Table E.3.10-1, (c) NEMA; PS3.5 7.8 (private blocks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from curator.errors import ConfigurationError
from curator.model.decision import Action, Decision, ElementRef, ValueForm
from curator.policy.csv_tables import parse_csv
from curator.policy.element_rules import ElementRule, Vocabulary, first_decision, parse_rule
from curator.strict import Table, parse_toml

OPTION = "retain-safe-private"
RULES = "header/private.toml"
TABLE = "safe_private.csv"
_COLUMNS = ("private_creator", "group", "element", "vr", "vm", "name")
_FIRST_OWNED = 0x1000
_BULK = "bulk"
_REVIEWED = "safe-private/reviewed-bytes"
_LOW_BYTE = 0xFF
_UNKNOWN = "UN"
_TEXT = frozenset("CS DS IS LO LT SH ST UI".split())

Place = tuple[str, int, int]
"""Creator, group, and the low byte of the element."""


@dataclass(frozen=True, slots=True)
class SafePrivate:
    """The rows of Table E.3.10-1 with what happens to each kind of them.

    `reviewed` are the rows of bytes that a steward has looked into and allows, with the reason; none does by itself.
    """

    rows: Mapping[Place, ValueForm] = field(repr=False)
    creators: frozenset[tuple[str, int]] = field(repr=False)
    rules: tuple[ElementRule, ...] = field(repr=False)
    reviewed: Mapping[Place, str]

    def find(self, creator: str, tag: int) -> ValueForm | None:
        """What the table says of an element of a creator's block; None where it has no row for it."""
        if not creator or tag & 0xFFFF < _FIRST_OWNED:
            return None
        return self.rows.get((creator, tag >> 16, tag & _LOW_BYTE))

    def allows(self, creator: str, tag: int) -> bool:
        """Whether an element may be in what was written: a look-up of its own, by no rule."""
        if tag & 0xFFFF < _FIRST_OWNED:
            return (creator, tag >> 16) in self.creators
        form = self.find(creator, tag)
        if form is None:
            return False
        return not _is_bulk(form) or (creator, tag >> 16, tag & _LOW_BYTE) in self.reviewed


def parse_private(rules: bytes, table: bytes, *, options: Mapping[str, object]) -> SafePrivate:
    """The table and the rules for it.

    Raises:
        ConfigurationError: one of them is malformed, or a review names a row that is none of bytes.
    """
    rows = {
        (row["private_creator"], int(row["group"], 16), int(row["element"], 16)): ValueForm(row["vr"], _most(row["vm"]))
        for row in parse_csv(table, name=f"header/{TABLE}", columns=_COLUMNS)
    }
    document = parse_toml(rules, name=RULES)
    document.only(("reviewed_bulk",), required=("rule",))
    reviewed = {_reviewed(entry, rows): entry.get("why", str) for entry in document.tables("reviewed_bulk")}
    return SafePrivate(
        rows=rows,
        creators=frozenset((creator, group) for creator, group, _ in rows),
        rules=tuple(parse_rule(rule, lists={}, options=tuple(options)) for rule in document.tables("rule")),
        reviewed=reviewed,
    )


def decide_private(
    safe: SafePrivate, element: ElementRef, vocabulary: Vocabulary, *, options: Sequence[str]
) -> Decision | None:
    """What happens to a private element of a safe row, or to a creator some of whose block stays; None for any other.

    For a creator, `private_creator` is its own spelling.
    """
    if OPTION not in options:
        return None
    if element.tag & 0xFFFF < _FIRST_OWNED:
        return _creator(safe, element, vocabulary, options)
    form = safe.find(element.private_creator, element.tag)
    if form is None or not _can_be(element.vr, form, vocabulary):
        return None
    place = (element.private_creator, element.group, element.tag & _LOW_BYTE)
    named = f"{element.group:04X}xx{element.tag & _LOW_BYTE:02X}"
    if place in safe.reviewed:
        return Decision(Action.KEEP, f"{_REVIEWED}/{named}", safe.reviewed[place], form=form)
    vr = _BULK if _is_bulk(form) else form.vr
    judged = ElementRef(element.tag, vr, element.path, element.sop_class_uid, element.private_creator)
    decision = first_decision(safe.rules, judged, form.vr, vr_agrees=True, options=options)
    if decision is None or decision.action is Action.REMOVE:
        return decision
    return Decision(decision.action, f"{decision.rule_id}/{named}", decision.why, form=form)


def _creator(safe: SafePrivate, element: ElementRef, vocabulary: Vocabulary, options: Sequence[str]) -> Decision | None:
    if (element.private_creator, element.group) not in safe.creators:
        return None
    judged = ElementRef(element.tag, "creator", element.path, element.sop_class_uid, element.private_creator)
    return first_decision(safe.rules, judged, "LO", vr_agrees=True, options=options)


def _can_be(declared: str, form: ValueForm, vocabulary: Vocabulary) -> bool:
    """Whether an element written as `declared` can hold what the table says."""
    if declared == _UNKNOWN or vocabulary.agrees(declared, form.vr):
        return True
    return declared in _TEXT and form.vr in _TEXT


def _is_bulk(form: ValueForm) -> bool:
    # A row without a VR can hold anything.
    return not form.vr or form.vr.startswith(("OB", "OW"))


def _most(multiplicity: str) -> float:
    last = multiplicity.split("-")[-1]
    return math.inf if last == "n" else float(last)


def _reviewed(entry: Table, rows: Mapping[Place, ValueForm]) -> Place:
    entry.only(required=("private_creator", "group", "element", "why", "reviewed_by"))
    try:
        place = (
            entry.get("private_creator", str),
            int(entry.get("group", str), 16),
            int(entry.get("element", str), 16),
        )
    except ValueError:
        raise entry.wrong("element", "group and element must be hexadecimal digits") from None
    if place not in rows or not _is_bulk(rows[place]):
        raise ConfigurationError(f"[{entry.name}] names no row of bytes of {TABLE}")
    return place
