"""The header of a file that is like its neighbours, rewritten from what became of theirs.

A series repeats most of its elements byte for byte. What `Rewriter` made of an element is remembered by the element's
own bytes, runs that stay are taken over as one slice, and pixels are never copied.

The law: what comes out is byte for byte what `Rewriter` gives; a data set in which something else than an element's
own bytes could decide is not taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import error as StructError
from typing import NamedTuple

from curator.deid.headers.rewrite import Chunk, Decide, Rewriter
from curator.deid.subject import Subject
from curator.dicom.elements import DataSet, Element
from curator.dicom.parse import element_at
from curator.dicom.syntax import TransferSyntax
from curator.dicom.tokens import (
    HEADER,
    LONG_HEADER,
    LONG_LENGTH,
    SHORT_HEADER,
    UNDEFINED,
    Kind,
    Stored,
    character_set,
    kind_of,
)
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.model.decision import Action
from curator.policy.header import HeaderPolicy

# Under these alone an element is judged by its own bytes; what looks at private creators or at other elements is not.
_TAKEN_OPTIONS = frozenset(
    {
        "retain-uids",
        "retain-device-identity",
        "retain-institution-identity",
        "retain-patient-characteristics",
        "retain-long-full-dates",
        "retain-long-modified-dates",
        "clean-pixel-data",
    }
)
_LONGEST_REMEMBERED = 4096
# Longer values are taken over as views: pixels, and tables that no copy of the header should hold.
_LONGEST_COPIED = 1 << 16
_MOST_REMEMBERED = 1 << 14
_MOST_CHARACTER_SETS = 16
_SHORTEST_STRETCH = 3
_AFTER_ALL = 1 << 32
# What these make of a value depends on whose it is.
_PERSONAL = frozenset({Action.PSEUDONYM, Action.SHIFT, Action.SET})


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of an element: its replacement, nothing for a removed one, None where it stays as it is."""

    instead: bytes | None = field(repr=False)
    applied: Mapping[tuple[str, Action], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Elements that stood side by side: as read, as written, and how many markers waited before and after them."""

    content: bytes = field(repr=False)
    written: bytes = field(repr=False)
    applied: Mapping[tuple[str, Action], int]
    first: int
    last: int
    waiting: tuple[int, int]


@dataclass(slots=True)
class _Known:
    """Elements by their bytes, the person's and everybody's, and stretches by the header of their first element."""

    everybody: dict[bytes, _Fate] = field(repr=False)
    fates: dict[bytes, _Fate] = field(default_factory=dict, repr=False)
    stretches: dict[bytes, _Stretch] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Spliced:
    """A rewritten data set: its bytes in order, and what was applied to its elements, part by part."""

    chunks: tuple[Chunk, ...] = field(repr=False)
    parts: tuple[Mapping[tuple[str, Action], int], ...] = field(repr=False)

    @property
    def applied(self) -> dict[tuple[str, Action], int]:
        """How often each rule was applied with which action."""
        return _summed(self.parts)


Everybody = dict[bytes, dict[bytes, _Fate]]
"""Elements that mean the same in everybody's files, by their bytes, by character set."""


def _summed(parts: Iterable[Mapping[tuple[str, Action], int]]) -> dict[tuple[str, Action], int]:
    counted: dict[tuple[str, Action], int] = {}
    for part in parts:
        for key, count in part.items():
            counted[key] = counted.get(key, 0) + count
    return counted


def is_spliceable(policy: HeaderPolicy) -> bool:
    """Whether the policy judges each element of the top level by its own bytes alone."""
    return policy.recipe is None and _TAKEN_OPTIONS.issuperset(policy.options)


class Splicer:
    """Rewrites data sets of one person and SOP Class under one policy that `is_spliceable`.

    `markers` are the top-level elements the policy states, encoded whole, by tag, for a source that has none of them.
    `everybody` is shared by the splicers of one SOP Class and policy: what does not depend on the person.
    """

    __slots__ = ("_decide", "_known", "_pseudonyms", "_sop_class_uid", "everybody", "kinds", "markers", "subject")

    def __init__(
        self,
        *,
        decide: Decide,
        pseudonyms: Pseudonyms,
        subject: Subject,
        sop_class_uid: str,
        markers: Mapping[int, bytes],
        everybody: Everybody,
    ) -> None:
        self.subject = subject
        self.everybody = everybody
        self.markers = markers
        self.kinds: dict[bytes, Kind] = {}
        self._decide = decide
        self._pseudonyms = pseudonyms
        self._sop_class_uid = sop_class_uid
        self._known: dict[bytes, _Known] = {}

    def spliced(self, data: Stored, start: int, syntax: TransferSyntax) -> Spliced | None:
        """The data set that begins at `start`, rewritten; None where `Rewriter` has to."""
        try:
            return _Pass(self, data, syntax, start).spliced(start)
        except (ItemError, StructError, _NotTakenError):
            # Whatever is wrong with it, the general way says so.
            return None

    def known(self, character_set: bytes) -> _Known:
        """What was met under a character set, which says what the bytes of all other elements mean."""
        if len(self._known) > _MOST_CHARACTER_SETS:
            self._known.clear()
        known = self._known.get(character_set)
        if known is None:
            known = self._known[character_set] = _Known(self.everybody.setdefault(character_set, {}))
        for remembered in (known.fates, known.everybody):
            if len(remembered) > _MOST_REMEMBERED:
                remembered.clear()
                known.stretches.clear()
        return known

    def rewriter(self, data: Stored, syntax: TransferSyntax) -> Rewriter:
        """The general way, for elements not met before."""
        view = memoryview(data)
        return Rewriter(
            DataSet(syntax, (), view, (), view, 0),
            decide=self._decide,
            pseudonyms=self._pseudonyms,
            subject=self.subject,
            sop_class_uid=self._sop_class_uid,
            set_elements={},
        )


class _NotTakenError(Exception):
    """The data set is for `Rewriter`."""


class _Begun(NamedTuple):
    """Where a stretch of known elements begins, in what is read and in what is written."""

    position: int
    applied: int
    chunks: int
    waiting: int


class _Pass:
    """One data set on its way through."""

    __slots__ = ("_applied", "_begun", "_data", "_known", "_last", "_out", "_rewriter", "_run", "_splicer", "_waiting")

    def __init__(self, splicer: Splicer, data: Stored, syntax: TransferSyntax, start: int) -> None:
        self._splicer = splicer
        self._data = data
        self._rewriter = splicer.rewriter(data, syntax)
        self._known = splicer.known(character_set(data, start))
        self._waiting = sorted(splicer.markers.items(), reverse=True)
        self._out: list[Chunk] = []
        self._applied: list[Mapping[tuple[str, Action], int]] = []
        self._begun = _Begun(start, 0, 0, len(self._waiting))
        self._run = start
        self._last = -1

    def spliced(self, position: int) -> Spliced:
        """Everything from `position` on."""
        size = len(self._data)
        while position < size:
            position = self._stretch(position)
            if position < size:
                position = self._elements(position, size)
        if position != size or self._last < 0:
            raise _NotTakenError
        self._mark(_AFTER_ALL, size)
        self._cut(size, b"", size)
        return Spliced(tuple(self._out), tuple(self._applied))

    def _elements(self, position: int, size: int) -> int:
        """One element after the other until one that was not met before is done; the inner loop of a release."""
        data, unpack, kinds, known = self._data, HEADER.unpack_from, self._splicer.kinds, self._known.fates
        applied, last, is_met = self._applied, self._last, True
        marker = self._waiting[-1][0] if self._waiting else _AFTER_ALL
        while position < size and is_met:
            key, length = unpack(data, position)
            kind = kinds.get(key) or self._kind(key)
            previous, last = last, kind.tag
            if last <= previous:
                raise _NotTakenError
            end = position + SHORT_HEADER + length if not kind.is_long else self._long_end(position)
            fate = known.get(data[position:end]) if end - position <= _LONGEST_REMEMBERED else None
            if fate is None:
                self._remember(position, previous)
                fate, is_met = self._judged(kind, position, end), False
            if last >= marker:
                marker = self._mark(last, position)
            applied.append(fate.applied)
            if fate.instead is not None:
                self._cut(position, fate.instead, end)
            elif end - position > _LONGEST_COPIED:
                self._view(position, end)
            position = end
        self._last = last
        return position

    def _stretch(self, position: int) -> int:
        """Take over what a neighbour had here, where this file has the same; where that ends."""
        self._cut(position, b"", position)
        stretch = self._known.stretches.get(self._data[position : position + SHORT_HEADER])
        if stretch is not None and stretch.first > self._last and stretch.waiting[0] == len(self._waiting):
            end = position + len(stretch.content)
            if self._data[position:end] == stretch.content:
                if stretch.written:
                    self._out.append(stretch.written)
                self._applied.append(stretch.applied)
                del self._waiting[stretch.waiting[1] :]
                self._last, self._run, position = stretch.last, end, end
        self._begun = _Begun(position, len(self._applied), len(self._out), len(self._waiting))
        return position

    def _remember(self, position: int, last: int) -> None:
        """What stood from where the stretch began to `position` was all met before: next time it is one."""
        begun = self._begun
        if len(self._applied) - begun.applied < _SHORTEST_STRETCH:
            return
        self._cut(position, b"", position)
        content = self._data[begun.position : position]
        self._known.stretches[content[:SHORT_HEADER]] = _Stretch(
            content=content,
            written=b"".join(self._out[begun.chunks :]),
            applied=_summed(self._applied[begun.applied :]),
            first=self._splicer.kinds[content[: SHORT_HEADER - 2]].tag,
            last=last,
            waiting=(begun.waiting, len(self._waiting)),
        )

    def _kind(self, key: bytes) -> Kind:
        kind = kind_of(key)
        if kind is None or kind.tag in self._splicer.markers:
            raise _NotTakenError
        return self._splicer.kinds.setdefault(key, kind)

    def _long_end(self, position: int) -> int:
        length: int
        (length,) = LONG_LENGTH.unpack_from(self._data, position + SHORT_HEADER)
        if length == UNDEFINED:
            return element_at(memoryview(self._data), position).end
        return position + LONG_HEADER + length

    def _judged(self, kind: Kind, position: int, end: int) -> _Fate:
        """What `Rewriter` makes of an element, remembered where it is short."""
        if end > len(self._data):
            raise _NotTakenError
        is_short = end - position <= _LONGEST_REMEMBERED
        written = self._data[position:end] if is_short else b""
        fate = self._known.everybody.get(written) if is_short else None
        if fate is None:
            rewriter = self._rewriter
            rewriter.applied = Counter()
            element = self._element(kind, position, end)
            fate = _Fate(self._instead(element, rewriter.at_top(element)), rewriter.applied)
            if is_short and _PERSONAL.isdisjoint(action for _, action in fate.applied):
                self._known.everybody[written] = fate
        if is_short:
            self._known.fates[written] = fate
        return fate

    def _element(self, kind: Kind, position: int, end: int) -> Element:
        if kind.is_long:
            return element_at(memoryview(self._data), position)
        value = position + SHORT_HEADER
        return Element(kind.tag, kind.vr, position, value, end - value, end, None, False, True)

    def _instead(self, element: Element, chunks: Sequence[Chunk]) -> bytes | None:
        size = element.end - element.start
        if len(chunks) == 1 and isinstance(chunks[0], memoryview) and len(chunks[0]) == size:
            return None
        written = b"".join(chunks)
        return None if written == self._data[element.start : element.end] else written

    def _mark(self, tag: int, position: int) -> int:
        """Put in what the policy states before `tag`; the tag of what comes next."""
        while self._waiting and self._waiting[-1][0] < tag:
            self._cut(position, self._waiting.pop()[1], position)
        return self._waiting[-1][0] if self._waiting else _AFTER_ALL

    def _cut(self, position: int, instead: bytes, end: int) -> None:
        """What was to stay up to `position` is done with; what stays next begins at `end`."""
        if self._run < position:
            self._out.append(self._data[self._run : position])
        if instead:
            self._out.append(instead)
        self._run = end

    def _view(self, position: int, end: int) -> None:
        """Take over a large element without a copy of its value."""
        value = position + LONG_HEADER
        self._cut(value, b"", end)
        self._out.append(memoryview(self._data)[value:end])
