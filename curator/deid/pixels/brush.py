"""How frames of each transfer syntax are painted, and in which syntax they stand afterwards.

The law: painting a frame changes what lies in its boxes; where the syntax stays, a frame without boxes is not touched.

Sources: DICOM PS3.5 8.2 and Annex A (which syntaxes hold what), PS3.3 C.7.6.1.1.5 (lossy compression).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from curator.deid.pixels.black import black
from curator.deid.pixels.codecs import jpeg, jpeg_dct, native
from curator.deid.pixels.codecs.coded import meant
from curator.deid.pixels.codecs.jpeg_segments import JpegHeader, is_rgb
from curator.deid.pixels.codecs.native import Black
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import JPEG_2000S, JPEGS, LOSSLESS, MONOCHROME1, UNCOMPRESSED, PixelModule
from curator.deid.pixels.pen import pen_of
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer
from curator.dicom.syntax import TransferSyntax
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason


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
    if is_block_coded(frames, 0):
        return Brush(frames.module.syntax, _blocks(frames))
    pen = pen_of(frames)
    colour_of = cache(lambda fitting: black(frames.data_set, fitting))

    def paint(raw: Buffer, boxes: Sequence[Box]) -> bytes:
        return pen.draw(raw, lambda words, fitting: native.fill(words, boxes, fitting, black=colour_of(fitting)))

    return Brush(pen.syntax, paint, pen.header)


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


def _blocks(frames: Frames) -> Callable[[Buffer, Sequence[Box]], bytes]:
    def paint(raw: Buffer, boxes: Sequence[Box]) -> bytes:
        stream = bytes(raw)
        blocks = jpeg.read_blocks(stream, frames.module)
        colour = block_black(stream, frames, len(blocks.header.components))
        return jpeg_dct.painted(blocks, boxes, black=colour)

    return paint


def painted_transform(module: PixelModule, *, all_frames: bool) -> dict[int, bytes | None]:
    """What the header says otherwise of JPEG 2000 frames that are reversible now: the transform that such have."""
    if module.syntax.uid in JPEG_2000S and module.photometric == "YBR_ICT" and all_frames:
        return {tag_of("PhotometricInterpretation"): b"YBR_RCT "}
    return {}
