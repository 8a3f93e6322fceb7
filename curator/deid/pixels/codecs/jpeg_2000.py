"""JPEG 2000 and HTJ2K frames, decoded, and JPEG 2000 written reversibly.

The law: what is encoded decodes to the same words.

Sources: ITU-T T.800 Annex A (codestream), Annex I (JP2 boxes); ITU-T T.814 (HTJ2K); DICOM PS3.5 A.4.4.
"""

from __future__ import annotations

import struct

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
    position, has_transform, is_reversible = 2, False, True
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
            _check_size(body, module)
        elif code == _COD and len(body) > _WAVELET_AT:
            has_transform, is_reversible = body[_TRANSFORM_AT] == 1, body[_WAVELET_AT] == 1
        position += 2 + length
    _check_tiles(stream, position)
    return has_transform, is_reversible


def _check_size(body: bytes, module: PixelModule) -> None:
    if len(body) < 36:
        raise ItemError(Reason.TRUNCATED, f"{_WRONG} that ends in its header")
    right, bottom, left, top = struct.unpack_from(">4I", body, 2)
    samples = int.from_bytes(body[34:36], "big")
    parts = [body[at : at + 3] for at in range(36, 36 + 3 * samples, 3)]
    precision = (parts[0][0] & 0x7F) + 1 if parts and parts[0] else 0
    check_shape(module, rows=bottom - top, columns=right - left, samples=samples, precision=precision)
    if len(set(parts)) != 1 or parts[0][1:] != b"\1\1":
        raise ItemError(Reason.MALFORMED, f"{_WRONG} whose components differ in sampling or depth")


def _check_tiles(stream: bytes, position: int) -> None:
    """Go from tile-part to tile-part: the last ends where the end marker stands."""
    while True:
        code = int.from_bytes(stream[position : position + 2], "big")
        if code == _EOC:
            break
        if code != _SOT or position + 12 > len(stream):
            raise ItemError(Reason.TRUNCATED, f"{_WRONG} that ends before its end marker")
        length = int.from_bytes(stream[position + 6 : position + 10], "big")
        # 0: the last tile-part reaches to the end marker.
        if length == 0:
            position = stream.rfind(b"\xff\xd9")
        elif length < 14:
            raise ItemError(Reason.MALFORMED, f"{_WRONG} with a broken tile-part")
        else:
            position += length
    if b"\xff\x4f\xff\x51" in stream[position:]:
        raise ItemError(Reason.MALFORMED, f"{_WRONG} after the end of another")
