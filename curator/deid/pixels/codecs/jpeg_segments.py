"""JPEG and JPEG-LS streams by their marker segments.

The law: a stream is whole from its start to its end marker, has one frame header and says its height there, or it is
refused before a decoder sees it.

Sources: ITU-T T.81 Annex B; ITU-T T.87 Annex C; ITU-T T.872 6.5.3 (Adobe); ITU-T T.871 (JFIF).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from curator.errors import ItemError
from curator.model.quarantine import Reason

SOI, EOI, SOS, DHT, DRI, SOF_LS = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD, 0xF7
SOF_BASELINE, SOF_EXTENDED, SOF_LOSSLESS = 0xC0, 0xC1, 0xC3
SOFS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP0, _APP14 = 0xE0, 0xEE
_BESIDE = frozenset({0xFE, *range(0xE0, 0xF0)})
_END = bytes((0xFF, EOI))
_JFIF, _ADOBE = b"JFIF\0", b"Adobe"
_ADOBE_TRANSFORM_AT, _ADOBE_TRANSFORM_RGB = 11, 0
_RGB_IDS = (tuple(b"RGB"), tuple(b"rgb"))
_START_OF_ANOTHER = b"\xff\xd8\xff"
_WRONG = "a JPEG stream"


class Segment(NamedTuple):
    """A marker segment: its code, where its marker begins and where it, with entropy-coded bytes after it, ends.

    `body` is where the bytes after its length begin; `coded` where those that are entropy-coded do.
    """

    code: int
    start: int
    body: int
    coded: int
    end: int


class Component(NamedTuple):
    """One component of a frame."""

    identifier: int
    horizontal: int
    vertical: int
    quantisation: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a stream says of itself; `kind` is the code of its frame header."""

    kind: int
    precision: int
    rows: int
    columns: int
    components: tuple[Component, ...]
    segments: tuple[Segment, ...] = field(repr=False)
    end: int

    @property
    def scans(self) -> tuple[Segment, ...]:
        """The scans in order."""
        return tuple(segment for segment in self.segments if segment.code == SOS)


def read_header(stream: bytes) -> JpegHeader:
    """The header of a JPEG or JPEG-LS stream.

    Raises:
        ItemError: TRUNCATED, it ends before its end marker; MALFORMED.
    """
    segments, end = segments_of(stream)
    if _START_OF_ANOTHER in stream[end:]:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} after the end of another")
    frames = [segment for segment in segments if segment.code in SOFS or segment.code == SOF_LS]
    if len(frames) != 1 or not any(segment.code == SOS for segment in segments):
        raise ItemError(Reason.MALFORMED, f"{_WRONG} with {len(frames)} frame headers")
    return _frame_header(stream, frames[0], segments, end)


def _frame_header(stream: bytes, frame: Segment, segments: tuple[Segment, ...], end: int) -> JpegHeader:
    body = stream[frame.body : frame.coded]
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} with a broken frame header")
    components = tuple(
        Component(body[at], body[at + 1] >> 4, body[at + 1] & 15, body[at + 2]) for at in range(6, len(body), 3)
    )
    header = JpegHeader(
        kind=frame.code,
        precision=body[0],
        rows=int.from_bytes(body[1:3], "big"),
        columns=int.from_bytes(body[3:5], "big"),
        components=components,
        segments=segments,
        end=end,
    )
    if not header.rows or not header.columns:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} that does not say its size")
    if not components or any(not (1 <= each.horizontal <= 4 and 1 <= each.vertical <= 4) for each in components):
        raise ItemError(Reason.MALFORMED, f"{_WRONG} with {len(components)} components or a broken sampling")
    return header


def segments_of(stream: bytes) -> tuple[tuple[Segment, ...], int]:
    """All segments, and where the end marker ends; fill bytes before a marker belong to no segment.

    Raises:
        ItemError: TRUNCATED, it ends before its end marker; MALFORMED.
    """
    if stream[:2] != bytes((0xFF, SOI)):
        raise ItemError(Reason.MALFORMED, f"{_WRONG} without its start")
    octets = np.frombuffer(stream, np.uint8)
    marks = np.flatnonzero(octets[:-1] == 0xFF)
    following = octets[marks + 1]
    found: list[Segment] = []
    position, is_ls = 2, False
    while True:
        while stream[position : position + 2] == b"\xff\xff":
            position += 1
        if position + 2 > len(stream):
            raise ItemError(Reason.TRUNCATED, f"{_WRONG} ends before its end marker")
        if stream[position] != 0xFF:
            raise ItemError(Reason.MALFORMED, f"{_WRONG} with no marker at byte {position}")
        code = stream[position + 1]
        if code == EOI:
            return tuple(found), position + 2
        body, coded = position + 4, position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        if coded < body or coded > len(stream):
            raise ItemError(Reason.TRUNCATED, f"{_WRONG} with a segment that runs past its end")
        is_ls = is_ls or code == SOF_LS
        end = _entropy_end(marks, following, coded, is_ls=is_ls) if code == SOS else coded
        found.append(Segment(code, position, body, coded, end))
        position = end


def _entropy_end(
    marks: np.ndarray[tuple[int], np.dtype[np.intp]],
    following: np.ndarray[tuple[int], np.dtype[np.uint8]],
    start: int,
    *,
    is_ls: bool,
) -> int:
    """Where entropy-coded bytes from `start` on end: at the first marker that is no restart."""
    first = int(np.searchsorted(marks, start))
    after = following[first:]
    # JPEG stuffs a whole zero byte after FF, JPEG-LS one zero bit.
    is_marker = (after >= 0x80 if is_ls else after != 0) & (after & 0xF8 != 0xD0) & (after != 0xFF)
    if not is_marker.any():
        raise ItemError(Reason.TRUNCATED, f"{_WRONG} ends inside a scan")
    return int(marks[first + int(is_marker.argmax())])


def is_rgb(stream: bytes, header: JpegHeader, *, stated: str) -> bool:
    """Whether three components are red, green and blue: by Adobe's segment, by JFIF, by name, else as `stated`."""
    has_jfif = False
    for segment in header.segments:
        payload = stream[segment.body : segment.coded]
        if segment.code == _APP14 and payload.startswith(_ADOBE) and len(payload) > _ADOBE_TRANSFORM_AT:
            return payload[_ADOBE_TRANSFORM_AT] == _ADOBE_TRANSFORM_RGB
        has_jfif = has_jfif or (segment.code == _APP0 and payload.startswith(_JFIF))
    if has_jfif:
        return False
    return tuple(each.identifier for each in header.components) in _RGB_IDS or stated == "RGB"


def bare(stream: bytes, header: JpegHeader) -> bytes:
    """The stream without what stands beside the picture: decoders die of some of it and would convert colours."""
    parts = [segment for segment in header.segments if segment.code not in _BESIDE]
    return stream[:2] + b"".join(stream[part.start : part.end] for part in parts) + _END


def resized(stream: bytes, header: JpegHeader) -> bytes:
    """The stream with the rows and columns of `header` in its frame header."""
    at = next(segment.body for segment in header.segments if segment.code == header.kind)
    return stream[: at + 1] + header.rows.to_bytes(2, "big") + header.columns.to_bytes(2, "big") + stream[at + 5 :]
