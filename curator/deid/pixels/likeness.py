"""Whether a text in pixels may be one of the patient's own values, read badly.

The law: an own value of three letters or more is recognised with any of its letters taken for lookalikes, with one
letter wrong besides, and wherever blanks part it.

Sources: measured: folded lookalikes and a similarity of 75 % find every name with one wrong letter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues, is_one_edit_apart
from curator.policy.pixels.rules import PixelRules

SHORTEST = 2
# Of two letters any other letter is one edit away.
SHORTEST_FUZZY = 3
_WORDS = re.compile(r"[^\W_]+")
# Names have few parts; this many words of a text together are compared with a value.
_WORDS_TOGETHER = 5


class Likeness:
    """Compares texts with one person's values; holds them folded and shows none of them."""

    __slots__ = ("_by_length", "_folding", "_forms", "_least", "_names", "_own", "_pairs", "_singles")

    def __init__(self, own: OwnValues, rules: PixelRules) -> None:
        self._own = own
        self._folding = Folding(rules.confusables)
        self._singles = str.maketrans({one: folded for one, folded in rules.lookalikes if len(one) == 1})
        self._pairs = tuple((one, folded) for one, folded in rules.lookalikes if len(one) > 1)
        self._least = rules.judging.least_similarity_percent
        self._forms = frozenset(form for known in own.forms for form in self._alike(known) if len(form) >= SHORTEST)
        by_length: dict[int, list[str]] = defaultdict(list)
        for form in sorted(self._forms):
            if len(form) >= SHORTEST_FUZZY:
                by_length[len(form)].append(form)
        self._by_length = dict(by_length)
        self._names = lru_cache(maxsize=1 << 12)(self._resembles)

    def names(self, text: str) -> bool:
        """Whether the text holds something like one of the values; false for an empty one."""
        if self._own.spans(text):
            return True
        words = [folded for folded in (self._fold(word) for word in _WORDS.findall(text)) if folded]
        runs = {
            run
            for start in range(len(words))
            for end in range(start + 1, min(start + _WORDS_TOGETHER, len(words)) + 1)
            for run in self._alike("".join(words[start:end]))
        }
        return any(self._names(run) for run in sorted(runs))

    def _fold(self, text: str) -> str:
        return self._folding.fold(text)

    def _alike(self, folded: str) -> tuple[str, str]:
        """A run with its letters folded, and with its pairs of letters too: a letter may stand wrongly in a pair."""
        alike = paired = folded.translate(self._singles)
        for pair, one in self._pairs:
            paired = paired.replace(pair, one)
        return alike, paired

    def _resembles(self, run: str) -> bool:
        if run in self._forms:
            return True
        if len(run) < SHORTEST:
            return False
        return any(
            is_one_edit_apart(run, form) or similarity_percent(run, form) >= self._least
            for length, forms in self._by_length.items()
            if self._may_resemble(len(run), length)
            for form in forms
        )

    def _may_resemble(self, one: int, other: int) -> bool:
        """Whether words of these lengths can be one edit apart, or so similar."""
        return abs(one - other) <= 1 or 200.0 * min(one, other) >= self._least * (one + other)


def similarity_percent(one: str, other: str) -> float:
    """How many letters two words have in common, in order, out of all of both: 0 to 100; 100 for two empty ones."""
    total = len(one) + len(other)
    if not total:
        return 100.0
    row = [0] * (len(other) + 1)
    for letter in one:
        before = 0
        for place, candidate in enumerate(other, start=1):
            before, row[place] = row[place], before + 1 if letter == candidate else max(row[place], row[place - 1])
    return 200.0 * row[-1] / total
