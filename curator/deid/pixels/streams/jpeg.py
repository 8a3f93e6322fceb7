"""JPEG and JPEG-LS frames without what is written beside the picture: comments, APPn, bytes behind the end.

Of the application segments those stay that say how colours are coded: JFIF (APP0) without its thumbnail, the first
header of SPIFF (APP8), Adobe (APP14), and in JPEG-LS HP's colour transform (APP8). ICC profiles go: they carry text of
their own, a DICOM image states its colours in the header, and no decoder needs them for the samples. A comment stays
where it is one of the `allowed`, which are the signatures of encoders.

The law: tables, headers and entropy-coded bytes stay as they are and in their order; a segment that is not known to
belong to the picture or to stand beside it makes the frame malformed.

Sources: ITU-T T.81 Annex B; T.871 (JFIF); T.872 6.5.3 (Adobe); T.84 Annex F (SPIFF); T.87 Annex C; DICOM PS3.5
A.4.1, A.4.3.
"""

from __future__ import annotations

import numpy as np

from curator.deid.pixels.streams.segments import NO_COMMENT, Comments, Part, broken, joined, number
from curator.dicom.elements import Buffer

_SOI, _EOI, _SOS, _COM, _TEM = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
_RESTARTS = frozenset(range(0xD0, 0xD8))
_APPLICATIONS = range(0xE0, 0xF0)
_APP0, _APP8, _APP14 = 0xE0, 0xE8, 0xEE
_SOF, _SOF_LS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}, frozenset({0xF7})
# Huffman and arithmetic tables, quantisation, number of lines, restart interval.
_TABLES, _TABLES_LS = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD}), frozenset({0xDC, 0xDD, 0xF8})
_KEPT = {False: _SOF | _TABLES, True: _SOF_LS | _TABLES_LS}
_JFIF, _JFIF_LENGTH = b"JFIF\0", 14
_ADOBE, _ADOBE_LENGTH = b"Adobe", 12
_COLOUR_TRANSFORM, _COLOUR_TRANSFORM_LENGTH = b"mrfx", 5
_SPIFF, _SPIFF_LENGTH, _SPIFF_END = b"SPIFF\0", 30, b"\0\0\0\1\xff\xd8"


def stripped_jpeg(stream: Buffer, *, is_ls: bool, allowed: Comments = NO_COMMENT) -> Buffer:
    """The frame without anything beside the picture; `stream` itself where there is nothing.

    Raises:
        ItemError: MALFORMED, it is no whole sequence of known segments.
    """
    if number(stream, 0, 2) != 0xFF00 | _SOI:
        broken(_name(is_ls), 0, "does not begin as one")
    parts: list[Part] = [(0, 2)]
    applications: dict[bytes, bytes] = {}
    position, has_frame, scans = 2, False, 0
    while True:
        start = position
        code, position = _marker(stream, position, is_ls=is_ls)
        if code == _EOI:
            if not scans:
                broken(_name(is_ls), start, "ends before its picture")
            parts.append((start, position))
            return joined(stream, parts)
        end = _segment_end(stream, position, is_ls=is_ls)
        if code == _SOS:
            if not has_frame:
                broken(_name(is_ls), start, "a scan before its frame header")
            scans += 1
            end = _entropy_end(stream, end, is_ls=is_ls)
            parts.append((start, end))
        elif code in _KEPT[is_ls]:
            has_frame = has_frame or code in _SOF | _SOF_LS
            parts.append((start, end))
        elif code in _APPLICATIONS:
            parts += _application(stream, start, position, applications=applications, is_ls=is_ls)
        elif code == _COM:
            parts += [(start, end)] if allowed.fullmatch(stream, position + 2, end) else []
        else:
            broken(_name(is_ls), start, f"a segment {code:02X} that no picture of its kind has")
        position = end


def precision_of_jpeg(stream: Buffer, *, is_ls: bool) -> int:
    """Bits per sample as the frame header says.

    Raises:
        ItemError: MALFORMED, there is none before the first scan.
    """
    position = 2
    while True:
        start = position
        code, position = _marker(stream, position, is_ls=is_ls)
        if code in (_SOF_LS if is_ls else _SOF):
            return number(stream, position + 2, 1)
        if code in (_SOS, _EOI):
            broken(_name(is_ls), start, "no frame header")
        position = _segment_end(stream, position, is_ls=is_ls)


def _name(is_ls: bool) -> str:
    return "JPEG-LS" if is_ls else "JPEG"


def _marker(stream: Buffer, position: int, *, is_ls: bool) -> tuple[int, int]:
    """The code of the marker at `position`, fill bytes before it passed over, and where its segment begins."""
    start, size = position, len(stream)
    while position + 1 < size and stream[position] == 0xFF and stream[position + 1] == 0xFF:
        position += 1
    if position + 2 > size or stream[position] != 0xFF or stream[position + 1] in (0x00, _TEM, _SOI, *_RESTARTS):
        broken(_name(is_ls), start, "no segment where one has to be")
    return stream[position + 1], position + 2


def _segment_end(stream: Buffer, position: int, *, is_ls: bool) -> int:
    length = number(stream, position, 2)
    if length < 2 or position + length > len(stream):
        broken(_name(is_ls), position, "a segment runs past the end")
    return position + length


def _entropy_end(stream: Buffer, position: int, *, is_ls: bool) -> int:
    """Where the entropy-coded bytes from `position` on end: at a marker that is no restart."""
    if position + 2 > len(stream):
        broken(_name(is_ls), position, "a scan without an end")
    coded = np.frombuffer(stream, np.uint8, offset=position)
    at = np.flatnonzero(coded[:-1] == 0xFF)
    following = coded[at + 1]
    # JPEG stuffs a zero byte, JPEG-LS a zero bit; fill bytes stand before a marker, which is then the next one found.
    is_marker = following >= 0x80 if is_ls else following != 0
    is_marker &= (following & 0xF8 != 0xD0) & (following != 0xFF)
    first = int(is_marker.argmax()) if is_marker.any() else broken(_name(is_ls), position, "a scan without an end")
    end = position + int(at[first])
    while end > position and stream[end - 1] == 0xFF:
        end -= 1
    return end


def _application(
    stream: Buffer, start: int, position: int, *, applications: dict[bytes, bytes], is_ls: bool
) -> list[Part]:
    """What stays of an application segment: nothing, all of it, or as much as says how colours are coded."""
    code = stream[position - 1]
    end = position + number(stream, position, 2)
    payload = bytes(stream[position + 2 : end])
    kept = _kept_of_application(code, payload, is_ls=is_ls)
    if kept is None:
        return []
    kind = kept[:4]
    if kind in applications:
        if applications[kind] != kept:
            broken(_name(is_ls), start, "two application segments contradict each other")
        return []
    applications[kind] = kept
    if kept == payload:
        return [(start, end)]
    return [bytes((0xFF, code)) + (len(kept) + 2).to_bytes(2, "big") + kept]


def _kept_of_application(code: int, payload: bytes, *, is_ls: bool) -> bytes | None:
    if code == _APP0 and payload[:5] == _JFIF and len(payload) >= _JFIF_LENGTH:
        return payload[: _JFIF_LENGTH - 2] + b"\0\0"
    if code == _APP14 and payload[:5] == _ADOBE and len(payload) >= _ADOBE_LENGTH:
        return payload[:_ADOBE_LENGTH]
    if code == _APP8 and (payload == _SPIFF_END or (payload[:6] == _SPIFF and len(payload) == _SPIFF_LENGTH)):
        return payload
    if is_ls and code == _APP8 and payload[:4] == _COLOUR_TRANSFORM and len(payload) >= _COLOUR_TRANSFORM_LENGTH:
        return payload[:_COLOUR_TRANSFORM_LENGTH]
    return None
