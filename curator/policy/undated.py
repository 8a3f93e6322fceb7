"""What happens under modified dates to attributes that are no dates, though the table counts them among them.

The law: none is skipped in silence. Each is named by a rule that says why, or the policy is refused.

Sources: DICOM PS3.15 2026d E.3.6, Table E.1-1, (c) NEMA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from curator.errors import ConfigurationError
from curator.policy.tags import tag_of
from curator.strict import parse_toml

RULES = "header/modified_dates.toml"
_BASIC = "basic"


@dataclass(frozen=True, slots=True)
class UndatedRule:
    """Why the Basic action of an attribute stands under modified dates."""

    id: str
    why: str


def parse_undated(content: bytes, *, wanted: Iterable[str]) -> Mapping[str, UndatedRule]:
    """The rules by tag as the table writes it; `wanted` are the tags that need one.

    Raises:
        ConfigurationError: the file is malformed, lacks a tag that is wanted, or names another.
    """
    document = parse_toml(content, name=RULES)
    document.only(required=("rule",))
    found: dict[str, UndatedRule] = {}
    for rule in document.tables("rule"):
        rule.only(required=("id", "why", "source", "tags", "action", "example"))
        rule.one_of("action", (_BASIC,))
        for tag in rule.texts("tags"):
            tag_of(tag, where=f"[{rule.name}] tags")
            found[tag] = UndatedRule(rule.get("id", str), rule.get("why", str))
    missing, spare = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or spare:
        raise ConfigurationError(f"{RULES}: no rule for {missing}, a rule for {spare}, which needs none")
    return found
