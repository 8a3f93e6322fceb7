"""How frames of each transfer syntax are changed sample by sample, and in which syntax they stand afterwards.

A pen loses nothing: what a frame decoded to is what it decodes to afterwards but for what the stroke changed. So lossy
frames of JPEG go to JPEG-LS, HTJ2K to JPEG 2000; near-lossless JPEG-LS and lossy JPEG 2000 stay, encoded without loss.

The law: a frame decodes to what it decoded to before with the stroke drawn; no header says less of what was lost.

Sources: DICOM PS3.5 8.2 and Annex A (which syntaxes hold what), PS3.3 C.7.6.1.1.5 (lossy compression).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from curator.deid.pixels.attributes import text
from curator.deid.pixels.codecs import framed, jpeg_2000, jpeg_ls, native, rle
from curator.deid.pixels.codecs.coded import Coded, container, meant
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.frames import Frames, read_coded
from curator.deid.pixels.module import (
    HTJ2KS,
    JPEG_2000_LOSSLESS,
    JPEG_2000S,
    JPEG_LS_LOSSLESS,
    JPEGS,
    LOSSLESS,
    RLE_LOSSLESS,
    UNCOMPRESSED,
    PixelModule,
)
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.syntax import TransferSyntax, transfer_syntax
from curator.errors import ItemError
from curator.model.quarantine import Reason

_LOSSY, _JPEG_METHOD, _J2K_METHOD = b"01", b"ISO_10918_1 ", b"ISO_15444_15"

Stroke = Callable[[Samples, PixelModule], None]
"""Changes allocated words `(Y, X)` or `(Y, X, S)` where they lie; the module says what their bits mean."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws into encapsulated frames.

    `draw` gives the frame with a stroke in it. In another syntax than the frames came in every frame is drawn, with a
    stroke that does nothing too. `header` gives the value bytes of elements that go with a new syntax.
    """

    syntax: TransferSyntax
    draw: Callable[[Buffer, Stroke], bytes] = field(repr=False)
    header: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


def pen_of(frames: Frames) -> Pen:
    """What the encapsulated frames of an instance are drawn into with.

    Raises:
        ItemError: they cannot be decoded, or what they hold has no lossless syntax.
    """
    module, uid = frames.module, frames.module.syntax.uid
    if uid == RLE_LOSSLESS:
        return Pen(module.syntax, _rle(module))
    if uid in UNCOMPRESSED:
        return Pen(module.syntax, _framed(module))
    if uid in JPEGS or uid in HTJ2KS:
        return _transcoding(frames)
    return Pen(module.syntax, _recoding(frames, jpeg_2000.encoded if uid in JPEG_2000S else jpeg_ls.encoded))


def _rle(module: PixelModule) -> Callable[[Buffer, Stroke], bytes]:
    def draw(raw: Buffer, stroke: Stroke) -> bytes:
        words = rle.containers(raw, module)
        stroke(words, module)
        return rle.encode(words)

    return draw


def _framed(module: PixelModule) -> Callable[[Buffer, Stroke], bytes]:
    def draw(raw: Buffer, stroke: Stroke) -> bytes:
        octets = bytearray(framed.opened(raw, module))
        draw_native(octets, stroke, module)
        return framed.closed(bytes(octets), module)

    return draw


def _recoding(frames: Frames, encoded: Callable[[Coded], bytes]) -> Callable[[Buffer, Stroke], bytes]:
    module = frames.module
    shown = frames.photometric

    def draw(raw: Buffer, stroke: Stroke) -> bytes:
        coded = read_coded(raw, module)
        fitting = replace(meant(module, coded.precision), photometric=shown)
        words = coded.words.astype(container(module))
        stroke(words, fitting)
        words &= np.array((1 << coded.precision) - 1, words.dtype)
        return encoded(replace(coded, words=words))

    return draw


def _transcoding(frames: Frames) -> Pen:
    """A pen that puts frames into the lossless syntax that is nearest to theirs."""
    module = frames.module
    first = read_coded(frames.raw(0), module)
    to_j2k = module.syntax.uid in HTJ2KS
    if first.precision > (jpeg_2000.MOST if to_j2k else jpeg_ls.MOST):
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, f"frames of {first.precision} bits are not rewritten")
    syntax = transfer_syntax(JPEG_2000_LOSSLESS if to_j2k else JPEG_LS_LOSSLESS)
    assert syntax is not None
    draw = _recoding(frames, jpeg_2000.encoded if to_j2k else jpeg_ls.encoded)
    return Pen(syntax, draw, _changes(frames, first, to_j2k=to_j2k))


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


def draw_native(
    octets: bytearray, stroke: Stroke, module: PixelModule, *, order: native.Order = "<", first_bit: int = 0
) -> None:
    """Draw into one uncompressed frame where it lies; one of single bits begins at `first_bit` of the first byte.

    Raises:
        ItemError: UNSUPPORTED_OBJECT where pixels share their chroma: no sample of theirs stands by itself.
    """
    if module.is_subsampled:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "pixels that share chroma are not changed one by one")
    if module.bits_allocated != 1:
        stroke(native.containers(octets, module, order=order), module)
        return
    whole = np.frombuffer(octets, np.uint8)
    bits = np.unpackbits(whole, bitorder="little")
    shape = (module.rows, module.columns) if module.samples == 1 else (module.rows, module.columns, module.samples)
    count = module.rows * module.columns * module.samples
    stroke(bits[first_bit : first_bit + count].reshape(shape), module)
    whole[:] = np.packbits(bits, bitorder="little")
