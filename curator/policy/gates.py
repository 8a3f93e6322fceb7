"""Which instances may carry burned-in text or show a face, and so are held back, looked at or defaced.

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
from curator.policy.conditions import (
    CONDITIONS,
    Condition,
    GateTables,
    SopClass,
    body_part_term,
    parse_condition,
    spoken_of,
)
from curator.policy.csv_tables import parse_csv
from curator.policy.words import WordList, parse_words
from curator.strict import Table, parse_toml, read_bytes

_FILES = ("pixels/gate.toml", "faces/gate.toml")
_HEAD_WORDS = "faces/head_words.csv"
_WORDS = {"pixels/screen_words.csv": "why", _HEAD_WORDS: "languages"}
_CLASSES = "pixels/sop_classes.csv"
_BODY_PARTS = "faces/body_parts.csv"
_REASONS = tuple(reason.value for reason in Reason)


class Handling(StrEnum):
    """What is done with the pixels of an instance, from the mildest to the strictest."""

    PASS = "pass"
    LOOK = "look"
    PHOTOGRAPH = "photograph"
    HOLD = "hold"


_HANDLINGS = tuple(Handling)
_PIXELS, _FACES = "clean_pixel_data", "clean_recognizable_visual_features"
_DEFACE = "deface"
_STATED = tuple(handling.value for handling in Handling if handling is not Handling.PASS)


@dataclass(frozen=True, slots=True)
class GateFinding:
    """Why an instance is held back; `why` is the rule's own sentence and holds nothing of the instance."""

    reason: Reason
    rule_id: str
    why: str


@dataclass(frozen=True, slots=True)
class PixelAction:
    """What is done with an instance, and the rule that says so (None where none fits).

    `LOOK`: its frames are searched for text; `PHOTOGRAPH`: for text and faces; `HOLD`: held back for the finding.
    `defaces`: it is one of the slices of what may be a head, and goes only as what defacing makes of it; where it is
    looked at too, that comes first.
    """

    handling: Handling
    finding: GateFinding | None
    defaces: bool = False


@dataclass(frozen=True, slots=True)
class GateRule:
    """A rule that holds an instance back where all its conditions hold.

    `handling` is what the option clean-pixel-data makes of it; `defaces` says that the option
    clean-recognizable-visual-features takes it on.
    """

    finding: GateFinding
    handling: Handling
    conditions: tuple[Condition, ...]
    defaces: bool = False

    def under(self, *, pixels: bool, faces: bool) -> Handling:
        """What is done with the pixels under one option, both or none."""
        if self.defaces:
            return Handling.PASS if faces else Handling.HOLD
        return self.handling if pixels else Handling.HOLD


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


def pixel_action(gates: Gates, instance: SourceInstance, *, pixels: bool = True, faces: bool = False) -> PixelAction:
    """What is done with the instance: the strictest of what its rules say.

    `pixels` says that the option clean-pixel-data is chosen, `faces` that clean-recognizable-visual-features is. An
    instance whose text could be cleaned and that may show a face stays held for the face where faces are not removed,
    and the other way round.
    """
    fitting = tuple(_fitting(gates, instance))
    handlings = [rule.under(pixels=pixels, faces=faces) for rule in fitting]
    if not fitting:
        return PixelAction(Handling.PASS, None)
    strictest = max(handlings, key=_HANDLINGS.index)
    finding = fitting[handlings.index(strictest)].finding
    return PixelAction(
        strictest, finding, defaces=strictest is not Handling.HOLD and any(rule.defaces for rule in fitting)
    )


def names_head(gates: Gates, instance: SourceInstance) -> bool | None:
    """What the header says of the part of the body: a head (True), another part (False), nothing or both (None)."""
    has_word = gates.tables.words[_HEAD_WORDS].find(spoken_of(instance)) is not None
    is_elsewhere = body_part_term(instance) in gates.tables.body_parts[_BODY_PARTS]
    return None if has_word is is_elsewhere else has_word


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
    table.only((*CONDITIONS, _PIXELS, _FACES), required=("id", "why", "source", "reason", "example"))
    conditions = tuple(parse_condition(table, name, tables=tables) for name in table.values if name in CONDITIONS)
    if not conditions:
        raise ConfigurationError(f"[{table.name}] has no condition, so it would hold everything back")
    if _PIXELS in table.values and _FACES in table.values:
        raise ConfigurationError(f"[{table.name}] is about text or about faces; name one option")
    reason = Reason(table.one_of("reason", _REASONS))
    # What no option cleans stays held.
    handling = Handling(table.one_of(_PIXELS, _STATED, Handling.HOLD.value))
    defaces = table.one_of(_FACES, (_DEFACE, Handling.HOLD.value), Handling.HOLD.value) == _DEFACE
    finding = GateFinding(reason, table.get("id", str), table.get("why", str))
    return GateRule(finding, handling, conditions, defaces)
