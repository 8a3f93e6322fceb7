"""RLE Lossless: one byte plane per segment, each row packed by itself.

The law: decoding takes segments of exactly the frame's size, and encoding what was decoded gives the same values.

Sources: DICOM PS3.5 Annex G.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.codecs import native
from curator.deid.pixels.codecs.native import Black, Samples
from curator.deid.pixels.module import PixelModule
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

_HEADER = struct.Struct("<16I")
_NOTHING = 128
Plane = NDArray[np.uint8]


def containers(raw: Buffer, module: PixelModule) -> Samples:
    """The allocated words of a frame, `(Y, X)` or `(Y, X, S)`.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    size = module.bits_allocated // 8
    bounds = _segments(raw, module.samples * size)
    pixels = module.rows * module.columns
    planes = np.empty((module.samples, pixels, size), np.uint8)
    for number, (start, end) in enumerate(bounds):
        sample, byte = divmod(number, size)
        planes[sample, :, size - 1 - byte] = _unpacked(bytes(raw[start:end]), pixels)
    words = planes.reshape(module.samples, -1).view(f"<u{size}").reshape(module.samples, module.rows, module.columns)
    return words[0] if module.samples == 1 else words.transpose(1, 2, 0)


def decode(raw: Buffer, module: PixelModule) -> Samples:
    """The stored values of a frame.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    return native.stored(containers(raw, module), module)


def painted(raw: Buffer, boxes: Iterable[Box], module: PixelModule, *, black: Black) -> bytes:
    """The frame with `boxes` black, packed anew.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    words = containers(raw, module)
    native.fill(words, boxes, module, black=black)
    return encode(words)


def encode(words: Samples) -> bytes:
    """The RLE frame of `(Y, X)` or `(Y, X, S)` allocated words."""
    planes = words[..., None] if words.ndim == 2 else words
    size = words.dtype.itemsize
    segments = []
    for sample in range(planes.shape[2]):
        octets = np.ascontiguousarray(planes[..., sample], f"<u{size}").view(np.uint8)
        octets = octets.reshape(words.shape[0], words.shape[1], size)
        segments += [_packed(np.ascontiguousarray(octets[..., byte])) for byte in reversed(range(size))]
    offsets, position = [], _HEADER.size
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    return _HEADER.pack(len(segments), *offsets, *[0] * (15 - len(offsets))) + b"".join(segments)


def _segments(raw: Buffer, expected: int) -> list[tuple[int, int]]:
    """Where each segment begins and ends."""
    if len(raw) < _HEADER.size:
        raise ItemError(Reason.TRUNCATED, "an RLE frame without its header")
    count, *offsets = _HEADER.unpack_from(raw)
    if count != expected:
        raise ItemError(Reason.MALFORMED, f"{count} RLE segments, {expected} wanted")
    starts = offsets[:count]
    if starts[0] != _HEADER.size or any(a > b for a, b in zip(starts, [*starts[1:], len(raw)], strict=True)):
        raise ItemError(Reason.MALFORMED, "offsets of RLE segments that do not fit the frame")
    return list(zip(starts, [*starts[1:], len(raw)], strict=True))


def _unpacked(segment: bytes, wanted: int) -> Plane:
    """The bytes of one segment."""
    out: list[bytes] = []
    position, have, end = 0, 0, len(segment)
    while have < wanted:
        if position + 1 >= end:
            raise ItemError(Reason.TRUNCATED, "an RLE segment ends early")
        control = segment[position]
        if control < _NOTHING:
            run = segment[position + 1 : position + 2 + control]
            position += 2 + control
            if len(run) <= control:
                raise ItemError(Reason.TRUNCATED, "an RLE segment ends early")
        elif control > _NOTHING:
            run = segment[position + 1 : position + 2] * (257 - control)
            position += 2
        else:
            position += 1
            continue
        out.append(run)
        have += len(run)
    if have != wanted:
        raise ItemError(Reason.MALFORMED, "an RLE segment holds more than its plane")
    if end - position > 1 and any(segment[position:]):
        raise ItemError(Reason.MALFORMED, "bytes after the last run of an RLE segment")
    return np.frombuffer(b"".join(out), np.uint8)


def _packed(plane: Plane) -> bytes:
    """`(Y, X)` bytes as runs that stay inside their row, padded to an even length."""
    columns = plane.shape[1]
    flat = plane.reshape(-1)
    is_start = np.ones(flat.size, bool)
    is_start[1:] = flat[1:] != flat[:-1]
    is_start[::columns] = True
    starts = np.flatnonzero(is_start)
    # A run of two costs as much as it saves; only longer ones are worth a packet of their own.
    repeats = np.diff(starts, append=flat.size) > 2
    # What is not repeated goes on until something is, or the row ends.
    is_part = repeats | np.r_[True, repeats[:-1]] | (starts % columns == 0)
    parts, is_repeat = starts[is_part].tolist(), repeats[is_part].tolist()
    out = bytearray()
    octets = flat.tobytes()
    for start, end, repeated in zip(parts, [*parts[1:], flat.size], is_repeat, strict=True):
        if repeated:
            _repeat(out, octets[start], end - start)
        else:
            _literal(out, octets[start:end])
    return bytes(out) + bytes(len(out) % 2)


def _literal(out: bytearray, octets: bytes) -> None:
    for start in range(0, len(octets), 128):
        part = octets[start : start + 128]
        out.append(len(part) - 1)
        out += part


def _repeat(out: bytearray, octet: int, length: int) -> None:
    while length > 1:
        part = min(length, 128)
        # What is left of a run must not be a single byte: no replicate packet says one.
        if length - part == 1:
            part -= 1
        out += bytes((257 - part, octet))
        length -= part
