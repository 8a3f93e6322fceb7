"""The outermost level of a file in the form that nearly all files have, read by its headers alone.

That form is a preamble, a file meta group that gives its length, and a data set in explicit VR little endian. What is
not in it is for `parse`, which takes every file apart that can be.

The law: nothing here is an error; what cannot be read in this form is not taken.

Sources: DICOM PS3.5 7.1.2; PS3.10 7.1.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from curator.dicom.dictionary import KNOWN_VRS, LONG_LENGTH_VRS
from curator.dicom.syntax import EXPLICIT_LITTLE, TransferSyntax, transfer_syntax

Stored = bytes | mmap.mmap
"""A file's bytes, in memory or mapped: a slice of either is bytes that can be looked up."""
HEADER = Struct("<6sH")
"""Tag and VR as they stand in the bytes, and the 16-bit length of a VR that has one."""
LONG_LENGTH = Struct("<I")
UNDEFINED = 0xFFFFFFFF
SHORT_HEADER, LONG_HEADER = 8, 12
PREFIX_END = 132
"""Where the file meta group begins."""
_META_LENGTH = Struct("<4s2sHI")
_META_LENGTH_HEAD = b"\2\0\0\0", b"UL", 4
TRANSFER_SYNTAX = b"\2\0\x10\0UI"
CHARACTER_SET = b"\x08\0\x05\0CS"
_META_GROUP = b"\2\0"
_BEFORE_CHARACTER_SET = frozenset({b"\0\0", b"\1\0"})


class Kind(NamedTuple):
    """What the first six bytes of an element say."""

    tag: int
    vr: str
    is_long: bool


class Token(NamedTuple):
    """A file meta element: tag and VR as bytes, its value without padding, and where it stands in the file."""

    key: bytes
    value: bytes
    start: int
    end: int


def kind_of(key: bytes) -> Kind | None:
    """The tag and VR in six bytes; None where they are no element of a data set."""
    group, number = int.from_bytes(key[:2], "little"), int.from_bytes(key[2:4], "little")
    vr = key[4:6].decode("latin-1")
    if vr not in KNOWN_VRS or group in (0x0002, 0xFFFE):
        return None
    return Kind(group << 16 | number, vr, vr in LONG_LENGTH_VRS)


def meta_tokens(data: Stored) -> tuple[tuple[Token, ...], int] | None:
    """The file meta elements and where the data set begins; None where that is not in this form."""
    if data[PREFIX_END - 4 : PREFIX_END] != b"DICM" or len(data) < PREFIX_END + _META_LENGTH.size:
        return None
    tag, vr, size, length = _META_LENGTH.unpack_from(data, PREFIX_END)
    if (tag, vr, size) != _META_LENGTH_HEAD:
        return None
    end = PREFIX_END + _META_LENGTH.size + length
    if end + SHORT_HEADER > len(data) or data[end : end + 2] == _META_GROUP:
        return None
    tokens = tuple(_tokens(data[PREFIX_END:end]))
    return (tokens, end) if tokens and tokens[-1].key else None


def is_meta_length(data: Stored, start: int) -> bool:
    """Whether a file meta group that begins with its length, as `meta_tokens` wants it, ends where `start` is."""
    tag, vr, size, length = _META_LENGTH.unpack_from(data, PREFIX_END)
    return (tag, vr, size) == _META_LENGTH_HEAD and PREFIX_END + _META_LENGTH.size + length == start


def taken_syntax(tokens: tuple[Token, ...]) -> TransferSyntax | None:
    """The transfer syntax that the file meta names; None for one whose data set is written in another form."""
    uids = [token.value for token in tokens if token.key == TRANSFER_SYNTAX]
    syntax = transfer_syntax(uids[0].decode("latin-1")) if len(uids) == 1 else None
    if syntax is None or syntax.deflated or not (syntax.encapsulated or syntax.uid == EXPLICIT_LITTLE):
        return None
    return syntax


def character_set(data: Stored, start: int) -> bytes:
    """The Specific Character Set element of the data set that begins at `start`, as it stands; empty for none."""
    position = start
    while position + SHORT_HEADER <= len(data):
        key, length = HEADER.unpack_from(data, position)
        end = position + SHORT_HEADER + length
        if key == CHARACTER_SET:
            return data[position:end]
        if key[:2] != CHARACTER_SET[:2] or key[2:4] not in _BEFORE_CHARACTER_SET:
            return b""
        position = end
    return b""


def _tokens(group: bytes) -> Iterator[Token]:
    """The elements of a whole meta group; a last one without key where they do not fill it."""
    position = 0
    while position + SHORT_HEADER <= len(group):
        key, length = HEADER.unpack_from(group, position)
        vr, value = key[4:].decode("latin-1"), position + SHORT_HEADER
        if vr in LONG_LENGTH_VRS and position + LONG_HEADER <= len(group):
            (length,), value = LONG_LENGTH.unpack_from(group, value), position + LONG_HEADER
        if key[:2] != _META_GROUP or vr not in KNOWN_VRS or value + length > len(group):
            break
        start, position = position, value + length
        yield Token(key, group[value:position].rstrip(b"\0 "), PREFIX_END + start, PREFIX_END + position)
    if position != len(group):
        yield Token(b"", b"", PREFIX_END + position, PREFIX_END + position)
