"""Facts of files that are like their neighbours, which nearly all of an archive are.

Of a file of a known layout (`dicom.layout`) only those elements are read that differ from file to file, and those that
the facts are made of; what all others say was said by a file before.

The law: the facts are those of `instance_facts`, and so is every refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import error as StructError
from typing import NamedTuple

from curator.dicom.elements import Buffer, DataSet, Element
from curator.dicom.layout import Layout, Layouts, Place
from curator.dicom.parse import element_at, parse
from curator.dicom.private import is_creator, is_private
from curator.dicom.syntax import TransferSyntax
from curator.dicom.text import SPECIFIC_CHARACTER_SET
from curator.dicom.tokens import (
    CHARACTER_SET,
    LONG_HEADER,
    PREFIX_END,
    TRANSFER_SYNTAX,
    is_meta_length,
    meta_tokens,
    taken_syntax,
)
from curator.errors import ItemError
from curator.ingest.descriptors import DescriptorPlaces
from curator.ingest.facts import ASKED, Asking, Said, facts_of
from curator.model.instance import SourceInstance
from curator.policy.header import HeaderPolicy

_SOP_CLASS = b"\x08\0\x16\0UI"


class _Read(NamedTuple):
    """An element that is read of every file: a varying one by its place among these, or one some way behind such.

    `element` is that of the file the layout was made of, whose varying element ended at `end`; None for a varying one.
    """

    place: int
    end: int
    element: Element | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alike:
    """What is known of files of one layout: which elements to read of each, and what those left out say.

    The data set begins `begins` bytes behind the end of the varying element `last_of_meta`.
    """

    syntax: TransferSyntax
    last_of_meta: int
    begins: int
    meta: tuple[_Read, ...] = field(repr=False)
    elements: tuple[_Read, ...] = field(repr=False)
    beside: Said = field(repr=False)


class FactsOfAlike:
    """Takes the facts of one file after the other under one policy; `places` are those of descriptors."""

    __slots__ = ("_asking", "_is_alone", "_layouts")

    def __init__(self, policy: HeaderPolicy, places: DescriptorPlaces) -> None:
        self._asking = Asking(policy, places)
        # A recipe looks from one element at another.
        self._is_alone = policy.recipe is None
        self._layouts: Layouts[_Alike] = Layouts(pinned=(TRANSFER_SYNTAX, CHARACTER_SET, _SOP_CLASS), taught={})

    def facts(self, data: Buffer, *, reference: str, content_id: str) -> SourceInstance:
        """The facts of the DICOM file whose bytes are `data`.

        Raises:
            ItemError: as `instance_facts`.
        """
        like = self._like(data) if self._is_alone and isinstance(data, bytes) else None
        data_set, beside = (parse(data), None) if like is None else like
        facts = facts_of(data_set, reference=reference, content_id=content_id, asking=self._asking, beside=beside)
        if like is None and self._is_alone and isinstance(data, bytes):
            self._learn(data, data_set, facts.SOPClassUID)
        return facts

    def _like(self, data: bytes) -> tuple[DataSet, Said] | None:
        """The elements to read of a file of a known layout, and what the others say."""
        if data[PREFIX_END - 4 : PREFIX_END] != b"DICM":
            return None
        try:
            found = self._layouts.found(data, PREFIX_END, len(data))
            if found is None:
                return None
            like, places = found
            if not is_meta_length(data, places[like.last_of_meta][1] + like.begins):
                return None
            meta, elements = (tuple(_read(data, one, places) for one in part) for part in (like.meta, like.elements))
        except (ItemError, StructError):
            # The whole file is read to say what is wrong.
            return None
        return DataSet(like.syntax, meta, data, elements, data, 0), like.beside

    def _learn(self, data: bytes, data_set: DataSet, sop_class_uid: str) -> None:
        """Know files that are like this one."""
        found = meta_tokens(data)
        if (
            found is None
            or taken_syntax(found[0]) is None
            or data_set.trailing
            or found[1] != data_set.elements[0].start
        ):
            return
        every = (*data_set.meta, *data_set.elements)
        places = [Place(one.start, one.end, one.value - one.start == LONG_HEADER) for one in every]
        lesson = self._layouts.lesson(data, places)
        varying = {index: at for at, index in enumerate(lesson.varying)}
        if any(is_private(every[index].tag) and is_creator(every[index].tag) for index in varying):
            # What private elements mean would differ with it.
            return
        first = len(data_set.meta)
        of_meta = [index for index in lesson.varying if index < first]
        reads: list[_Read] = []
        left: list[Element] = []
        before = 0
        for index, element in enumerate(every):
            if index in varying:
                before = index
                reads.append(_Read(varying[index], 0, None))
            elif index < first or self._is_read(data_set, element):
                reads.append(_Read(varying[before], places[before].end, element))
            else:
                left.append(element)
        context = [one for one in data_set.elements if _is_context(one)]
        beside = data_set._replace(elements=tuple(sorted([*context, *left], key=lambda one: one.start)))
        like = _Alike(
            syntax=data_set.syntax,
            last_of_meta=len(of_meta) - 1,
            begins=data_set.elements[0].start - places[of_meta[-1]].end,
            meta=tuple(reads[:first]),
            elements=tuple(reads[first:]),
            beside=self._asking.said_in(beside, sop_class_uid),
        )
        self._layouts.remember(lesson, Layout(data, places, lesson.varying), like)

    def _is_read(self, data_set: DataSet, element: Element) -> bool:
        """Whether the facts need more of an element than what it identifies and refers to."""
        return element.tag in ASKED or _is_context(element) or self._asking.is_ordered(data_set, element)


def _is_context(element: Element) -> bool:
    """Whether an element says what others mean."""
    return element.tag == SPECIFIC_CHARACTER_SET or (is_private(element.tag) and is_creator(element.tag))


def _read(data: bytes, one: _Read, places: Sequence[tuple[int, int]]) -> Element:
    start, end = places[one.place]
    element = one.element
    if element is None:
        return element_at(data, start)
    moved = end - one.end
    if element.items is not None:
        return element_at(data, element.start + moved)
    tag, vr, begins, value, length, ends, _, undefined, explicit = element
    return Element(tag, vr, begins + moved, value + moved, length, ends + moved, None, undefined, explicit)
