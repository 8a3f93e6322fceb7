"""Word lists that find what a description speaks of, in any spelling, case or accent.

The law: a description that contains a listed word is found, whatever stands around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from curator.policy.csv_tables import parse_csv

_BETWEEN = re.compile(r"[\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_MATCHES = ("stem", "token")


def folded(text: str) -> str:
    """The text without case, accents and compatibility forms, one space where anything but letters and digits was."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    unmarked = "".join(character for character in plain if not unicodedata.category(character).startswith("M"))
    return _BETWEEN.sub(" ", unmarked)


@dataclass(frozen=True, slots=True)
class WordList:
    """Stems count wherever they stand, also inside a word; tokens only as a whole run of letters."""

    stems: tuple[str, ...]
    tokens: frozenset[str]

    def find(self, texts: Iterable[str]) -> str | None:
        """The first listed word that one of the texts contains, None where none does; None for no texts."""
        for text in texts:
            plain = folded(text)
            for stem in self.stems:
                if stem in plain:
                    return stem
            # Sorted, so that the same text names the same word in every process.
            for token in sorted(self.tokens.intersection(_LETTERS.findall(plain))):
                return token
        return None


def parse_words(content: bytes, *, name: str, last_column: str) -> WordList:
    """A list of words with the columns word, match and one that explains.

    Raises:
        ConfigurationError: a row is malformed, or names a word again with another match.
    """
    found: dict[str, str] = {}
    for row in parse_csv(content, name=name, columns=("word", "match", last_column)):
        word, match = folded(row["word"]), row.one_of("match", _MATCHES)
        if not word.strip():
            raise row.wrong("word", "has no letters")
        if found.setdefault(word, match) != match:
            raise row.wrong("word", f"{row['word']!r} stands twice, with two kinds of match")
    return WordList(
        stems=tuple(word for word, match in found.items() if match == "stem"),
        tokens=frozenset(word for word, match in found.items() if match == "token"),
    )
