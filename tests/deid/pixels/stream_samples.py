"""Codestreams of a small picture by independent encoders, and things planted in them."""

from __future__ import annotations

import io
import struct
from functools import cache

import cv2
import jpeg_ls
import numpy as np
from openjpeg.utils import encode_array
from pixel_samples import file_of, image
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    JPEG2000,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

ROWS, COLUMNS = 40, 48
SECRET = b"Quendolyn Zwetschge 1957-03-08"


def picture(*, bits: int = 8, seed: int = 1) -> np.ndarray:
    """`(Y, X)` smooth shapes with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    values = (np.sin(x / 7) + np.cos(y / 5) + 2) / 4 * ((1 << bits) - 16) + rng.integers(0, 8, (ROWS, COLUMNS))
    return values.astype(np.uint8 if bits == 8 else np.uint16)


@cache
def jpeg(*, progressive: bool = False, restart: int = 0, colour: bool = False, seed: int = 1) -> bytes:
    pixels = picture(seed=seed)
    if colour:
        pixels = np.stack([pixels, pixels[::-1], pixels[:, ::-1]], axis=-1)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    is_done, coded = cv2.imencode(".jpg", pixels, options)
    assert is_done
    return coded.tobytes()


@cache
def jpeg_lossless_scan() -> bytes:
    return bytes(jpeg_ls.encode_array(picture(bits=12)))


@cache
def jpeg_2000(*, tlm: bool = False, is_file: bool = False, bits: int = 12, seed: int = 1) -> bytes:
    pixels = picture(bits=bits, seed=seed)
    stream = encode_array(
        pixels, bits_stored=bits, photometric_interpretation=2, add_tlm=tlm, codec_format=int(is_file)
    )
    return bytes(stream)


@cache
def run_length(*, seed: int = 1) -> bytes:
    options = {
        "rows": ROWS,
        "columns": COLUMNS,
        "bits_allocated": 16,
        "bits_stored": 12,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": 0,
        "number_of_frames": 1,
    }
    return get_encoder(RLELossless).encode(picture(bits=12, seed=seed), encoding_plugin="pydicom", **options)


def segment(code: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(payload) + 2) + payload


EXIF = b"Exif\0\0II*\0" + SECRET
PLANTED_IN_JPEG = {
    "COM": segment(0xFE, SECRET),
    "EXIF": segment(0xE1, EXIF),
    "XMP": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET + b"</x>"),
    "ICC": segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET),
    "JUMBF": segment(0xEB, b"JP\0\1\0\0\0\1" + SECRET),
    "Photoshop": segment(0xED, b"Photoshop 3.0\0" + SECRET),
    "JFXX thumbnail": segment(0xE0, b"JFXX\0\x10" + SECRET),
    "second picture": segment(0xE2, b"MPF\0" + SECRET),
    "end inside": segment(0xE7, b"\xff\xd9" + SECRET + b"\xff\xda\0\0"),
    "vendor": segment(0xE8, SECRET),
}


def segments_of_jpeg(stream: bytes) -> list[int]:
    """Where segments begin up to the first scan, which is the last of them, by hopping over lengths."""
    places, position = [], 2
    while True:
        places.append(position)
        if stream[position + 1] == 0xDA:
            return places
        position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")


def with_planted(stream: bytes, *plants: tuple[int, bytes]) -> bytes:
    """The stream with bytes put in at places, which count in the stream as it was."""
    for place, content in sorted(plants, reverse=True):
        stream = stream[:place] + content + stream[place:]
    return stream


def comment_of_2000(text: bytes, *, kind: int = 1) -> bytes:
    return struct.pack(">HHH", 0xFF64, len(text) + 4, kind) + text


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def tile_part(stream: bytes) -> int:
    """Where the first tile-part begins."""
    return stream.index(b"\xff\x90\0\x0a")


def commented_tile(stream: bytes, comment: bytes) -> bytes:
    """The stream of one tile-part with a comment in its header, its length and the index of lengths told of it."""
    at = tile_part(stream)
    length = int.from_bytes(stream[at + 6 : at + 10], "big")
    head = stream[at : at + 6] + (length + len(comment)).to_bytes(4, "big") + stream[at + 10 : at + 12]
    main = bytearray(stream[:at])
    index = main.find(b"\xff\x55")
    if index >= 0:
        size = int.from_bytes(main[index + 2 : index + 4], "big") + 2
        main[index + size - 4 : index + size] = (length + len(comment)).to_bytes(4, "big")
    return bytes(main) + head + comment + stream[at + 12 :]


def encapsulated(frames: list[bytes], syntax: str, *, table: bool = True, **attributes: object) -> bytes:
    """A file of the frames."""
    options = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    if syntax in (JPEGLSLossless, JPEG2000Lossless, JPEG2000, HTJ2KLossless, RLELossless, JPEGLosslessSV1):
        options = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    value = encapsulate(frames, has_bot=table)
    dataset = image(value, syntax=syntax, rows=ROWS, columns=COLUMNS, **(options | attributes))
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    return file_of(dataset)


def pixel_bytes(file: bytes) -> bytes:
    """Everything from the Pixel Data element on."""
    return file[file.index(b"\xe0\x7f\x10\0O") :]


def scratch() -> io.BytesIO:
    return io.BytesIO()


STREAMS = {
    "JPEG": (JPEGBaseline8Bit, jpeg),
    "progressive JPEG": (JPEGBaseline8Bit, lambda: jpeg(progressive=True)),
    "JPEG with restarts": (JPEGBaseline8Bit, lambda: jpeg(restart=2)),
    "colour JPEG": (JPEGBaseline8Bit, lambda: jpeg(colour=True)),
    "JPEG-LS": (JPEGLSLossless, jpeg_lossless_scan),
}
