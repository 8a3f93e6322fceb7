"""The proof on the written bytes: nothing of the person is in them.

This reads what was written as a stranger would and shares no decision with the rewriting: whatever rule let a value
through, the search finds it.

Sources: DICOM PS3.15 E.1.1 (what an implementation has to protect); PS3.10 7.1 (file meta that must agree).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from curator.dicom.dictionary import BULK_VRS, tag_of, tag_text
from curator.dicom.elements import DataSet, Element
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.identity.pseudonyms import WELL_KNOWN_ROOT
from curator.identity.search import Needles, found_in

PREAMBLE = 128
# A bulk value shorter than this is searched like text: nothing meets it by chance.
_SHORTEST_BULK = 4096
_OWN_ROOT = b"2.25."


class Defect(StrEnum):
    """What can be wrong with a written instance."""

    IDENTIFIER = "identifier"
    FOREIGN_UID = "foreign_uid"
    FILE_META = "file_meta"
    PREAMBLE = "preamble"
    PRIVATE_ELEMENT = "private_element"
    TRAILING_BYTES = "trailing_bytes"
    UNREADABLE = "unreadable"
    UNKNOWN_PERSON = "unknown_person"


@dataclass(frozen=True, slots=True)
class Residual:
    """One defect and where it is: an element's tag or a part of the file, never a value."""

    defect: Defect
    place: str


def residuals(
    written: bytes | memoryview, needles: Needles, *, keeps_uid: Callable[[Element], bool]
) -> tuple[Residual, ...]:
    """Everything that should not be in a written instance; empty where it is clean.

    `keeps_uid` says which elements name kinds of things and not a source object. Raises nothing: bytes that cannot be
    read are a residual themselves.
    """
    try:
        data_set = parse(bytes(written))
    except ItemError:
        return (Residual(Defect.UNREADABLE, "file"),)
    return (
        *_identifiers(written, data_set, needles),
        *_structure(written, data_set),
        *_foreign_uids(data_set, keeps_uid),
    )


def _identifiers(written: bytes | memoryview, data_set: DataSet, needles: Needles) -> Iterator[Residual]:
    data = memoryview(data_set.data)
    position = 0
    for element in data_set.elements:
        if element.vr in BULK_VRS and element.length >= _SHORTEST_BULK:
            # Across the border too: what stands before the bulk is searched up to where it begins.
            yield from _search(data[position : element.value], needles, "header")
            if found_in(needles, data[element.value : element.value + element.length], bulk=True):
                yield Residual(Defect.IDENTIFIER, tag_text(element.tag))
            position = element.value + element.length
    yield from _search(data[position:], needles, "header")
    if data_set.data is not data_set.meta_data:
        start = data_set.meta[-1].end if data_set.meta else 0
        yield from _search(memoryview(written)[:start], needles, "file meta")


def _search(data: memoryview, needles: Needles, place: str) -> Iterator[Residual]:
    if found_in(needles, data):
        yield Residual(Defect.IDENTIFIER, place)


def _structure(written: bytes | memoryview, data_set: DataSet) -> Iterator[Residual]:
    if any(written[:PREAMBLE]):
        yield Residual(Defect.PREAMBLE, "preamble")
    if data_set.trailing:
        yield Residual(Defect.TRAILING_BYTES, "end of file")
    for element in _all_elements(data_set.elements):
        if element.tag >> 16 & 1:
            yield Residual(Defect.PRIVATE_ELEMENT, tag_text(element.tag))
    meta = {element.tag: _text(data_set.meta_data, element) for element in data_set.meta}
    for meta_name, name in (
        ("MediaStorageSOPInstanceUID", "SOPInstanceUID"),
        ("MediaStorageSOPClassUID", "SOPClassUID"),
    ):
        element_of = data_set.first(tag_of(name))
        own = _text(data_set.data, element_of) if element_of is not None else b""
        if meta.get(tag_of(meta_name)) != own:
            yield Residual(Defect.FILE_META, tag_text(tag_of(meta_name)))


def _foreign_uids(data_set: DataSet, keeps_uid: Callable[[Element], bool]) -> Iterator[Residual]:
    for element in _all_elements(data_set.elements):
        if element.vr != "UI" or keeps_uid(element):
            continue
        for uid in _text(data_set.data, element).split(b"\\"):
            if uid and not uid.startswith((_OWN_ROOT, WELL_KNOWN_ROOT.encode())):
                yield Residual(Defect.FOREIGN_UID, tag_text(element.tag))


def _all_elements(elements: Iterable[Element]) -> Iterator[Element]:
    for element in elements:
        yield element
        for item in element.items or ():
            yield from _all_elements(item.elements)


def _text(data: bytes | memoryview, element: Element) -> bytes:
    return bytes(data[element.value : element.value + element.length]).rstrip(b"\0 ")
