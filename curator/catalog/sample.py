"""A sample of a release for a person to look at, risky instances first. Pure.

The law: the same release, number and seed give the same sample; an instance that is added or taken away changes no
other's place in the draw.

Sources: Efraimidis and Spirakis (2006), weighted random sampling with a reservoir (exponential keys).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from curator.bundled import bundled_folder
from curator.strict import read_toml

RULES = Path("risk") / "sample.toml"
CONDITIONS = ("person_stands_out", "is_no_image", "has_text_of_its_own", "device_is_rare")
_LARGEST_WEIGHT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a condition adds to an instance's weight, and by which rule."""

    rule_id: str
    when: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One instance of a sample, by its replaced UID and its path, with the rules that made it likelier."""

    SOPInstanceUID: str
    path: str
    rules: tuple[str, ...]


def load_weights(folder: Path | None = None) -> tuple[Weight, ...]:
    """The weights under a `rules/` folder, the bundled one where none is named.

    Raises:
        ConfigurationError: the file is missing or malformed.
    """
    document = read_toml((folder or bundled_folder("rules")) / RULES, name=RULES.as_posix())
    document.only(required=("format", "rule"))
    document.number("format", least=1, most=1)
    found = []
    for rule in document.tables("rule"):
        rule.only(required=("id", "when", "weight", "why", "source", "example"))
        found.append(
            Weight(
                rule_id=rule.get("id", str),
                when=rule.one_of("when", CONDITIONS),
                weight=rule.number("weight", least=1, most=_LARGEST_WEIGHT),
            )
        )
    return tuple(found)


def draw(
    paths: Mapping[str, str], holds: Mapping[str, Set[str]], weights: Iterable[Weight], *, count: int, seed: int
) -> tuple[Drawn, ...]:
    """`count` instances without repetition, all where there are fewer; the likeliest to be drawn first.

    `paths` is by SOP Instance UID, and `holds` says which conditions hold for which.
    """
    known = tuple(weights)
    keyed = []
    for uid, path in paths.items():
        rules = tuple(one for one in known if one.when in holds.get(uid, frozenset()))
        total = 1 + sum(one.weight for one in rules)
        drawn = Drawn(SOPInstanceUID=uid, path=path, rules=tuple(one.rule_id for one in rules))
        keyed.append((-math.log(_uniform(seed, uid)) / total, uid, drawn))
    return tuple(drawn for _, _, drawn in sorted(keyed, key=lambda one: one[:2])[:count])


def _uniform(seed: int, uid: str) -> float:
    """A number in (0, 1] that seed and UID give."""
    digest = hashlib.sha256(f"{seed}\n{uid}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") + 1) / 2**64
