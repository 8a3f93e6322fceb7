"""Pictures in bits that are no part of a pixel: found, refused or cleared, and the pixels as before (rows G01, G02)."""

from __future__ import annotations

import io
import struct

import jpeg_ls
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from openjpeg.utils import encode_array
from pixel_samples import file_of, frames_in, image, judged_by_pydicom
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from stream_samples import encapsulated, pixel_bytes, scratch

from curator.deid.pixels.beside import is_plain, taken_out
from curator.deid.pixels.module import pixel_module
from curator.deid.pixels.overlays import (
    Word,
    cleared,
    declared_planes,
    refuse_hidden,
    refuse_planes_inside,
    unused_bits,
    word_of,
)
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.unused import bare, is_clean
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.quarantine import Reason

ROWS, COLUMNS = 40, 48
NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
SHADOW = np.zeros((ROWS, COLUMNS), np.uint16)
SHADOW[10:20, 5:40] = 1


def values(*, is_signed: bool = False, seed: int = 3) -> np.ndarray:
    """Samples of 12 bits as they are stored, above them nothing, or the sign."""
    low, high = (-2048, 2047) if is_signed else (0, 4095)
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (ROWS, COLUMNS), np.int16 if is_signed else np.int32).astype(np.uint16)


def file(words: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> bytes:
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    described = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11} | attributes
    return file_of(image(words.astype(f"{order}u2").tobytes(), syntax=syntax, rows=ROWS, columns=COLUMNS, **described))


def with_overlay(data: bytes, *, bit: int = 12, allocated: int = 16, own: bytes = b"", group: int = 0x6000) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(data))
    for number, vr, value in (
        (0x0010, "US", ROWS),
        (0x0011, "US", COLUMNS),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", allocated),
        (0x0102, "US", bit),
        (0x3000, "OW", own),
    ):
        if value or number != 0x3000:
            dataset.add_new(group << 16 | number, vr, value)
    return file_of(dataset)


def cleaned(data: bytes) -> bytes:
    frames = frames_in(data)
    return b"".join(rebuilt(frames.data_set, taken_out(frames, may_clear=True, scratch=scratch).scrubbed))


def refusal(data: bytes) -> Reason | None:
    try:
        refuse_hidden(parse(data))
    except ItemError as error:
        return error.reason
    return None


@pytest.mark.parametrize("is_signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("syntax", NATIVE, ids=lambda uid: uid.name)
def test_G01_a_picture_above_the_pixels_is_held_or_cleared(syntax: str, is_signed: bool) -> None:
    pixels = values(is_signed=is_signed)
    hidden = file(pixels ^ (SHADOW << 13), syntax=syntax, PixelRepresentation=int(is_signed))
    plain = file(pixels, syntax=syntax, PixelRepresentation=int(is_signed))
    assert refusal(hidden) is Reason.BURNED_IN_TEXT_POSSIBLE
    assert refusal(plain) is None
    with pytest.raises(ItemError, match="burned_in"):
        taken_out(frames_in(hidden), may_clear=False, scratch=scratch)
    assert pixel_bytes_of(cleaned(hidden)) == pixel_bytes_of(plain)
    assert cleaned(plain) == plain
    assert is_plain(parse(plain))
    assert not is_plain(parse(hidden))


def pixel_bytes_of(data: bytes) -> bytes:
    return pydicom.dcmread(io.BytesIO(data)).PixelData


def test_G01_a_picture_below_the_pixels_is_cleared() -> None:
    pixels = values() << 4
    hidden = file(pixels | SHADOW, HighBit=15)
    plain = file(pixels, HighBit=15)
    assert refusal(hidden) is Reason.BURNED_IN_TEXT_POSSIBLE
    assert refusal(plain) is None
    assert pixel_bytes(cleaned(hidden)) == pixel_bytes(plain)


def test_a_sign_that_is_repeated_is_no_rubbish_and_neither_are_zeros() -> None:
    signed = values(is_signed=True)
    for words in (signed, signed & 0x0FFF):
        assert refusal(file(words, PixelRepresentation=1)) is None
    # The same words are rubbish where samples have no sign, and where some repeat it and others do not.
    assert refusal(file(signed)) is Reason.BURNED_IN_TEXT_POSSIBLE
    mixed = np.where(SHADOW == 1, signed, signed & 0x0FFF)
    assert refusal(file(mixed, PixelRepresentation=1)) is Reason.BURNED_IN_TEXT_POSSIBLE


@given(
    words=arrays.arrays(np.uint16, st.integers(1, 40)),
    stored=st.integers(1, 16),
    extra=st.integers(0, 15),
    is_signed=st.booleans(),
    order=st.sampled_from("<>"),
)
def test_clearing_keeps_every_sample_and_leaves_nothing_else(
    words: np.ndarray, stored: int, extra: int, is_signed: bool, order: str
) -> None:
    high_bit = min(15, stored - 1 + extra)
    word = Word(16, stored, high_bit, is_signed, order)
    octets = words.astype(f"{order}u2").tobytes()
    output = b"".join(cleared(memoryview(octets), word))
    assert len(output) == len(octets)

    def samples(raw: bytes) -> np.ndarray:
        return np.frombuffer(raw, f"{order}u2") >> word.below & ((1 << stored) - 1)

    np.testing.assert_array_equal(samples(output), samples(octets))
    assert not unused_bits(output, word)
    if not unused_bits(octets, word) and not is_signed:
        assert output == octets


def test_only_pieces_with_rubbish_are_new() -> None:
    word = Word(16, 12, 11, False)
    octets = bytes(9 << 20)
    rubbish = octets[: 5 << 20] + b"\0\x10" + octets[(5 << 20) + 2 :]
    pieces = list(cleared(memoryview(rubbish), word))
    assert [piece.obj is rubbish for piece in pieces] == [True, False, True]
    assert b"".join(pieces) == octets
    assert all(piece.obj is octets for piece in cleared(memoryview(octets), word))


def test_several_frames_and_a_pad_byte_are_cleared_in_one_go() -> None:
    attributes = {"BitsStored": 5, "HighBit": 4, "NumberOfFrames": 3}
    frame = bytes(range(9)) * 3
    hidden = bytes(octet | 0x80 * (index % 2) for index, octet in enumerate(frame)) + b"Q"
    data = file_of(image(hidden, syntax=ExplicitVRLittleEndian, rows=3, columns=3, **attributes))
    assert pixel_bytes_of(cleaned(data)) == frame + b"\0"


def test_G02_planes_that_a_header_puts_into_the_pixels_are_found() -> None:
    plain = file(values())
    assert declared_planes(parse(plain)) == ()
    assert declared_planes(parse(with_overlay(plain))) == (0x6000,)
    assert declared_planes(parse(with_overlay(with_overlay(plain), group=0x60FE))) == (0x6000, 0x60FE)
    assert declared_planes(parse(with_overlay(plain, bit=0, allocated=1, own=bytes(240)))) == ()
    # Some devices call the size of the pixel's word that of the overlay's, which has data of its own.
    assert declared_planes(parse(with_overlay(plain, bit=0, allocated=16, own=bytes(240)))) == ()
    assert declared_planes(parse(with_overlay(plain, bit=0, allocated=16))) == (0x6000,)
    assert declared_planes(parse(with_overlay(plain, bit=12, allocated=1, own=bytes(240)))) == (0x6000,)


def test_G02_an_overlay_in_unused_bits_is_held_or_goes_with_its_bits() -> None:
    hidden = with_overlay(file(values() | SHADOW << 12))
    assert refusal(hidden) is Reason.BURNED_IN_TEXT_POSSIBLE
    outcome = taken_out(frames_in(hidden), may_clear=True, scratch=scratch)
    assert outcome.counts == {"overlays": 1, "unused_bits": 1}
    assert pixel_bytes_of(cleaned(hidden)) == values().tobytes()
    # Even one whose bits are all zero is no reason to let an image through that nobody may clean.
    assert refusal(with_overlay(file(values()))) is Reason.BURNED_IN_TEXT_POSSIBLE
    assert not is_plain(parse(with_overlay(file(values()))))


@pytest.mark.parametrize("bit", [3, 11])
def test_G02_an_overlay_in_bits_of_the_pixels_is_always_held(bit: int) -> None:
    data = with_overlay(file(values()), bit=bit)
    for attempt in (
        lambda: refuse_planes_inside(parse(data)),
        lambda: taken_out(frames_in(data), may_clear=True, scratch=scratch),
    ):
        with pytest.raises(ItemError, match="part of the pixels") as error:
            attempt()
        assert error.value.reason is Reason.BURNED_IN_TEXT_POSSIBLE


@pytest.mark.parametrize("stored, high_bit", [(0, 0), (12, 10), (12, 16), (17, 16)])
def test_samples_that_do_not_lie_in_their_word_are_malformed(stored: int, high_bit: int) -> None:
    with pytest.raises(ItemError) as error:
        word_of(parse(file(values(), BitsStored=stored, HighBit=high_bit)))
    assert error.value.reason is Reason.MALFORMED


def test_a_header_that_says_nothing_of_words_has_none() -> None:
    dataset = pydicom.dcmread(io.BytesIO(file(values())))
    del dataset.BitsStored
    assert word_of(parse(file_of(dataset))) is None
    del dataset.PixelData
    refuse_hidden(parse(file_of(dataset)))


def test_words_of_other_sizes() -> None:
    for allocated in (8, 32):
        word = Word(allocated, 5, 4, False)
        size = allocated // 8
        octets = (31).to_bytes(size, "little") * 4
        assert not unused_bits(octets, word)
        assert unused_bits(octets + (32).to_bytes(size, "little"), word)
    assert not unused_bits(b"\xff\xff", Word(16, 16, 15, False))
    assert not unused_bits(b"\xff", Word(1, 1, 0, False))
    assert not unused_bits(b"", Word(16, 12, 11, False))


def packed(words: np.ndarray, syntax: str) -> bytes:
    """A file of one frame of 16-bit words of which 12 count."""
    if syntax == RLELossless:
        options = {
            "rows": ROWS,
            "columns": COLUMNS,
            "bits_allocated": 16,
            "bits_stored": 16,
            "samples_per_pixel": 1,
            "photometric_interpretation": "MONOCHROME2",
            "pixel_representation": 0,
            "number_of_frames": 1,
        }
        stream = get_encoder(RLELossless).encode(words, encoding_plugin="pydicom", **options)
    elif syntax == JPEGLSLossless:
        stream = bytes(jpeg_ls.encode_array(words))
    else:
        stream = bytes(encode_array(words, bits_stored=16, photometric_interpretation=2))
    return encapsulated([stream], syntax)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_G01_a_picture_in_the_unused_bits_of_a_codestream(syntax: str) -> None:
    hidden, plain = packed(values() | SHADOW << 14, syntax), packed(values(), syntax)
    assert not is_plain(parse(hidden))
    with pytest.raises(ItemError) as error:
        taken_out(frames_in(hidden), may_clear=False, scratch=scratch)
    assert error.value.reason is Reason.BURNED_IN_TEXT_POSSIBLE
    output = cleaned(hidden)
    np.testing.assert_array_equal(judged_by_pydicom(output, 0), values())
    assert taken_out(frames_in(hidden), may_clear=True, scratch=scratch).counts["unused_bits"] == 1
    assert "unused_bits" not in taken_out(frames_in(plain), may_clear=False, scratch=scratch).counts


def test_G01_a_codestream_of_no_more_bits_than_its_samples_is_not_decoded() -> None:
    stream = bytes(jpeg_ls.encode_array(values() >> 8))
    data = encapsulated([stream[:-20] + b"\xff\xd9"], JPEGLSLossless)
    assert taken_out(frames_in(data), may_clear=False, scratch=scratch).scrubbed.changed == ()
    assert is_plain(parse(data))


@given(words=arrays.arrays(np.uint16, (3, 4)), is_signed=st.booleans(), high_bit=st.integers(11, 13))
def test_decoded_words_are_cleared_as_native_ones_are(words: np.ndarray, is_signed: bool, high_bit: int) -> None:
    data = file_of(
        image(
            words.tobytes(),
            syntax=ExplicitVRLittleEndian,
            rows=3,
            columns=4,
            BitsAllocated=16,
            BitsStored=12,
            HighBit=high_bit,
            PixelRepresentation=int(is_signed),
        )
    )
    module = pixel_module(parse(data))
    word = Word(16, 12, high_bit, is_signed)
    assert is_clean(words, module) is not unused_bits(words.tobytes(), word)
    assert bare(words, module).tobytes() == b"".join(cleared(memoryview(words.tobytes()), word))
    fewer = words & 0x3FFF
    assert is_clean(bare(fewer, module, bits=14), module, bits=14)
    assert int(bare(fewer, module, bits=14).max()) < 1 << 14


def test_a_module_of_offsets_is_not_needed_for_the_quick_check_to_say_no() -> None:
    data = bytearray(file(values()))
    at = data.index(struct.pack("<HH2sHH", 0x0028, 0x0101, b"US", 2, 12))
    data[at + 8 : at + 10] = struct.pack("<H", 99)
    assert not is_plain(parse(bytes(data)))
