"""A structure set whose contours do not run through the zone that was removed from its images.

The law: a contour that does not reach into the zone keeps its bytes, and so does everything that is no contour; of the
others points in the zone are gone. An ROI that loses all of its contours stays, without any.

Sources: DICOM PS3.3 C.8.8.5 (structure set), C.8.8.6 (ROI Contour: Contour Sequence and ROI Volume are of Type 3).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from curator.deid.faces.contours import DIGITS, Clipped, Inside, Points, clipped
from curator.deid.pixels.file_image import stored
from curator.deid.pixels.rebuilt import respliced
from curator.deid.pixels.redrawn import Scratch
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer, DataSet, Element, Item
from curator.dicom.encode import header, padded
from curator.dicom.parse import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, parse
from curator.dicom.tokens import Stored
from curator.dicom.walk import walk
from curator.errors import ItemError
from curator.model.quarantine import Reason

_ROI_CONTOURS, _CONTOURS = tag_of("ROIContourSequence"), tag_of("ContourSequence")
_DATA, _COUNT, _KIND = tag_of("ContourData"), tag_of("NumberOfContourPoints"), tag_of("ContourGeometricType")
_ROIS, _NUMBER, _VOLUME = tag_of("StructureSetROISequence"), tag_of("ROINumber"), tag_of("ROIVolume")
_OF_ROI = tag_of("ReferencedROINumber")
# How few points are still a contour, by its kind.
_LEAST = {"POINT": 1, "OPEN_PLANAR": 2, "OPEN_NONPLANAR": 2, "CLOSED_PLANAR": 3, "CLOSEDPLANAR_XOR": 3}
_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_LONGEST_SHORT = 0xFFFE
_LONGEST_NUMBER = 16


@dataclass(frozen=True, slots=True)
class Structures:
    """A structure set outside the zone, the source's own bytes where none of it reached in; counts of contours."""

    data: Stored = field(repr=False)
    contours: int = 0
    cut: int = 0
    removed: int = 0


def outside_zone(data: Stored, inside: Inside, *, scratch: Scratch) -> Structures:
    """The structure set without what of its contours lies in the zone.

    Raises:
        ItemError: UNSUPPORTED_OBJECT for a kind of contour that the standard does not name; MALFORMED where a contour
            is no row of points; otherwise as `parse`.
    """
    data_set = parse(data if isinstance(data, bytes) else memoryview(data))
    sequence = data_set.first(_ROI_CONTOURS)
    if sequence is None or not sequence.items:
        return Structures(data)
    cutting = _Cutting(data_set, inside)
    items = [cutting.roi(item) for item in sequence.items]
    counts = cutting.counts
    if not counts["cut"] + counts["removed"]:
        return Structures(data, counts["all"])
    new: dict[int, Sequence[bytes]] = {_ROI_CONTOURS: (_sequence(sequence, items, data_set),)}
    rois = data_set.first(_ROIS)
    if rois is not None and rois.items:
        new[_ROIS] = (_sequence(rois, [cutting.described(item) for item in rois.items], data_set),)
    written = stored(respliced(data_set, new), scratch)
    return Structures(written, counts["all"], counts["cut"], counts["removed"])


def points_in_zone(data: Stored, inside: Inside) -> int:
    """How many points of contours lie in the zone, read again from the bytes.

    Raises:
        ItemError: as `outside_zone`.
    """
    data_set = parse(data if isinstance(data, bytes) else memoryview(data))
    found = 0
    for placed in walk(data_set):
        if placed.element.tag == _DATA:
            points = _points(_numbers(data_set, placed.element))
            found += int(np.count_nonzero(inside(points))) if len(points) else 0
    return found


class _Cutting:
    """Cuts the contours of one structure set and counts."""

    def __init__(self, data_set: DataSet, inside: Inside) -> None:
        self._data_set = data_set
        self._inside = inside
        self._touched: set[bytes] = set()
        self.counts = Counter[str]()

    def roi(self, item: Item) -> Buffer:
        """An item of the ROI contour sequence."""
        contours = _one(item, _CONTOURS)
        if contours is None or not contours.items:
            return self._as_it_is(item)
        before = self.counts["cut"] + self.counts["removed"]
        kept = [made for made in map(self._contour, contours.items) if made is not None]
        if self.counts["cut"] + self.counts["removed"] == before:
            return self._as_it_is(item)
        number = _one(item, _OF_ROI)
        self._touched.add(b"" if number is None else self._data_set.raw(number).strip(b" \0"))
        new = _sequence(contours, kept, self._data_set) if kept else b""
        return self._item(item, {_CONTOURS: new})

    def described(self, item: Item) -> Buffer:
        """An item of the structure set ROI sequence: a volume that is no more true goes."""
        number = _one(item, _NUMBER)
        is_touched = number is not None and self._data_set.raw(number).strip(b" \0") in self._touched
        return self._item(item, {_VOLUME: b""}) if is_touched and _one(item, _VOLUME) else self._as_it_is(item)

    def _contour(self, item: Item) -> Buffer | None:
        """An item of a contour sequence, None for one that goes."""
        self.counts["all"] += 1
        kind, values = self._kind(item), self._values(item)
        points = _points(values)
        left = self._left(points, kind)
        if left is None:
            return self._as_it_is(item)
        if len(left.points) < _LEAST[kind]:
            self.counts["removed"] += 1
            return None
        self.counts["cut"] += 1
        data, count = _one(item, _DATA), _one(item, _COUNT)
        assert data is not None
        text = b"\\".join(self._texts(left, values))
        new = {_DATA: _element(data, text, self._data_set)}
        if count is not None:
            new[_COUNT] = _element(count, str(len(left.points)).encode(), self._data_set)
        return self._item(item, new)

    def _left(self, points: Points, kind: str) -> Clipped | None:
        if kind == "POINT" or len(points) < 2:
            is_in = self._inside(points) if len(points) else np.empty(0, bool)
            return Clipped(points[~is_in], np.flatnonzero(~is_in)) if is_in.any() else None
        return clipped(points, self._inside, is_closed=kind in _CLOSED)

    def _texts(self, left: Clipped, values: Sequence[bytes]) -> list[bytes]:
        """The numbers of the points that are left: old ones as they stood."""
        found: list[bytes] = []
        for number, point in zip(left.numbers.tolist(), left.points, strict=True):
            old = values[3 * number : 3 * number + 3]
            found += old if number >= 0 else [_decimal(value) for value in point]
        return found

    def _kind(self, item: Item) -> str:
        element = _one(item, _KIND)
        kind = "" if element is None else self._data_set.raw(element).decode("latin-1").strip(" \0")
        if kind not in _LEAST:
            raise ItemError(Reason.UNSUPPORTED_OBJECT, "a contour of no kind that the standard names")
        return kind

    def _values(self, item: Item) -> list[bytes]:
        element = _one(item, _DATA)
        return [] if element is None else _numbers(self._data_set, element)

    def _as_it_is(self, item: Item) -> Buffer:
        return memoryview(self._data_set.data)[item.start : item.end]

    def _item(self, item: Item, new: dict[int, bytes]) -> bytes:
        """An item with some of its elements replaced, empty for one that goes."""
        view, order = memoryview(self._data_set.data), self._data_set.syntax.order
        body = b"".join(
            new[each.tag] if each.tag in new else bytes(view[each.start : each.end]) for each in item.elements
        )
        if item.undefined:
            return _tagged(ITEM, UNDEFINED, order) + body + _tagged(ITEM_END, 0, order)
        return _tagged(ITEM, len(body), order) + body


def _numbers(data_set: DataSet, element: Element) -> list[bytes]:
    raw = data_set.raw(element).rstrip(b" \0")
    return raw.split(b"\\") if raw else []


def _points(values: Sequence[bytes]) -> Points:
    if len(values) % 3:
        raise ItemError(Reason.MALFORMED, f"a contour of {len(values)} numbers")
    try:
        points = np.array([float(value) for value in values], np.float64).reshape(-1, 3)
    except ValueError:
        raise ItemError(Reason.MALFORMED, "a contour of what is no numbers") from None
    if not np.isfinite(points).all():
        raise ItemError(Reason.MALFORMED, "a contour with a point that is nowhere")
    return points


def _decimal(value: float) -> bytes:
    """A decimal string of at most 16 characters."""
    text = f"{value:.{DIGITS}f}"
    if len(text) > _LONGEST_NUMBER:
        raise ItemError(Reason.MALFORMED, "a contour with a point that is nowhere")
    return text.encode()


def _one(item: Item, tag: int) -> Element | None:
    """The one element of a tag in an item, None where there is none.

    Raises:
        ItemError: MALFORMED, it stands twice.
    """
    found = [element for element in item.elements if element.tag == tag]
    if len(found) > 1:
        raise ItemError(Reason.MALFORMED, f"an element of a contour stands {len(found)} times")
    return found[0] if found else None


def _element(old: Element, value: bytes, data_set: DataSet) -> bytes:
    """An element with another value; one too long for its VR is written as UN, as the standard has it (CP-1066)."""
    value = padded(value, "DS")
    vr = "DS" if old.tag == _DATA else old.vr
    vr = "UN" if old.explicit and len(value) > _LONGEST_SHORT else vr
    order = data_set.syntax.order
    return header(old.tag, vr, len(value), explicit=old.explicit, order=order) + value


def _sequence(old: Element, items: Sequence[Buffer], data_set: DataSet) -> bytes:
    """A sequence of new items, ended as the old one was."""
    body, order = b"".join(items), data_set.syntax.order
    length = UNDEFINED if old.undefined else len(body)
    head = header(old.tag, old.vr, length, explicit=old.explicit, order=order)
    return head + body + (_tagged(SEQUENCE_END, 0, order) if old.undefined else b"")


def _tagged(tag: int, length: int, order: str) -> bytes:
    return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)
