"""Which source values may survive nowhere, and how they are searched for.

The law: a value that the policy keeps is no such value; every other one that a rule names is.

Sources: 45 CFR 164.514(b)(2)(i); DICOM PS3.15 2026d E.1-1, (c) NEMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curator.model.decision import Action, Decision, ElementRef
from curator.model.identity import IdentifierKind
from curator.policy.csv_tables import parse_csv
from curator.policy.tags import tag_of
from curator.strict import parse_toml

_LIST = "identifiers.csv"
_KINDS = tuple(kind.value for kind in IdentifierKind)
_SURVIVING = (Action.KEEP, Action.CLEAN)
_REMAPPED = (Action.REPLACE_UID, Action.DUMMY)


@dataclass(frozen=True, slots=True)
class IdentifierRules:
    """Kinds by tag, and by VR where no tag is listed."""

    by_tag: Mapping[int, IdentifierKind]
    by_vr: Mapping[str, IdentifierKind]


def parse_identifiers(rules: bytes, listed: bytes) -> IdentifierRules:
    """The rules of `identifiers.toml` with the rows of `identifiers.csv`.

    Raises:
        ConfigurationError: one of them is malformed.
    """
    by_tag = {
        tag_of(row["tag"], where=row.name): IdentifierKind(row.one_of("kind", _KINDS))
        for row in parse_csv(listed, name=f"header/{_LIST}", columns=("tag", "keyword", "kind", "why"))
    }
    table = parse_toml(rules, name="header/identifiers.toml")
    table.only(required=("rule",))
    by_vr: dict[str, IdentifierKind] = {}
    for rule in table.tables("rule"):
        rule.only(("list", "vrs", "kind"), required=("id", "why", "source", "example"))
        if "list" in rule.values:
            rule.one_of("list", (_LIST,))
        for vr in rule.texts("vrs"):
            by_vr[vr] = IdentifierKind(rule.one_of("kind", _KINDS))
    return IdentifierRules(by_tag, by_vr)


def kind_of(rules: IdentifierRules, element: ElementRef, decision: Decision) -> IdentifierKind | None:
    """How the element's value is searched for under a decision about it; None where it need not be."""
    if decision.action in _SURVIVING:
        return None
    listed = rules.by_tag.get(element.tag)
    if listed is not None:
        return listed
    kind = rules.by_vr.get(element.vr)
    if kind is IdentifierKind.UID and decision.action not in _REMAPPED:
        # What is removed (file meta, private, foreign groups) names software and kinds of things as often as sources.
        return None
    return kind
