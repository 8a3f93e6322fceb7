"""Where devices are known to write into their images: `rules/pixels/layouts.toml` and the recipes that it names.

The law: a rule names a place by the header alone, and an attribute that it asks for exists; a recipe's rule whose
attribute does not exist is repaired by `recipe_attributes.csv` or reported, never silently dead.

Sources: the deid package's own recipes (their header rules follow the CTP DICOM filter); DICOM PS3.3 C.8.5.5.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from curator.dicom.dictionary import tag_of
from curator.model.pixels import Box
from curator.policy.recipe.lines import FilterTest, RecipeFilter
from curator.strict import Table

LAYOUTS = "pixels/layouts.toml"
_EXPLAINED = ("id", "why", "source", "example")
_SIDES = ("left", "top", "width", "height")


class Applies(StrEnum):
    """When a layout counts: always, only where text that has to go was found in its places, or never."""

    ALWAYS = "always"
    WITH_TEXT = "with_text"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a rule does: black out (or, with `keeps`, spare) boxes, the regions of a sequence, or everything.

    `from_sequence` is the keyword of the sequence that the boxes come from, "" for none.
    """

    keeps: bool
    boxes: tuple[Box, ...] = ()
    from_sequence: str = ""
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class LayoutRule:
    """Where a kind of image has text; `nominal` is the size, rows and columns, that its boxes are given for.

    `asks` without lines fits every image.
    """

    id: str
    asks: RecipeFilter
    steps: tuple[Step, ...]
    nominal: tuple[int, int] | None = None

    def scaled(self, box: Box, *, rows: int, columns: int) -> Box:
        """The box in an image of another size, rounded outwards; the box itself where no nominal size is given."""
        if self.nominal is None or self.nominal == (rows, columns):
            return box
        down, across = rows / self.nominal[0], columns / self.nominal[1]
        return Box(
            math.floor(box.top * down),
            math.floor(box.left * across),
            math.ceil(box.bottom * down),
            math.ceil(box.right * across),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """Rules that are carried out one after the other: what a later one spares stays, though an earlier one takes it.

    `needs` is an attribute without which none of them counts, "" for none.
    """

    id: str
    applies: Applies
    rules: tuple[LayoutRule, ...] = field(repr=False)
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A recipe's rule that can never fit, and the attribute that no dictionary has."""

    rule_id: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Layouts:
    """All layouts; `repaired` names the attributes of recipes that were put right, `unmatched` what is left."""

    layouts: tuple[Layout, ...] = field(repr=False)
    repaired: frozenset[str] = frozenset()
    unmatched: tuple[Unmatched, ...] = ()


def own_layout(rule: Table) -> Layout:
    """A layout that is written out in our own format.

    Raises:
        ConfigurationError: a key is unknown or malformed, or a box has no area.
    """
    rule.only(("apply", "nominal", "boxes", "whole_frame"), required=(*_EXPLAINED, "when"))
    rule_id = rule.get("id", str)
    nominal = _nominal(rule)
    boxes = tuple(box_of(box, nominal) for box in rule.tables("boxes"))
    is_whole = rule.get("whole_frame", bool, False)
    if bool(boxes) is is_whole:
        raise rule.wrong("boxes", "give boxes or whole_frame, one of them")
    asks = RecipeFilter("own", rule_id, tuple(_lines(rule.table("when"))))
    if not asks.lines:
        raise rule.wrong("when", "asks nothing, so it would fit everything")
    step = Step(keeps=False, boxes=boxes, is_whole=is_whole)
    return Layout(rule_id, applies_of(rule), (LayoutRule(rule_id, asks, (step,), nominal),))


def applies_of(rule: Table) -> Applies:
    """When a rule's layout counts."""
    return Applies(rule.one_of("apply", [one.value for one in Applies], Applies.ALWAYS.value))


def _lines(when: Table) -> Sequence[tuple[FilterTest, ...]]:
    """A line for each attribute, all of which have to fit; of several values one is enough."""
    return [_line(when, keyword, value) for keyword, value in when.values.items()]


def _line(when: Table, keyword: str, value: object) -> tuple[FilterTest, ...]:
    try:
        tag_of(keyword)
    except KeyError as error:
        raise when.wrong(keyword, "is no attribute that the standard knows") from error
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(one) in (str, int) for one in values):
        raise when.wrong(keyword, "must be a text or a whole number, or a list of them")
    joins = ("and", *("or" for _ in values[1:]))
    return tuple(
        FilterTest("equals", keyword, str(one), join)
        if isinstance(one, int)
        else FilterTest("contains", keyword, re.escape(one), join)
        for one, join in zip(values, joins, strict=True)
    )


def _nominal(rule: Table) -> tuple[int, int] | None:
    if "nominal" not in rule.values:
        return None
    size = rule.table("nominal")
    size.only(required=("rows", "columns"))
    return size.number("rows", least=1), size.number("columns", least=1)


def box_of(table: Table, nominal: tuple[int, int] | None = None) -> Box:
    """The box that left, top, width and height describe.

    Raises:
        ConfigurationError: one of them is missing or malformed, or the box reaches beyond the nominal size.
    """
    table.only(required=_SIDES)
    left, top, width, height = (table.number(side, least=0 if side in ("left", "top") else 1) for side in _SIDES)
    box = Box(top, left, top + height, left + width)
    if nominal is not None and box != box.clipped(*nominal):
        raise table.wrong("width", "the box reaches beyond the nominal size")
    return box


def example_values(table: Table) -> Mapping[str, tuple[str, ...]]:
    """The header of an example: what each attribute says."""
    return {
        keyword: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
        for keyword, value in table.values.items()
    }
