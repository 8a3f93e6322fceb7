"""A layout fits only files whose elements stand where reading header after header finds them."""

from __future__ import annotations

import struct
from struct import error as StructError

from hypothesis import given, settings
from hypothesis import strategies as st

from curator.dicom import encode
from curator.dicom.layout import Layout, Layouts, Place
from curator.dicom.parse import element_at
from curator.errors import ItemError

_VRS = {0x00080060: "CS", 0x00081140: "SQ", 0x00100010: "PN", 0x00200013: "IS", 0x00280010: "US", 0x7FE00010: "OW"}
_ORDER = sorted(_VRS)


def element(tag: int, value: bytes) -> bytes:
    return encode.element(tag, _VRS[tag], value, explicit=True, order="<")


def item(value: bytes) -> bytes:
    return encode.item([encode.element(0x00081155, "UI", value, explicit=True, order="<")], order="<")


_VALUES = {
    0x00080060: st.sampled_from([b"CT", b"MR"]),
    0x00081140: st.lists(st.sampled_from([b"1.2", b"1.2.34"]).map(item), max_size=2).map(b"".join),
    0x00100010: st.sampled_from([b"A^B", b"Longer^Name"]),
    0x00200013: st.integers(1, 2000).map(lambda number: str(number).encode()),
    0x00280010: st.integers(0, 600).map(lambda number: struct.pack("<H", number)),
    0x7FE00010: st.integers(0, 40).map(lambda number: bytes(2 * number)),
}
_FILES = st.fixed_dictionaries({tag: _VALUES[tag] for tag in _ORDER})


def written(values: dict[int, bytes]) -> bytes:
    return b"".join(element(tag, values[tag]) for tag in _ORDER)


def places_of(data: bytes) -> list[Place]:
    places, position = [], 0
    while position < len(data):
        one = element_at(data, position)
        places.append(Place(one.start, one.end, one.value - one.start == 12))
        position = one.end
    return places


@settings(max_examples=150)
@given(_FILES, _FILES, st.sets(st.integers(0, len(_ORDER) - 1)), st.data())
def test_what_fits_is_read_as_header_after_header_is(
    first: dict[int, bytes], second: dict[int, bytes], varying: set[int], data: st.DataObject
) -> None:
    one, other = written(first), bytearray(written(second))
    if data.draw(st.booleans()):
        other[data.draw(st.integers(0, len(other) - 1))] = data.draw(st.integers(0, 255))
        del other[data.draw(st.integers(0, len(other))) :]
    chosen = sorted(varying)
    try:
        found = Layout(one, places_of(one), chosen).fitted(bytes(other), 0, len(other))
        places = places_of(bytes(other))
    except (ItemError, StructError):
        return
    same = all(first[tag] == second[tag] for index, tag in enumerate(_ORDER) if index not in varying)
    if bytes(other) == written(second):
        assert (found is not None) is same
    if found is not None:
        assert found == [(places[index].start, places[index].end) for index in chosen]
        kept = [one[place.start : place.end] for index, place in enumerate(places_of(one)) if index not in varying]
        assert kept == [other[place.start : place.end] for index, place in enumerate(places) if index not in varying]


def _series(person: bytes, count: int) -> list[bytes]:
    return [
        written(
            {
                0x00080060: b"CT",
                0x00081140: item(person),
                0x00100010: person,
                0x00200013: str(number * 30).encode(),
                0x00280010: b"\2\0",
                0x7FE00010: bytes([number]) * 5000,
            }
        )
        for number in range(1, count)
    ]


def test_the_third_file_of_a_series_is_known_and_the_second_of_the_next() -> None:
    taught: dict[bytes, set[int]] = {}
    known = []
    for person in (b"1.2.3.4", b"1.2.3.9"):
        layouts: Layouts[str] = Layouts(pinned=(), taught=taught)
        for data in _series(person, 6):
            found = layouts.found(data, 0, len(data))
            known.append(found is not None)
            if found is None:
                places = places_of(data)
                lesson = layouts.lesson(data, places)
                layouts.remember(lesson, Layout(data, places, lesson.varying), "made")
    assert known == [False, False, True, True, True, False, True, True, True, True]


def test_what_is_pinned_is_never_taken_for_another() -> None:
    layouts: Layouts[str] = Layouts(pinned=(element(0x00080060, b"CT")[:6],), taught={})
    for modality in (b"CT", b"MR", b"CT", b"MR"):
        data = written({tag: modality if tag == 0x00080060 else b"" for tag in _ORDER})
        lesson = layouts.lesson(data, places_of(data))
        assert 0 not in lesson.varying[1:]
        assert lesson.varying == [0]
