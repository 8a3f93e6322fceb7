"""Characters folded to what they look like, so that one name in two spellings is one name.

The law: folding is per character and keeps where each came from; what is neither letter nor digit vanishes.

Sources: Unicode UTS 39 (confusables); UAX 15 (NFKD).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple


class Folded(NamedTuple):
    """Folded letters and digits in one run, and for each the place of the character it comes from."""

    run: str
    places: tuple[int, ...]


class Folding:
    """Case, accents, compatibility forms and lookalikes of other alphabets and of bad recognition, all folded.

    `confusables` has what a lower-case character looks like.
    """

    __slots__ = ("_confusables", "_known")

    def __init__(self, confusables: Mapping[str, str]) -> None:
        self._confusables = dict(confusables)
        self._known: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The folded letters and digits of a text in one run; "" for none."""
        return "".join(map(self._one, text))

    def fold_with_places(self, text: str) -> Folded:
        """The same, and where in `text` each comes from."""
        run: list[str] = []
        places: list[int] = []
        for place, character in enumerate(text):
            for one in self._one(character):
                run.append(one)
                places.append(place)
        return Folded("".join(run), tuple(places))

    def _one(self, character: str) -> str:
        known = self._known.get(character)
        if known is None:
            decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
            known = self._known[character] = "".join(map(self._alike, decomposed))
        return known

    def _alike(self, character: str) -> str:
        alike = self._confusables.get(character, character)
        return "".join(one for one in alike if one.isalnum())
