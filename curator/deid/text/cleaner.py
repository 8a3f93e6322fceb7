"""A text without whatever could say whose it is.

Pure: `find` is what a text engine finds in a text; everything else follows from the rules and the person's own values.

The law: cleaning a cleaned text changes nothing; a word stays only where a rule allows it, no recognizer claims it and
it is none of the person's own; what cannot be settled in a few passes does not stay at all.

Sources: DICOM PS3.15 E.3.5.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.deid.text.words import Word, joined, without_controls, words_of
from curator.model.identity import Identifier, IdentifierKind
from curator.policy.text import TextRules, plain_of

OWN_VALUE = "own-value"
NOT_ALLOWED = "not-allowed"
LONE_NUMBER = "lone-number"
LONE_CONNECTIVE = "lone-connective"
TOO_LONG = "too-long"
UNSETTLED = "unsettled"
# A report has ten thousand characters; a million are no descriptor, and nobody can judge what is left of them.
LONGEST = 200_000
# Recognizers see windows of this size, overlapping by more than any of them matches.
WINDOW = 2_000
OVERLAP = 300
_PASSES = 6
# Digits in a row, parted by blanks or punctuation only: more of them is a number that was written in groups.
_MOST_DIGITS = 4
_REMEMBERED = 1 << 14
_PERSONS = 64
_LONGEST_SHORT_UID = 12


class Found(NamedTuple):
    """A stretch of text that a recognizer claims, and which."""

    start: int
    end: int
    rule_id: str


Find = Callable[[str], Sequence[Found]]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What is left of a text, "" for nothing, and how many words went for which reason."""

    text: str = field(repr=False)
    findings: Mapping[str, int]


class Cleaner:
    """Cleans texts; remembers what it made of the last ones, for a series says the same in every file."""

    def __init__(self, rules: TextRules, find: Find) -> None:
        self.folding = Folding(rules.confusables)
        self._own_values = lru_cache(maxsize=_PERSONS)(lambda identifiers: OwnValues(identifiers, self.folding))
        self._connects = lru_cache(maxsize=_REMEMBERED)(lambda word: plain_of(word) in rules.connectives)
        self._allows = lru_cache(maxsize=_REMEMBERED)(rules.allows)
        self._find = lru_cache(maxsize=_REMEMBERED)(lambda text: tuple(find(text)))

    def own_values(self, identifiers: frozenset[Identifier]) -> OwnValues:
        """What to search for of a person with these identifiers."""
        # Digits so long never stay, whoever's they are; and a file's own UIDs would make every file a person.
        return self._own_values(
            frozenset(
                one for one in identifiers if one.kind is not IdentifierKind.UID or len(one.value) <= _LONGEST_SHORT_UID
            )
        )

    def clean(self, text: str, *, own: OwnValues) -> Cleaned:
        """What may stay of a text about a person; nothing for an empty one or one longer than `LONGEST`."""
        if len(text) > LONGEST:
            return Cleaned("", {TOO_LONG: 1})
        gone: Counter[str] = Counter()
        left = without_controls(text).strip()
        for _ in range(_PASSES):
            shorter = self._pass(left, own, gone)
            if shorter == left:
                return Cleaned(left, dict(gone))
            left = shorter
        gone[UNSETTLED] += 1
        return Cleaned("", dict(gone))

    def _pass(self, text: str, own: OwnValues, gone: Counter[str]) -> str:
        words = words_of(text)
        reasons: list[str | None] = [None if self._allows(word.text) else NOT_ALLOWED for word in words]
        ends = [word.end for word in words]
        for start, end, rule_id in self._claims(text, own):
            number = bisect_right(ends, start)
            while number < len(words) and words[number].start < end:
                reasons[number] = reasons[number] or rule_id
                number += 1
        connects = [self._connects(word.text) for word in words]
        _judge_numbers(words, reasons)
        _judge_connectives(connects, reasons)
        gone.update(reason for reason in reasons if reason is not None)
        says = [_says_something(word.text) and not connects[place] for place, word in enumerate(words)]
        if not any(one and reason is None for one, reason in zip(says, reasons, strict=True)):
            return ""
        return joined(text, words, [reason is None for reason in reasons])

    def _claims(self, text: str, own: OwnValues) -> list[Found]:
        claims = [Found(start, end, OWN_VALUE) for start, end in own.spans(text)]
        for offset in range(0, max(len(text), 1), WINDOW):
            for found in self._find(text[offset : offset + WINDOW + OVERLAP]):
                claims.append(Found(found.start + offset, found.end + offset, found.rule_id))
        return claims


def _judge_numbers(words: Sequence[Word], reasons: list[str | None]) -> None:
    """A number stays beside a word that stays; one beside a word that goes belongs to that word."""
    numbers = [_is_number(word.text) for word in words]
    stays = [reason is None for reason in reasons]
    start = 0
    while start < len(words):
        end = start + 1
        if numbers[start]:
            while end < len(words) and numbers[end]:
                end += 1
            digits = sum(character.isdigit() for word in words[start:end] for character in word.text)
            beside = [stays[place] for place in (start - 1, end) if 0 <= place < len(words)]
            if digits > _MOST_DIGITS or not beside or not all(beside):
                for place in range(start, end):
                    reasons[place] = reasons[place] or LONE_NUMBER
        start = end


def _judge_connectives(connects: Sequence[bool], reasons: list[str | None]) -> None:
    """A connective before a word that goes has nothing left to connect."""
    for place in range(len(reasons) - 2, -1, -1):
        if connects[place] and reasons[place + 1] is not None:
            reasons[place] = reasons[place] or LONE_CONNECTIVE


def _says_something(text: str) -> bool:
    """Letters that stand alone are what is left of other words."""
    return len(text) > 1 and not _is_number(text)


def _is_number(text: str) -> bool:
    return not any(character.isalpha() for character in text)
