"""A person's own identifiers, found wherever and however they are written.

The law: a name is found in any order of its parts and in part, a number and a day however they are grouped, and a long
name also with one letter wrong.

Sources: DICOM PS3.15 E.3.5; PS3.5 6.2.1 (person names).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise, takewhile

from curator.deid.text.folding import Folding
from curator.identity.search import SHORTEST, STAND_IN
from curator.model.identity import Identifier, IdentifierKind

# A word of this length or more is recognised with one letter wrong; shorter ones have too many neighbours.
SHORTEST_FUZZY = 6
# Two letters are a family name as often as not; one is an initial or a side.
SHORTEST_WORD = 2
_WORDS = re.compile(r"[^\W_]+")
_IDEOGRAPHS = 0x2E80
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe"}
)


class OwnValues:
    """What one person's identifiers look like, folded; found by `spans` in any text.

    Words count as whole words, runs anywhere, also across blanks and punctuation; what is mostly punctuation is
    searched as it is written.
    """

    __slots__ = ("_folding", "_fuzzy", "_literals", "_runs", "_words")

    def __init__(self, identifiers: Iterable[Identifier], folding: Folding) -> None:
        self._folding = folding
        identifiers = tuple(identifiers)
        words: set[str] = set()
        literals: set[str] = set()
        runs: set[str] = set()
        for identifier in identifiers:
            for spelling in _spellings(identifier):
                folded = folding.fold(spelling)
                if len(folded) < SHORTEST <= len(spelling):
                    literals.add(spelling.lower())
                if _is_long(folded):
                    runs.add(folded)
                elif len(folded) >= SHORTEST_WORD and identifier.kind in _WHOLE_WORDS:
                    words.add(folded)
        self._words = frozenset(words)
        self._literals = tuple(sorted(literals))
        # Short ones first: a text is not searched for what is longer than itself.
        self._runs = tuple(sorted(runs, key=lambda run: (len(run), run)))
        fuzzy: dict[int, set[str]] = defaultdict(set)
        for identifier in identifiers:
            if identifier.kind is IdentifierKind.PERSON_NAME:
                for part in map(folding.fold, _WORDS.findall(identifier.value)):
                    if len(part) >= SHORTEST_FUZZY and not _is_stand_in(part, folding):
                        fuzzy[len(part)].add(part)
        self._fuzzy = {length: frozenset(parts) for length, parts in fuzzy.items()}

    def __repr__(self) -> str:
        return f"OwnValues({len(self._words) + len(self._runs)} forms)"

    @property
    def forms(self) -> frozenset[str]:
        """Every folded form that is searched for, whole names and their parts, numbers and days."""
        return self._words.union(self._runs, *self._fuzzy.values())

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text the person is named, start and end; empty for an empty text."""
        if not (self._words or self._runs or self._literals):
            return []
        folded = self._folding.fold_with_places(text)
        runs = (
            (folded.places[at], folded.places[at + len(run) - 1] + 1)
            for run in takewhile(lambda run: len(run) <= len(folded.run), self._runs)
            for at in _all_in(folded.run, run)
        )
        # Lower case may lengthen a text; then places in it are no places in the text.
        lower = text.lower() if len(text.lower()) == len(text) else text
        literals = ((at, at + len(one)) for one in self._literals for at in _all_in(lower, one))
        return [*runs, *literals, *self._word_spans(text)]

    def _word_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _WORDS.finditer(text):
            word = self._folding.fold(match.group())
            if word in self._words or self._is_misspelt(word):
                yield match.span()

    def _is_misspelt(self, word: str) -> bool:
        if not self._fuzzy or len(word) < SHORTEST_FUZZY - 1:
            return False
        lengths = (len(word) - 1, len(word), len(word) + 1)
        return any(is_one_edit_apart(word, part) for length in lengths for part in self._fuzzy.get(length, ()))


_WHOLE_WORDS = (IdentifierKind.PERSON_NAME, IdentifierKind.ID)


def _all_in(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def is_one_edit_apart(one: str, other: str) -> bool:
    """Whether two words are equal but for one letter changed, left out, put in, or two neighbours swapped."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    start = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return swapped or one[start + 1 :] == other[start + 1 :]


def _spellings(identifier: Identifier) -> Iterator[str]:
    value = identifier.value.strip(" \0")
    match identifier.kind:
        case IdentifierKind.PERSON_NAME:
            yield from (
                part
                for spelling in (value, value.translate(_UMLAUTS))
                for part in (value, *_WORDS.findall(spelling), *_whole_names(spelling))
                if part.upper() != STAND_IN
            )
        case IdentifierKind.DATE:
            yield value
            yield from _days(value)
        case IdentifierKind.TEXT:
            yield from (value, value.translate(_UMLAUTS))
        case _:
            yield value


def _whole_names(value: str) -> Iterator[str]:
    """Short parts are found together where neither is alone: given and family name in both orders."""
    for group in value.split("="):
        parts = [part for part in re.split(r"[\s^]+", group) if part]
        for one, other in pairwise(parts):
            yield from (one + other, other + one)


def _days(value: str) -> Iterator[str]:
    try:
        day = date(int(value[:4]), int(value[4:6]), int(value[6:8]))
    except ValueError:
        return
    year, short = f"{day.year:04d}", f"{day.year % 100:02d}"
    for one, two in ((f"{day.month:02d}", f"{day.day:02d}"), (str(day.month), str(day.day))):
        yield from (year + one + two, two + one + year, one + two + year, year + two + one)
        yield from (short + one + two, two + one + short, one + two + short)


def _is_long(folded: str) -> bool:
    return len(folded) >= SHORTEST or (
        len(folded) >= SHORTEST_WORD and any(ord(character) > _IDEOGRAPHS for character in folded)
    )


def _is_stand_in(part: str, folding: Folding) -> bool:
    return part == folding.fold(STAND_IN)
