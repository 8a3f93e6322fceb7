"""The proof on the written bytes: nothing of the person is in them.

This reads what was written as a stranger would and shares no decision with the rewriting: whatever rule let a value
through, the search finds it.

Sources: DICOM PS3.15 E.1.1 (what an implementation has to protect); PS3.10 7.1 (file meta that must agree); PS3.5 A.5
(the null behind a deflated data set).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from curator.dicom.dictionary import BULK_VRS, dictionary_vr, tag_of, tag_text
from curator.dicom.elements import Buffer, DataSet, Element
from curator.dicom.enumerated import is_enumerated
from curator.dicom.parse import items_in, parse
from curator.dicom.private import block_of, is_creator, is_private, private_creators
from curator.dicom.syntax import EXPLICIT_LITTLE, TransferSyntax
from curator.errors import ItemError
from curator.identity.pseudonyms import is_uid, is_well_known
from curator.identity.search import Needles, found_in, is_numeric, numbers_found_in

PREAMBLE = 128
# A bulk value shorter than this is searched like text: nothing meets it by chance.
SHORTEST_BULK = 4096
_BULK = BULK_VRS | {"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"}
_OWN_ROOT = "2.25."
_PLAIN = TransferSyntax(EXPLICIT_LITTLE, explicit=True, order="<", deflated=False, encapsulated=False)
# What a file meta group has to hold and what says who wrote it; everything else can name the sender.
META_TAGS = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
_UIDS_OF_META = {0x00020002: "SOPClassUID", 0x00020003: "SOPInstanceUID"}


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
    REFERENCE_MISSING = "reference_missing"
    REFERENCE_CONTRADICTS = "reference_contradicts"
    SAME_INSTANCE_TWICE = "same_instance_twice"
    MARKER = "marker"
    BURNED_IN_TEXT = "burned_in_text"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class Residual:
    """One defect and where it is: an element's tag or a part of the file, never a value."""

    defect: Defect
    place: str


def no_private(creator: str, tag: int) -> bool:
    """That no private element may be there."""
    return False


def residuals(
    written: bytes | memoryview,
    needles: Needles,
    *,
    keeps_uid: Callable[[Element], bool],
    allows_private: Callable[[str, int], bool] = no_private,
) -> tuple[Residual, ...]:
    """Everything that should not be in a written instance; empty where it is clean.

    `keeps_uid` says which elements name kinds of things and not a source object, `allows_private` which private ones
    may be there, by creator and tag; for the creator itself, by its own spelling. Raises nothing: bytes that cannot be
    read are a residual themselves.
    """
    try:
        data_set = parse(bytes(written))
    except ItemError:
        return (Residual(Defect.UNREADABLE, "file"),)
    return (
        *_identifiers(written, data_set, needles),
        *_structure(written, data_set),
        *_private(data_set.elements, data_set.data, allows_private),
        *_foreign_uids(data_set, keeps_uid),
    )


def is_clean_element(element: Element, data: bytes, *, keeps_uid: Callable[[Element], bool]) -> bool:
    """Whether an element of `data`, which may be a sequence, holds no private element and no foreign UID."""
    if any(one.tag >> 16 & 1 for one in _all_elements((element,))):
        return False
    return not any(_foreign_uids(DataSet(_PLAIN, (), data, (element,), data, 0), keeps_uid))


def _identifiers(written: bytes | memoryview, data_set: DataSet, needles: Needles) -> Iterator[Residual]:
    data = memoryview(data_set.data)
    header: list[memoryview] = []
    numbers: list[bytes] = []
    position = 0
    for element in _all_elements(data_set.elements):
        if element.items is not None:
            continue
        value = data[element.value : element.value + element.length]
        if element.vr in _BULK and element.length >= SHORTEST_BULK:
            if found_in(needles, value, bulk=True):
                yield Residual(Defect.IDENTIFIER, tag_text(element.tag))
        elif element.vr in ("DS", "IS") and is_numeric(bytes(value)):
            # Among coordinates a short record number comes up by chance.
            numbers.append(bytes(value))
        elif not is_enumerated(element.tag, bytes(value)):
            continue
        # Across the border too: what stands before is searched up to where the value begins.
        header.append(data[position : element.value])
        position = element.value + element.length
    header.append(data[position:])
    if found_in(needles, b"".join(header)) or numbers_found_in(needles, b"\\".join(numbers)):
        yield Residual(Defect.IDENTIFIER, "header")
    if data_set.data is not data_set.meta_data:
        start = data_set.meta[-1].end if data_set.meta else 0
        if found_in(needles, memoryview(written)[:start]):
            yield Residual(Defect.IDENTIFIER, "file meta")


def _structure(written: bytes | memoryview, data_set: DataSet) -> Iterator[Residual]:
    if any(written[:PREAMBLE]):
        yield Residual(Defect.PREAMBLE, "preamble")
    if data_set.trailing or (data_set.syntax.deflated and _follows_deflated(written, data_set)):
        yield Residual(Defect.TRAILING_BYTES, "end of file")
    meta = {element.tag: _text(data_set.meta_data, element) for element in data_set.meta}
    for tag in sorted(meta.keys() - META_TAGS):
        yield Residual(Defect.FILE_META, tag_text(tag))
    for tag, name in _UIDS_OF_META.items():
        element_of = data_set.first(tag_of(name))
        own = _text(data_set.data, element_of) if element_of is not None else b""
        if meta.get(tag) != own:
            yield Residual(Defect.FILE_META, tag_text(tag))


def _private(elements: Iterable[Element], data: Buffer, allows: Callable[[str, int], bool]) -> Iterator[Residual]:
    """Private elements of an item, and of those within it, whose block has no owner that may keep them."""
    elements = tuple(elements)
    creators = private_creators(elements, data) if any(is_private(element.tag) for element in elements) else {}
    owned = {block_of(element.tag) for element in elements if not is_creator(element.tag)}
    for element in elements:
        if is_private(element.tag):
            block = element.tag if is_creator(element.tag) else block_of(element.tag)
            if block not in owned or not allows(creators.get(block, ""), element.tag):
                yield Residual(Defect.PRIVATE_ELEMENT, tag_text(element.tag))
        unread = items_in(data, element) if element.vr == "UN" and element.items is None else None
        for item in element.items or unread or ():
            yield from _private(item.elements, data, allows)


def _follows_deflated(written: bytes | memoryview, data_set: DataSet) -> bool:
    """Whether anything but one padding null follows the deflated data set."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflater.decompress(written[data_set.meta[-1].end if data_set.meta else 0 :])
    return inflater.unused_data not in (b"", b"\0")


def _foreign_uids(data_set: DataSet, keeps_uid: Callable[[Element], bool]) -> Iterator[Residual]:
    for element in _all_elements(data_set.elements):
        if "UI" not in (element.vr, dictionary_vr(element.tag)) or keeps_uid(element):
            continue
        for uid in _text(data_set.data, element).decode("latin-1").split("\\"):
            # Under another VR a stand-in is text and no UID.
            if (is_uid(uid) or (uid and element.vr == "UI")) and not (uid.startswith(_OWN_ROOT) or is_well_known(uid)):
                yield Residual(Defect.FOREIGN_UID, tag_text(element.tag))


def _all_elements(elements: Iterable[Element]) -> Iterator[Element]:
    for element in elements:
        yield element
        for item in element.items or ():
            yield from _all_elements(item.elements)


def _text(data: bytes | memoryview, element: Element) -> bytes:
    return bytes(data[element.value : element.value + element.length]).rstrip(b"\0 ")
