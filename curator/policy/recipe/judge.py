"""Which lines of a recipe cannot be carried out under a policy.

The law: each of them is named, with its line, before anything is written; an attribute that no dictionary knows is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from curator.dicom.tables import ELEMENTS, REPEATING
from curator.errors import RuleError
from curator.policy.recipe.bounds import (
    OWN_IDENTITY,
    OWN_MARKERS,
    TEMPORAL_VRS,
    UNTOUCHED,
    added_vr,
    is_never_kept,
    tag_named,
)
from curator.policy.recipe.lines import FieldExpression, FieldKind, Recipe, RecipeAction, RecipeLine
from curator.policy.recipe.values import fits
from curator.strict import nearest

_GROUPS = (FieldKind.VALUES, FieldKind.FIELDS)
_PRIVATE = re.compile(r'\(?[0-9a-f]{3}[13579bdf],".+",[0-9a-f]{2}\)?')
_STEP = re.compile(r"\d+|\([0-9a-f]{4},[0-9a-f]{4}\)")
_STATING = (RecipeAction.ADD, RecipeAction.REPLACE)
_FILE_META = 0x0002
_MOST_REFUSALS_SHOWN = 8
_IDENTITY_REMOVED = 0x00120062


def refuse(refusals: Sequence[str]) -> None:
    """Stop for what cannot be carried out; nothing for no refusals.

    Raises:
        RuleError: there is one; the first few are told and the others counted.
    """
    if refusals:
        more = len(refusals) - _MOST_REFUSALS_SHOWN
        told = "; ".join(refusals[:_MOST_REFUSALS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        raise RuleError(f"the recipe cannot be carried out: {told}")


def refusals(recipe: Recipe, *, named: Collection[int]) -> Iterator[str]:
    """What cannot be carried out, a sentence each; nothing for a recipe that can be. `named` are identifiers' tags."""
    groups = {kind: recipe.groups(kind) for kind in _GROUPS}
    for kind in _GROUPS:
        for name, lines in groups[kind].items():
            for line in lines:
                if what := _unknown(line.expression, {}):
                    yield f"%{kind} {name}, {line.expression.written}: {what}"
    for one in recipe.lines:
        known = groups.get(one.expression.kind, {})
        if what := _unknown(one.expression, known) or _never(one, named):
            yield f"line {one.number}, {one.action} {one.expression.written}: {what}"


def _unknown(expression: FieldExpression, groups: Collection[str]) -> str:
    operand = expression.operand
    if expression.kind in _GROUPS:
        return "" if operand in groups else f"there is no such group{nearest(operand, groups) if groups else ''}"
    if expression.kind is not FieldKind.EXACT or tag_named(operand) is not None or _PRIVATE.fullmatch(operand):
        return ""
    steps = [step for step in operand.split("__") if not _STEP.fullmatch(step)]
    unknown = [step for step in steps if step not in _names()]
    return f"there is no attribute of that name{nearest(unknown[0], _names())}" if unknown else ""


def _never(line: RecipeLine, named: Collection[int]) -> str:
    """Why a line that names one attribute cannot be carried out, "" where it can."""
    operand = line.expression.operand
    if line.expression.kind is not FieldKind.EXACT:
        return "ADD needs one attribute, not an expander" if line.action is RecipeAction.ADD else ""
    tag = tag_named(operand.rsplit("__", 1)[-1])
    if tag is None:
        return "ADD needs a keyword or a tag of eight digits" if line.action is RecipeAction.ADD else ""
    if line.action is RecipeAction.ADD and "__" in operand:
        return "ADD puts elements at the top level only"
    return _of_engine(line, tag) or _of_value(line, tag, named)


def _of_engine(line: RecipeLine, tag: int) -> str:
    if tag >> 16 == _FILE_META:
        return "the file meta group is written anew, with nothing of the source in it"
    if tag in OWN_MARKERS:
        is_ours = tag == _IDENTITY_REMOVED and line.action in _STATING and line.value.strip() == "YES"
        return "" if is_ours else "the engine writes what it did there, and nothing else may stand in it"
    if tag in UNTOUCHED:
        return "pixels and their tables are not a recipe's to change"
    if tag in OWN_IDENTITY and line.action not in (RecipeAction.REMOVE, RecipeAction.BLANK):
        if line.is_new_uid:
            return ""
        return "the keyed code of the instance stands there; a site's own codes come from its mapping, not a recipe"
    return ""


def _of_value(line: RecipeLine, tag: int, named: Collection[int]) -> str:
    vr = added_vr(tag)
    if line.action is RecipeAction.KEEP and is_never_kept(tag, vr, named):
        kept = (
            "UIDs are kept with the option retain-uids, which keeps their links" if vr == "UI" else "it names a person"
        )
        return f"it may not stay: {kept}"
    if line.days is not None and vr not in TEMPORAL_VRS:
        return f"dates move, and this is {vr}"
    if line.is_new_uid and vr != "UI":
        return f"a UID has no place in {vr}"
    if line.action in _STATING and line.days is None and not line.is_new_uid:
        if vr == "UI":
            return "UIDs are replaced by keyed ones; REPLACE with deid_func:pydicom_uuid says so"
        if not fits(line.value, vr):
            return f"the value cannot stand in {vr}"
    return ""


@cache
def _names() -> frozenset[str]:
    entries = (*ELEMENTS.values(), *REPEATING.values())
    return frozenset(name.lower() for entry in entries for name in (entry[2], entry[4]) if name) | {"private creator"}
