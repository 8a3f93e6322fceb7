"""What may stay of free text, and what betrays somebody in it: `rules/text` read.

The law: a word stays only where a rule knows it as technical; what a recognizer finds goes, whatever its words are.

Sources: DICOM PS3.15 E.3.5; 45 CFR 164.514(b)(2)(i).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curator.policy.csv_tables import parse_csv
from curator.strict import Table, parse_toml, read_bytes

FILES = (
    "text/allowed.csv",
    "text/confusables.csv",
    "text/engine.toml",
    "text/recognizers.toml",
    "text/technical.toml",
)
RECOGNIZERS, TECHNICAL = "text/recognizers.toml", "text/technical.toml"
_EXPLAINED = ("id", "why", "source", "example")
_RUNS = re.compile(r"[^\W\d_]+|\d+")
_LONGEST_NUMBER = 3
_CONNECTIVE = "connective"
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain_of(word: str) -> str:
    """A word without case, accents and compatibility forms; punctuation stays."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(character for character in decomposed if not unicodedata.category(character).startswith("M"))


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A rule that finds something in text: its recognizer's entity, and what it looks like in several spellings."""

    id: str
    why: str
    entity: str
    patterns: tuple[re.Pattern[str], ...]

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it is found, as start and end."""
        for pattern in self.patterns:
            yield from (match.span() for match in pattern.finditer(text) if match.group())


@dataclass(frozen=True, slots=True)
class TechnicalRule:
    """A rule that lets a word stay: a list, a pattern for the whole word, or listed words and numbers in one."""

    id: str
    words: frozenset[str] | None
    pattern: re.Pattern[str] | None

    def fits(self, word: str) -> bool:
        """Whether a word without case and accents is of this kind."""
        if self.pattern is not None:
            return self.pattern.fullmatch(word) is not None
        return self.words is not None and word in self.words


@dataclass(frozen=True, slots=True)
class TextRules:
    """Everything under `rules/text`; `model` is the spaCy model that a site named, "" for none.

    `connectives` are those of the `words` that say something only together with others.
    """

    words: frozenset[str] = field(repr=False)
    connectives: frozenset[str] = field(repr=False)
    technical: tuple[TechnicalRule, ...] = field(repr=False)
    compound_id: str
    recognizers: tuple[TextPattern, ...] = field(repr=False)
    confusables: Mapping[str, str] = field(repr=False)
    language: str
    model: str

    def allows(self, word: str) -> str | None:
        """The id of the rule that lets a word stay, None where it has to go."""
        plain = plain_of(word)
        for rule in self.technical:
            if rule.fits(plain):
                return rule.id
        return self.compound_id if self._is_compound(word, plain) else None

    def _is_compound(self, word: str, plain: str) -> bool:
        parts = _RUNS.findall(plain)
        if len(parts) > 1:
            return all(part in self.words if not part.isdigit() else len(part) <= _LONGEST_NUMBER for part in parts)
        humps = _CAMEL.split(word)
        return len(humps) > 1 and all(plain_of(hump) in self.words for hump in humps)


def load_text_rules(folder: Path) -> TextRules:
    """The rules under `folder`/text.

    Raises:
        ConfigurationError: a file is missing or malformed, or a pattern does not compile.
    """
    inputs = {name: read_bytes(folder / name, name=name) for name in FILES}
    allowed = parse_csv(inputs["text/allowed.csv"], name="text/allowed.csv", columns=("word", "kind"))
    kinds = {plain_of(row["word"]): row["kind"] for row in allowed}
    words = frozenset(kinds)
    confusables = parse_csv(
        inputs["text/confusables.csv"], name="text/confusables.csv", columns=("character", "folded", "why")
    )
    engine = parse_toml(inputs["text/engine.toml"], name="text/engine.toml")
    engine.only(required=("language", "model"))
    technical, compound_id = _technical(parse_toml(inputs[TECHNICAL], name=TECHNICAL), words)
    recognizers = parse_toml(inputs[RECOGNIZERS], name=RECOGNIZERS)
    recognizers.only(required=("rule",))
    return TextRules(
        words=words,
        connectives=frozenset(word for word, kind in kinds.items() if kind == _CONNECTIVE),
        technical=technical,
        compound_id=compound_id,
        recognizers=tuple(_recognizer(rule) for rule in recognizers.tables("rule")),
        confusables={row["character"]: row["folded"] for row in confusables},
        language=engine.get("language", str),
        model=engine.get("model", str),
    )


def _technical(document: Table, words: frozenset[str]) -> tuple[tuple[TechnicalRule, ...], str]:
    document.only(required=("rule",))
    rules = []
    compound_id = ""
    for rule in document.tables("rule"):
        rule.only(("list", "pattern", "compound"), required=_EXPLAINED)
        if rule.get("compound", bool, False):
            compound_id = rule.get("id", str)
            continue
        if "list" in rule.values:
            rule.one_of("list", ("allowed.csv",))
        pattern = _compiled(rule, "pattern", rule.get("pattern", str)) if "pattern" in rule.values else None
        rules.append(TechnicalRule(rule.get("id", str), words if "list" in rule.values else None, pattern))
    return tuple(rules), compound_id


def _recognizer(rule: Table) -> TextPattern:
    rule.only(required=("entity", "patterns", *_EXPLAINED))
    return TextPattern(
        id=rule.get("id", str),
        why=rule.get("why", str),
        entity=rule.get("entity", str),
        patterns=tuple(_compiled(rule, "patterns", pattern) for pattern in rule.texts("patterns")),
    )


def _compiled(rule: Table, key: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise rule.wrong(key, f"is no regular expression: {error}") from error
