"""The top level of one data set, its values read as what they are.

The law: an element that decides who or what an instance is stands there once, or the file is refused.
"""

from __future__ import annotations

import math

from curator.dicom.dictionary import keyword, tag_of, tag_text
from curator.dicom.elements import DataSet, Element, Item
from curator.dicom.text import encodings_at_top, values_of
from curator.errors import ItemError
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason

_UNIQUE = frozenset(
    map(
        tag_of,
        (
            "SOPClassUID",
            "SOPInstanceUID",
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "PatientID",
            "IssuerOfPatientID",
            "PatientName",
        ),
    )
)
_SHARED_GROUPS = tag_of("SharedFunctionalGroupsSequence")
_PER_FRAME_GROUPS = tag_of("PerFrameFunctionalGroupsSequence")
_PLANE_ORIENTATION = tag_of("PlaneOrientationSequence")
_PLANE_POSITION = tag_of("PlanePositionSequence")
_PIXEL_MEASURES = tag_of("PixelMeasuresSequence")
_ORIENTATION = tag_of("ImageOrientationPatient")
_POSITION = tag_of("ImagePositionPatient")
_PIXEL_SPACING = tag_of("PixelSpacing")
_SLICE_THICKNESS = tag_of("SliceThickness")

GEOMETRY = frozenset({_SHARED_GROUPS, _PER_FRAME_GROUPS, _ORIENTATION, _POSITION, _PIXEL_SPACING, _SLICE_THICKNESS})
"""The elements of the top level that say where an image lies."""

_Elements = dict[int, Element]


class Header:
    """Values by keyword.

    Raises:
        ItemError: MALFORMED, an identifying element stands twice.
    """

    __slots__ = ("_data_set", "_elements", "_encodings")

    def __init__(self, data_set: DataSet) -> None:
        self._data_set = data_set
        self._encodings = encodings_at_top(data_set)
        self._elements: _Elements = {}
        for element in data_set.elements:
            if element.tag in self._elements and element.tag in _UNIQUE:
                raise ItemError(Reason.MALFORMED, f"{_place(element.tag)} stands twice")
            self._elements.setdefault(element.tag, element)

    def __contains__(self, name: str) -> bool:
        return tag_of(name) in self._elements

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a text element, empty where it is absent or empty."""
        element = self._elements.get(tag_of(name))
        return () if element is None else self._texts(element)

    def text(self, name: str) -> str:
        """The first value of a text element, "" where there is none."""
        return next(iter(self.values(name)), "")

    def required_uid(self, name: str) -> str:
        """The one UID of an element that must be there.

        Raises:
            ItemError: MALFORMED, it is not, or holds several.
        """
        values = self.values(name)
        if not values or not values[0]:
            raise ItemError(Reason.MALFORMED, f"{_place(tag_of(name))} is missing")
        if len(values) > 1:
            raise ItemError(Reason.MALFORMED, f"{_place(tag_of(name))} holds {len(values)} values")
        return values[0]

    def unsigned(self, name: str) -> int:
        """A 16-bit number, 0 where it is absent."""
        element = self._elements.get(tag_of(name))
        if element is None or element.length < 2:
            return 0
        return int.from_bytes(
            self._data_set.raw(element)[:2], "little" if self._data_set.syntax.order == "<" else "big"
        )

    def count(self, name: str) -> int:
        """A positive number written as text, 1 where it is absent.

        Raises:
            ItemError: MALFORMED, it is something else.
        """
        text = self.text(name)
        if not text:
            return 1
        try:
            number = int(text)
        except ValueError:
            number = 0
        if number < 1:
            raise ItemError(Reason.MALFORMED, f"{_place(tag_of(name))} is no count")
        return number

    def plane(self) -> PlaneGeometry | None:
        """Where the image, or its first frame, lies; None where that is not said in full and in numbers."""
        orientation, position, measures = self._elements, self._elements, self._elements
        if _SHARED_GROUPS in self._elements or _PER_FRAME_GROUPS in self._elements:
            orientation = self._functional_group(_PLANE_ORIENTATION)
            position = self._functional_group(_PLANE_POSITION)
            measures = self._functional_group(_PIXEL_MEASURES)
        cosines = self._numbers(orientation, _ORIENTATION)
        point = self._numbers(position, _POSITION)
        spacing = self._numbers(measures, _PIXEL_SPACING)
        thickness = self._numbers(measures, _SLICE_THICKNESS)
        if len(cosines) != 6 or len(point) != 3 or len(spacing) != 2:
            return None
        return PlaneGeometry(
            ImageOrientationPatient=(cosines[0], cosines[1], cosines[2], cosines[3], cosines[4], cosines[5]),
            ImagePositionPatient=(point[0], point[1], point[2]),
            PixelSpacing=(spacing[0], spacing[1]),
            SliceThickness=thickness[0] if len(thickness) == 1 else None,
        )

    def _functional_group(self, sequence: int) -> _Elements:
        """The first item of a functional group, of the first frame before the shared one."""
        for groups in (_PER_FRAME_GROUPS, _SHARED_GROUPS):
            macro = _first_item(_first_item(self._elements.get(groups)).get(sequence))
            if macro:
                return macro
        return {}

    def _numbers(self, elements: _Elements, tag: int) -> tuple[float, ...]:
        element = elements.get(tag)
        if element is None:
            return ()
        try:
            numbers = tuple(map(float, self._texts(element)))
        except ValueError:
            return ()
        return numbers if all(map(math.isfinite, numbers)) else ()

    def _texts(self, element: Element) -> tuple[str, ...]:
        return values_of(self._data_set.raw(element), element.vr, self._encodings)


def _first_item(sequence: Element | None) -> _Elements:
    items: tuple[Item, ...] = () if sequence is None else sequence.items or ()
    return {element.tag: element for element in items[0].elements} if items else {}


def _place(tag: int) -> str:
    return f"{keyword(tag)} {tag_text(tag)}"
