"""Small images in every way of writing that the pixel stage reads."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import imagecodecs
import jpeg_ls
import numpy as np
import pydicom
from openjpeg.utils import encode_array
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from curator.deid.pixels.codecs import rle
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import (
    DEFLATED_FRAMES,
    ENCAPSULATED_UNCOMPRESSED,
    HTJ2K,
    HTJ2K_LOSSLESS,
    HTJ2K_RPCL,
    pixel_module,
)
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.redrawn import Scrubbed
from curator.deid.pixels.scrub import Boxes, scrub
from curator.dicom.parse import parse

NATIVE_SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
ROWS, COLUMNS = 37, 42
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


def image(pixels: bytes, syntax: str, *, rows: int = ROWS, columns: int = COLUMNS, **attributes: object) -> Dataset:
    """An image with the pixel bytes as given; 8-bit MONOCHROME2 unless `attributes` say otherwise."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = "2.25.1"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    is_framed = syntax not in NATIVE_SYNTAXES
    dataset.PixelData = pixels + bytes(len(pixels) % 2)
    is_wide = not is_framed and (syntax == ImplicitVRLittleEndian or dataset.BitsAllocated > 8)
    dataset["PixelData"].VR = "OW" if is_wide else "OB"
    dataset["PixelData"].is_undefined_length = is_framed
    return dataset


def file_of(dataset: Dataset) -> bytes:
    """The bytes of a file that holds the data set."""
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def frames_in(file: bytes) -> Frames:
    """The frames of a file."""
    data_set = parse(file)
    return Frames(data_set, pixel_module(data_set))


def scrubbed_file(file: bytes, boxes: Boxes) -> tuple[bytes, Scrubbed]:
    """A file with the boxes black, and what the scrub said of it."""
    frames = frames_in(file)
    scrubbed = scrub(frames, boxes, scratch=tempfile.TemporaryFile)
    return b"".join(rebuilt(frames.data_set, scrubbed)), scrubbed


def judged_by_pydicom(file: bytes, index: int) -> np.ndarray:
    """The stored values of a frame as pydicom reads them, no colour converted."""
    dataset = pydicom.dcmread(io.BytesIO(file))
    # One frame of single bits that begins inside a byte is beyond it.
    if dataset.BitsAllocated == 1:
        return pixel_array(dataset, raw=True)[index]
    return pixel_array(dataset, index=index, raw=True)


def scene(shape: Sequence[int], *, low: int, high: int, seed: int = 3) -> np.ndarray:
    """Something smooth with something sharp in it, from `low` to `high`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[1], : shape[2]]
    waves = 0.5 + 0.3 * np.sin(x / 5.0) * np.cos(y / 7.0)
    values = np.broadcast_to(waves.reshape((1, *waves.shape) + (1,) * (len(shape) - 3)), shape).copy()
    values += rng.normal(0, 0.05, shape) + np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) * 0.02
    values[:, 9:15, 5:30] = 1.0
    return np.clip(np.rint(low + values * (high - low)), low, high).astype(np.int64)


def _grey(high: int, low: int = 0) -> np.ndarray:
    return scene((3, ROWS, COLUMNS), low=low, high=high)


def _colour() -> np.ndarray:
    return scene((3, ROWS, COLUMNS, 3), low=0, high=255)


def depth(bits: int, *, allocated: int, high_bit: int | None = None, signed: bool = False) -> dict[str, object]:
    """The attributes of samples of `bits` bits."""
    high_bit = bits - 1 if high_bit is None else high_bit
    return {
        "BitsAllocated": allocated,
        "BitsStored": bits,
        "HighBit": high_bit,
        "PixelRepresentation": int(signed),
        "NumberOfFrames": 3,
    }


def colours(photometric: str, planar: int = 0) -> dict[str, object]:
    """The attributes of three samples of 8 bits."""
    return {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": planar,
        "NumberOfFrames": 3,
    }


def palette_of(entries: int, *, bits: int, darkest: int) -> dict[str, object]:
    """A grey palette of 16-bit words whose darkest entry is at `darkest`."""
    levels = (np.arange(entries) * 50 + 9000) % 30000 + 200
    levels[darkest] = 0
    if bits == 8:
        levels = levels // 256
    found: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR", "NumberOfFrames": 3}
    for colour in ("Red", "Green", "Blue"):
        found[f"{colour}PaletteColorLookupTableDescriptor"] = [entries % 65536, 0, bits]
        found[f"{colour}PaletteColorLookupTableData"] = levels.astype("<u2").tobytes()
    return found


def _half_chroma() -> bytes:
    pairs = scene((3, ROWS, COLUMNS // 2, 4), low=0, high=255)
    return pairs.astype(np.uint8).tobytes()


def _words(values: np.ndarray, syntax: str, size: int) -> bytes:
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    return (values & ((1 << 8 * size) - 1)).astype(f"{order}u{size}").tobytes()


# What is stored, by name: attributes, values (as stored in allocated words) and bytes of a word.
LAYOUTS: dict[str, tuple[dict[str, object], Callable[[], np.ndarray], int]] = {
    "8 bit": ({"NumberOfFrames": 3}, lambda: _grey(255), 1),
    "8 bit, inverse": ({"NumberOfFrames": 3, "PhotometricInterpretation": "MONOCHROME1"}, lambda: _grey(255), 1),
    "12 of 16 bit, signed": (depth(12, allocated=16, signed=True), lambda: _grey(2047, -2048), 2),
    "12 upper of 16 bit": (depth(12, allocated=16, high_bit=15), lambda: _grey(4095) << 4, 2),
    "10 of 16 bit": (depth(10, allocated=16), lambda: _grey(1023), 2),
    "16 bit, padding": ({**depth(16, allocated=16), "PixelPaddingValue": 77}, lambda: _grey(60000), 2),
    "16 bit, signed, inverse": (
        {**depth(16, allocated=16, signed=True), "PhotometricInterpretation": "MONOCHROME1"},
        lambda: _grey(20000, -20000),
        2,
    ),
    "32 bit": (depth(32, allocated=32), lambda: _grey(4_000_000_000), 4),
    "RGB by pixel": (colours("RGB"), _colour, 1),
    "RGB by plane": (colours("RGB", 1), lambda: _colour().transpose(0, 3, 1, 2), 1),
    "YBR by plane": (colours("YBR_FULL", 1), lambda: _colour().transpose(0, 3, 1, 2), 1),
    "YBR": (colours("YBR_FULL"), _colour, 1),
    "ARGB": ({**colours("ARGB"), "SamplesPerPixel": 4}, lambda: scene((3, ROWS, COLUMNS, 4), low=0, high=255), 1),
    "CMYK": ({**colours("CMYK"), "SamplesPerPixel": 4}, lambda: scene((3, ROWS, COLUMNS, 4), low=0, high=255), 1),
    "8 bit palette": (palette_of(200, bits=16, darkest=3), lambda: _grey(199), 1),
    "16 bit palette": (
        {**palette_of(600, bits=8, darkest=321), **depth(16, allocated=16)},
        lambda: _grey(599),
        2,
    ),
}


def native_file(layout: str, syntax: str) -> bytes:
    """An uncompressed image of three frames."""
    attributes, values, size = LAYOUTS[layout]
    dataset = image(_words(values(), syntax, size), syntax, **attributes)
    if syntax == ExplicitVRBigEndian:
        for colour in ("Red", "Green", "Blue"):
            keyword = f"{colour}PaletteColorLookupTableData"
            if keyword in dataset:
                dataset[keyword].value = np.frombuffer(dataset[keyword].value, "<u2").astype(">u2").tobytes()
    return file_of(dataset)


def _framed(frames: Sequence[bytes], syntax: str, **attributes: object) -> bytes:
    return file_of(image(encapsulate(list(frames)), syntax, **{"NumberOfFrames": len(frames), **attributes}))


def rle_file(layout: str) -> bytes:
    """A run-length image of three frames, packed by ourselves."""
    attributes, values, size = LAYOUTS[layout]
    words = (values() & ((1 << 8 * size) - 1)).astype(f"u{size}")
    return _framed([rle.encode(frame) for frame in words], RLELossless, **attributes)


def jpeg_stream(frame: np.ndarray, *, sampling: int = 0x111111, quality: int = 90, **options: int) -> bytes:
    """A baseline frame; `options` are those of OpenCV by the end of their name."""
    named = {getattr(cv2, f"IMWRITE_JPEG_{name}"): value for name, value in options.items()}
    named |= {cv2.IMWRITE_JPEG_QUALITY: quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR: sampling}
    flat = [number for pair in named.items() for number in pair]
    pixels = frame[..., ::-1] if frame.ndim == 3 else frame
    return cv2.imencode(".jpg", pixels.astype(np.uint8), flat)[1].tobytes()


def as_rgb(stream: bytes) -> bytes:
    """A JPEG of three components with Adobe's word that they are red, green and blue, and without JFIF's that not."""
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    after_jfif = 4 + int.from_bytes(stream[4:6], "big")
    return stream[:2] + adobe + stream[after_jfif:]


def jpeg_file(kind: str) -> bytes:
    """A baseline JPEG of three frames."""
    samplings = {"444": 0x111111, "422": 0x211111, "420": 0x221111, "440": 0x121111, "411": 0x411111}
    if kind in samplings:
        frames = [jpeg_stream(frame, sampling=samplings[kind]) for frame in _colour()]
        return _framed(frames, JPEGBaseline8Bit, **colours("YBR_FULL_422" if kind == "422" else "YBR_FULL"))
    if kind == "RGB":
        return _framed([as_rgb(jpeg_stream(frame)) for frame in _colour()], JPEGBaseline8Bit, **colours("RGB"))
    options = {"OPTIMIZE": 1} if kind == "grey, own tables" else {"RST_INTERVAL": 2} if kind == "grey, restarts" else {}
    photometric = "MONOCHROME1" if kind == "inverse" else "MONOCHROME2"
    frames = [jpeg_stream(frame, **options) for frame in _grey(255)]
    return _framed(frames, JPEGBaseline8Bit, PhotometricInterpretation=photometric)


def jpeg_ls_file(kind: str) -> bytes:
    """A JPEG-LS image of three frames."""
    if kind.startswith("RGB"):
        interleave = ("planes", "lines", "pixels").index(kind.split()[-1])
        axes = (2, 0, 1) if interleave == 0 else (0, 1, 2)
        frames = [
            jpeg_ls.encode_buffer(
                np.ascontiguousarray(frame.transpose(axes), np.uint8).tobytes(), ROWS, COLUMNS, 3, 8, 0, interleave
            )
            for frame in _colour()
        ]
        return _framed([bytes(frame) for frame in frames], JPEGLSLossless, **colours("RGB"))
    attributes, values, size = LAYOUTS[kind.removeprefix("near ")]
    error = 3 if kind.startswith("near") else 0
    bits = int(str(attributes.get("BitsStored", 8)))
    words = (values() & ((1 << bits) - 1)).astype(f"<u{size}")
    frames = [bytes(jpeg_ls.encode_buffer(frame.tobytes(), ROWS, COLUMNS, 1, bits, error)) for frame in words]
    return _framed(frames, JPEGLSNearLossless if error else JPEGLSLossless, **attributes)


def j2k_file(kind: str) -> bytes:
    """A JPEG 2000 image of three frames."""
    if kind.startswith("colour"):
        ratios = [8.0] if kind == "colour, lossy" else None
        frames = [
            encode_array(frame.astype(np.uint8), photometric_interpretation=1, compression_ratios=ratios,
                                  use_mct=kind != "colour, plain")
            for frame in _colour()
        ]  # fmt: skip
        photometric = {"colour": "YBR_RCT", "colour, lossy": "YBR_ICT", "colour, plain": "RGB"}[kind]
        return _framed(frames, JPEG2000 if ratios else JPEG2000Lossless, **colours(photometric))
    attributes, values, size = LAYOUTS[kind]
    bits, signed = int(str(attributes.get("BitsStored", 8))), attributes.get("PixelRepresentation") == 1
    words = values().astype(f"{'i' if signed else 'u'}{size}")
    frames = [encode_array(frame, bits_stored=bits) for frame in words]
    return _framed(frames, JPEG2000Lossless, **attributes)


def htj2k_file(kind: str) -> bytes:
    """A high-throughput JPEG 2000 image of three frames, from OpenJPH."""
    syntax = {"lossy": HTJ2K, "RPCL": HTJ2K_RPCL}.get(kind.split(", ")[-1], HTJ2K_LOSSLESS)
    if kind.startswith("colour"):
        is_lossy = syntax == HTJ2K
        frames = [
            imagecodecs.htj2k_encode(frame.astype(np.uint8), rgb=True, reversible=not is_lossy) for frame in _colour()
        ]
        return _framed(frames, syntax, **colours("YBR_ICT" if is_lossy else "YBR_RCT"))
    attributes, values, size = LAYOUTS[kind.removesuffix(", RPCL")]
    words = values().astype(f"{'i' if attributes.get('PixelRepresentation') == 1 else 'u'}{size}")
    return _framed([imagecodecs.htj2k_encode(frame, reversible=True) for frame in words], syntax, **attributes)


def tiled_stream(rows: int, columns: int, *, side: int = 4096, tiles: Sequence[int] = (0,)) -> bytes:
    """A JPEG 2000 frame of mid-grey, which is what empty packets stand for, in square tiles that are there or not."""
    size = struct.pack(">H8IH", 0, columns, rows, 0, 0, side, side, 0, 0, 1) + bytes((7, 1, 1))
    style = bytes((0, 0, 0, 1, 0, 1, 4, 4, 0, 1))
    segments = [(0xFF51, size), (0xFF52, style), (0xFF5C, bytes((0x40, *[0x48] * 4)))]
    main = b"".join(struct.pack(">HH", code, len(body) + 2) + body for code, body in segments)
    packets = b"\xff\x93" + bytes(2)
    parts = b"".join(struct.pack(">HHHIBB", 0xFF90, 10, tile, 16, 0, 1) + packets for tile in tiles)
    return b"\xff\x4f" + main + parts + b"\xff\xd9"


def framed_file(syntax: str) -> bytes:
    """Uncompressed or deflated frames in fragments."""
    attributes, values, _ = LAYOUTS["12 of 16 bit, signed"]
    frames = [(frame & 0xFFFF).astype("<u2").tobytes() for frame in values()]
    if syntax == DEFLATED_FRAMES:
        deflaters = [zlib.compressobj(wbits=-15) for _ in frames]
        frames = [each.compress(frame) + each.flush() for each, frame in zip(deflaters, frames, strict=True)]
    file = _framed(frames, ENCAPSULATED_UNCOMPRESSED, **attributes)
    # pydicom does not know deflated frames; the two UIDs are equally long.
    return file.replace(ENCAPSULATED_UNCOMPRESSED.encode(), syntax.encode() + bytes(len(syntax) % 2))


def half_chroma_file(photometric: str) -> bytes:
    """An uncompressed image whose pairs of pixels share chroma."""
    return file_of(image(_half_chroma(), ExplicitVRLittleEndian, **colours(photometric)))


def single_bit_file(syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Five frames of 5 x 7 single bits, which share bytes."""
    bits = np.random.default_rng(5).integers(0, 2, 5 * 5 * 7, dtype=np.uint8)
    packed = np.packbits(bits, bitorder="little").tobytes()
    sizes = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "NumberOfFrames": 5}
    return file_of(image(packed, syntax, rows=5, columns=7, **sizes))


def bundled_file(name: str) -> bytes:
    """A file that pydicom bundles."""
    return next(BUNDLED.rglob(name)).read_bytes()


SAMPLES: dict[str, Callable[[], bytes]] = {
    **{f"native {layout}": lambda layout=layout: native_file(layout, ExplicitVRLittleEndian) for layout in LAYOUTS},
    "native big endian 16 bit": lambda: native_file("16 bit, padding", ExplicitVRBigEndian),
    "native big endian RGB": lambda: native_file("RGB by plane", ExplicitVRBigEndian),
    "native big endian bytes in words": lambda: bundled_file("SC_rgb_small_odd_big_endian.dcm"),
    "native implicit": lambda: native_file("8 bit", ImplicitVRLittleEndian),
    "native deflated": lambda: native_file("12 of 16 bit, signed", DeflatedExplicitVRLittleEndian),
    "native YBR 422": lambda: half_chroma_file("YBR_FULL_422"),
    "native YBR partial 422": lambda: half_chroma_file("YBR_PARTIAL_422"),
    "native single bits": single_bit_file,
    **{
        f"RLE {layout}": lambda layout=layout: rle_file(layout)
        for layout in ("8 bit", "12 of 16 bit, signed", "16 bit palette", "RGB by pixel", "32 bit")
    },
    **{
        f"JPEG {kind}": lambda kind=kind: jpeg_file(kind)
        for kind in ("grey", "grey, own tables", "grey, restarts", "inverse", "444", "422", "420", "440", "RGB")
    },
    **{
        f"JPEG-LS {kind}": lambda kind=kind: jpeg_ls_file(kind)
        for kind in ("8 bit", "12 of 16 bit, signed", "16 bit, padding", "8 bit palette", "near 8 bit",
                     "RGB planes", "RGB lines", "RGB pixels")
    },
    **{
        f"J2K {kind}": lambda kind=kind: j2k_file(kind)
        for kind in ("8 bit", "8 bit, inverse", "12 of 16 bit, signed", "16 bit, padding", "colour", "colour, lossy",
                     "colour, plain")
    },
    "JPEG extended": lambda: _framed([jpeg_stream(frame) for frame in _grey(255)], JPEGExtended12Bit),
    "JPEG 12 bit": lambda: bundled_file("JPGExtended.dcm"),
    "JPEG lossless": lambda: bundled_file("SC_rgb_jpeg_gdcm.dcm"),
    **{
        f"HTJ2K {kind}": lambda kind=kind: htj2k_file(kind)
        for kind in ("8 bit", "8 bit, inverse, RPCL", "16 bit, padding", "16 bit, signed, inverse", "colour",
                     "colour, lossy")
    },
    "encapsulated uncompressed": lambda: framed_file(ENCAPSULATED_UNCOMPRESSED),
    "deflated frames": lambda: framed_file(DEFLATED_FRAMES),
}  # fmt: skip


@cache
def sample(name: str) -> bytes:
    """The file of that name in `SAMPLES`."""
    return SAMPLES[name]()
