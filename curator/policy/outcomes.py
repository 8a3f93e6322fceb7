"""What came out of an example that a rule carries.

The law: an example names its rule, and the rule that decided it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from curator.strict import Table, read_toml


@dataclass(frozen=True, slots=True)
class ExampleOutcome:
    """What an example expects and what came out; `decided_by` is the id of the rule that decided, "" for none."""

    where: str
    rule_id: str
    number: int
    expected: str
    actual: str
    decided_by: str

    @property
    def is_met(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.expected == self.actual

    @property
    def is_own(self) -> bool:
        """Whether the rule that carries the example decided it."""
        return self.decided_by == self.rule_id or self.decided_by.startswith(f"{self.rule_id}/")


def examples_in(folder: Path, name: str) -> Iterator[tuple[str, int, Table]]:
    """Each example of a file of rules, with its rule's id and its number within the rule.

    Raises:
        ConfigurationError: the file is missing or malformed.
    """
    document = read_toml(folder / name, name=name)
    rules = list(document.tables("rule"))
    if "type_1" in document.values:
        rules.append(document.table("type_1"))
    for rule in rules:
        for number, example in enumerate(rule.tables("example"), start=1):
            yield rule.get("id", str), number, example
