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
from collections.abc import Callable
from functools import partial

from curator.deid.pixels.codecs.native import swapped
from curator.deid.pixels.fragments import SEQUENCE_DELIMITER, basic_offset_table, item_header
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import (
    DEFLATED_FRAMES,
    ENCAPSULATED_UNCOMPRESSED,
    JPEG_2000S,
    JPEG_LS,
    LARGEST_FRAME_BYTES,
    RLE_LOSSLESS,
    PixelModule,
)
from curator.deid.pixels.scrub import Scratch, Scrubbed
from curator.deid.pixels.spool import Spool
from curator.deid.pixels.streams.jpeg import precision_of_jpeg, stripped_jpeg
from curator.deid.pixels.streams.jpeg2000 import precision_of_jpeg_2000, stripped_jpeg_2000
from curator.deid.pixels.streams.run_length import stripped_run_length
from curator.deid.pixels.streams.segments import NO_COMMENT, Comments
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.encode import header
from curator.dicom.parse import UNDEFINED
from curator.errors import ItemError
from curator.model.quarantine import Reason

_CODECS = "1.2.840.10008.1.2.4."
# Every process of T.81, retired ones included.
_JPEG = frozenset(f"{_CODECS}{number}" for number in (*range(50, 67), 70))
# Part 2 multi-component beside those that are decoded.
_JPEG_2000 = JPEG_2000S | {_CODECS + "92", _CODECS + "93"}
_OFFSET_TABLES = (tag_of("ExtendedOffsetTable"), tag_of("ExtendedOffsetTableLengths"))
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


def precision(frame: Buffer, module: PixelModule) -> int:
    """Bits per sample that a frame's own header speaks of, those of a whole word where it has no such header.

    Raises:
        ItemError: MALFORMED, the frame's header cannot be read.
    """
    uid = module.syntax.uid
    if uid in _JPEG or uid in JPEG_LS:
        return precision_of_jpeg(frame, is_ls=uid in JPEG_LS)
    if uid in _JPEG_2000:
        return precision_of_jpeg_2000(frame)
    return module.bits_allocated


def is_bare(value: memoryview, syntax_uid: str, *, allowed: Comments = NO_COMMENT) -> bool:
    """Whether encapsulated pixel data plainly carries nothing beside its pictures; False where that is not plain.

    `value` is everything behind the header of the Pixel Data element. Quick: one pass over the bytes, and for files
    of the usual kind, where each fragment is a whole frame. RLE is never plain: what its pixels are stands elsewhere.
    """
    if syntax_uid in (RLE_LOSSLESS, ENCAPSULATED_UNCOMPRESSED):
        return False
    offsets: list[int] = []
    table, position, first = b"", 0, -1
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
            fragment = value[start:end]
            try:
                if stripped(fragment, syntax_uid, allowed=allowed) is not fragment:
                    return False
            except ItemError:
                # Perhaps a frame in several fragments; whoever takes it apart frame by frame will say.
                return False
        position = end
    return False


def stripped_pixels(frames: Frames, *, scratch: Scratch, allowed: Comments = NO_COMMENT) -> Scrubbed:
    """The pixel data of an instance without anything beside its pictures; nothing changed and nothing in it where so.

    Native pixel data has at most a pad byte beside its frames, which becomes zero. `scratch` as in `scrub`.

    Raises:
        ItemError: as `stripped`.
    """
    if not frames.module.syntax.encapsulated:
        return _stripped_native(frames)
    return rewritten(frames, partial(stripped_frame, module=frames.module, allowed=allowed), scratch=scratch)


def stripped_frame(frame: Buffer, module: PixelModule, allowed: Comments) -> Buffer:
    """`stripped` for a frame of `module`.

    Raises:
        ItemError: as `stripped`.
    """
    pixels, size = module.rows * module.columns, module.frame_bits // 8
    return stripped(frame, module.syntax.uid, allowed=allowed, pixels=pixels, size=size)


def rewritten(frames: Frames, change: Callable[[Buffer], Buffer], *, scratch: Scratch) -> Scrubbed:
    """Encapsulated pixel data of frames as `change` gives them back; nothing where each is the object that it took."""
    module = frames.module
    spool = Spool(scratch)
    lengths: list[int] = []
    changed: list[int] = []
    for index in range(len(frames)):
        raw = frames.raw(index)
        new = change(raw)
        if new is not raw and not changed:
            # Only now is it worth writing: what came before is as it was.
            lengths = [_add(spool, frames.raw(earlier)) for earlier in range(index)]
        if new is not raw:
            changed.append(index)
        if changed:
            lengths.append(_add(spool, new))
    if not changed:
        return Scrubbed(module.syntax, ())
    head = (element_header(module, UNDEFINED), basic_offset_table(lengths))
    gone = {tag: None for tag in _OFFSET_TABLES if frames.data_set.first(tag) is not None}
    return Scrubbed(module.syntax, tuple(changed), (*head, *spool.chunks(), SEQUENCE_DELIMITER), gone)


def _stripped_native(frames: Frames) -> Scrubbed:
    module = frames.module
    whole = memoryview(frames.data_set.data)[module.pixels.value : module.pixels.value + module.pixels.length]
    start, tail = native_tail(frames)
    if tail == whole[start:]:
        return Scrubbed(module.syntax, ())
    chunks = (element_header(module, module.pixels.length), whole[:start], tail)
    return Scrubbed(module.syntax, (module.frames - 1,), chunks)


def native_tail(frames: Frames) -> tuple[int, bytes]:
    """Where the last word of native pixel data begins that a sample stands in, and all from there on without the rest.

    The rest are bits of a byte that frames of single bits do not fill, and the pad byte.
    """
    module = frames.module
    value = memoryview(frames.data_set.data)[module.pixels.value : module.pixels.value + module.pixels.length]
    bits = module.frame_bits * module.frames
    # From an even byte on, so that it is a row of whole words where these are swapped.
    start = bits // 16 * 2
    before = swapped(value[start:]) if module.is_swapped else bytes(value[start:])
    after = bytearray(len(before))
    filled, left = divmod(bits - start * 8, 8)
    after[:filled] = before[:filled]
    if left:
        after[filled] = before[filled] & ((1 << left) - 1)
    return start, swapped(bytes(after)) if module.is_swapped else bytes(after)


def _add(spool: Spool, frame: Buffer) -> int:
    """Add one frame as one fragment; its even length."""
    odd = len(frame) % 2
    spool.write(item_header(len(frame) + odd))
    spool.write(frame)
    if odd:
        spool.write(b"\0")
    return len(frame) + odd


def element_header(module: PixelModule, length: int) -> bytes:
    """The header of a new Pixel Data element."""
    syntax = module.syntax
    return header(module.pixels.tag, module.pixels.vr, length, explicit=syntax.explicit, order=syntax.order)


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
