"""Tells a reader which known word an unknown one probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest_known(word: str, known: Iterable[str]) -> str:
    """A phrase that names the known word closest to `word`, or says that none is known."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.0)
    return f"the nearest known is {close[0]!r}" if close else "none is known"
