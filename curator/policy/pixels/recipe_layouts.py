"""Recipes of the deid package as layouts: those it ships and a site's own, read through the package's parser.

The law: nothing of a recipe is written down here; what the recipe says is what is carried out.

Sources: the deid package's documentation of `coordinates`, `keepcoordinates`, `ctpcoordinates` and `all`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from curator.errors import ConfigurationError
from curator.model.pixels import Box
from curator.policy.csv_tables import Row, parse_csv
from curator.policy.pixels.layouts import Layout, LayoutRule, Step, Unmatched, applies_of
from curator.policy.recipe.lines import FilterTest, RecipeFilter
from curator.policy.recipe.parsed import (
    ParsedLabel,
    ParsedLine,
    is_attribute,
    label_of,
    pattern_fault,
    questions_of,
)
from curator.policy.recipe.read import parsed_by_package
from curator.strict import Table, read_bytes

ATTRIBUTES = "pixels/recipe_attributes.csv"
_REPEATING = re.compile(r"0x60xx([0-9a-f]{4})", re.IGNORECASE)
_FROM = re.compile(r"from:\s*(\w+)", re.IGNORECASE)
_LARGEST = 1 << 16
Repairs = Mapping[str, tuple[str, ...]]


def recipe_bytes(folder: Path, name: str) -> bytes:
    """A recipe of `folder`/pixels, or else one that the installed deid package ships.

    Raises:
        ConfigurationError: there is no recipe of this name.
    """
    name = Path(name).name
    own = folder / "pixels" / name
    if own.is_file():
        return read_bytes(own, name=f"pixels/{name}")
    # Found by name here, so that only who cleans pixels loads the package.
    package = Path(str(import_module("deid.data").__file__)).parent
    return read_bytes(package / name, name=f"the recipe {name}")


def parse_repairs(content: bytes) -> Repairs:
    """What recipes mean by attributes that no dictionary has: keywords or tags.

    Raises:
        ConfigurationError: a row is malformed, or means no attribute either.
    """
    rows = parse_csv(content, name=ATTRIBUTES, columns=("written", "means", "why"))
    return {row["written"]: tuple(_meant(row)) for row in rows}


def recipe_layout(
    rule: Table, content: bytes, repairs: Repairs
) -> tuple[Layout, frozenset[str], tuple[Unmatched, ...]]:
    """The layout of a recipe that a rule names, which attributes were repaired, and what can never fit.

    Raises:
        ConfigurationError: the rule is malformed, the package's parser complains of the recipe, or one of its patterns
            or boxes is none.
    """
    rule.only(("apply", "needs"), required=("id", "why", "source", "example", "recipe"))
    name = rule.get("recipe", str)
    groups = parsed_by_package(_lines_of(content, name)).get("filter", {})
    rules: list[LayoutRule] = []
    repaired: set[str] = set()
    unmatched: list[Unmatched] = []
    for number, label in enumerate(_boxed(groups), start=1):
        rule_id = f"{name}/{number}"
        asked = {field: is_attribute(field) for line in label["filters"] for field in line["field"]}
        missing = [field for field, known in asked.items() if not known and field not in repairs]
        if missing:
            unmatched.append(Unmatched(rule_id, missing[0]))
            continue
        repaired.update(field for field, known in asked.items() if not known)
        lines = tuple(tests for line in label["filters"] for tests in _lines(line, repairs, rule_id))
        asks = RecipeFilter(name, label_of(label), lines)
        rules.append(LayoutRule(rule_id, asks, tuple(_steps(label, rule_id))))
    layout = Layout(rule.get("id", str), applies_of(rule), tuple(rules), rule.get("needs", str, ""))
    return layout, frozenset(repaired), tuple(unmatched)


def _lines_of(content: bytes, name: str) -> list[str]:
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8: {error.reason}") from error


def _boxed(groups: object) -> Iterator[ParsedLabel]:
    """The labels with coordinates, of all groups: what one lets pass is still cleaned."""
    found: Mapping[str, Sequence[ParsedLabel]] = groups if isinstance(groups, dict) else {}
    yield from (label for labels in found.values() for label in labels if label["coordinates"])


def _meant(row: Row) -> Iterator[str]:
    repeating = _REPEATING.fullmatch(row["means"])
    if repeating is not None:
        yield from (f"0x60{plane:02x}{repeating[1]}" for plane in range(0, 0x20, 2))
    elif is_attribute(row["means"]):
        yield row["means"]
    else:
        raise row.wrong("means", f"{row['means']!r} is neither a keyword nor a tag such as 0x60xx0022")


def _lines(line: ParsedLine, repairs: Repairs, rule_id: str) -> Iterator[tuple[FilterTest, ...]]:
    """A line with its repaired attributes, each of which is an alternative."""
    tests: list[FilterTest] = []
    for one in questions_of(line):
        if fault := pattern_fault(one):
            raise ConfigurationError(f"{rule_id}: {fault}")
        meant = (one.field,) if is_attribute(one.field) else repairs[one.field]
        # A number equals no text with bars; alternatives are meant.
        options = one.value.split("|") if one.action == "equals" else [one.value]
        asked = [(field, option) for field in meant for option in options]
        joins = (one.operator, *("or" for _ in asked[1:]))
        tests += [
            FilterTest(one.action, field, option, join) for (field, option), join in zip(asked, joins, strict=True)
        ]
    yield tuple(tests)


def _steps(label: ParsedLabel, rule_id: str) -> Iterator[Step]:
    for keeps, written in label["coordinates"]:
        text = written.strip()
        sequence = _FROM.fullmatch(text)
        if text.lower() == "all":
            yield Step(bool(keeps), is_whole=True)
        elif sequence is not None:
            yield Step(bool(keeps), from_sequence=sequence[1])
        else:
            yield Step(bool(keeps), boxes=(_box(text, rule_id),))


def _box(text: str, rule_id: str) -> Box:
    """Left, top, right and bottom, as the package gives them, also for what was written in CTP's form."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() and int(part) <= _LARGEST for part in parts):
        raise ConfigurationError(f"{rule_id}: coordinates must be four whole numbers")
    left, top, right, bottom = map(int, parts)
    if left >= right or top >= bottom:
        raise ConfigurationError(f"{rule_id}: its box has no area")
    return Box(top, left, bottom, right)
