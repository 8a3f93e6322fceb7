"""JPEG 2000 and HTJ2K frames, decoded, and JPEG 2000 written reversibly.

The law: what is encoded decodes to the same words.

Sources: ITU-T T.800 Annex A (codestream), Annex I (JP2 boxes); ITU-T T.814 (HTJ2K); DICOM PS3.5 A.4.4.
"""

from __future__ import annotations

import struct
from collections import Counter
from math import ceil

import numpy as np
from openjpeg.utils import decode_pixel_data, encode_buffer, get_parameters

from curator.deid.pixels.codecs.coded import Coded, check_shape, reshaped
from curator.deid.pixels.module import PixelModule
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason

MOST = 24
_SOC, _SIZ, _COD, _SOT, _EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF90, 0xFFD9
_TRANSFORM_AT, _WAVELET_AT, _DEPTH_AT = 4, 9, 42
# Header and first marker of a tile-part.
_LEAST_PART = 14
# More than so many tiles of fewer pixels than that are made to exhaust a decoder.
_MANY_TILES, _SMALL_TILE = 1024, 1024
_JP2, _CODESTREAM_BOX = b"\0\0\0\x0cjP  ", b"jp2c"
_RGB, _UNSPECIFIED = 1, 0
_WRONG = "a JPEG 2000 frame"


def precision_of(raw: Buffer) -> int:
    """Bits per sample as the stream says.

    Raises:
        ItemError: MALFORMED, it does not.
    """
    head = _codestream(bytes(raw))[: _DEPTH_AT + 1]
    if len(head) <= _DEPTH_AT or struct.unpack_from(">HH", head) != (_SOC, _SIZ):
        raise ItemError(Reason.MALFORMED, f"{_WRONG} without its start")
    return (head[_DEPTH_AT] & 0x7F) + 1


def read(raw: Buffer, module: PixelModule) -> Coded:
    """One decoded frame, colours put back together.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    frame = bytes(raw)
    has_transform, is_reversible = _checked(_codestream(frame), module)
    try:
        said = get_parameters(frame)
        precision, is_signed = int(said["precision"]), bool(said["is_signed"])
        check_shape(module, rows=module.rows, columns=module.columns, samples=module.samples, precision=precision)
        octets = decode_pixel_data(frame, version=2)
    except (RuntimeError, ValueError) as error:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} that does not decode") from error
    size = 1 if precision <= 8 else 2 if precision <= 16 else 4
    words = reshaped(bytes(octets), module, size=size)
    if is_signed:
        words = words & np.array((1 << precision) - 1, words.dtype)
    return Coded(words, precision, is_signed, has_transform, is_reversible)


def encoded(coded: Coded) -> bytes:
    """The reversible codestream of `coded`, of 24 bits at most.

    Raises:
        ItemError: UNSUPPORTED_OBJECT, a side of less than 32 pixels, which the encoder's wavelet does not take.
    """
    words = coded.words
    rows, columns = words.shape[:2]
    samples = 1 if words.ndim == 2 else words.shape[2]
    size = 1 if coded.precision <= 8 else 2 if coded.precision <= 16 else 4
    octets = np.ascontiguousarray(words, f"<u{size}")
    if coded.is_signed:
        unused = 8 * size - coded.precision
        octets = (octets << unused).view(f"<i{size}") >> unused
    try:
        return encode_buffer(
            octets.tobytes(),
            columns,
            rows,
            samples,
            coded.precision,
            coded.is_signed,
            photometric_interpretation=_RGB if coded.has_transform else _UNSPECIFIED,
            use_mct=coded.has_transform,
        )
    except (RuntimeError, ValueError) as error:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "a frame that cannot be written as JPEG 2000") from error


def _codestream(frame: bytes) -> bytes:
    """The codestream of a frame, taken out of a JP2 file where one was put in."""
    if not frame.startswith(_JP2):
        return frame
    position = 0
    while position + 8 <= len(frame):
        length, kind = struct.unpack_from(">I4s", frame, position)
        if kind == _CODESTREAM_BOX:
            return frame[position + 8 : position + length if length else len(frame)]
        if length < 8:
            break
        position += length
    raise ItemError(Reason.MALFORMED, f"{_WRONG} in boxes without a codestream")


def _checked(stream: bytes, module: PixelModule) -> tuple[bool, bool]:
    """Whether colours are transformed and whether reversibly, once the stream has been walked to its end marker."""
    if len(stream) < 4 or struct.unpack_from(">HH", stream) != (_SOC, _SIZ):
        raise ItemError(Reason.MALFORMED, f"{_WRONG} without its start")
    position, tiles, has_transform, is_reversible = 2, 0, False, True
    while True:
        if position + 4 > len(stream):
            raise ItemError(Reason.TRUNCATED, f"{_WRONG} that ends in its header")
        code, length = struct.unpack_from(">HH", stream, position)
        if code == _SOT:
            break
        if code < 0xFF00 or length < 2:
            raise ItemError(Reason.MALFORMED, f"{_WRONG} with no marker at byte {position}")
        body = stream[position + 4 : position + 2 + length]
        if code == _SIZ:
            tiles = _tiles(body, module)
        elif code == _COD and len(body) > _WAVELET_AT:
            has_transform, is_reversible = body[_TRANSFORM_AT] == 1, body[_WAVELET_AT] == 1
        position += 2 + length
    _check_parts(stream, position, tiles)
    return has_transform, is_reversible


def _tiles(body: bytes, module: PixelModule) -> int:
    """How many tiles there are by the size segment, which is of the frame that the header states."""
    if len(body) < 36:
        raise ItemError(Reason.TRUNCATED, f"{_WRONG} that ends in its header")
    right, bottom, left, top, width, height, tiles_left, tiles_top, samples = struct.unpack_from(">8IH", body, 2)
    parts = [body[at : at + 3] for at in range(36, 36 + 3 * samples, 3)]
    precision = (parts[0][0] & 0x7F) + 1 if parts and parts[0] else 0
    check_shape(module, rows=bottom - top, columns=right - left, samples=samples, precision=precision)
    if len(set(parts)) != 1 or parts[0][1:] != b"\1\1":
        raise ItemError(Reason.MALFORMED, f"{_WRONG} whose components differ in sampling or depth")
    if not width or not height or tiles_left > left or tiles_top > top:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} with tiles of no size")
    tiles: int = ceil((right - tiles_left) / width) * ceil((bottom - tiles_top) / height)
    if tiles > _MANY_TILES and module.rows * module.columns < tiles * _SMALL_TILE:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{_WRONG} of {tiles} tiles")
    return tiles


def _check_parts(stream: bytes, position: int, tiles: int) -> None:
    """Go from tile-part to tile-part: every tile has all of its own, and the last ends where the end marker stands."""
    held, stated = Counter[int](), dict[int, int]()
    while True:
        code = int.from_bytes(stream[position : position + 2], "big")
        if code == _EOC:
            break
        if code != _SOT or position + 12 > len(stream):
            raise ItemError(Reason.TRUNCATED, f"{_WRONG} that ends before its end marker")
        tile, length, part, parts = struct.unpack_from(">HIBB", stream, position + 4)
        if part != held[tile] or (length and length < _LEAST_PART):
            raise ItemError(Reason.MALFORMED, f"{_WRONG} with a broken tile-part")
        held[tile] += 1
        # 0: it is said in another part of the tile, or not at all.
        stated[tile] = parts or stated.get(tile, 0)
        # 0: the last tile-part reaches to the end marker.
        position = position + length if length else stream.rfind(b"\xff\xd9")
    # Some writers count one tile-part too few.
    if set(held) != set(range(tiles)) or any(count < stated[tile] for tile, count in held.items()):
        raise ItemError(Reason.TRUNCATED, f"{_WRONG} that lacks some of its {tiles} tiles")
    if b"\xff\x4f\xff\x51" in stream[position:]:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} after the end of another")
