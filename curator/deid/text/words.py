"""A text taken apart into words and what stands between them, and put together again without some of them.

The law: every character belongs to one word or one gap; a text put together from all its words says the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# A decimal number is one word; an underscore parts words.
_WORD = re.compile(r"\d+[.,]\d+[^\W_]*|[^\W_]+")
# What may stand between two words that stay; a longer run or anything else becomes a blank.
_GAP = re.compile(r"[ \-_/.,:;+*=^()\[\]<>&%#'\"°²³~\n\t]{1,3}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")


class Word(NamedTuple):
    """A word and where it stands."""

    text: str
    start: int
    end: int


def without_controls(text: str) -> str:
    """The text with a blank for each control character, and without what is written to be invisible."""
    return _CONTROL.sub(lambda match: " " if match.group() < "\x7f" else "", text.replace("\r\n", "\n")).replace(
        "\r", "\n"
    )


def words_of(text: str) -> list[Word]:
    """All words in order; empty for a text without letters and digits."""
    return [Word(match.group(), *match.span()) for match in _WORD.finditer(text)]


def joined(text: str, words: Sequence[Word], keeps: Sequence[bool]) -> str:
    """The kept words with what stood between neighbours, one blank where a word is gone; "" for none."""
    if all(keeps) and words:
        return _with_ends(text, words)
    pieces: list[str] = []
    last = -1
    for number, (word, kept) in enumerate(zip(words, keeps, strict=True)):
        if not kept:
            continue
        if pieces:
            gap = text[words[last].end : word.start]
            pieces.append(_gap(gap) if last == number - 1 else " ")
        pieces.append(word.text)
        last = number
    return "".join(pieces)


def _with_ends(text: str, words: Sequence[Word]) -> str:
    """All words kept: gaps are still checked, and brackets and signs at the ends stay."""
    pieces = [_end(text[: words[0].start])]
    for one, following in pairwise(words):
        pieces += [one.text, _gap(text[one.end : following.start])]
    return "".join([*pieces, words[-1].text, _end(text[words[-1].end :])])


def _gap(text: str) -> str:
    if not text:
        return ""
    return text if _GAP.fullmatch(text) else " "


def _end(text: str) -> str:
    stripped = text.strip()
    return stripped if _GAP.fullmatch(stripped) else ""
