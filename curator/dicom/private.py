"""Who owns a private element: creators and the blocks they reserve.

The law: a block has an owner only where exactly one element of its own item says so, in plain text, and says it for no
other block; every doubt leaves the block without one.

Sources: DICOM PS3.5 7.8 (private data elements).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from curator.dicom.elements import Buffer, Element

_FIRST_BLOCK = 0x10
_LAST_BLOCK = 0xFF
_CREATOR_VRS = ("LO", "UN")


def is_private(tag: int) -> bool:
    """Whether a tag has an odd group number."""
    return bool(tag >> 16 & 1)


def is_creator(tag: int) -> bool:
    """Whether a tag is one that reserves a private block."""
    return is_private(tag) and _FIRST_BLOCK <= tag & 0xFFFF <= _LAST_BLOCK


def block_of(tag: int) -> int:
    """The tag of the creator that would own a private element."""
    return tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8


def private_creators(elements: Iterable[Element], data: Buffer) -> Mapping[int, str]:
    """The owners of the blocks of one item by the creator's tag, spelt as written but for the padding behind."""
    said = [
        (element, bytes(data[element.value : element.value + element.length]).rstrip(b" \0"))
        for element in elements
        if is_creator(element.tag)
    ]
    tags = Counter(element.tag for element, _ in said)
    spelt = Counter((element.tag >> 16, name) for element, name in said)
    return {
        element.tag: name.decode("ascii")
        for element, name in said
        if name and name.isascii() and element.vr in _CREATOR_VRS
        if tags[element.tag] == 1 and spelt[element.tag >> 16, name] == 1
    }
