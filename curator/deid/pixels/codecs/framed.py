"""Uncompressed and deflated samples, each frame in a fragment of its own.

The law: a frame has exactly the bytes of its samples.

Sources: DICOM PS3.5 A.4.11 (encapsulated uncompressed), A.4.13 (deflated image frame).
"""

from __future__ import annotations

import zlib

from curator.deid.pixels.module import DEFLATED_FRAMES, PixelModule
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason


def opened(raw: Buffer, module: PixelModule) -> bytes:
    """The uncompressed bytes of one frame.

    Raises:
        ItemError: TRUNCATED or MALFORMED.
    """
    wanted = (module.frame_bits + 7) // 8
    octets = _inflated(raw, wanted) if module.syntax.uid == DEFLATED_FRAMES else bytes(raw)
    if len(octets) < wanted:
        raise ItemError(Reason.TRUNCATED, f"a frame of {len(octets)} bytes, {wanted} wanted")
    if len(octets) > wanted + wanted % 2:
        raise ItemError(Reason.MALFORMED, f"a frame of more than {wanted} bytes")
    return octets[:wanted]


def closed(octets: bytes, module: PixelModule) -> bytes:
    """The frame of uncompressed bytes."""
    if module.syntax.uid != DEFLATED_FRAMES:
        return octets
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(octets) + deflater.flush()


def _inflated(raw: Buffer, wanted: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        octets = inflater.decompress(raw, wanted + 2)
    except zlib.error as error:
        raise ItemError(Reason.MALFORMED, "a deflated frame that does not inflate") from error
    if inflater.unconsumed_tail:
        raise ItemError(Reason.MALFORMED, f"a frame of more than {wanted} bytes")
    if not inflater.eof:
        raise ItemError(Reason.TRUNCATED, "a deflated frame that ends early")
    if inflater.unused_data.strip(b"\0"):
        raise ItemError(Reason.MALFORMED, f"{len(inflater.unused_data)} bytes after the end of a deflated frame")
    return octets
