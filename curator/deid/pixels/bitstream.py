"""What codestreams carry beside their picture, taken out without coding anything anew.

Comments, EXIF, XMP, JUMBF, ICC profiles, thumbnails, whole files around a codestream, and bytes behind its end: header
tools see none of it, and any reader of the file does. Every encapsulated instance passes here before it is released.

The law: the picture's coded bytes stay as they are; a frame with nothing beside its picture is the object that came in,
and an instance of such frames keeps its fragments and offset tables. What cannot be told apart is refused.

Sources: DICOM PS3.5 8.2, A.4; PS3.15 E.3.1. Codestreams: see `streams`.
"""

from __future__ import annotations

import struct
import zlib

from curator.deid.pixels.module import (
    DEFLATED_FRAMES,
    ENCAPSULATED_UNCOMPRESSED,
    JPEG_2000S,
    JPEG_LS,
    LARGEST_FRAME_BYTES,
    RLE_LOSSLESS,
    PixelModule,
)
from curator.deid.pixels.streams.jpeg import precision_of_jpeg, stripped_jpeg
from curator.deid.pixels.streams.jpeg2000 import precision_of_jpeg_2000, stripped_jpeg_2000
from curator.deid.pixels.streams.run_length import stripped_run_length
from curator.deid.pixels.streams.segments import NO_COMMENT, Comments
from curator.dicom.elements import Buffer
from curator.dicom.windows import WINDOW_BYTES, let_go
from curator.errors import ItemError
from curator.model.quarantine import Reason

_CODECS = "1.2.840.10008.1.2.4."
# Every process of T.81, retired ones included.
_JPEG = frozenset(f"{_CODECS}{number}" for number in (*range(50, 67), 70))
# Part 2 multi-component beside those that are decoded.
_JPEG_2000 = JPEG_2000S | {_CODECS + "92", _CODECS + "93"}
_ITEM = struct.Struct("<HHI")


def stripped(
    frame: Buffer, syntax_uid: str, *, allowed: Comments = NO_COMMENT, pixels: int = 0, size: int = 0
) -> Buffer:
    """The codestream of one frame, without anything beside its picture and of even length; where so, `frame` itself.

    Comments stay that are one of the `allowed`, all of it. `pixels` (rows times columns) is what an RLE frame is
    measured by, `size` (bytes of an uncompressed frame) what an uncompressed one is.

    Raises:
        ItemError: MALFORMED; UNSUPPORTED_TRANSFER_SYNTAX for video and for codecs whose streams are not taken apart.
    """
    if syntax_uid in _JPEG or syntax_uid in JPEG_LS:
        bare = stripped_jpeg(frame, is_ls=syntax_uid in JPEG_LS, allowed=allowed)
    elif syntax_uid in _JPEG_2000:
        bare = stripped_jpeg_2000(frame, allowed=allowed)
    elif syntax_uid == RLE_LOSSLESS:
        bare = stripped_run_length(frame, pixels=pixels)
    elif syntax_uid == DEFLATED_FRAMES:
        bare = _without_rest(frame, _deflated_length(frame))
    elif syntax_uid == ENCAPSULATED_UNCOMPRESSED:
        bare = _without_rest(frame, size)
    else:
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, f"what frames in {syntax_uid} carry is not told apart")
    if bare is not frame and len(bare) % 2:
        return bytes(bare) + b"\0"
    return bare


def precision(frame: Buffer, syntax_uid: str) -> int | None:
    """Bits per sample that a frame's own header speaks of; None where it has no such header: a word is all bits.

    Raises:
        ItemError: MALFORMED, the frame's header cannot be read.
    """
    if syntax_uid in _JPEG or syntax_uid in JPEG_LS:
        return precision_of_jpeg(frame)
    return precision_of_jpeg_2000(frame) if syntax_uid in _JPEG_2000 else None


def is_bare(
    value: memoryview, syntax_uid: str, *, allowed: Comments = NO_COMMENT, most_bits: int | None = None
) -> bool:
    """Whether encapsulated pixel data plainly carries nothing beside its pictures; False where that is not plain.

    `value` is everything behind the header of the Pixel Data element; `most_bits` what a sample may have, None for any
    number. Quick: one pass over the bytes, for files of the usual kind, where each fragment is a whole frame. RLE is
    never plain: what its pixels are stands elsewhere.
    """
    if syntax_uid in (RLE_LOSSLESS, ENCAPSULATED_UNCOMPRESSED):
        return False
    offsets: list[int] = []
    table, position, first, passed = b"", 0, -1, 0
    while position + 8 <= len(value):
        group, number, length = _ITEM.unpack_from(value, position)
        start, end = position + 8, position + 8 + length
        if (group, number) != (0xFFFE, 0xE000) or end > len(value):
            is_end = (group, number, length) == (0xFFFE, 0xE0DD, 0) and end == len(value)
            return is_end and (not table or table == struct.pack(f"<{len(offsets)}I", *offsets))
        if first < 0:
            first, table = end, bytes(value[start:end])
        else:
            offsets.append(position - first)
            if not _is_bare_frame(value[start:end], syntax_uid, allowed=allowed, most_bits=most_bits):
                return False
        if end - passed >= WINDOW_BYTES:
            let_go(value)
            passed = end
        position = end
    return False


def _is_bare_frame(frame: memoryview, syntax_uid: str, *, allowed: Comments, most_bits: int | None) -> bool:
    try:
        if stripped(frame, syntax_uid, allowed=allowed) is not frame:
            return False
        bits = precision(frame, syntax_uid) if most_bits is not None else 0
    except ItemError:
        # Perhaps a frame in several fragments; whoever takes it apart frame by frame will say.
        return False
    return most_bits is None or (bits is not None and bits <= most_bits)


def stripped_frame(frame: Buffer, module: PixelModule, allowed: Comments) -> Buffer:
    """`stripped` for a frame of `module`.

    Raises:
        ItemError: as `stripped`.
    """
    pixels, size = module.rows * module.columns, module.frame_bits // 8
    return stripped(frame, module.syntax.uid, allowed=allowed, pixels=pixels, size=size)


def _without_rest(frame: Buffer, size: int) -> Buffer:
    return frame[:size] if any(frame[size:]) else frame


def _deflated_length(frame: Buffer) -> int:
    """How many bytes of a frame its deflated stream takes; nothing of what it inflates to is kept."""
    inflater, piece, size = zlib.decompressobj(-zlib.MAX_WBITS), bytes(frame), 0
    try:
        while piece and not inflater.eof and size <= LARGEST_FRAME_BYTES:
            size += len(inflater.decompress(piece, 1 << 20))
            piece = inflater.unconsumed_tail
    except zlib.error as error:
        raise ItemError(Reason.MALFORMED, "a deflated frame does not inflate") from error
    if not inflater.eof:
        raise ItemError(Reason.TRUNCATED, "a deflated frame ends early")
    return len(frame) - len(inflater.unused_data)
