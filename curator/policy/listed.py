"""Table E.1-1 as the chosen options change it.

The law: an option only ever loosens the Basic action of the cells it names; where options disagree, the most
protective action wins and the disagreement is reported.

Sources: DICOM PS3.15 2026d E.1-1, E.1-1a, E.3, (c) NEMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from curator.model.decision import Action, Decision, ElementRef
from curator.policy.options import MODIFIED, TEXT, OptionRules
from curator.policy.standard import PRIVATE_ROW, StandardTables, TableRow
from curator.policy.types import part_for_type
from curator.policy.undated import UndatedRule

MODIFIED_OPTION = "retain-long-modified-dates"
_ANY_PRIVATE = 0x00091001
_REFERENCES = "X/Z/U*"
_DATES = ("DA", "DT")
_TIME = "TM"
_AGE = "AS"
_SEQUENCE = "SQ"
_CLEANABLE = ("CS", "LO", "LT", "SH", "ST", "UC", "UT")


@dataclass(frozen=True, slots=True)
class TypeOneRule:
    """The rule for a removal that the IOD does not allow."""

    id: str
    why: str
    sequence_why: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Options that ask for different actions on one attribute, and the action that won."""

    tag: str
    keyword: str
    wanted: tuple[tuple[str, str], ...]
    applied: Action


@dataclass(frozen=True, slots=True)
class ListedRules:
    """The table, the options in force and the rule for Type 1.

    `undated` are the rules for what modified dates cannot move, by tag. `typed_tags` are those whose action may depend
    on their Type; of repeating groups there are none.
    """

    standard: StandardTables
    option_rules: OptionRules
    options: tuple[str, ...]
    type_one: TypeOneRule
    undated: Mapping[str, UndatedRule] = field(default_factory=dict)
    typed_tags: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        compound = {
            tag for tag, written in self.standard.written_tags.exact.items() if "/" in self.standard.rows[written].basic
        }
        required = {tag for (_, tag, _), found in self.standard.types.exact.items() if found == "1"}
        object.__setattr__(self, "typed_tags", frozenset(compound | required))


def decide_listed(rules: ListedRules, element: ElementRef) -> Decision | None:
    """The table's decision about an element, None where it does not list it."""
    written = rules.standard.written_tags.find(element.tag)
    if written is None:
        return None
    row = rules.standard.rows[written]
    asked = [_optional(rules, row, option, element) for option in rules.options if option in row.cells]
    granted = [decision for decision in asked if decision is not None]
    if not granted or len(granted) < len(asked):
        # An option whose cleaning has no meaning for this VR leaves the Basic action, which protects most.
        return _basic(rules, row, element)
    order = rules.option_rules.most_protective_first
    return min(granted, key=lambda decision: order.index(decision.action))


def conflicts_of(rules: ListedRules) -> tuple[Conflict, ...]:
    """Every attribute about which the options in force disagree, in the order of the table."""
    found = []
    for row in rules.standard.rows.values():
        element = ElementRef(_ANY_PRIVATE if row.tag == PRIVATE_ROW else int(row.tag.replace("x", "0"), 16), row.vr)
        asked = [(option, _optional(rules, row, option, element)) for option in rules.options if option in row.cells]
        # None stands for the Basic action.
        if len({decision and decision.action for _, decision in asked}) > 1:
            wanted = tuple((option, row.cells[option]) for option, _ in asked)
            applied = decide_listed(rules, element)
            found.append(Conflict(row.tag, row.keyword, wanted, applied.action if applied else Action.REMOVE))
    return tuple(found)


def undated_tags(standard: StandardTables) -> list[str]:
    """Tags of the rows that modified dates clean and that are neither dates nor times."""
    return [
        row.tag
        for row in standard.rows.values()
        if row.cells.get(MODIFIED_OPTION) == "C" and row.vr not in (*_DATES, _TIME)
    ]


def _rule_id(row: TableRow, column: str) -> str:
    return f"PS3.15-E.1-1/{row.tag}/{column}"


def _optional(rules: ListedRules, row: TableRow, option: str, element: ElementRef) -> Decision | None:
    """What an option makes of a row; None where its cell asks for a cleaning that is not there for this VR."""
    rule_id = _rule_id(row, option)
    if row.cells[option] == "K":
        if row.vr == _AGE:
            return Decision(Action.CLEAN, rule_id, f"{option} keeps the age, but of none above 89 years")
        return Decision(
            Action.KEEP, rule_id, f"{option} keeps it" + (", cleaned inside" if row.vr == _SEQUENCE else "")
        )
    if rules.option_rules.options[option].temporal == MODIFIED:
        if row.vr in _DATES:
            return Decision(Action.SHIFT, rule_id, f"{option} moves all dates of a person by the same number of days")
        if row.vr == _TIME:
            return Decision(Action.KEEP, rule_id, f"{option} moves dates only; a time of day alone places nobody")
        rule = rules.undated[row.tag]
        return Decision(_basic(rules, row, element).action, f"{rule.id}/{row.tag}", rule.why)
    return _cleaned(rules, row, option, element)


def _cleaned(rules: ListedRules, row: TableRow, option: str, element: ElementRef) -> Decision | None:
    """What a C cell becomes, None where nothing cleans this VR or the option that cleans text was not chosen."""
    rule_id = _rule_id(row, option)
    if row.vr == _SEQUENCE:
        otherwise = _basic(rules, row, element).action
        return Decision(Action.CLEAN, rule_id, f"{option} keeps it, cleaned inside", otherwise=otherwise)
    if row.vr in _CLEANABLE and _cleans_text(rules):
        otherwise = _basic(rules, row, element).action
        return Decision(Action.CLEAN, rule_id, f"{option} keeps the words that are allowed", otherwise=otherwise)
    return None


def _cleans_text(rules: ListedRules) -> bool:
    return any(rules.option_rules.options[option].cleaning == TEXT for option in rules.options)


def _basic(rules: ListedRules, row: TableRow, element: ElementRef) -> Decision:
    code = row.basic
    rule_id = _rule_id(row, "Basic")
    if code == "U":
        return Decision(Action.REPLACE_UID, rule_id, "a UID of the source, replaced the same everywhere")
    if code == _REFERENCES:
        return Decision(Action.KEEP, rule_id, "references stay, with every UID inside replaced")
    if code in ("Z", "D"):
        return Decision(Action(code), rule_id, f"{code} in the Basic profile")
    attribute_type = rules.standard.types.find(element.sop_class_uid, element.tag, element.path)
    part = part_for_type(code, attribute_type)
    if attribute_type == "1" and part != "D":
        return _type_one(rules, row)
    stands = f"Type {attribute_type} here" if attribute_type else "Type unknown here"
    return Decision(Action(part), rule_id, f"{code} in the Basic profile" + (f", {stands}" if code != part else ""))


def _type_one(rules: ListedRules, row: TableRow) -> Decision:
    rule_id = f"{rules.type_one.id}/{row.tag}"
    if row.vr == _SEQUENCE:
        return Decision(Action.KEEP, rule_id, rules.type_one.sequence_why)
    return Decision(Action.DUMMY, rule_id, rules.type_one.why)
