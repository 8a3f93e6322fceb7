"""Which source values may survive nowhere, and how they are searched for.

The law: a value that the policy keeps is no such value; every other one that a rule names is.

Sources: 45 CFR 164.514(b)(2)(i); DICOM PS3.15 2026d E.1-1, (c) NEMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curator.model.decision import Action, Decision, ElementRef
from curator.model.identity import IdentifierKind
from curator.policy import reading

_KINDS = {kind.value: kind for kind in IdentifierKind}
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
    where = "header/identifiers.csv"
    by_tag = {
        reading.tag_of(row["tag"], where=where): _kind(row["kind"], where=where)
        for row in reading.parse_csv(listed, where=where, columns=("tag", "keyword", "kind", "why"))
    }
    where = "header/identifiers.toml"
    table = reading.only(reading.parse_toml(rules, where=where), where=where, required=("rule",))
    by_vr: dict[str, IdentifierKind] = {}
    for rule in reading.subtables(table, "rule", where=where):
        reading.only(rule, where=where, required=("id", "why", "source", "example"), optional=("list", "vrs", "kind"))
        for vr in reading.texts(rule, "vrs", where=where):
            by_vr[vr] = _kind(reading.text(rule, "kind", where=where), where=where)
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


def _kind(value: str, *, where: str) -> IdentifierKind:
    return _KINDS[reading.member(value, _KINDS, where=where)]
