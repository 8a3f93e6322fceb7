"""Are a person's identifiers in what was written of one of their files?

The law: `True` means that none of them is there, in whatever encoding; `False`, that one may be.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

from curator.dicom.windows import windows
from curator.identity.bulk import BulkSieve
from curator.identity.pseudonyms import is_uid
from curator.identity.search import SHORTEST_IN_BULK, Needles
from curator.identity.sieve import Sieve

_STEM = 8
_MOST_STEMS = 64


@dataclass(frozen=True, slots=True)
class _Stems:
    """How some UIDs begin: all spellings together, in one byte a character, and in two."""

    all: frozenset[bytes] = field(repr=False)
    plain: tuple[bytes, ...] = field(repr=False)
    wide: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Own:
    """A file's own identifiers, all of them UIDs, and how they begin."""

    uids: tuple[bytes, ...] = field(repr=False)
    stems: _Stems

    def are_in(self, head: bytes) -> bool:
        """Whether a header holds one of them."""
        if any(stem in head for stem in self.stems.wide):
            return True
        return any(stem in head for stem in self.stems.plain) and any(uid in head for uid in self.uids)


def own_of(uids: Collection[str]) -> Own | None:
    """What to search for beside a person's identifiers; None where one is not written as UIDs are."""
    written = tuple(filter(None, map(_written, uids)))
    return Own(written, _stems(frozenset(uid[:_STEM] for uid in written))) if len(written) == len(uids) else None


# A file's own UIDs, but for its name, are those of the other files of its series.
@lru_cache(maxsize=1 << 10)
def _written(uid: str) -> bytes | None:
    return uid.encode() if is_uid(uid) and "." in uid and len(uid) >= SHORTEST_IN_BULK else None


@lru_cache(maxsize=1 << 8)
def _stems(plain: frozenset[bytes]) -> _Stems:
    wide = {stem.decode().encode(codec) for stem in plain for codec in ("utf-16-le", "utf-16-be")}
    return _Stems(plain | wide, tuple(sorted(plain)), tuple(sorted(wide)))


class PersonSearch:
    """A search for one person's identifiers, made once for all of the person's files."""

    __slots__ = ("_bulk", "_by_stems", "_header")

    def __init__(self, needles: Needles) -> None:
        self._header = Sieve({*needles.plain, *needles.digits})
        self._bulk = needles.bulk
        self._by_stems: dict[frozenset[bytes], BulkSieve] = {}

    def is_free(self, head: bytes, bulk: memoryview, own: Own) -> bool:
        """Whether neither the header nor the bulk value holds an identifier; False where it may be."""
        if self._header.finds(head) or own.are_in(head):
            return False
        stems = own.stems.all
        sieve = self._by_stems.get(stems)
        if sieve is None:
            if len(self._by_stems) >= _MOST_STEMS:
                self._by_stems.clear()
            sieve = self._by_stems[stems] = BulkSieve(self._bulk | stems)
        # A window begins with a whole number, as the value does.
        return not any(sieve.finds(window) for window in windows(bulk, overlap=sieve.longest + sieve.longest % 2))
