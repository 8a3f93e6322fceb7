"""How frames of each transfer syntax are painted, and in which syntax they stand afterwards.

The law: painting a frame changes what lies in its boxes; where the syntax stays, a frame without boxes is not touched.

Sources: DICOM PS3.5 8.2 and Annex A (which syntaxes hold what), PS3.3 C.7.6.1.1.5 (lossy compression).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np

from curator.deid.pixels.attributes import text
from curator.deid.pixels.black import black
from curator.deid.pixels.codecs import framed, jpeg, jpeg_2000, jpeg_dct, jpeg_ls, native, rle
from curator.deid.pixels.codecs.coded import Coded, container, meant
from curator.deid.pixels.codecs.jpeg_segments import JpegHeader, is_rgb
from curator.deid.pixels.codecs.native import Black
from curator.deid.pixels.frames import Frames, read_coded
from curator.deid.pixels.module import (
    HTJ2KS,
    JPEG_2000_LOSSLESS,
    JPEG_2000S,
    JPEG_LS_LOSSLESS,
    JPEGS,
    LOSSLESS,
    MONOCHROME1,
    RLE_LOSSLESS,
    UNCOMPRESSED,
    PixelModule,
)
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.syntax import TransferSyntax, transfer_syntax
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

_LOSSY, _JPEG_METHOD, _J2K_METHOD = b"01", b"ISO_10918_1 ", b"ISO_15444_15"


@dataclass(frozen=True, slots=True)
class Brush:
    """Paints encapsulated frames.

    `paint` gives a frame with boxes black. In another syntax than the frames came in every frame is painted, without
    boxes too. `header` gives the value bytes of elements that go with a new syntax.
    """

    syntax: TransferSyntax
    paint: Callable[[Buffer, Sequence[Box]], bytes] = field(repr=False)
    header: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


def brush_of(frames: Frames) -> Brush:
    """What the encapsulated frames of an instance are painted with.

    Raises:
        ItemError: they cannot be decoded, or what they hold has no lossless syntax.
    """
    module, uid = frames.module, frames.module.syntax.uid
    if uid == RLE_LOSSLESS:
        return Brush(module.syntax, _rle(frames))
    if uid in UNCOMPRESSED:
        return Brush(module.syntax, _framed(frames))
    if is_block_coded(frames, 0):
        return Brush(module.syntax, _blocks(frames))
    if uid in JPEGS or uid in HTJ2KS:
        return _transcoding(frames)
    return Brush(module.syntax, _recoding(frames, jpeg_2000.encoded if uid in JPEG_2000S else jpeg_ls.encoded))


def is_block_coded(frames: Frames, index: int) -> bool:
    """Whether a frame is painted as DCT blocks: a JPEG of 8 bits that is not lossless."""
    return _block_header(frames, index) is not None


def _block_header(frames: Frames, index: int) -> JpegHeader | None:
    if frames.module.syntax.uid not in JPEGS - LOSSLESS:
        return None
    header = jpeg.checked_header(bytes(frames.raw(index)), frames.module)
    return header if header.precision == 8 else None


def growth(frames: Frames, index: int) -> Callable[[Box], Box]:
    """What is blackened of a frame where a box inside it is asked for."""
    module = frames.module
    header = _block_header(frames, index)
    if header is not None:
        return partial(jpeg_dct.grown, header=header)
    if not module.syntax.encapsulated or module.syntax.uid in UNCOMPRESSED:
        return partial(native.grown, module=module)
    return lambda box: box


def block_black(stream: bytes, frames: Frames, samples: int) -> Black:
    """The samples of black in a JPEG of 8 bits.

    Pixel Padding Value does not count here: lossy samples never hit it.
    """
    module = frames.module
    if samples == 1:
        is_grey = module.photometric != "PALETTE COLOR"
        return (255 if module.photometric == MONOCHROME1 else 0,) if is_grey else black(frames.data_set, module)
    if samples != 3:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a JPEG frame of {samples} components")
    rgb = is_rgb(stream, jpeg.checked_header(stream, module), stated=module.photometric)
    return (0, 0, 0) if rgb else (0, 128, 128)


def word_black(frames: Frames) -> Callable[[int], Black]:
    """The stored values of black by the precision of a decoded frame."""
    stated = replace(frames.module, photometric=frames.photometric)
    return cache(lambda precision: black(frames.data_set, meant(stated, precision)))


def _rle(frames: Frames) -> Callable[[Buffer, Sequence[Box]], bytes]:
    colour = black(frames.data_set, frames.module)
    return lambda raw, boxes: rle.painted(raw, boxes, frames.module, black=colour)


def _framed(frames: Frames) -> Callable[[Buffer, Sequence[Box]], bytes]:
    module, colour = frames.module, black(frames.data_set, frames.module)

    def paint(raw: Buffer, boxes: Sequence[Box]) -> bytes:
        octets = bytearray(framed.opened(raw, module))
        native.paint(octets, boxes, module, black=colour)
        return framed.closed(bytes(octets), module)

    return paint


def _blocks(frames: Frames) -> Callable[[Buffer, Sequence[Box]], bytes]:
    def paint(raw: Buffer, boxes: Sequence[Box]) -> bytes:
        stream = bytes(raw)
        blocks = jpeg.read_blocks(stream, frames.module)
        colour = block_black(stream, frames, len(blocks.header.components))
        return jpeg_dct.painted(blocks, boxes, black=colour)

    return paint


def _recoding(frames: Frames, encoded: Callable[[Coded], bytes]) -> Callable[[Buffer, Sequence[Box]], bytes]:
    module, colour_of = frames.module, word_black(frames)

    def paint(raw: Buffer, boxes: Sequence[Box]) -> bytes:
        coded = read_coded(raw, module)
        fitting = meant(module, coded.precision)
        words = coded.words.astype(container(module))
        native.fill(words, boxes, fitting, black=colour_of(coded.precision))
        words &= np.array((1 << coded.precision) - 1, words.dtype)
        return encoded(replace(coded, words=words))

    return paint


def _transcoding(frames: Frames) -> Brush:
    """A brush that puts frames into the lossless syntax that is nearest to theirs."""
    module = frames.module
    first = read_coded(frames.raw(0), module)
    to_j2k = module.syntax.uid in HTJ2KS
    if first.precision > (jpeg_2000.MOST if to_j2k else jpeg_ls.MOST):
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, f"frames of {first.precision} bits are not rewritten")
    syntax = transfer_syntax(JPEG_2000_LOSSLESS if to_j2k else JPEG_LS_LOSSLESS)
    assert syntax is not None
    paint = _recoding(frames, jpeg_2000.encoded if to_j2k else jpeg_ls.encoded)
    return Brush(syntax, paint, _changes(frames, first, to_j2k=to_j2k))


def _changes(frames: Frames, first: Coded, *, to_j2k: bool) -> dict[int, bytes | None]:
    """What the header says otherwise of transcoded frames."""
    module = frames.module
    photometric = "YBR_RCT" if to_j2k and first.has_transform else frames.photometric
    changes: dict[int, bytes | None] = {}
    if photometric != module.photometric:
        changes[tag_of("PhotometricInterpretation")] = photometric.encode()
    if module.planar:
        changes[tag_of("PlanarConfiguration")] = struct.pack("<H", 0)
    is_lossy = module.syntax.uid not in LOSSLESS and not (to_j2k and first.is_reversible)
    # The old syntax said by itself that something was lost; the new one does not.
    if is_lossy and text(frames.data_set, "LossyImageCompression") != _LOSSY.decode():
        changes[tag_of("LossyImageCompression")] = _LOSSY
        changes[tag_of("LossyImageCompressionMethod")] = _J2K_METHOD if to_j2k else _JPEG_METHOD
    return changes


def painted_transform(module: PixelModule, *, all_frames: bool) -> dict[int, bytes | None]:
    """What the header says otherwise of JPEG 2000 frames that are reversible now: the transform that such have."""
    if module.syntax.uid in JPEG_2000S and module.photometric == "YBR_ICT" and all_frames:
        return {tag_of("PhotometricInterpretation"): b"YBR_RCT "}
    return {}
