"""Pixel data put together anew around frames of which some have changed.

The law: where no frame has changed there is nothing new; a frame that has not keeps its bytes.

Sources: DICOM PS3.5 8.1.1, 8.2, A.4.
"""

from __future__ import annotations

from collections.abc import Callable

from curator.deid.pixels.codecs.native import swapped
from curator.deid.pixels.fragments import SEQUENCE_DELIMITER, basic_offset_table, item_header
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule
from curator.deid.pixels.redrawn import Scratch, Scrubbed
from curator.deid.pixels.spool import Spool
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.encode import header
from curator.dicom.parse import UNDEFINED
from curator.dicom.windows import WINDOW_BYTES, let_go

_OFFSET_TABLES = (tag_of("ExtendedOffsetTable"), tag_of("ExtendedOffsetTableLengths"))


def rewritten(frames: Frames, change: Callable[[Buffer], Buffer], *, scratch: Scratch) -> Scrubbed:
    """Encapsulated pixel data of frames as `change` gives them back; nothing where each is the object that it took."""
    module = frames.module
    spool = Spool(scratch)
    lengths: list[int] = []
    changed: list[int] = []
    source = memoryview(frames.data_set.data)
    passed = 0
    for index in range(len(frames)):
        raw = frames.raw(index)
        new = change(raw)
        if new is not raw and not changed:
            # Only now is it worth writing: what came before is as it was.
            lengths = [_add(spool, frames.raw(earlier), source) for earlier in range(index)]
        if new is not raw:
            changed.append(index)
        if changed:
            lengths.append(_add(spool, new, source))
        passed += len(raw)
        if passed >= WINDOW_BYTES:
            let_go(source)
            passed = 0
    if not changed:
        return Scrubbed(module.syntax, ())
    head = (element_header(module, UNDEFINED), basic_offset_table(lengths))
    gone = {tag: None for tag in _OFFSET_TABLES if frames.data_set.first(tag) is not None}
    return Scrubbed(module.syntax, tuple(changed), (*head, *spool.chunks(), SEQUENCE_DELIMITER), gone)


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


def _add(spool: Spool, frame: Buffer, source: memoryview) -> int:
    """Add one frame as one fragment, by reference where it lies in the source; its even length."""
    odd = len(frame) % 2
    spool.write(item_header(len(frame) + odd))
    if isinstance(frame, memoryview) and frame.obj is source.obj:
        spool.keep(frame)
    else:
        spool.write(frame)
    if odd:
        spool.write(b"\0")
    return len(frame) + odd


def element_header(module: PixelModule, length: int) -> bytes:
    """The header of a new Pixel Data element."""
    syntax = module.syntax
    return header(module.pixels.tag, module.pixels.vr, length, explicit=syntax.explicit, order=syntax.order)
