"""Known places of text in an image, by its header.

The law: an attribute is looked for in the file meta group, at the top and, where it is in neither, in every sequence.

Sources: DICOM PS3.3 C.8.5.5.1 (regions of ultrasound).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from curator.deid.pixels.module import PixelModule
from curator.dicom.dictionary import BULK_VRS, dictionary_vr, tag_of
from curator.dicom.elements import Buffer, DataSet, Element, Item
from curator.dicom.numbers import NUMBER_VRS, numbers_of
from curator.dicom.text import encodings_of, values_of
from curator.dicom.walk import Placed, walk
from curator.model.pixels import Box, Judged
from curator.policy.pixels.places import Header, known_places
from curator.policy.pixels.rules import PixelRules

_TAG = re.compile(r"0x([0-9a-f]{8})", re.IGNORECASE)
_EDGES = tuple(
    map(tag_of, ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1"))
)


def places(
    data_set: DataSet, module: PixelModule, rules: PixelRules, *, found: Sequence[Box] = ()
) -> tuple[Judged, ...]:
    """Every place that is to be blacked out by the header alone, clipped to the frame and in all frames; () for none.

    `found` are the boxes of texts that have to go: some layouts count only where one mostly lies in their places.
    These boxes are known, so their area says nothing about whether a person has to look.
    """
    header = Header(_Values(data_set), partial(_regions, data_set))
    return known_places(rules.layouts, header, rows=module.rows, columns=module.columns, found=found)


class _Values:
    """What a file says, by keyword or tag."""

    def __init__(self, data_set: DataSet) -> None:
        self._data_set = data_set
        self._top: dict[int, Placed] = {}
        self._nested: dict[int, list[Placed]] = {}
        for placed in walk(data_set):
            if placed.path:
                self._nested.setdefault(placed.element.tag, []).append(placed)
            else:
                self._top.setdefault(placed.element.tag, placed)
        self._meta = {element.tag: element for element in data_set.meta}
        self._known: dict[str, tuple[str, ...] | None] = {}

    def __call__(self, field: str) -> tuple[str, ...] | None:
        if field not in self._known:
            matched = _TAG.fullmatch(field)
            self._known[field] = self._values(int(matched[1], 16) if matched else tag_of(field))
        return self._known[field]

    def _values(self, tag: int) -> tuple[str, ...] | None:
        if tag in self._meta:
            return _texts(self._data_set.meta_data, self._meta[tag], dictionary_vr(tag), encodings_of(b""), "<")
        placed = [self._top[tag]] if tag in self._top else self._nested.get(tag)
        if placed is None:
            return None
        data, order = self._data_set.data, self._data_set.syntax.order
        return tuple(text for one in placed for text in _texts(data, one.element, one.vr, one.encodings, order))


def _texts(data: Buffer, element: Element, vr: str, encodings: tuple[str, ...], order: str) -> tuple[str, ...]:
    if element.items is not None or vr in BULK_VRS:
        return ("",) if element.length else ()
    raw = bytes(data[element.value : element.value + element.length])
    return tuple(map(str, numbers_of(raw, vr, order))) if vr in NUMBER_VRS else values_of(raw, vr, encodings)


def _regions(data_set: DataSet, keyword: str) -> tuple[Box, ...]:
    """The boxes that the items of a sequence describe; an item that describes none is passed over."""
    sequence = data_set.first(tag_of(keyword))
    if sequence is None:
        return ()
    return tuple(box for item in sequence.items or () for box in _region(data_set, item))


def _region(data_set: DataSet, item: Item) -> Iterator[Box]:
    by_tag = {element.tag: element for element in item.elements}
    edges = [by_tag.get(tag) for tag in _EDGES]
    numbers = [
        numbers_of(data_set.raw(element), element.vr, data_set.syntax.order)
        for element in edges
        if element is not None and element.vr in NUMBER_VRS
    ]
    if len(numbers) == len(_EDGES) and all(len(one) == 1 for one in numbers):
        left, top, right, bottom = (int(one[0]) for one in numbers)
        # The last column and row belong to the region.
        box = Box(top, left, bottom + 1, right + 1)
        if box.height > 0 and box.width > 0:
            yield box
