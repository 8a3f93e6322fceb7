"""The tokenizer: bytes to the places of elements, nothing decoded, nothing guessed.

The law: a data set is read to its last byte, or `ItemError` says where reading stopped. Only what follows Pixel Data
and is no element may be left over; it is counted as trailing and never passed on.

Sources: DICOM PS3.5 7.1-7.5, A.4; PS3.10 7.1; CP-246 (UN of undefined length holds an implicit VR sequence).
"""

from __future__ import annotations

import struct
import zlib

from curator.dicom.dictionary import KNOWN_VRS, LONG_LENGTH_VRS, dictionary_vr, tag_text
from curator.dicom.elements import Buffer, DataSet, Element, Item
from curator.dicom.syntax import EXPLICIT_LITTLE, IMPLICIT_LITTLE, TransferSyntax, transfer_syntax
from curator.errors import ItemError
from curator.model.quarantine import Reason

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX_UID = 0x00020010
# Deeper nesting than any IOD defines; a bound against files made to exhaust the stack.
DEEPEST = 64
# A raw data set without preamble starts in one of the groups that a Composite IOD can start with.
_FIRST_GROUPS = (0x0008, 0x0010)
_LARGEST_INFLATED = 1 << 31


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first 132 bytes or more are those of a DICOM file, with or without preamble."""
    return head[128:132] == b"DICM" or _starts_with_element(head)


def parse(data: Buffer) -> DataSet:
    """Take a file apart.

    Raises:
        ItemError: EMPTY_FILE, NOT_DICOM, TRUNCATED, MALFORMED or UNSUPPORTED_TRANSFER_SYNTAX.
    """
    if len(data) == 0:
        raise ItemError(Reason.EMPTY_FILE)
    position = 132 if bytes(data[128:132]) == b"DICM" else 0
    if position == 0 and not _starts_with_element(bytes(data[:132])):
        raise ItemError(Reason.NOT_DICOM)
    meta, position = _parse_meta(data, position)
    syntax = _syntax(data, meta, position)
    body: Buffer = data
    if syntax.deflated:
        body, position = _inflate(data, position), 0
    tokenizer = _Tokenizer(body, syntax)
    elements, end = tokenizer.data_set(position, len(body))
    return DataSet(syntax, meta, data, elements, body, len(body) - end)


def element_at(data: Buffer, position: int) -> Element:
    """The one element of an explicit VR little endian data set whose header begins at `position`, with its items.

    Raises:
        ItemError: TRUNCATED or MALFORMED.
    """
    return _Tokenizer(data, _EXPLICIT).element(position, len(data), 0)


def items_in(data: Buffer, element: Element) -> tuple[Item, ...] | None:
    """The items of a value of known length that was written as UN, None where it holds no whole sequence.

    Sources: DICOM PS3.5 6.2.2 (a sequence written as UN is in implicit VR little endian).
    """
    try:
        return _Tokenizer(data, _IMPLICIT).items(element.value, element.value + element.length)
    except ItemError:
        return None


def fragments_end(data: Buffer, position: int) -> int:
    """Where encapsulated pixel data ends whose first item begins at `position`, little endian.

    Raises:
        ItemError: TRUNCATED, it breaks off.
    """
    return _Tokenizer(data, _EXPLICIT)._fragments(position, len(data))


def _starts_with_element(head: bytes) -> bool:
    if len(head) < 8:
        return False
    group, element = struct.unpack_from("<HH", head)
    if group == 0x0002 and head[4:6] == b"UL":
        return True
    if group not in _FIRST_GROUPS:
        return False
    if head[4:6].decode("latin-1") in KNOWN_VRS:
        return True
    (length,) = struct.unpack_from("<I", head, 4)
    return dictionary_vr(group << 16 | element) != "UN" and length <= 64


def _parse_meta(data: Buffer, position: int) -> tuple[tuple[Element, ...], int]:
    tokenizer = _Tokenizer(data, _EXPLICIT)
    found: list[Element] = []
    while position + 8 <= len(data) and struct.unpack_from("<H", data, position)[0] == 0x0002:
        element = tokenizer.element(position, len(data), 0)
        found.append(element)
        position = element.end
    return tuple(found), position


def _syntax(data: Buffer, meta: tuple[Element, ...], position: int) -> TransferSyntax:
    for element in meta:
        if element.tag == TRANSFER_SYNTAX_UID:
            uid = bytes(data[element.value : element.value + element.length]).rstrip(b"\0 ").decode("latin-1")
            syntax = transfer_syntax(uid)
            if syntax is None:
                raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, "not a standard transfer syntax")
            return syntax
    # Old files have no meta group; the first element's header tells explicit from implicit.
    explicit = bytes(data[position + 4 : position + 6]).decode("latin-1") in KNOWN_VRS
    return _EXPLICIT if explicit else _IMPLICIT


def _inflate(data: Buffer, position: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(data[position:], _LARGEST_INFLATED)
    except zlib.error as error:
        raise ItemError(Reason.MALFORMED, "the deflated data set does not inflate") from error
    if not inflater.eof:
        raise ItemError(Reason.TRUNCATED, "the deflated data set ends early")
    return body


class _Tokenizer:
    """Reads elements of one buffer in one transfer syntax."""

    __slots__ = ("_data", "_explicit", "_is_little", "_long", "_short", "_tag")

    def __init__(self, data: Buffer, syntax: TransferSyntax) -> None:
        self._data = data
        self._explicit = syntax.explicit
        self._is_little = syntax.order == "<"
        self._tag = struct.Struct(syntax.order + "HH")
        self._short = struct.Struct(syntax.order + "H")
        self._long = struct.Struct(syntax.order + "I")

    def data_set(self, position: int, end: int) -> tuple[tuple[Element, ...], int]:
        """Top-level elements up to `end`, and where the last one ends."""
        found: list[Element] = []
        after_pixels = False
        while position + 8 <= end:
            try:
                element = self.element(position, end, 0)
            except ItemError:
                if after_pixels:
                    break
                raise
            if after_pixels and element.tag <= PIXEL_DATA:
                break
            after_pixels = after_pixels or element.tag == PIXEL_DATA
            found.append(element)
            position = element.end
        if position < end and not after_pixels and any(self._data[position:end]):
            raise ItemError(Reason.TRUNCATED, f"{end - position} bytes after the last element")
        if not found:
            raise ItemError(Reason.TRUNCATED, "no data set")
        return tuple(found), position

    def element(self, position: int, end: int, depth: int) -> Element:
        """The element whose header begins at `position`.

        Raises:
            ItemError: TRUNCATED where something runs past the end of the file, MALFORMED for everything else.
        """
        tag, vr, value, length = self._header(position, end)
        if length == UNDEFINED:
            return self._undefined(tag, vr, position, value, end, depth)
        if value + length > end:
            raise self._cut_short(end, f"{tag_text(tag)} at offset {position} runs past the end")
        element = Element(tag, vr, position, value, length, value + length, None, False, self._explicit)
        if vr == "SQ":
            return element._replace(items=self._items(value, value + length, depth))
        if vr == "UN" and self._is_little and dictionary_vr(tag) == "SQ":
            return element._replace(items=items_in(self._data, element))
        return element

    def items(self, position: int, end: int) -> tuple[Item, ...]:
        """The items of a sequence's value.

        Raises:
            ItemError: as `element`.
        """
        return self._items(position, end, 0)

    def _cut_short(self, end: int, detail: str) -> ItemError:
        """What to raise where bytes are wanting before `end`: of the file, or of something inside it."""
        return ItemError(Reason.TRUNCATED if end == len(self._data) else Reason.MALFORMED, detail)

    def _header(self, position: int, end: int) -> tuple[int, str, int, int]:
        if position + 8 > end:
            raise self._cut_short(end, f"no room for an element at offset {position}")
        group, number = self._tag.unpack_from(self._data, position)
        tag = group << 16 | number
        if group == 0xFFFE:
            raise ItemError(Reason.MALFORMED, f"delimiter {tag_text(tag)} outside a sequence at offset {position}")
        if not self._explicit:
            return tag, dictionary_vr(tag), position + 8, self._long.unpack_from(self._data, position + 4)[0]
        vr = bytes(self._data[position + 4 : position + 6]).decode("latin-1")
        if vr not in KNOWN_VRS:
            raise ItemError(Reason.MALFORMED, f"{tag_text(tag)} at offset {position} has no valid VR")
        if vr not in LONG_LENGTH_VRS:
            return tag, vr, position + 8, self._short.unpack_from(self._data, position + 6)[0]
        if position + 12 > end:
            raise self._cut_short(end, f"no room for an element at offset {position}")
        return tag, vr, position + 12, self._long.unpack_from(self._data, position + 8)[0]

    def _undefined(self, tag: int, vr: str, position: int, value: int, end: int, depth: int) -> Element:
        if tag == PIXEL_DATA and vr == "UN":
            # Fragments to one reader, by CP-246 a sequence to the next: none may see what the proof did not.
            raise ItemError(Reason.MALFORMED, f"{tag_text(tag)} at offset {position} has VR UN and no length")
        if tag == PIXEL_DATA and vr in ("OB", "OW"):
            last = self._fragments(value, end)
            return Element(tag, vr, position, value, last - 8 - value, last, None, True, self._explicit)
        if vr not in ("SQ", "UN"):
            raise ItemError(Reason.MALFORMED, f"{tag_text(tag)} at offset {position} has VR {vr} and no length")
        # CP-246: inside a UN of undefined length the encoding is implicit VR little endian, whatever surrounds it.
        reader = self if vr == "SQ" or not self._explicit else _Tokenizer(self._data, _IMPLICIT)
        items, last = reader._items_until_delimiter(value, end, depth)
        return Element(tag, vr, position, value, last - 8 - value, last, items, True, self._explicit)

    def _item_header(self, position: int, end: int) -> tuple[int, int]:
        if position + 8 > end:
            raise self._cut_short(end, f"a sequence ends early at offset {position}")
        group, number = self._tag.unpack_from(self._data, position)
        return group << 16 | number, self._long.unpack_from(self._data, position + 4)[0]

    def _items(self, position: int, end: int, depth: int) -> tuple[Item, ...]:
        found: list[Item] = []
        while position < end:
            tag, length = self._item_header(position, end)
            if tag == SEQUENCE_END and length == 0 and position + 8 == end:
                break
            item = self._item(tag, length, position, end, depth)
            found.append(item)
            position = item.end
        return tuple(found)

    def _items_until_delimiter(self, position: int, end: int, depth: int) -> tuple[tuple[Item, ...], int]:
        found: list[Item] = []
        while True:
            tag, length = self._item_header(position, end)
            if tag == SEQUENCE_END:
                return tuple(found), position + 8
            item = self._item(tag, length, position, end, depth)
            found.append(item)
            position = item.end

    def _item(self, tag: int, length: int, position: int, end: int, depth: int) -> Item:
        if tag != ITEM:
            raise ItemError(Reason.MALFORMED, f"expected an item at offset {position}")
        if depth >= DEEPEST:
            raise ItemError(Reason.MALFORMED, f"sequences nest deeper than {DEEPEST}")
        elements: list[Element] = []
        cursor = position + 8
        if length != UNDEFINED and cursor + length > end:
            raise self._cut_short(end, f"an item at offset {position} runs past its sequence")
        limit = end if length == UNDEFINED else cursor + length
        while cursor < limit:
            if length == UNDEFINED:
                next_tag, _ = self._item_header(cursor, limit)
                if next_tag == ITEM_END:
                    return Item(position, cursor + 8, True, tuple(elements))
            element = self.element(cursor, limit, depth + 1)
            elements.append(element)
            cursor = element.end
        if length == UNDEFINED:
            raise self._cut_short(end, f"an item at offset {position} has no delimiter")
        return Item(position, cursor, False, tuple(elements))

    def _fragments(self, position: int, end: int) -> int:
        while True:
            tag, length = self._item_header(position, end)
            if tag == SEQUENCE_END:
                return position + 8
            if tag != ITEM or length == UNDEFINED or position + 8 + length > end:
                raise self._cut_short(end, f"encapsulated pixel data breaks off at offset {position}")
            position += 8 + length


_EXPLICIT = TransferSyntax(EXPLICIT_LITTLE, explicit=True, order="<", deflated=False, encapsulated=False)
_IMPLICIT = TransferSyntax(IMPLICIT_LITTLE, explicit=False, order="<", deflated=False, encapsulated=False)
