"""Which texts in pixels may stay: `rules/pixels/allowed.toml` read.

The law: a text stays only as a whole; one part that no rule knows and nothing of it stays.

Sources: DICOM PS3.15 E.3.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.strict import Table

ALLOWED = "pixels/allowed.toml"
LONGEST = 200
_BLANKS = re.compile(r"\s+")
_AROUND = " .,:;|"
_SEPARATOR = r"[ ,;|]{1,3}+"


@dataclass(frozen=True, slots=True)
class AllowedPart:
    """A rule that knows a part of a text; `pattern` fits a whole part."""

    id: str
    is_alone: bool
    pattern: re.Pattern[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AllowedTexts:
    """All parts that a text may consist of."""

    parts: tuple[AllowedPart, ...] = field(repr=False)
    whole: re.Pattern[str] = field(repr=False)

    def allows(self, text: str) -> str | None:
        """The id of the rule that knows the text, or its first part; None where it has to go, as an empty one has."""
        plain = plain_text(text)
        if not plain or len(plain) > LONGEST:
            return None
        for part in self.parts:
            if part.pattern.fullmatch(plain):
                return part.id
        if not self.whole.fullmatch(plain):
            return None
        together = (part for part in self.parts if not part.is_alone)
        return next((part.id for part in together if part.pattern.match(plain)), None)


def plain_text(text: str) -> str:
    """The text with single blanks, without the punctuation that readers see in specks around it."""
    return _BLANKS.sub(" ", text).strip(_AROUND)


def parse_allowed(document: Table) -> AllowedTexts:
    """The texts that a file of rules allows.

    Raises:
        ConfigurationError: a rule is malformed or a pattern does not compile.
    """
    document.only(required=("rule",))
    parts = tuple(_part(rule) for rule in document.tables("rule"))
    together = _either([part.pattern.pattern for part in parts if not part.is_alone])
    # Atomic: a part that ends where parts end is not read in another way again, so that no text takes long.
    one = rf"(?>{together}(?={_SEPARATOR}|$))"
    return AllowedTexts(parts, _compiled(rf"{one}(?:{_SEPARATOR}{one})*+"))


def _part(rule: Table) -> AllowedPart:
    rule.only(("words", "patterns", "alone"), required=("id", "why", "source", "example"))
    patterns = rule.texts("patterns")
    for pattern in patterns:
        try:
            _compiled(pattern)
        except re.error as error:
            raise rule.wrong("patterns", f"is no regular expression: {error}") from error
    choices = [*map(re.escape, rule.texts("words")), *patterns]
    if not choices:
        raise rule.wrong("words", "neither words nor patterns are given")
    return AllowedPart(rule.get("id", str), rule.get("alone", bool, False), _compiled(_either(choices)))


def _either(patterns: Sequence[str]) -> str:
    return f"(?:{'|'.join(patterns)})"


def _compiled(pattern: str) -> re.Pattern[str]:
    # ASCII: without it the Kelvin sign is a k and a long s an s.
    return re.compile(pattern, re.IGNORECASE | re.ASCII)
