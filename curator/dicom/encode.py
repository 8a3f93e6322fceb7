"""New elements and a new file meta group.

Sources: DICOM PS3.5 7.1.2, 7.1.3 (headers), 6.2 (padding); PS3.10 7.1 (file meta).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

from curator.dicom.dictionary import LONG_LENGTH_VRS
from curator.dicom.syntax import EXPLICIT_LITTLE, TransferSyntax, transfer_syntax

_NULL_PADDED = frozenset({"UI", "OB", "UN"})
_LONGEST_SHORT = 0xFFFF
_PREAMBLE = bytes(128) + b"DICM"
ITEM_HEADER = 8


def padded(value: bytes, vr: str) -> bytes:
    """`value` with the pad byte of its VR where its length is odd."""
    if len(value) % 2 == 0:
        return value
    return value + (b"\0" if vr in _NULL_PADDED else b" ")


def header(tag: int, vr: str, length: int, *, explicit: bool, order: str) -> bytes:
    """The header of an element of `length` value bytes.

    Raises:
        ValueError: the length does not fit a VR with a 16-bit length.
    """
    group, number = tag >> 16, tag & 0xFFFF
    if not explicit:
        return struct.pack(order + "HHI", group, number, length)
    if vr in LONG_LENGTH_VRS:
        return struct.pack(order + "HH2s2xI", group, number, vr.encode(), length)
    if length > _LONGEST_SHORT:
        raise ValueError(f"{length} bytes do not fit VR {vr}")
    return struct.pack(order + "HH2sH", group, number, vr.encode(), length)


def element(tag: int, vr: str, value: bytes, *, explicit: bool, order: str) -> bytes:
    """A whole element with a padded value."""
    value = padded(value, vr)
    return header(tag, vr, len(value), explicit=explicit, order=order) + value


def item(content: Iterable[bytes], *, order: str) -> bytes:
    """One item of explicit length around encoded elements."""
    body = b"".join(content)
    return struct.pack(order + "HHI", 0xFFFE, 0xE000, len(body)) + body


def file_meta(*, sop_class_uid: str, sop_instance_uid: str, syntax_uid: str, implementation: tuple[str, str]) -> bytes:
    """Preamble of zeros, prefix and a complete file meta group; `implementation` is class UID and version name."""
    before, behind = _meta_around(sop_class_uid, syntax_uid, implementation)
    own = element(0x00020003, "UI", sop_instance_uid.encode(), explicit=True, order="<")
    size = struct.pack("<I", len(before) + len(own) + len(behind))
    length = element(0x00020000, "UL", size, explicit=True, order="<")
    return b"".join((_PREAMBLE, length, before, own, behind))


@lru_cache(maxsize=256)
def _meta_around(sop_class_uid: str, syntax_uid: str, implementation: tuple[str, str]) -> tuple[bytes, bytes]:
    """The elements of a meta group before and behind the instance's own UID, which files of a series share."""
    fields: Sequence[tuple[int, str, bytes]] = (
        (0x00020001, "OB", b"\0\1"),
        (0x00020002, "UI", sop_class_uid.encode()),
        (0x00020010, "UI", syntax_uid.encode()),
        (0x00020012, "UI", implementation[0].encode()),
        (0x00020013, "SH", implementation[1].encode()),
    )
    made = [element(tag, vr, value, explicit=True, order="<") for tag, vr, value in fields]
    return b"".join(made[:2]), b"".join(made[2:])


def syntax_for_writing(syntax: TransferSyntax) -> TransferSyntax:
    """The syntax that elements inside the (inflated) data set are written in."""
    if not syntax.deflated:
        return syntax
    plain = transfer_syntax(EXPLICIT_LITTLE)
    assert plain is not None
    return plain
