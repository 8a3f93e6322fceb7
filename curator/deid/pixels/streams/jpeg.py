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

from curator.deid.pixels.codecs.jpeg_segments import SOF_LS, SOFS, SOS, read_header, segments_of
from curator.deid.pixels.streams.segments import NO_COMMENT, Comments, Part, broken, joined
from curator.dicom.elements import Buffer

_COM, _APP0, _APP8, _APP14 = 0xFE, 0xE0, 0xE8, 0xEE
_APPLICATIONS = range(0xE0, 0xF0)
# Number of lines and restart interval; Huffman and arithmetic tables and quantisation; JPEG-LS's own parameters.
_LINES, _TABLES, _PARAMETERS = {0xDC, 0xDD}, {0xC4, 0xCC, 0xDB}, {0xF8}
_KEPT = {False: SOFS | {SOS} | _LINES | _TABLES, True: {SOF_LS, SOS} | _LINES | _PARAMETERS}
_JFIF, _JFIF_LENGTH = b"JFIF\0", 14
_ADOBE, _ADOBE_LENGTH = b"Adobe", 12
_COLOUR_TRANSFORM, _COLOUR_TRANSFORM_LENGTH = b"mrfx", 5
_SPIFF, _SPIFF_LENGTH, _SPIFF_END = b"SPIFF\0", 30, b"\0\0\0\1\xff\xd8"


def stripped_jpeg(stream: Buffer, *, is_ls: bool, allowed: Comments = NO_COMMENT) -> Buffer:
    """The frame without anything beside the picture; `stream` itself where there is nothing.

    Raises:
        ItemError: MALFORMED or TRUNCATED, it is no whole sequence of known segments.
    """
    data = bytes(stream)
    segments, end = segments_of(data)
    parts: list[Part] = [(0, 2)]
    applications: dict[bytes, bytes] = {}
    position, frames, scans = 2, 0, 0
    for segment in segments:
        if segment.code in _KEPT[is_ls]:
            frames += segment.code in SOFS or segment.code == SOF_LS
            scans += segment.code == SOS
            if scans and not frames:
                broken(_name(is_ls), segment.start, "a scan before its frame header")
            parts.append((position, segment.end))
        elif segment.code in _APPLICATIONS:
            payload = data[segment.body : segment.end]
            kept = _kept_of_application(segment.code, payload, is_ls=is_ls)
            if kept is not None and applications.setdefault(kept[:4], kept) != kept:
                broken(_name(is_ls), segment.start, "two application segments contradict each other")
            parts += _application(segment.code, kept, payload, (position, segment.end))
        elif segment.code == _COM:
            parts += [(position, segment.end)] if allowed.fullmatch(data, segment.body, segment.end) else []
        else:
            broken(_name(is_ls), segment.start, f"a segment {segment.code:02X} that no picture of its kind has")
        position = segment.end
    if not scans:
        broken(_name(is_ls), end, "ends before its picture")
    return joined(stream, [*parts, (position, end)])


def precision_of_jpeg(stream: Buffer) -> int:
    """Bits per sample as the frame header says.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    return read_header(bytes(stream)).precision


def _name(is_ls: bool) -> str:
    return "JPEG-LS" if is_ls else "JPEG"


def _application(code: int, kept: bytes | None, payload: bytes, place: tuple[int, int]) -> list[Part]:
    """What is written of an application segment of which `kept` stays."""
    if kept is None or kept == payload:
        return [] if kept is None else [place]
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
