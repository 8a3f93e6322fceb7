"""JPEG 2000 and HTJ2K frames without what is written beside the picture: comments, boxes, bytes behind the end.

Comments stand in the main header and in the headers of tile-parts, whose lengths follow. Of a whole JP2 file only the
codestream stays, which is what DICOM means a frame to be; a file whose boxes say what its samples mean (a palette, an
order of channels) is refused.

The law: packets stay as they are and in their order; a segment that is not known makes the frame malformed.

Sources: ITU-T T.800 Annex A (codestream), Annex I (JP2); T.801 Annex A; T.814 Annex A (HTJ2K); DICOM PS3.5 A.4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from curator.deid.pixels.streams.segments import NO_COMMENT, Comments, Part, broken, joined, number
from curator.dicom.elements import Buffer

_SOC, _SOT, _SOD, _EOC, _SIZ, _COM, _TLM = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9, 0xFF51, 0xFF64, 0xFF55
# CAP COD COC PLM PLT CPF QCD QCC RGN POC PPM PPT CRG, and those of Part 2.
_KNOWN = frozenset(
    (_SIZ, _TLM, 0xFF50, 0xFF52, 0xFF53, 0xFF57, 0xFF58, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F)
) | frozenset((0xFF60, 0xFF61, 0xFF63, *range(0xFF70, 0xFF7A)))
_SOT_BYTES = 12
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM, _HEADER = b"jp2c", b"jp2h"
_MEANING = frozenset({b"pclr", b"cmap", b"cdef"})
_KIND = "JPEG 2000"
_LATIN = 1


class _Segment(NamedTuple):
    code: int
    start: int
    end: int


@dataclass(slots=True)
class _Tiles:
    """Tile-parts as they were written and what each lost."""

    parts: list[Part] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)


def stripped_jpeg_2000(frame: Buffer, *, allowed: Comments = NO_COMMENT) -> Buffer:
    """The frame as a codestream without anything beside the picture; `frame` itself where there is nothing.

    Comments stay that are one of the `allowed`.

    Raises:
        ItemError: MALFORMED, it is no whole codestream or a file whose boxes change what its samples mean.
    """
    stream = _codestream(frame)
    header, position = _header(stream, _start(stream), last=_SOT)
    tiles, end = _tiles(stream, position, allowed)
    losses = iter(tiles.lost)
    parts: list[Part] = [(0, 2)]
    for segment in header:
        if segment.code == _TLM and any(tiles.lost):
            parts.append(_index(stream, segment, losses))
        elif not _goes(stream, segment, allowed):
            parts.append((segment.start, segment.end))
    return joined(stream, [*parts, *tiles.parts, (end, _end_of_image(stream, end))])


def precision_of_jpeg_2000(frame: Buffer) -> int:
    """Bits per sample, the most of any component.

    Raises:
        ItemError: MALFORMED, it is no codestream.
    """
    stream = _codestream(frame)
    header, _ = _header(stream, _start(stream), last=_SOT)
    size = header[0]
    components = number(stream, size.start + 38, 2)
    return max((number(stream, size.start + 40 + 3 * index, 1) & 0x7F) + 1 for index in range(components))


def _start(stream: Buffer) -> int:
    if number(stream, 0, 2) != _SOC or number(stream, 2, 2) != _SIZ or number(stream, 38 + 2, 2) == 0:
        broken(_KIND, 0, "does not begin as one")
    return 2


def _header(stream: Buffer, position: int, *, last: int) -> tuple[list[_Segment], int]:
    """The segments from `position` on up to the marker `last`, and where that stands."""
    segments: list[_Segment] = []
    while True:
        code = number(stream, position, 2)
        if code == last:
            return segments, position
        if code not in _KNOWN and code != _COM:
            broken(_KIND, position, "no segment that belongs to a header")
        length = number(stream, position + 2, 2)
        end = position + 2 + length
        if length < 2 or end > len(stream):
            broken(_KIND, position, "a segment runs past the end")
        segments.append(_Segment(code, position, end))
        position = end


def _tiles(stream: Buffer, position: int, allowed: Comments) -> tuple[_Tiles, int]:
    """All tile-parts from `position` on without their comments, and where they end."""
    tiles = _Tiles()
    while number(stream, position, 2) == _SOT:
        length = number(stream, position + 6, 4)
        segments, data = _header(stream, position + _SOT_BYTES, last=_SOD)
        end = position + length if length else _last_end(stream, data)
        if not data + 2 <= end <= len(stream):
            broken(_KIND, position, "a tile-part runs past the end")
        comments = [segment for segment in segments if _goes(stream, segment, allowed)]
        lost = sum(segment.end - segment.start for segment in comments)
        tiles.lost.append(lost)
        if lost and length:
            head = bytes(stream[position : position + 6]) + (length - lost).to_bytes(4, "big")
            tiles.parts += [head, (position + 10, position + _SOT_BYTES)]
        else:
            tiles.parts.append((position, position + _SOT_BYTES))
        tiles.parts += [(segment.start, segment.end) for segment in segments if segment not in comments]
        tiles.parts.append((data, end))
        position = end
    return tiles, position


def _goes(stream: Buffer, segment: _Segment, allowed: Comments) -> bool:
    """Whether a segment is a comment that is not allowed; the two bytes before its text say how that is coded."""
    return segment.code == _COM and not (
        number(stream, segment.start + 4, 2) == _LATIN and allowed.fullmatch(stream, segment.start + 6, segment.end)
    )


def _last_end(stream: Buffer, position: int) -> int:
    """Where a tile-part without length ends: packets hold no marker above FF8F, so the first EOC ends it."""
    found = bytes(stream[position:]).find(_EOC.to_bytes(2, "big"))
    if found < 0:
        broken(_KIND, position, "a tile-part without an end")
    return position + found


def _end_of_image(stream: Buffer, position: int) -> int:
    """Where the codestream ends; readers do without the last marker, and so does this."""
    if number(stream, position, 2) == _EOC:
        return position + 2
    if any(stream[position:]):
        broken(_KIND, position, "neither a tile-part nor the end")
    return position


def _index(stream: Buffer, segment: _Segment, losses: Iterator[int]) -> bytes:
    """One TLM segment whose tile-parts lost as many bytes as the next of `losses` say."""
    style = number(stream, segment.start + 5, 1)
    tile_bytes, length_bytes = style >> 4 & 3, 4 if style & 0x40 else 2
    step = tile_bytes + length_bytes
    entries = bytearray(stream[segment.start : segment.end])
    if tile_bytes == 3 or (len(entries) - 6) % step:
        broken(_KIND, segment.start, "an index of tile-parts that is none")
    for at in range(6 + tile_bytes, len(entries), step):
        length = number(bytes(entries), at, length_bytes) - next(losses, 0)
        entries[at : at + length_bytes] = max(0, length).to_bytes(length_bytes, "big")
    return bytes(entries)


def _codestream(frame: Buffer) -> Buffer:
    """The codestream of a whole JP2 file; a frame that is no such file is one already."""
    if bytes(frame[: len(_JP2)]) != _JP2:
        return frame
    found = None
    for kind, start, end in _boxes(frame, 0, len(frame)):
        if kind == _HEADER and any(inner in _MEANING for inner, _, _ in _boxes(frame, start, end)):
            broken(_KIND, start, "a file whose boxes say what its samples mean")
        if kind == _CODESTREAM and found is None:
            found = frame[start:end]
    return found if found is not None else broken(_KIND, 0, "a file without a codestream")


def _boxes(frame: Buffer, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of content of each box; zeros behind the last are no box."""
    while position + 8 <= end and any(frame[position : position + 8]):
        length, content = number(frame, position, 4), position + 8
        if length == 1:
            length, content = number(frame, position + 8, 8), position + 16
        last = position + length if length else end
        if not content <= last <= end:
            broken(_KIND, position, "a box runs past the end")
        yield bytes(frame[position + 4 : position + 8]), content, last
        position = last
