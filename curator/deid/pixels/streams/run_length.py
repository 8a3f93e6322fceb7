"""RLE frames with zeros in what codes no pixel: offsets of segments that are not there, bytes behind a segment's end.

The law: every length and offset stays, so a frame keeps its place; bytes that code a pixel are not touched.

Sources: DICOM PS3.5 Annex G.
"""

from __future__ import annotations

from curator.deid.pixels.streams.segments import broken
from curator.dicom.elements import Buffer

_HEADER_BYTES, _MOST_SEGMENTS = 64, 15
_KIND = "RLE"


def stripped_run_length(stream: Buffer, *, pixels: int) -> Buffer:
    """The frame of `pixels` pixels with zeros in what codes none; `stream` itself where it has them already.

    Raises:
        ItemError: MALFORMED, its segments do not lie in it or are too short.
    """
    data = bytes(stream)
    offsets = _offsets(data)
    unused = [(4 + 4 * len(offsets), _HEADER_BYTES)]
    for start, end in zip(offsets, [*offsets[1:], len(data)], strict=True):
        last, extra = _end(data, start, end, pixels)
        unused.append((last - extra, end))
    if not any(data[start:end].strip(b"\0") for start, end in unused):
        return stream
    cleared = bytearray(data)
    for start, end in unused:
        cleared[start:end] = bytes(end - start)
    return bytes(cleared)


def _offsets(data: bytes) -> list[int]:
    count = int.from_bytes(data[:4], "little")
    if len(data) < _HEADER_BYTES or not 1 <= count <= _MOST_SEGMENTS:
        broken(_KIND, 0, "a header that is none")
    offsets = [int.from_bytes(data[4 + 4 * index : 8 + 4 * index], "little") for index in range(count)]
    if offsets[0] != _HEADER_BYTES or sorted(set(offsets)) != offsets or offsets[-1] >= len(data):
        broken(_KIND, 4, "segments that do not follow each other")
    return offsets


def _end(data: bytes, position: int, end: int, pixels: int) -> tuple[int, int]:
    """Where a segment's last run ends, and how many literal bytes of that code no pixel."""
    left = pixels
    while left > 0:
        if position >= end:
            broken(_KIND, position, "a segment ends before its pixels do")
        control = data[position]
        if control < 128:
            position += control + 2
            left -= control + 1
        elif control > 128:
            position += 2
            left -= 257 - control
        else:
            position += 1
    if position > end:
        broken(_KIND, end, "a run reaches beyond its segment")
    return position, -left if control < 128 else 0
