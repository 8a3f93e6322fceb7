"""What an image says of its pixels, and what is not believed."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest
from pixel_samples import file_of, image, sample
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import has_pixel_data, pixel_module
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.quarantine import Reason

VIDEO_AND_UNKNOWN = {
    "1.2.840.10008.1.2.4.100": "MPEG2 main profile",
    "1.2.840.10008.1.2.4.102": "MPEG4 high profile",
    "1.2.840.10008.1.2.4.107": "HEVC main profile",
    "1.2.840.10008.1.2.4.110": "JPEG XL lossless",
    "1.2.840.10008.1.2.4.53": "retired spectral selection",
}


def refusal(file: bytes) -> ItemError:
    """Why the frames of a file are refused."""
    with pytest.raises(ItemError) as caught:
        data_set = parse(file)
        frames = Frames(data_set, pixel_module(data_set))
        for _ in frames:
            pass
    return caught.value


def test_a_module_says_what_the_header_says():
    module = pixel_module(parse(sample("native 12 of 16 bit, signed")))
    assert (module.rows, module.columns, module.frames, module.samples) == (37, 42, 3, 1)
    assert (module.bits_allocated, module.bits_stored, module.high_bit, module.is_signed) == (16, 12, 11, True)
    assert (module.lowest, module.highest) == (-2048, 2047)
    assert module.frame_bits == 37 * 42 * 16


def test_an_object_without_pixels_has_none():
    dataset = image(b"\0", ExplicitVRLittleEndian, rows=1, columns=1)
    del dataset.PixelData
    file = file_of(dataset)
    assert not has_pixel_data(parse(file))
    assert refusal(file).reason is Reason.UNSUPPORTED_OBJECT


def test_real_numbers_beside_integers_are_refused():
    dataset = image(bytes(24), ExplicitVRLittleEndian, rows=4, columns=6)
    dataset.FloatPixelData = bytes(96)
    assert refusal(file_of(dataset)).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Rows": 0}, Reason.MALFORMED),
        ({"SamplesPerPixel": 3}, Reason.MALFORMED),
        ({"PhotometricInterpretation": "RGB"}, Reason.MALFORMED),
        ({"PhotometricInterpretation": "SEPIA"}, Reason.UNSUPPORTED_OBJECT),
        ({"BitsAllocated": 12}, Reason.UNSUPPORTED_OBJECT),
        ({"BitsStored": 9}, Reason.MALFORMED),
        ({"BitsStored": 0}, Reason.MALFORMED),
        ({"HighBit": 8}, Reason.MALFORMED),
        ({"HighBit": 6}, Reason.MALFORMED),
        ({"PixelRepresentation": 2}, Reason.MALFORMED),
        ({"PlanarConfiguration": 2}, Reason.MALFORMED),
        ({"NumberOfFrames": 0}, Reason.MALFORMED),
        ({"NumberOfFrames": -1}, Reason.MALFORMED),
        ({"NumberOfFrames": 2}, Reason.TRUNCATED),
        ({"NumberOfFrames": 2_000_000_000}, Reason.MALFORMED),
        ({"NumberOfFrames": 16_000_000}, Reason.TRUNCATED),
        ({"Rows": 5}, Reason.TRUNCATED),
        ({"Rows": 3}, Reason.MALFORMED),
        ({"BitsAllocated": 16}, Reason.TRUNCATED),
        ({"Rows": 40_000, "Columns": 40_000}, Reason.UNSUPPORTED_OBJECT),
    ],
    ids=str,
)
def test_attributes_that_contradict_the_pixels_are_refused(changes, reason):
    good = {"Rows": 4, "Columns": 6}
    pixels = bytes(range(1, 25))
    pixel_module(parse(file_of(image(pixels, ExplicitVRLittleEndian, rows=4, columns=6))))
    stated = good | changes
    rows, columns = stated.pop("Rows"), stated.pop("Columns")
    file = file_of(image(pixels, ExplicitVRLittleEndian, rows=rows, columns=columns, **stated))
    assert refusal(file).reason is reason


def test_an_attribute_that_stands_twice_is_refused():
    file = file_of(image(bytes(24), ExplicitVRLittleEndian, rows=4, columns=6))
    rows = struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 4)
    assert file.count(rows) == 1
    assert refusal(file.replace(rows, rows + rows)).reason is Reason.MALFORMED


def test_padding_after_the_last_frame_is_not_a_frame():
    file = file_of(image(bytes(range(1, 22)), ExplicitVRLittleEndian, rows=3, columns=7))
    assert pixel_module(parse(file)).pixels.length == 22


@pytest.mark.parametrize("uid", VIDEO_AND_UNKNOWN, ids=VIDEO_AND_UNKNOWN.get)
def test_B05_video_and_unknown_codecs_are_held_back(uid):
    # pydicom cannot write what it does not know.
    known = uid if UID(uid).is_transfer_syntax else uid[:-2] + "00"
    file = file_of(image(encapsulate([b"\0\0\1\xb3" * 40]), UID(known), rows=4, columns=6))
    file = file.replace(known.encode(), uid.encode())
    assert refusal(file).reason is Reason.UNSUPPORTED_TRANSFER_SYNTAX


@pytest.mark.parametrize("syntax", [RLELossless, JPEGBaseline8Bit, JPEG2000Lossless, ExplicitVRLittleEndian])
def test_an_image_of_40_000_by_40_000_costs_nothing(syntax):
    pixels = bytes(400) if syntax == ExplicitVRLittleEndian else encapsulate([bytes(400)])
    file = file_of(image(pixels, syntax, rows=40_000, columns=40_000, NumberOfFrames=100_000))
    tracemalloc.start()
    began = time.process_time()
    assert refusal(file).reason in (Reason.UNSUPPORTED_OBJECT, Reason.TRUNCATED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", ["JPEG grey", "JPEG-LS 8 bit", "J2K 8 bit"])
def test_a_stream_that_claims_40_000_by_40_000_is_not_decoded(name):
    file = bytearray(sample(name))
    sizes = {"JPEG": struct.pack(">HH", 37, 42), "J2K ": struct.pack(">II", 42, 37)}[name[:4]]
    huge = struct.pack(">HH" if len(sizes) == 4 else ">II", 40_000, 40_000)
    marker = {"JPEG g": b"\xff\xc0", "JPEG-L": b"\xff\xf7", "J2K 8 ": b"\xff\x51"}[name[:6]]
    at = file.index(sizes, file.index(marker, file.index(b"\xe0\x7f\x10\x00")))
    file[at : at + len(sizes)] = huge
    tracemalloc.start()
    assert refusal(bytes(file)).reason is Reason.MALFORMED
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
