"""The quick half of the proof: most written files are clean, and it takes little to say so.

Like `verify` this reads what was written as a stranger would, by its own headers, and knows nothing of the rewriting.
What stands in a file as in one before that was found in order need not be looked at again (`dicom.layout`).

The law: with the search for the person's identifiers (`person_search`), what is called clean here has no residual;
whatever cannot be told at once is left to `verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from struct import error as StructError
from typing import NamedTuple

from curator.deid.verify import META_TAGS, PREAMBLE, SHORTEST_BULK, is_clean_element
from curator.dicom.dictionary import BULK_VRS, dictionary_vr
from curator.dicom.elements import Element
from curator.dicom.layout import Layout, Layouts, Place, Varying
from curator.dicom.parse import element_at, fragments_end
from curator.dicom.tokens import (
    HEADER,
    LONG_HEADER,
    LONG_LENGTH,
    PREFIX_END,
    SHORT_HEADER,
    TRANSFER_SYNTAX,
    UNDEFINED,
    is_meta_length,
    kind_of,
    meta_tokens,
    taken_syntax,
)
from curator.errors import ItemError

_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_META_SOP_CLASS, _META_SOP_INSTANCE = b"\2\0\2\0UI", b"\2\0\3\0UI"
_META_KEYS = frozenset(
    tag.to_bytes(4, "little")[2:] + tag.to_bytes(4, "little")[:2] + vr
    for tag, vr in ((tag, vr) for tag in META_TAGS for vr in (b"UL", b"OB", b"UI", b"SH"))
)
_ZEROS = bytes(PREAMBLE)
_VARYING_OF_META = 2
_LONGEST_REMEMBERED = 4096
_MOST_REMEMBERED = 1 << 11
# How closely a kind of element has to be looked at; 0 for one that its header says all about.
_LONG, _UID, _NOTED = 1, 2, 4


Noted = dict[int, tuple[str, bytes]]
"""VR and value of elements of the top level, by tag."""


class _Kind(NamedTuple):
    tag: int
    vr: str
    look: int


class _UnsureError(Exception):
    """What is written may be clean, but not so that it can be told at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """What is known of files of one layout: all but what varies was found in order.

    `own_uid` is the varying element that is the SOP Instance UID of the file meta group, `begins` how far behind it the
    data set begins; `varying` are those of the data set by their index; `tail` is how a bulk value's header begins.
    """

    own_uid: int
    begins: int
    sop_class: bytes = field(repr=False)
    varying: tuple[tuple[int, _Kind], ...]
    noted: Noted = field(repr=False)
    tail: bytes = field(repr=False)


CleanLayouts = Layouts[_Proven]
"""What one person's clean files have in common."""


class CleanCheck:
    """Says of written files that they are clean, or nothing. `keeps_uid` is as in `verify.residuals`."""

    __slots__ = ("_keeps_uid", "_kinds", "_noted", "_seen", "_taught")

    def __init__(self, *, keeps_uid: Callable[[Element], bool], noted: Collection[int]) -> None:
        self._keeps_uid = keeps_uid
        self._noted = frozenset({_SOP_CLASS, _SOP_INSTANCE, *noted})
        self._kinds: dict[bytes, _Kind] = {}
        self._seen: set[bytes] = set()
        self._taught: Varying = {}

    def layouts(self) -> CleanLayouts:
        """A memory for one person's files."""
        return Layouts(pinned=(TRANSFER_SYNTAX, _META_SOP_CLASS), taught=self._taught)

    def noted(self, head: bytes, bulk: memoryview, layouts: CleanLayouts) -> Noted | None:
        """What the elements to note hold in a file of the bytes `head` and then `bulk`, if all of it is in order.

        `bulk` is the value of the last element, or empty. None where something may be wrong; the search for
        identifiers is not done here.
        """
        try:
            return self._read(head, bulk, layouts)
        except (ItemError, StructError, _UnsureError):
            return None

    def _read(self, head: bytes, bulk: memoryview, layouts: CleanLayouts) -> Noted:
        """The noted elements of a file that is in order; one like those before is looked at where it differs."""
        size = len(head) - LONG_HEADER if bulk else len(head)
        if head[:PREAMBLE] != _ZEROS:
            raise _UnsureError
        found = layouts.found(head, PREFIX_END, size)
        if found is None:
            return self._learnt(head, bulk, size, layouts)
        like, places = found
        if not is_meta_length(head, places[like.own_uid][1] + like.begins) or head[size:-4] != like.tail:
            raise _UnsureError
        noted = like.noted.copy()
        for index, (tag, vr, look) in like.varying:
            start, end = places[index]
            if look & _NOTED:
                noted[tag] = (vr, head[start + SHORT_HEADER : end])
            if look & (_LONG | _UID):
                self._check(head, start, end)
        _check_bulk(head, bulk, size)
        start, end = places[like.own_uid]
        _check_meta(noted, like.sop_class, head[start + SHORT_HEADER : end])
        return noted

    def _learnt(self, head: bytes, bulk: memoryview, size: int, layouts: CleanLayouts) -> Noted:
        found = meta_tokens(head)
        if found is None or taken_syntax(found[0]) is None:
            raise _UnsureError
        tokens, start = found
        meta = {token.key: token.value for token in tokens}
        if len(meta) != len(tokens) or not _META_KEYS.issuperset(meta):
            raise _UnsureError
        met = list(self._elements(head, start, size))
        if size < len(head):
            kind = self._kind(head[size : size + 6])
            if kind.tag <= met[-1][1].tag or kind.vr not in BULK_VRS or kind.look & _NOTED:
                raise _UnsureError
            _check_bulk(head, bulk, size)
        noted = {
            kind.tag: (kind.vr, head[place.start + SHORT_HEADER : place.end])
            for place, kind in met
            if kind.look & _NOTED
        }
        _check_meta(noted, meta.get(_META_SOP_CLASS, b""), meta.get(_META_SOP_INSTANCE, b""))
        places = [*(Place(one.start, one.end, one.key[4:] == b"OB") for one in tokens), *(place for place, _ in met)]
        lesson = layouts.lesson(head, places)
        of_meta = {tokens[index].key: at for at, index in enumerate(lesson.varying) if index < len(tokens)}
        own_uid = of_meta.get(_META_SOP_INSTANCE)
        # Of the file meta group its length and the instance's own UID may differ, and nothing else.
        if own_uid is not None and len(of_meta) == _VARYING_OF_META:
            varying = ((at, met[index - len(tokens)][1]) for at, index in enumerate(lesson.varying))
            like = _Proven(
                own_uid=own_uid,
                begins=start - places[lesson.varying[own_uid]].end,
                sop_class=meta[_META_SOP_CLASS],
                varying=tuple(varying)[len(of_meta) :],
                noted=noted.copy(),
                tail=head[size:-4],
            )
            layouts.remember(lesson, Layout(head, places, lesson.varying), like)
        return noted

    def _elements(self, head: bytes, position: int, size: int) -> Iterator[tuple[Place, _Kind]]:
        """Every element from `position` on, all of which are in order."""
        unpack, kinds, last = HEADER.unpack_from, self._kinds, -1
        while position < size:
            key, length = unpack(head, position)
            kind = kinds.get(key) or self._kind(key)
            if kind.tag <= last:
                raise _UnsureError
            last, start, position = kind.tag, position, position + SHORT_HEADER + length
            if kind.look & _LONG:
                position = _long_end(head, start)
            if kind.look & (_LONG | _UID) and position <= size:
                self._check(head, start, position)
            yield Place(start, position, bool(kind.look & _LONG)), kind
        if position != size or last < 0:
            raise _UnsureError

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


def _check_bulk(head: bytes, bulk: memoryview, size: int) -> None:
    """That the value whose header ends `head` is all of `bulk`."""
    if bulk:
        (length,) = LONG_LENGTH.unpack_from(head, size + SHORT_HEADER)
        end = fragments_end(bulk, 0) if length == UNDEFINED else length
        if len(bulk) < SHORTEST_BULK or end != len(bulk):
            raise _UnsureError


def _check_meta(noted: Noted, sop_class: bytes, sop_instance: bytes) -> None:
    """That the file meta group names what the data set says it is."""
    for tag, said in ((_SOP_CLASS, sop_class), (_SOP_INSTANCE, sop_instance)):
        if noted.get(tag, ("", b""))[1].rstrip(b"\0 ") != said.rstrip(b"\0 "):
            raise _UnsureError


def _long_end(head: bytes, start: int) -> int:
    (length,) = LONG_LENGTH.unpack_from(head, start + SHORT_HEADER)
    return element_at(head, start).end if length == UNDEFINED else start + LONG_HEADER + int(length)
