"""Random streams, and words and numbers that nobody has.

The law: a stream depends on the seed and its purpose alone; a word is given once, and none is part of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_CONSONANTS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "t", "v", "z", "br", "dr", "kr", "vl", "zh")
_VOWELS = ("a", "e", "i", "o", "u")
KANJI = "鶴亀松竹梅桜楓萩藤桐楠柳榎椿樫杉檜桂栃梶"
KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねの"
_CYRILLIC = "бвгдзклмнпрст", "аеиоу"


def random_stream(seed: int, *domain: int | str) -> np.random.Generator:
    """The random numbers of one purpose, independent of all others and of the order in which they are drawn."""
    words = [seed, *(int.from_bytes(str(part).encode(), "big") for part in domain)]
    return np.random.default_rng(words)


@dataclass(slots=True)
class Words:
    """Invented words and numbers, each given once."""

    rng: np.random.Generator
    used: set[str] = field(default_factory=set)

    def _fresh(self, candidate: str) -> bool:
        clash = any(candidate.lower() in word or word in candidate.lower() for word in self.used)
        if not clash:
            self.used.add(candidate.lower())
        return not clash

    def _syllables(self, count: int) -> str:
        return "".join(str(self.rng.choice(_CONSONANTS)) + str(self.rng.choice(_VOWELS)) for _ in range(count))

    def word(self, syllables: int = 4, ending: str = "") -> str:
        """A capitalised word of at least seven letters for three syllables or more."""
        while True:
            candidate = self._syllables(syllables) + (ending or str(self.rng.choice(("n", "r", "l", "s"))))
            if self._fresh(candidate):
                return candidate.capitalize()

    def digits(self, count: int, first: str = "") -> str:
        """A number of `count` digits that begins with `first`, never with a zero."""
        while True:
            candidate = first + "".join(str(digit) for digit in self.rng.integers(0, 10, count - len(first)))
            if not candidate.startswith("0") and self._fresh(candidate):
                return candidate

    def signs(self, alphabet: str, count: int) -> str:
        """`count` signs of an alphabet."""
        while True:
            candidate = "".join(str(sign) for sign in self.rng.choice(list(alphabet), count))
            if self._fresh(candidate):
                return candidate

    def cyrillic(self) -> str:
        """A capitalised word of eight Cyrillic letters."""
        consonants, vowels = _CYRILLIC
        while True:
            rng = self.rng
            candidate = "".join(str(rng.choice(list(consonants))) + str(rng.choice(list(vowels))) for _ in range(4))
            if self._fresh(candidate):
                return candidate.capitalize()

    def phone(self) -> str:
        """A telephone number that fits a VR of 16 characters."""
        return f"+49 71 {self.digits(9)}"
