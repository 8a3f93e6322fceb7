"""JPEG-LS frames, decoded and written losslessly.

The law: what is encoded decodes to the same words.

Sources: ITU-T T.87; DICOM PS3.5 A.4.3.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jpeg_ls import decode_pixel_data, encode_buffer

from curator.deid.pixels.codecs.coded import Coded, check_shape, reshaped
from curator.deid.pixels.codecs.jpeg_segments import SOF_LS, read_header
from curator.deid.pixels.module import PixelModule
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason

_BY_PLANE = 0
# The least precision the standard defines.
_LEAST, MOST = 2, 16


def read(raw: Buffer, module: PixelModule) -> Coded:
    """One decoded frame.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    stream = bytes(raw)
    header = read_header(stream)
    if header.kind != SOF_LS:
        raise ItemError(Reason.MALFORMED, "a JPEG-LS frame that is another JPEG")
    samples = len(header.components)
    check_shape(module, rows=header.rows, columns=header.columns, samples=samples, precision=header.precision)
    try:
        octets, said = decode_pixel_data(stream[: header.end])
    except (RuntimeError, ValueError) as error:
        raise ItemError(Reason.MALFORMED, "a JPEG-LS frame that does not decode") from error
    interleave = said["interleave_mode"] if samples > 1 else _BY_PLANE
    size = 1 if header.precision <= 8 else 2
    words = reshaped(octets, module, size=size, by_plane=samples > 1 and interleave == _BY_PLANE)
    return Coded(words, header.precision, interleave=interleave)


def encoded(coded: Coded) -> bytes:
    """The lossless frame of `coded`, of 16 bits at most.

    Raises:
        ItemError: UNSUPPORTED_OBJECT, so few pixels of noise that the encoder's room does not hold them.
    """
    words = coded.words
    precision = max(_LEAST, coded.precision)
    rows, columns = words.shape[:2]
    samples = 1 if words.ndim == 2 else words.shape[2]
    coded = replace(coded, interleave=coded.interleave if samples > 1 else _BY_PLANE)
    ordered = words
    if samples > 1 and coded.interleave == _BY_PLANE:
        ordered = words.transpose(2, 0, 1)
    octets = np.ascontiguousarray(ordered, "<u1" if precision <= 8 else "<u2").tobytes()
    try:
        return bytes(encode_buffer(octets, rows, columns, samples, precision, 0, coded.interleave))
    except RuntimeError as error:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "a frame that cannot be written as JPEG-LS") from error
