"""Everything that decides about texts and faces in pixels, read at once.

The law: whatever decides is in the digest, so that a changed rule makes items be done again.

Sources: DICOM PS3.15 E.3.1, E.3.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curator.policy.csv_tables import parse_csv
from curator.policy.pixels.allowed import ALLOWED, AllowedTexts, parse_allowed
from curator.policy.pixels.encoders import ENCODERS, parse_encoders
from curator.policy.pixels.judging import JUDGING, Judging, parse_judging
from curator.policy.pixels.layouts import LAYOUTS, Layout, Layouts, Unmatched, own_layout
from curator.policy.pixels.recipe_layouts import ATTRIBUTES, parse_repairs, recipe_bytes, recipe_layout
from curator.policy.text import FILES as TEXT_FILES
from curator.policy.text import TextPattern, load_text_rules
from curator.strict import Table, parse_toml, read_bytes

PHOTOGRAPHS = "pixels/photographs.toml"
LOOKALIKES = "pixels/lookalikes.csv"
FACES = ("refuse", "blur")
_FILES = (ALLOWED, JUDGING, LAYOUTS, ATTRIBUTES, PHOTOGRAPHS, LOOKALIKES, ENCODERS)


@dataclass(frozen=True, slots=True)
class PixelRules:
    """Everything under rules/pixels but the gates, with what it takes from rules/text.

    `faces` says what becomes of a photograph with a face, "refuse" or "blur". `lookalikes` is what lower-case letters
    and pairs of letters are taken for by readers, folded by `confusables` first. `encoder_comments` is what a comment
    in a codestream may be. `digest` is the SHA-256 over all files and the recipes that they name.
    """

    allowed: AllowedTexts = field(repr=False)
    judging: Judging
    recognizers: tuple[TextPattern, ...] = field(repr=False)
    confusables: Mapping[str, str] = field(repr=False)
    lookalikes: tuple[tuple[str, str], ...] = field(repr=False)
    layouts: Layouts
    faces: str
    encoder_comments: re.Pattern[bytes] = field(repr=False)
    digest: str


def load_pixel_rules(folder: Path) -> PixelRules:
    """The rules under `folder`/pixels.

    Raises:
        ConfigurationError: a file is missing or malformed.
    """
    inputs = {name: read_bytes(folder / name, name=name) for name in (*_FILES, *TEXT_FILES)}
    text = load_text_rules(folder)
    rows = parse_csv(inputs[LOOKALIKES], name=LOOKALIKES, columns=("characters", "folded", "why"))
    layouts, recipes = _layouts(folder, parse_toml(inputs[LAYOUTS], name=LAYOUTS), inputs[ATTRIBUTES])
    inputs.update(recipes)
    digest = hashlib.sha256()
    for name, content in sorted(inputs.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return PixelRules(
        allowed=parse_allowed(parse_toml(inputs[ALLOWED], name=ALLOWED)),
        judging=parse_judging(parse_toml(inputs[JUDGING], name=JUDGING)),
        recognizers=text.recognizers,
        confusables=text.confusables,
        lookalikes=tuple((row["characters"], row["folded"]) for row in rows),
        layouts=layouts,
        faces=_faces(parse_toml(inputs[PHOTOGRAPHS], name=PHOTOGRAPHS)),
        encoder_comments=parse_encoders(parse_toml(inputs[ENCODERS], name=ENCODERS)),
        digest=digest.hexdigest(),
    )


def _layouts(folder: Path, document: Table, attributes: bytes) -> tuple[Layouts, dict[str, bytes]]:
    """All layouts, and the recipes that they come from, by name."""
    document.only(required=("rule",))
    repairs = parse_repairs(attributes)
    layouts: list[Layout] = []
    repaired: frozenset[str] = frozenset()
    unmatched: list[Unmatched] = []
    recipes: dict[str, bytes] = {}
    for rule in document.tables("rule"):
        if "recipe" not in rule.values:
            layouts.append(own_layout(rule))
            continue
        name = rule.get("recipe", str)
        recipes[f"recipe {name}"] = content = recipe_bytes(folder, name)
        layout, mended, dead = recipe_layout(rule, content, repairs)
        layouts.append(layout)
        repaired |= mended
        unmatched += dead
    return Layouts(tuple(layouts), repaired, tuple(unmatched)), recipes


def _faces(document: Table) -> str:
    document.only(required=("rule",))
    rules = list(document.tables("rule"))
    if len(rules) != 1:
        raise document.wrong("rule", f"must stand there once, not {len(rules)} times")
    rules[0].only(required=("id", "why", "source", "faces", "example"))
    return rules[0].one_of("faces", FACES)
