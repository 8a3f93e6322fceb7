"""RLE frames without what codes no pixel: offsets of segments that are not there, bytes between and behind segments.

The law: the runs stay as they are and in their order; a segment codes exactly the pixels of the frame.

Sources: DICOM PS3.5 Annex G.
"""

from __future__ import annotations

import struct

from curator.deid.pixels.streams.segments import broken
from curator.dicom.elements import Buffer

_MOST_SEGMENTS = 15
_HEADER = struct.Struct(f"<{1 + _MOST_SEGMENTS}I")
_KIND = "RLE"


def stripped_run_length(stream: Buffer, *, pixels: int) -> Buffer:
    """The frame of `pixels` pixels without what codes none; `stream` itself where all of that is zeros.

    Raises:
        ItemError: MALFORMED, its segments do not lie in it or do not code `pixels` bytes each.
    """
    data = bytes(stream)
    starts = _starts(data)
    bounds = list(zip(starts, [*starts[1:], len(data)], strict=True))
    ends = [_end(data, start, end, pixels) for start, end in bounds]
    rests = [data[4 + 4 * len(starts) : _HEADER.size], *(data[a:b] for a, (_, b) in zip(ends, bounds, strict=True))]
    if not any(rest.strip(b"\0") for rest in rests):
        return stream
    offsets, segments, position = [], [], _HEADER.size
    for start, end in zip(starts, ends, strict=True):
        segment = data[start:end] + bytes((end - start) % 2)
        offsets.append(position)
        segments.append(segment)
        position += len(segment)
    unused = [0] * (_MOST_SEGMENTS - len(offsets))
    return _HEADER.pack(len(offsets), *offsets, *unused) + b"".join(segments)


def _starts(data: bytes) -> list[int]:
    if len(data) < _HEADER.size:
        broken(_KIND, 0, "shorter than its header")
    count, *offsets = _HEADER.unpack_from(data)
    starts = offsets[:count]
    if not 1 <= count <= _MOST_SEGMENTS or starts[0] != _HEADER.size:
        broken(_KIND, 0, "a header that is none")
    if sorted(set(starts)) != starts or starts[-1] >= len(data):
        broken(_KIND, 4, "segments that do not follow each other")
    return starts


def _end(data: bytes, position: int, end: int, pixels: int) -> int:
    """Where the last run ends of the segment from `position` to `end`."""
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
    if left < 0 or position > end:
        broken(_KIND, end, "a run reaches beyond its segment")
    return position
