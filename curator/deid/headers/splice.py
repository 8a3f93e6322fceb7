"""The header of a file that is like its neighbours, rewritten from what became of theirs.

A series repeats its elements in their order and most of them byte for byte (`dicom.layout`): what was written for these
is written again, of the others alone is asked what becomes of them (`fates`), and pixels are never copied.

The law: what comes out is byte for byte what `Rewriter` gives; a data set in which something else than an element's
own bytes could decide is not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import error as StructError
from typing import NamedTuple

from curator.deid.headers.fates import Applied, Everybody, Fate, Fates, Judged, Known, NotTakenError
from curator.deid.headers.rewrite import Chunk
from curator.deid.headers.terms import Terms
from curator.dicom.dictionary import LONG_LENGTH_VRS
from curator.dicom.layout import Layout, Layouts, Place, Varying
from curator.dicom.parse import element_at
from curator.dicom.syntax import TransferSyntax
from curator.dicom.tokens import (
    CHARACTER_SET,
    HEADER,
    LONG_HEADER,
    LONG_LENGTH,
    PREFIX_END,
    SHORT_HEADER,
    TRANSFER_SYNTAX,
    UNDEFINED,
    Stored,
    character_set,
    is_meta_length,
    meta_tokens,
    taken_syntax,
)
from curator.errors import ItemError
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
# Longer values are taken over as views: pixels, and tables that no copy of the header should hold.
_LONGEST_COPIED = 1 << 16
_MOST_SUMS = 1 << 10


@dataclass(slots=True)
class Shared:
    """What the splicers of one SOP Class and policy have in common: all that does not depend on the person."""

    everybody: Everybody = field(default_factory=Everybody)
    varying: Varying = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Spliced:
    """A rewritten data set: its syntax, its bytes in order, and how often each rule was applied with which action."""

    syntax: TransferSyntax
    chunks: tuple[Chunk, ...] = field(repr=False)
    applied: Applied


class _Met(NamedTuple):
    """An element of a data set, its kind and what became of it."""

    place: Place
    kind: Judged
    fate: Fate


class _Step(NamedTuple):
    """What is written before a varying element, and which of them it is."""

    before: bytes
    place: int
    kind: Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What files of one layout come to.

    The data set begins `begins` bytes behind the end of the varying element `last_of_meta`.
    """

    syntax: TransferSyntax
    known: Known = field(repr=False)
    last_of_meta: int
    begins: int
    steps: tuple[_Step, ...] = field(repr=False)
    rest: bytes = field(repr=False)
    applied: Applied


def is_spliceable(policy: HeaderPolicy) -> bool:
    """Whether the policy judges each element of the top level by its own bytes alone."""
    return policy.recipe is None and _TAKEN_OPTIONS.issuperset(policy.options)


class Splicer:
    """Rewrites files of one person and SOP Class under one policy that `is_spliceable`.

    `markers` are the top-level elements the policy states, encoded whole, by tag, for a source that has none of them.
    """

    __slots__ = ("_fates", "_layouts", "_markers", "_sums", "subject")

    def __init__(
        self,
        terms: Terms,
        *,
        markers: Mapping[int, bytes],
        shared: Shared,
    ) -> None:
        self.subject = terms.subject
        self._fates = Fates(terms, own_tags=markers.keys(), everybody=shared.everybody)
        self._layouts: Layouts[_Written] = Layouts(pinned=(TRANSFER_SYNTAX, CHARACTER_SET), taught=shared.varying)
        self._markers = sorted(markers.items())
        self._sums: dict[tuple[int, ...], tuple[Sequence[Applied], Applied]] = {}

    def spliced(self, data: Stored) -> Spliced | None:
        """A file's data set, rewritten; None where `Rewriter` has to."""
        try:
            is_file = data[PREFIX_END - 4 : PREFIX_END] == b"DICM"
            found = self._layouts.found(data, PREFIX_END, len(data)) if is_file else None
            if found is None:
                return self._learnt(data)
            written, places = found
            if not is_meta_length(data, places[written.last_of_meta][1] + written.begins):
                return None
            return self._out(data, written, places)
        except (ItemError, StructError, NotTakenError):
            # Whatever is wrong with it, the general way says so.
            return None
        finally:
            self._fates.forget_file()

    def _out(self, data: Stored, written: _Written, places: Sequence[tuple[int, int]]) -> Spliced:
        """What a file of a known layout comes to."""
        chunks: list[Chunk] = []
        applied = [written.applied]
        fates, known = self._fates, written.known
        for before, place, kind in written.steps:
            start, end = places[place]
            fate = fates.fate(data, kind, start, end, known)
            applied.append(fate.applied)
            chunks.append(before)
            if fate.instead is not None:
                chunks.append(fate.instead)
            elif end - start <= _LONGEST_COPIED:
                chunks.append(data[start:end])
            else:
                value = start + LONG_HEADER
                chunks += [data[start:value], memoryview(data)[value:end]]
        if written.rest:
            chunks.append(written.rest)
        return Spliced(written.syntax, tuple(chunks), self._summed(applied))

    def _learnt(self, data: Stored) -> Spliced | None:
        """The same for any other file, one header after the other; the next one may be like it."""
        found = meta_tokens(data)
        syntax = taken_syntax(found[0]) if found is not None else None
        if found is None or syntax is None:
            return None
        tokens, start = found
        meta = [Place(one.start, one.end, one.key[4:].decode("latin-1") in LONG_LENGTH_VRS) for one in tokens]
        known = self._fates.known_under(character_set(data, start))
        met = list(self._elements(data, start, known))
        places = [*meta, *(one.place for one in met)]
        lesson = self._layouts.lesson(data, places)
        varying = lesson.varying
        of_meta = [index for index in varying if index < len(meta)]
        steps, rest, applied = self._steps(data, met, {index - len(meta): at for at, index in enumerate(varying)})
        written = _Written(
            syntax=syntax,
            known=known,
            last_of_meta=len(of_meta) - 1,
            begins=start - places[of_meta[-1]].end,
            steps=steps,
            rest=rest,
            applied=applied,
        )
        self._layouts.remember(lesson, Layout(data, places, varying), written)
        return self._out(data, written, [(places[index].start, places[index].end) for index in varying])

    def _elements(self, data: Stored, position: int, known: Known) -> Iterable[_Met]:
        """Every element from `position` on, in ascending order of their tags."""
        size, last, unpack, fates = len(data), -1, HEADER.unpack_from, self._fates
        while position < size:
            key, length = unpack(data, position)
            kind = fates.kind(key)
            if kind.tag <= last:
                raise NotTakenError
            end = _long_end(data, position) if kind.is_long else position + SHORT_HEADER + length
            yield _Met(Place(position, end, kind.is_long), kind, fates.fate(data, kind, position, end, known))
            last, position = kind.tag, end
        if position != size or last < 0:
            raise NotTakenError

    def _steps(
        self, data: Stored, met: Sequence[_Met], varying: Mapping[int, int]
    ) -> tuple[tuple[_Step, ...], bytes, Applied]:
        """What is written, part by part, and what was applied to the elements that do not vary."""
        steps: list[_Step] = []
        applied: list[Applied] = []
        before: list[bytes] = []
        waiting = self._markers[::-1]
        for index, (place, kind, fate) in enumerate(met):
            while waiting and waiting[-1][0] < kind.tag:
                before.append(waiting.pop()[1])
            if index in varying and kind.fate is None:
                steps.append(_Step(b"".join(before), varying[index], kind))
                before.clear()
                continue
            applied.append(fate.applied)
            before.append(data[place.start : place.end] if fate.instead is None else fate.instead)
        before += [content for _, content in reversed(waiting)]
        return tuple(steps), b"".join(before), self._summed(applied)

    def _summed(self, parts: Sequence[Applied]) -> Applied:
        """All of them together; files of a series have the same objects in common."""
        key = tuple(map(id, parts))
        known = self._sums.get(key)
        if known is None:
            if len(self._sums) >= _MOST_SUMS:
                self._sums.clear()
            # The parts are kept, so that nothing else gets their identity.
            known = self._sums[key] = (parts, _sum(parts))
        return known[1]


def _sum(parts: Iterable[Applied]) -> Applied:
    counted: dict[tuple[str, Action], int] = {}
    for part in parts:
        for key, count in part.items():
            counted[key] = counted.get(key, 0) + count
    return counted


def _long_end(data: Stored, position: int) -> int:
    length: int
    (length,) = LONG_LENGTH.unpack_from(data, position + SHORT_HEADER)
    return element_at(memoryview(data), position).end if length == UNDEFINED else position + LONG_HEADER + length
