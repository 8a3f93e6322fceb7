"""Numbers and code strings of the Image Pixel module, read without guessing.

The law: an attribute that stands twice, has a wrong length or is no number is MALFORMED, never a default.

Sources: DICOM PS3.5 6.2 (IS, US, SS), PS3.3 C.7.6.3.
"""

from __future__ import annotations

import struct

from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet, Element
from curator.errors import ItemError
from curator.model.quarantine import Reason


def only(data_set: DataSet, keyword: str) -> Element | None:
    """The one top-level element of a keyword, None where it is absent.

    Raises:
        ItemError: MALFORMED, it stands more than once.
    """
    tag = tag_of(keyword)
    found = [element for element in data_set.elements if element.tag == tag]
    if len(found) > 1:
        raise ItemError(Reason.MALFORMED, f"{tag_text(tag)} stands {len(found)} times")
    return found[0] if found else None


def words(data_set: DataSet, keyword: str, *, signed: bool = False) -> tuple[int, ...]:
    """The 16-bit values of an element; empty where it is absent or empty.

    Raises:
        ItemError: MALFORMED, an odd number of bytes, or it stands twice.
    """
    element = only(data_set, keyword)
    if element is None:
        return ()
    if element.length % 2:
        raise ItemError(Reason.MALFORMED, f"{tag_text(element.tag)} has {element.length} bytes")
    kind = "h" if signed else "H"
    return struct.unpack(f"{data_set.syntax.order}{element.length // 2}{kind}", data_set.raw(element))


def word(data_set: DataSet, keyword: str, *, default: int | None = None) -> int:
    """The one unsigned 16-bit value of an element; `default` where it is absent or empty.

    Raises:
        ItemError: MALFORMED, not one value, or none and no default.
    """
    found = words(data_set, keyword)
    if not found and default is not None:
        return default
    if len(found) != 1:
        raise ItemError(Reason.MALFORMED, f"{tag_text(tag_of(keyword))} has {len(found)} values, not one")
    return found[0]


def text(data_set: DataSet, keyword: str) -> str:
    """The one code string or number string of an element, without padding; "" where it is absent or empty."""
    element = only(data_set, keyword)
    return "" if element is None else data_set.raw(element).decode("latin-1").strip(" \0")
