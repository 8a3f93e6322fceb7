"""Where elements lie in the bytes they were read from.

Named tuples, not dataclasses: a file has hundreds and their making is the tokenizer's inner loop.
"""

from __future__ import annotations

from typing import NamedTuple

from curator.dicom.syntax import TransferSyntax

Buffer = bytes | memoryview


class Element(NamedTuple):
    """One element: its header begins at `start`, its value is `data[value:value + length]`, the next begins at `end`.

    `vr` is as written, by dictionary in implicit VR. `items` is None for everything but sequences. `undefined` says
    that a delimiter, not a length, ended it. `explicit` is the form of this element's header, which inside a UN
    sequence differs from the file's.
    """

    tag: int
    vr: str
    start: int
    value: int
    length: int
    end: int
    items: tuple[Item, ...] | None
    undefined: bool
    explicit: bool


class Item(NamedTuple):
    """One item of a sequence and the elements of its data set."""

    start: int
    end: int
    undefined: bool
    elements: tuple[Element, ...]


class DataSet(NamedTuple):
    """A file taken apart: file meta and data set elements with the bytes that their offsets point into.

    `data` is the inflated data set for the deflated syntax, else the file itself. `meta_data` is always the file.
    `trailing` counts bytes after the last element, which belong to nothing.
    """

    syntax: TransferSyntax
    meta: tuple[Element, ...]
    meta_data: Buffer
    elements: tuple[Element, ...]
    data: Buffer
    trailing: int

    def first(self, tag: int) -> Element | None:
        """The top-level element of a tag, None where it is absent."""
        for element in self.elements:
            if element.tag == tag:
                return element
        return None

    def raw(self, element: Element) -> bytes:
        """The value bytes of an element of the data set."""
        return bytes(self.data[element.value : element.value + element.length])
