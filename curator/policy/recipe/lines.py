"""What a recipe says, line by line.

The law: a record here is picklable and hashable, so that workers get the recipe as it was read and never read it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RecipeAction(StrEnum):
    """The header actions of the deid package."""

    ADD = "ADD"
    BLANK = "BLANK"
    JITTER = "JITTER"
    KEEP = "KEEP"
    REMOVE = "REMOVE"
    REPLACE = "REPLACE"


class FieldKind(StrEnum):
    """How a field is written: its own name, everything, one of the expanders, or a group."""

    EXACT = "exact"
    ALL = "all"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"
    CONTAINS = "contains"
    EXCEPT = "except"
    SELECT = "select"
    VALUES = "values"
    FIELDS = "fields"


@dataclass(frozen=True, slots=True)
class FieldExpression:
    """A field as written; `pattern` is there for the expanders that search names."""

    written: str
    kind: FieldKind
    operand: str
    pattern: re.Pattern[str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecipeLine:
    """One header action, after `var:` was looked up.

    `value` is what ADD and REPLACE state, `days` how far forward dates move, `is_new_uid` that a UID is replaced by a
    keyed one.
    """

    number: int
    action: RecipeAction
    expression: FieldExpression
    value: str = field(default="", repr=False)
    days: int | None = None
    is_new_uid: bool = False

    @property
    def rule_id(self) -> str:
        """How decisions name the line."""
        return f"recipe/{self.number}"

    @property
    def why(self) -> str:
        """The line without its value."""
        return f"the recipe says {self.action} {self.expression.written}"


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One FIELD or SPLIT of a `%fields` or `%values` group."""

    expression: FieldExpression
    splits: bool = False
    split_by: str = " "
    shortest: int = 1


@dataclass(frozen=True, slots=True)
class FilterTest:
    """One question of a filter: `operator` joins it to what stands before, "or" or "and"."""

    action: str
    field: str
    value: str
    operator: str


@dataclass(frozen=True, slots=True)
class RecipeFilter:
    """One LABEL of a filter group: an outer tuple of lines, each with its tests."""

    group: str
    label: str
    lines: tuple[tuple[FilterTest, ...], ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe. `digest` is the SHA-256 over its bytes and those of its values."""

    digest: str
    lines: tuple[RecipeLine, ...]
    fields: tuple[tuple[str, tuple[GroupLine, ...]], ...] = ()
    values: tuple[tuple[str, tuple[GroupLine, ...]], ...] = ()
    filters: tuple[RecipeFilter, ...] = ()

    def groups(self, kind: FieldKind) -> Mapping[str, tuple[GroupLine, ...]]:
        """The `%fields` or `%values` groups by name."""
        return dict(self.fields if kind is FieldKind.FIELDS else self.values)
