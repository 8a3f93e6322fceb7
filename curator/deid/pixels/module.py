"""The Image Pixel module of an instance: how its pixels are laid out.

The law: a module is consistent in itself and with the length of its Pixel Data, or the instance is refused; nothing is
decoded before its size is known to be bearable.

Sources: DICOM PS3.3 C.7.6.3 (Image Pixel), PS3.5 8.1-8.2 and Annex A.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from curator.deid.pixels.attributes import only, text, word
from curator.dicom.elements import DataSet, Element
from curator.dicom.syntax import TransferSyntax
from curator.errors import ItemError
from curator.model.quarantine import Reason

MONOCHROME1, MONOCHROME2, PALETTE = "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"
YBR_422 = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
YBR_PARTIAL = frozenset({"YBR_PARTIAL", "YBR_PARTIAL_422", "YBR_PARTIAL_420"})
_SAMPLES = {
    MONOCHROME1: 1,
    MONOCHROME2: 1,
    PALETTE: 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_PARTIAL_422": 3,
    "YBR_RCT": 3,
    "YBR_ICT": 3,
    "HSV": 3,
    "ARGB": 4,
    "CMYK": 4,
}
_BITS = frozenset({1, 8, 16, 32})
# One decoded frame; a mammogram of 16 bits has 50 MB, a slide's tile less than one.
LARGEST_FRAME_BYTES = 1 << 27
_MOST_FRAMES = 1 << 24
# At most twelve characters make an integer string.
_COUNT = re.compile(r"\+?[0-9]{1,11}")

_CODECS = "1.2.840.10008.1.2.4."
JPEG_BASELINE, JPEG_EXTENDED = _CODECS + "50", _CODECS + "51"
JPEG_LOSSLESS, JPEG_LOSSLESS_SV1 = _CODECS + "57", _CODECS + "70"
JPEG_LS_LOSSLESS, JPEG_LS_NEAR = _CODECS + "80", _CODECS + "81"
JPEG_2000_LOSSLESS, JPEG_2000 = _CODECS + "90", _CODECS + "91"
HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K = _CODECS + "201", _CODECS + "202", _CODECS + "203"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
ENCAPSULATED_UNCOMPRESSED, DEFLATED_FRAMES = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"
JPEGS = frozenset({JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS, JPEG_LOSSLESS_SV1})
JPEG_LS = frozenset({JPEG_LS_LOSSLESS, JPEG_LS_NEAR})
HTJ2KS = frozenset({HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K})
JPEG_2000S = HTJ2KS | {JPEG_2000_LOSSLESS, JPEG_2000}
LOSSLESS = frozenset(
    {JPEG_LOSSLESS, JPEG_LOSSLESS_SV1, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS, HTJ2K_RPCL}
)
UNCOMPRESSED = frozenset({ENCAPSULATED_UNCOMPRESSED, DEFLATED_FRAMES})
_READ = JPEGS | JPEG_LS | JPEG_2000S | UNCOMPRESSED | {RLE_LOSSLESS}


@dataclass(frozen=True, slots=True)
class PixelModule:
    """How the pixels of one instance are written.

    `photometric` is as stated; `planar` is 0 (by pixel) or 1 (by plane); `pixels` is the Pixel Data element.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    planar: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    syntax: TransferSyntax
    pixels: Element = field(repr=False)

    @property
    def is_subsampled(self) -> bool:
        """Whether two pixels of a row share their chroma in uncompressed frames."""
        return self.photometric in YBR_422

    @property
    def is_swapped(self) -> bool:
        """Whether samples of a byte or less lie in big endian 16-bit words."""
        return self.syntax.order == ">" and self.pixels.vr == "OW" and self.bits_allocated <= 8

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame as it is stored."""
        samples = 2 if self.is_subsampled else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def lowest(self) -> int:
        """The lowest stored value that the bits can hold."""
        return -(1 << (self.bits_stored - 1)) if self.is_signed else 0

    @property
    def highest(self) -> int:
        """The highest stored value that the bits can hold."""
        return (1 << (self.bits_stored - self.is_signed)) - 1


def has_pixel_data(data_set: DataSet) -> bool:
    """Whether there is a Pixel Data element at the top level."""
    return only(data_set, "PixelData") is not None


def has_real_numbers(data_set: DataSet) -> bool:
    """Whether its pixels are real numbers (Float or Double Float Pixel Data), which are neither shown nor scrubbed."""
    return any(only(data_set, keyword) is not None for keyword in ("FloatPixelData", "DoubleFloatPixelData"))


def pixel_module(data_set: DataSet) -> PixelModule:
    """The checked Image Pixel module.

    Raises:
        ItemError: UNSUPPORTED_OBJECT without integer pixels or with a layout no standard image has,
            UNSUPPORTED_TRANSFER_SYNTAX for video and codecs that are not read, MALFORMED where attributes contradict
            each other or the length of native pixels, TRUNCATED where native pixels are wanting.
    """
    pixels = only(data_set, "PixelData")
    if pixels is None or pixels.length == 0:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "no integer pixel data")
    if has_real_numbers(data_set):
        raise ItemError(Reason.MALFORMED, "pixels of two kinds")
    syntax = data_set.syntax
    if syntax.encapsulated and syntax.uid not in _READ:
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, f"frames in {syntax.uid} are not read")
    if pixels.undefined != syntax.encapsulated:
        raise ItemError(Reason.MALFORMED, "pixel data is framed where the transfer syntax is not, or the other way")
    module = PixelModule(
        rows=word(data_set, "Rows"),
        columns=word(data_set, "Columns"),
        frames=_frames(data_set),
        samples=word(data_set, "SamplesPerPixel"),
        photometric=text(data_set, "PhotometricInterpretation"),
        planar=word(data_set, "PlanarConfiguration", default=0),
        bits_allocated=word(data_set, "BitsAllocated"),
        bits_stored=word(data_set, "BitsStored"),
        high_bit=word(data_set, "HighBit"),
        is_signed=bool(word(data_set, "PixelRepresentation")),
        syntax=syntax,
        pixels=pixels,
    )
    _check_layout(module, word(data_set, "PixelRepresentation"))
    if not syntax.encapsulated:
        _check_length(module, data_set)
    return module


def _frames(data_set: DataSet) -> int:
    stated = text(data_set, "NumberOfFrames")
    if not stated:
        return 1
    if not _COUNT.fullmatch(stated) or not 1 <= int(stated) <= _MOST_FRAMES:
        raise ItemError(Reason.MALFORMED, "the number of frames is no count")
    return int(stated)


def _check_layout(module: PixelModule, representation: int) -> None:
    samples = _SAMPLES.get(module.photometric)
    if samples is None:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "a photometric interpretation that is not read")
    if module.bits_allocated not in _BITS:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{module.bits_allocated} bits allocated")
    problems = {
        "rows or columns are 0": not (module.rows and module.columns),
        f"{module.samples} samples do not fit the photometric interpretation": samples != module.samples,
        f"planar configuration {module.planar}": module.planar not in (0, 1),
        f"{module.bits_stored} bits stored of {module.bits_allocated}": not (
            1 <= module.bits_stored <= module.bits_allocated
        ),
        f"high bit {module.high_bit}": not module.bits_stored - 1 <= module.high_bit < module.bits_allocated,
        f"pixel representation {representation}": representation not in (0, 1),
    }
    for problem, is_so in problems.items():
        if is_so:
            raise ItemError(Reason.MALFORMED, problem)
    if module.rows * module.columns * module.samples * max(8, module.bits_allocated) > LARGEST_FRAME_BYTES * 8:
        raise ItemError(
            Reason.UNSUPPORTED_OBJECT, f"a frame of {module.rows} x {module.columns} is larger than is held in memory"
        )
    if module.is_subsampled and not module.syntax.encapsulated and (module.columns % 2 or module.bits_allocated != 8):
        raise ItemError(Reason.MALFORMED, "shared chroma needs an even number of columns of 8 bits")


def _check_length(module: PixelModule, data_set: DataSet) -> None:
    wanted = (module.frame_bits * module.frames + 7) // 8
    length = module.pixels.length
    if length < wanted:
        raise ItemError(Reason.TRUNCATED, f"{length} bytes of pixels, {wanted} wanted")
    excess = data_set.data[module.pixels.value + wanted : module.pixels.value + length]
    if len(excess) > 1 and any(excess):
        raise ItemError(Reason.MALFORMED, f"{len(excess)} bytes after the last frame")
