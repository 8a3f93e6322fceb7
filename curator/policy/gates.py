"""Which instances may carry burned-in text or show a face, and so are held back or looked at.

The law: when in doubt, hold back. An instance passes only where no rule finds a doubt, and a rule counts what the
source does not say as a doubt. Of all rules that fit, the strictest says what is done.

Sources: DICOM PS3.15 E.3.1, E.3.2; PS3.3 C.7.6.1, C.7.6.2; PS3.16 Annex L.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from curator.errors import ConfigurationError
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.conditions import CONDITIONS, Condition, GateTables, SopClass, parse_condition
from curator.policy.csv_tables import parse_csv
from curator.policy.words import WordList, parse_words
from curator.strict import Table, parse_toml, read_bytes

_FILES = ("pixels/gate.toml", "faces/gate.toml")
_WORDS = {"pixels/screen_words.csv": "why", "faces/head_words.csv": "languages"}
_CLASSES = "pixels/sop_classes.csv"
_BODY_PARTS = "faces/body_parts.csv"
_REASONS = tuple(reason.value for reason in Reason)


class Handling(StrEnum):
    """What the option clean-pixel-data makes of an instance, from the mildest to the strictest."""

    PASS = "pass"
    LOOK = "look"
    PHOTOGRAPH = "photograph"
    HOLD = "hold"


_HANDLINGS = tuple(Handling)
_STATED = tuple(handling.value for handling in Handling if handling is not Handling.PASS)


@dataclass(frozen=True, slots=True)
class GateFinding:
    """Why an instance is held back; `why` is the rule's own sentence and holds nothing of the instance."""

    reason: Reason
    rule_id: str
    why: str


@dataclass(frozen=True, slots=True)
class PixelAction:
    """What is done with an instance under the option clean-pixel-data, and the rule that says so (None for `PASS`).

    `LOOK`: its frames are searched for text; `PHOTOGRAPH`: for text and faces; `HOLD`: held back for the finding.
    """

    handling: Handling
    finding: GateFinding | None


@dataclass(frozen=True, slots=True)
class GateRule:
    """A rule that holds an instance back where all its conditions hold; `handling` is what the option makes of it."""

    finding: GateFinding
    handling: Handling
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Gates:
    """All gate rules in order, with the tables they refer to; `digest` is the SHA-256 over all of it."""

    rules: tuple[GateRule, ...] = field(repr=False)
    tables: GateTables = field(repr=False)
    digest: str


def load_gates(folder: Path) -> Gates:
    """The gates that `rules/pixels` and `rules/faces` describe.

    Raises:
        ConfigurationError: a file is missing or malformed.
    """
    contents = {name: read_bytes(folder / name, name=name) for name in (*_FILES, *_WORDS, _CLASSES, _BODY_PARTS)}
    words = {name: parse_words(contents[name], name=name, last_column=column) for name, column in _WORDS.items()}
    tables = _tables(contents, words)
    rules = []
    for name in _FILES:
        document = parse_toml(contents[name], name=name)
        document.only(required=("rule",))
        rules += [_rule(table, tables) for table in document.tables("rule")]
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return Gates(tuple(rules), tables, digest.hexdigest())


def gate(gates: Gates, instance: SourceInstance) -> GateFinding | None:
    """Why the instance is held back, by the first rule that fits; None where it may pass."""
    return next((rule.finding for rule in _fitting(gates, instance)), None)


def pixel_action(gates: Gates, instance: SourceInstance) -> PixelAction:
    """What is done with the instance under the option clean-pixel-data: the strictest of what its rules say.

    An instance whose text could be cleaned and that may show a face stays held for the face.
    """
    strictest = max(_fitting(gates, instance), key=lambda rule: _HANDLINGS.index(rule.handling), default=None)
    if strictest is None:
        return PixelAction(Handling.PASS, None)
    return PixelAction(strictest.handling, strictest.finding)


def _fitting(gates: Gates, instance: SourceInstance) -> Iterator[GateRule]:
    for rule in gates.rules:
        if all(
            CONDITIONS[condition.name].holds(instance, condition.value, gates.tables) for condition in rule.conditions
        ):
            yield rule


def _tables(contents: dict[str, bytes], words: dict[str, WordList]) -> GateTables:
    classes = parse_csv(contents[_CLASSES], name=_CLASSES, columns=("sop_class_uid", "name", "family", "modalities"))
    parts = parse_csv(contents[_BODY_PARTS], name=_BODY_PARTS, columns=("term", "next_to_neck", "why"))
    return GateTables(
        classes={
            row["sop_class_uid"]: SopClass(row["family"], frozenset(row["modalities"].split())) for row in classes
        },
        words=words,
        body_parts={_BODY_PARTS: frozenset(row["term"] for row in parts)},
        next_to_neck=frozenset(row["term"] for row in parts if row.one_of("next_to_neck", ("yes", "no")) == "yes"),
    )


def _rule(table: Table, tables: GateTables) -> GateRule:
    table.only((*CONDITIONS, "clean_pixel_data"), required=("id", "why", "source", "reason", "example"))
    conditions = tuple(parse_condition(table, name, tables=tables) for name in table.values if name in CONDITIONS)
    if not conditions:
        raise ConfigurationError(f"[{table.name}] has no condition, so it would hold everything back")
    reason = Reason(table.one_of("reason", _REASONS))
    # What no option cleans stays held.
    handling = Handling(table.one_of("clean_pixel_data", _STATED, Handling.HOLD.value))
    return GateRule(GateFinding(reason, table.get("id", str), table.get("why", str)), handling, conditions)
