"""Whether a rules folder is whole: readable, unaltered, explained, and true to its own examples.

The law: every file of every room is looked at; one bad file does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from curator.errors import CuratorError, IntegrityError
from curator.policy.csv_tables import cells_of
from curator.policy.examples import run_examples
from curator.policy.outcomes import ExampleOutcome
from curator.policy.pixels.layouts import LAYOUTS
from curator.policy.pixels.recipe_layouts import ATTRIBUTES
from curator.policy.pixels.rules import load_pixel_rules
from curator.strict import Table, read_bytes, read_toml

_EXPLAINED_BY = ("id", "why", "source", "example")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where."""

    where: str
    rule_id: str
    what: str


@dataclass(frozen=True, slots=True)
class RulesReport:
    """What a check saw: files, rules and examples counted, and what is wrong (nothing: the rules are fine)."""

    files: int
    rules: int
    examples: int
    findings: tuple[Finding, ...]


def check_rules(folder: Path) -> RulesReport:
    """What is wrong with a rules folder; a folder without rules is wrong too."""
    findings: list[Finding] = []
    rules = 0
    seen: dict[str, str] = {}
    paths = sorted(folder.rglob("*.toml"))
    for path in paths:
        where = path.relative_to(folder).as_posix()
        try:
            entries = list(_rules_of(read_toml(path, name=where)))
        except CuratorError as error:
            findings.append(Finding(where, "", str(error)))
            continue
        rules += len(entries)
        for entry in entries:
            findings += _unexplained(entry, where=where, seen=seen)
    for path in sorted(folder.rglob("*.csv")):
        where = path.relative_to(folder).as_posix()
        try:
            findings += _unexplained_rows(read_bytes(path, name=where), where=where)
        except CuratorError as error:
            findings.append(Finding(where, "", str(error)))
    outcomes: list[ExampleOutcome] = []
    try:
        outcomes += run_examples(folder)
        findings += _dead(folder)
    except CuratorError as error:
        kind = "altered" if isinstance(error, IntegrityError) else "unusable"
        findings.append(Finding("rules", "", f"{kind}: {error}"))
    findings += _unmet(outcomes)
    return RulesReport(len(paths), rules, len(outcomes), tuple(findings))


def _rules_of(document: Table) -> Iterator[Table]:
    yield from document.tables("rule")
    for key, value in document.values.items():
        if isinstance(value, dict) and "id" in value:
            yield document.table(key)


def _unexplained(rule: Table, *, where: str, seen: dict[str, str]) -> Iterator[Finding]:
    rule_id = str(rule.values.get("id", ""))
    for key in _EXPLAINED_BY:
        value = rule.values.get(key)
        if not value or (isinstance(value, str) and not value.strip()):
            yield Finding(where, rule_id, f'"{key}" is missing or empty')
    if rule_id in seen:
        yield Finding(where, rule_id, f"the id is taken by a rule of {seen[rule_id]}")
    seen[rule_id] = where


def _unexplained_rows(content: bytes, *, where: str) -> Iterator[Finding]:
    """Rows of a table that have no reason where the table gives reasons, or not the cells its header promises."""
    lines = cells_of(content, name=where)
    _, header = next(lines, (0, list[str]()))
    for line, cells in lines:
        if len(cells) != len(header):
            yield Finding(where, "", f"line {line}: {len(cells)} cells, the header has {len(header)}")
        elif "why" in header and not cells[header.index("why")].strip():
            yield Finding(where, "", f"line {line}: no reason is given")


def _dead(folder: Path) -> Iterator[Finding]:
    """Rules of recipes that can never fit."""
    for one in load_pixel_rules(folder).layouts.unmatched:
        what = f"asks for {one.attribute!r}, which no dictionary has; put it right in {ATTRIBUTES}"
        yield Finding(LAYOUTS, one.rule_id, what)


def _unmet(outcomes: list[ExampleOutcome]) -> Iterator[Finding]:
    seen_to_work = {(outcome.where, outcome.rule_id) for outcome in outcomes if outcome.is_own}
    told: set[tuple[str, str]] = set()
    for outcome in outcomes:
        if not outcome.is_met:
            what = f'example {outcome.number} expects "{outcome.expected}" and gets "{outcome.actual}"'
            yield Finding(outcome.where, outcome.rule_id, f"{what} by {outcome.decided_by or 'no rule'}")
        key = (outcome.where, outcome.rule_id)
        if key not in seen_to_work and key not in told:
            told.add(key)
            yield Finding(outcome.where, outcome.rule_id, "none of its examples is decided by it")
