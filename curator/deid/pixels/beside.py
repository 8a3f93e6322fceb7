"""Everything that an instance's pixel data holds beside its pixels: taken out, or the instance is held.

    metadata of codestreams, bytes behind them      always taken out
    overlays and rubbish in unused bits             taken out where pixels may be cleaned, else held

The law: samples stay as they are, and what has nothing beside its pixels keeps its exact bytes.

Sources: DICOM PS3.15 E.3.1, E.3.3; see `bitstream`, `overlays` and `unused`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from curator.deid.pixels.bitstream import stripped_frame
from curator.deid.pixels.file_image import stored
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule, pixel_module
from curator.deid.pixels.overlays import (
    Word,
    cleared,
    declared_planes,
    refuse_planes_inside,
    unused_bits,
)
from curator.deid.pixels.quick import is_plainly_pixels
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.redrawn import Scratch, Scrubbed
from curator.deid.pixels.repacked import element_header, native_tail, rewritten
from curator.deid.pixels.spool import Spool
from curator.deid.pixels.streams.segments import NO_COMMENT, Comments
from curator.deid.pixels.unused import without_more
from curator.dicom.elements import Buffer, DataSet
from curator.dicom.parse import PIXEL_DATA, parse
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.model.quarantine import Reason

CODESTREAMS, UNUSED_BITS, OVERLAYS = "codestreams", "unused_bits", "overlays"


@dataclass(frozen=True, slots=True)
class Beside:
    """What was taken out beside the pixels: the new pixel data as `scrub` gives it, and frames or overlays by kind."""

    scrubbed: Scrubbed
    counts: Mapping[str, int] = field(default_factory=dict)


def is_plain(data_set: DataSet, *, allowed: Comments = NO_COMMENT) -> bool:
    """Whether pixel data plainly has nothing beside its pixels; False where that is not plain, or not well-formed.

    Quick, as `is_plainly_pixels` is.
    """
    pixels = data_set.first(PIXEL_DATA)
    if pixels is None or declared_planes(data_set):
        return False
    return is_plainly_pixels(data_set, memoryview(data_set.data)[pixels.value : pixels.end], allowed=allowed)


def bare_file(data: Stored, *, may_clear: bool, scratch: Scratch, allowed: Comments = NO_COMMENT) -> Stored:
    """A whole file without what stands beside its pixels; `data` itself where nothing does, or there are no pixels.

    What every instance goes through whose pixels nobody looks at; `may_clear` as in `taken_out`.

    Raises:
        ItemError: as `parse`, `pixel_module` and `taken_out`.
    """
    data_set = parse(data if isinstance(data, bytes) else memoryview(data))
    if data_set.first(PIXEL_DATA) is None or is_plain(data_set, allowed=allowed):
        return data
    frames = Frames(data_set, pixel_module(data_set))
    scrubbed = taken_out(frames, may_clear=may_clear, scratch=scratch, allowed=allowed).scrubbed
    return stored(rebuilt(data_set, scrubbed), scratch) if scrubbed.changed else data


def taken_out(frames: Frames, *, may_clear: bool, scratch: Scratch, allowed: Comments = NO_COMMENT) -> Beside:
    """The pixel data without what stands beside its pixels; `scrubbed.changed` is empty where nothing does.

    `may_clear` says that overlays in unused bits may be taken out, which is cleaning pixel data.

    Raises:
        ItemError: BURNED_IN_TEXT_POSSIBLE where they may not, or where one lies in bits of the pixels; MALFORMED and
            UNSUPPORTED_TRANSFER_SYNTAX as `bitstream.stripped`; what cannot be decoded.
    """
    refuse_planes_inside(frames.data_set)
    planes = declared_planes(frames.data_set)
    if planes and not may_clear:
        raise _held(f"{len(planes)} overlays are declared inside the pixel data")
    counts: Counter[str] = Counter({OVERLAYS: len(planes)} if planes else {})
    if frames.module.syntax.encapsulated:
        scrubbed = _encapsulated(frames, counts, may_clear=may_clear, scratch=scratch, allowed=allowed)
    else:
        scrubbed = _native(frames, counts, may_clear=may_clear, scratch=scratch)
    return Beside(scrubbed, {kind: count for kind, count in sorted(counts.items()) if count})


def _encapsulated(
    frames: Frames, counts: Counter[str], *, may_clear: bool, scratch: Scratch, allowed: Comments
) -> Scrubbed:
    module = frames.module

    def change(raw: Buffer) -> Buffer:
        bare = stripped_frame(raw, module, allowed)
        counts[CODESTREAMS] += bare is not raw
        clear = without_more(bare, module)
        if clear is not bare and not may_clear:
            raise _held("bits that are no part of the pixels hold something")
        counts[UNUSED_BITS] += clear is not bare
        return clear

    return rewritten(frames, change, scratch=scratch)


def _native(frames: Frames, counts: Counter[str], *, may_clear: bool, scratch: Scratch) -> Scrubbed:
    module, value = frames.module, _value(frames)
    has_more = unused_bits(value, _word(module))
    if has_more and not may_clear:
        raise _held("bits that are no part of the pixels hold something")
    start, tail = native_tail(frames)
    if not has_more and value[start:] == tail:
        return Scrubbed(module.syntax, ())
    spool = Spool(scratch)
    if has_more:
        for piece in cleared(value[:start], _word(module)):
            spool.keep(piece) if piece.obj is value.obj else spool.write(piece)
        tail = b"".join(cleared(memoryview(tail), _word(module)))
    else:
        spool.keep(value[:start])
    counts[UNUSED_BITS] += module.frames if has_more else 0
    counts[CODESTREAMS] += 0 if has_more else 1
    chunks = (element_header(module, module.pixels.length), *spool.chunks(), tail)
    return Scrubbed(module.syntax, tuple(range(module.frames)) if has_more else (module.frames - 1,), chunks)


def _held(detail: str) -> ItemError:
    return ItemError(Reason.BURNED_IN_TEXT_POSSIBLE, detail)


def _word(module: PixelModule) -> Word:
    return Word(module.bits_allocated, module.bits_stored, module.high_bit, module.is_signed, module.syntax.order)


def _value(frames: Frames) -> memoryview:
    pixels = frames.module.pixels
    return memoryview(frames.data_set.data)[pixels.value : pixels.value + pixels.length]
