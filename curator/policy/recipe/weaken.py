"""What a recipe lets stay that the policy would not.

The law: a steward may ask for it and answers for it; it is never done in silence. Every attribute of the standard is
tried, so that what an expander reaches is listed too.

Sources: DICOM PS3.15 E.1.3 (what a conformance statement must say).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from curator.model.decision import Action, Decision, ElementRef
from curator.policy.identifiers import IdentifierRules
from curator.policy.recipe.bounds import OWN, TEMPORAL_VRS, is_never_kept
from curator.policy.recipe.expand import Field, field_at, matches
from curator.policy.recipe.lines import FieldKind, Recipe, RecipeAction, RecipeLine
from curator.policy.standard import StandardTables

_FILE_META = 0x0002
_GROUPS = (FieldKind.VALUES, FieldKind.FIELDS)


@dataclass(frozen=True, slots=True)
class Weakening:
    """A line, the attribute it lets stay or only moves, and what the policy would have done; `keyword` names it.

    `keyword` is "" for a line whose attributes are known in a file only.
    """

    line: int
    written: str
    keyword: str
    instead_of: Action | None


def weakenings(
    recipe: Recipe, standard: StandardTables, identifiers: IdentifierRules, decide: Callable[[ElementRef], Decision]
) -> tuple[Weakening, ...]:
    """Everything a recipe lets stay or moves by days that the recipe states, in the order of its lines."""
    lines = [line for line in recipe.lines if line.action is RecipeAction.KEEP or line.days is not None]
    fields = [
        field_at(tag, vr.split(" ")[0], number=0)
        for tag, vr in sorted(standard.vrs.exact.items())
        if tag >> 16 != _FILE_META
    ]
    return tuple(one for line in lines for one in _of_line(line, fields, identifiers, decide))


def _of_line(
    line: RecipeLine, fields: list[Field], identifiers: IdentifierRules, decide: Callable[[ElementRef], Decision]
) -> Iterator[Weakening]:
    written = f"{line.action} {line.expression.written}"
    if line.expression.kind in _GROUPS or not any(matches(line.expression, field) for field in fields):
        # Groups go by values, private names by creators, places by items.
        yield Weakening(line.number, written, "", None)
        return
    for field in fields:
        if not matches(line.expression, field) or field.tag in OWN:
            continue
        is_moved = line.days is not None
        if field.vr not in TEMPORAL_VRS if is_moved else is_never_kept(field.tag, field.vr, identifiers.by_tag):
            continue
        decision = decide(ElementRef(field.tag, field.vr))
        if decision.action is not Action.KEEP:
            yield Weakening(line.number, written, field.keyword or field.title, decision.action)
