"""Every element of a data set at every depth, each with where it stands and how its text is encoded.

The law: an element is met exactly once, in file order; the character set is the innermost one declared, and a private
creator is looked for in the element's own item only.

Sources: DICOM PS3.5 7.5 (nesting), 7.8 (private blocks); PS3.3 C.12.1.1.2 (a character set holds for what is inside).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import DataSet, Element
from curator.dicom.text import SPECIFIC_CHARACTER_SET, encodings_of, text_of, values_of

_FIRST_BLOCK = 0x10
_LAST_BLOCK = 0xFF


class Placed(NamedTuple):
    """An element, the tags of the sequences around it (outermost first), its codecs and its private creator.

    `private_creator` is "" for standard elements, for creators themselves and where no creator reserved the block.
    """

    element: Element
    path: tuple[int, ...]
    encodings: tuple[str, ...]
    private_creator: str

    @property
    def vr(self) -> str:
        """The VR as written, or the dictionary's where it was written as UN."""
        return dictionary_vr(self.element.tag) if self.element.vr == "UN" else self.element.vr


def walk(data_set: DataSet) -> Iterator[Placed]:
    """All elements but those of the file meta group, a sequence before what it holds."""
    yield from _walk(data_set, data_set.elements, (), encodings_of(b""))


def values_at(data_set: DataSet, placed: Placed) -> tuple[str, ...]:
    """The values of a text element, stripped; empty for an empty element."""
    return values_of(data_set.raw(placed.element), placed.vr, placed.encodings)


def _walk(
    data_set: DataSet, elements: tuple[Element, ...], path: tuple[int, ...], encodings: tuple[str, ...]
) -> Iterator[Placed]:
    # The character set first: nothing but its low tag says that it comes before what it holds for.
    for element in elements:
        if element.tag == SPECIFIC_CHARACTER_SET:
            encodings = encodings_of(data_set.raw(element))
            break
    creators: dict[int, str] = {}
    for element in elements:
        creator = ""
        if (element.tag >> 16) & 1:
            block = element.tag & 0xFFFF
            if _FIRST_BLOCK <= block <= _LAST_BLOCK:
                creators[element.tag] = text_of(data_set.raw(element), "LO", encodings)
            else:
                creator = creators.get(element.tag & 0xFFFF0000 | block >> 8, "")
        yield Placed(element, path, encodings, creator)
        for item in element.items or ():
            yield from _walk(data_set, item.elements, (*path, element.tag), encodings)
