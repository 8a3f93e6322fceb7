"""The quick half of the proof: most written files are clean, and it takes little to say so.

Like `verify` this reads what was written as a stranger would, by its own headers, and knows nothing of the rewriting.

The law: what is called clean here has no residual; whatever cannot be told at once is left to `verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from struct import error as StructError
from typing import NamedTuple

from curator.deid.verify import META_TAGS, PREAMBLE, SHORTEST_BULK, is_clean_element
from curator.dicom.dictionary import BULK_VRS, dictionary_vr
from curator.dicom.elements import DataSet, Element
from curator.dicom.parse import element_at, fragments_end
from curator.dicom.tokens import (
    HEADER,
    LONG_HEADER,
    LONG_LENGTH,
    SHORT_HEADER,
    UNDEFINED,
    kind_of,
    meta_tokens,
    taken_syntax,
)
from curator.dicom.windows import windows
from curator.errors import ItemError
from curator.identity.bulk import BulkSieve
from curator.identity.pseudonyms import is_uid
from curator.identity.search import SHORTEST_IN_BULK, Needles
from curator.identity.sieve import Sieve

_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_META_SOP_CLASS, _META_SOP_INSTANCE = b"\2\0\2\0UI", b"\2\0\3\0UI"
_META_KEYS = frozenset(
    tag.to_bytes(4, "little")[2:] + tag.to_bytes(4, "little")[:2] + vr
    for tag, vr in ((tag, vr) for tag in META_TAGS for vr in (b"UL", b"OB", b"UI", b"SH"))
)
_STEM = 8
_WIDE = ("utf-16-le", "utf-16-be")
_LONGEST_REMEMBERED = 4096
_MOST_REMEMBERED = 1 << 14
_MOST_STEMS = 64
# How closely a kind of element has to be looked at; 0 for one that its header says all about.
_LONG, _UID, _NOTED = 1, 2, 4


class _Kind(NamedTuple):
    tag: int
    vr: str
    look: int


class _UnsureError(Exception):
    """What is written may be clean, but not so that it can be told at once."""


@dataclass(frozen=True, slots=True)
class Own:
    """A file's own identifiers, all of them UIDs: whole, by how they begin, and that in two bytes a character."""

    uids: tuple[bytes, ...] = field(repr=False)
    stems: frozenset[bytes] = field(repr=False)
    wide: tuple[bytes, ...] = field(repr=False)


def own_of(uids: Collection[str]) -> Own | None:
    """What to search for beside a person's identifiers; None where one is not written as UIDs are."""
    if not all(is_uid(uid) and "." in uid and len(uid) >= SHORTEST_IN_BULK for uid in uids):
        return None
    stems = {uid[:_STEM] for uid in uids}
    return Own(
        uids=tuple(uid.encode() for uid in uids),
        stems=frozenset(stem.encode(codec) for stem in stems for codec in ("ascii", *_WIDE)),
        wide=tuple(sorted(stem.encode(codec) for stem in stems for codec in _WIDE)),
    )


class PersonSearch:
    """A search for one person's identifiers, made once for all of the person's files."""

    __slots__ = ("_bulk", "_by_stems", "_header")

    def __init__(self, needles: Needles) -> None:
        self._header = Sieve({*needles.plain, *needles.digits})
        self._bulk = needles.bulk
        self._by_stems: dict[frozenset[bytes], BulkSieve] = {}

    def is_free(self, head: bytes, bulk: memoryview, own: Own) -> bool:
        """Whether neither the header nor the bulk value holds an identifier; False where it may be."""
        if self._header.finds(head) or any(text in head for text in (*own.uids, *own.wide)):
            return False
        sieve = self._by_stems.get(own.stems)
        if sieve is None:
            if len(self._by_stems) >= _MOST_STEMS:
                self._by_stems.clear()
            sieve = self._by_stems[own.stems] = BulkSieve(self._bulk | own.stems)
        # A window begins with a whole number, as the value does.
        return not any(sieve.finds(window) for window in windows(bulk, overlap=sieve.longest + sieve.longest % 2))


class CleanCheck:
    """Says of written files that they are clean, or nothing. `keeps_uid` is as in `verify.residuals`."""

    __slots__ = ("_keeps_uid", "_kinds", "_noted", "_seen")

    def __init__(self, *, keeps_uid: Callable[[Element], bool], noted: Collection[int]) -> None:
        self._keeps_uid = keeps_uid
        self._noted = frozenset({_SOP_CLASS, _SOP_INSTANCE, *noted})
        self._kinds: dict[bytes, _Kind] = {}
        self._seen: set[bytes] = set()

    def proven(self, head: bytes, bulk: memoryview, *, search: PersonSearch, own: Own) -> DataSet | None:
        """The `noted` elements of a clean file of the bytes `head` and then `bulk`; None where it may not be clean.

        `bulk` is the value of the last element, or empty.
        """
        try:
            read = self._read(head, bulk)
        except (ItemError, StructError, _UnsureError):
            return None
        return read if read is not None and search.is_free(head, bulk, own) else None

    def _read(self, head: bytes, bulk: memoryview) -> DataSet | None:
        found = meta_tokens(head)
        syntax = taken_syntax(found[0]) if found is not None else None
        if found is None or syntax is None or any(head[:PREAMBLE]):
            return None
        tokens, start = found
        noted = self._noted_elements(head, bulk, start)
        said = {element.tag: head[element.value : element.end].rstrip(b"\0 ") for element in noted}
        meta = {token.key: token.value for token in tokens}
        agrees = meta.get(_META_SOP_CLASS) == said.get(_SOP_CLASS, b"") and (
            meta.get(_META_SOP_INSTANCE) == said.get(_SOP_INSTANCE, b"")
        )
        if not agrees or len(meta) != len(tokens) or not _META_KEYS.issuperset(meta):
            return None
        return DataSet(syntax, (), head, noted, head, 0)

    def _noted_elements(self, head: bytes, bulk: memoryview, position: int) -> tuple[Element, ...]:
        """The elements to note of those from `position` on, all of which are in order."""
        size, unpack, kinds, last = len(head), HEADER.unpack_from, self._kinds, -1
        noted: list[Element] = []
        while position < size:
            key, length = unpack(head, position)
            tag, vr, look = kinds.get(key) or self._kind(key)
            if tag <= last:
                raise _UnsureError
            last, start, position = tag, position, position + SHORT_HEADER + length
            if look == 0:
                continue
            if look & _NOTED:
                noted.append(Element(tag, vr, start, start + SHORT_HEADER, length, position, None, False, True))
            if look & _LONG:
                position = self._long_end(head, bulk, start, vr)
            if look & (_LONG | _UID) and position <= size:
                self._check(head, start, position)
        if position != size + len(bulk) or last < 0:
            raise _UnsureError
        return tuple(noted)

    def _kind(self, key: bytes) -> _Kind:
        kind = kind_of(key)
        if kind is None or kind.tag >> 16 & 1:
            raise _UnsureError
        look = _LONG if kind.is_long else 0
        look |= _UID if "UI" in (kind.vr, dictionary_vr(kind.tag)) else 0
        look |= _NOTED if kind.tag in self._noted else 0
        if look & _LONG and look & _NOTED:
            raise _UnsureError
        return self._kinds.setdefault(key, _Kind(kind.tag, kind.vr, look))

    def _long_end(self, head: bytes, bulk: memoryview, start: int, vr: str) -> int:
        (length,) = LONG_LENGTH.unpack_from(head, start + SHORT_HEADER)
        value = start + LONG_HEADER
        if bulk and value == len(head):
            end = fragments_end(bulk, 0) if length == UNDEFINED else length
            if vr not in BULK_VRS or len(bulk) < SHORTEST_BULK or end != len(bulk):
                raise _UnsureError
            return value + end
        return element_at(head, start).end if length == UNDEFINED else value + length

    def _check(self, head: bytes, start: int, end: int) -> None:
        """Look into one element, once for all that are written alike."""
        written = head[start:end]
        if written in self._seen:
            return
        element = element_at(head, start)
        if element.end != end or not is_clean_element(element, head, keeps_uid=self._keeps_uid):
            raise _UnsureError
        if len(written) <= _LONGEST_REMEMBERED:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen.add(written)
