"""Codecs by themselves: what goes in comes out, as others see it too."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pixel_samples import sample
from pydicom.pixels.decoders.rle import _rle_decode_frame

from curator.deid.pixels.codecs import jpeg_2000, jpeg_dct, jpeg_entropy, jpeg_ls, jpeg_tables, native, rle
from curator.deid.pixels.codecs.coded import Coded, check_shape, meant
from curator.deid.pixels.module import PixelModule, pixel_module
from curator.dicom.parse import parse
from curator.errors import ItemError


def module_of(words: np.ndarray, **changes: object) -> PixelModule:
    """The module of an image that holds the words."""
    stated = pixel_module(parse(sample("native 8 bit")))
    bits = 8 * words.dtype.itemsize
    fields = {name: getattr(stated, name) for name in PixelModule.__dataclass_fields__} | {
        "rows": words.shape[0],
        "columns": words.shape[1],
        "samples": 1 if words.ndim == 2 else words.shape[2],
        "photometric": "MONOCHROME2" if words.ndim == 2 else "RGB",
        "frames": 1,
        "bits_allocated": bits,
        "bits_stored": bits,
        "high_bit": bits - 1,
    }
    return PixelModule(**(fields | changes))


few_values = st.sampled_from([0, 1, 2, 255])
shapes = st.tuples(st.integers(1, 9), st.integers(1, 300))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(["u1", "u2", "u4"]), st.booleans())
def test_run_lengths_are_unpacked_alike_by_pydicom_and_by_us(data, kind, is_colour):
    shape = data.draw(shapes)
    words = data.draw(arrays(kind, (*shape, 3) if is_colour else shape, elements=few_values))
    packed = rle.encode(words)
    module = module_of(words)
    np.testing.assert_array_equal(rle.containers(packed, module), words)
    bits = 8 * words.dtype.itemsize
    judged = _rle_decode_frame(packed, *shape, 3 if is_colour else 1, bits)
    ordered = words.transpose(2, 0, 1) if is_colour else words
    assert bytes(judged) == np.ascontiguousarray(ordered, f"<{kind}").tobytes()


def test_no_run_goes_over_the_end_of_a_row():
    words = np.zeros((4, 200), np.uint8)
    packed = rle.encode(words)
    assert packed[64:] == bytes((129, 0, 185, 0)) * 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:40],
        lambda packed: packed[:-2],
        lambda packed: b"\2" + packed[1:],
        lambda packed: b"\0" + packed[1:],
        lambda packed: packed[:4] + b"\x44" + packed[5:],
        lambda packed: packed + b"\5\6",
        lambda packed: packed[:64] + b"\x80" * (len(packed) - 64),
    ],
    ids=["no header", "cut", "too many segments", "none", "offset", "more than the plane", "nothing but padding"],
)
def test_broken_run_lengths_are_refused(damage):
    words = np.arange(60, dtype=np.uint8).reshape(6, 10)
    with pytest.raises(ItemError):
        rle.containers(damage(rle.encode(words)), module_of(words))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(arrays("u2", st.tuples(st.integers(32, 36), st.integers(32, 40)), elements=st.integers(0, 4095)), st.booleans())
def test_lossless_codecs_give_back_what_they_took(words, is_j2k):
    codec = jpeg_2000 if is_j2k else jpeg_ls
    stream = codec.encoded(Coded(words, 12))
    coded = codec.read(stream, module_of(words, bits_stored=12, high_bit=11))
    np.testing.assert_array_equal(coded.words, words)
    assert coded.precision == 12


@pytest.mark.parametrize("codec", [jpeg_ls, jpeg_2000])
def test_what_an_encoder_cannot_hold_is_refused(codec):
    noise = np.random.default_rng(1).integers(0, 256, (3, 5), np.uint8)
    with pytest.raises(ItemError):
        codec.encoded(Coded(noise, 8))


def test_signs_of_jpeg_2000_stay_inside_their_precision():
    words = (scene_of_signs() & 0xFFF).astype(np.uint16)
    stream = jpeg_2000.encoded(Coded(words, 12, is_signed=True))
    coded = jpeg_2000.read(stream, module_of(words, bits_stored=12, high_bit=11, is_signed=True))
    assert coded.is_signed
    np.testing.assert_array_equal(coded.words, words)


def scene_of_signs() -> np.ndarray:
    """All values of 12 signed bits."""
    return np.arange(-2048, 2048).reshape(64, 64)


block_values = st.one_of(st.just(0), st.integers(-1023, 1023))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(arrays("i2", st.tuples(st.integers(1, 12), st.just(64)), elements=block_values), st.integers(0, 4))
def test_bits_of_blocks_are_counted_and_written_alike(blocks, restart_blocks):
    tables = (
        jpeg_entropy.table(*jpeg_tables.DC_LUMINANCE),
        jpeg_entropy.table(*jpeg_tables.AC_LUMINANCE),
    )
    scan = jpeg_entropy.Scan(blocks, np.zeros(len(blocks), np.intp), tables[:1], tables[1:], restart_blocks)
    octets = jpeg_entropy.coded(scan)
    assert octets is not None
    available, restarts = jpeg_entropy.coded_bits(octets)
    wanted = jpeg_entropy.bit_length(scan)
    assert 0 <= available - wanted < 8 * (restarts + 1)
    assert restarts == ((len(blocks) - 1) // restart_blocks if restart_blocks else 0)


@pytest.mark.parametrize("restart_blocks", [0, 1, 3, 10, 64])
def test_a_scan_is_the_same_bytes_however_much_is_worked_on_at_once(restart_blocks, monkeypatch):
    rng = np.random.default_rng(2)
    blocks = (rng.integers(-200, 200, (50, 64)) * (rng.random((50, 64)) < 0.1)).astype(np.int16)
    owners = np.arange(50, dtype=np.intp) % 3
    dc = tuple(jpeg_entropy.table(*each) for each in (jpeg_tables.DC_LUMINANCE, *[jpeg_tables.DC_CHROMINANCE] * 2))
    ac = tuple(jpeg_entropy.table(*each) for each in (jpeg_tables.AC_LUMINANCE, *[jpeg_tables.AC_CHROMINANCE] * 2))
    scan = jpeg_entropy.Scan(blocks, owners, dc, ac, restart_blocks)
    whole, bits = jpeg_entropy.coded(scan), jpeg_entropy.bit_length(scan)
    for at_once in (1, 2, 7, 20, 49, 50):
        monkeypatch.setattr(jpeg_entropy, "_AT_ONCE", at_once)
        assert jpeg_entropy.coded(scan) == whole
        assert jpeg_entropy.bit_length(scan) == bits


def test_the_order_of_coefficients_is_the_standards():
    zigzag = np.empty(64, int)
    zigzag[jpeg_entropy.ZIGZAG] = np.arange(64)
    assert zigzag.reshape(8, 8)[:3].tolist() == [
        [0, 1, 5, 6, 14, 15, 27, 28],
        [2, 4, 7, 13, 16, 26, 29, 42],
        [3, 8, 12, 17, 25, 30, 41, 43],
    ]
    assert zigzag[-1] == 63


@pytest.mark.parametrize("step", [1, 2, 3, 7, 16, 99, 255])
def test_a_flat_block_clips_to_black_or_white(step):
    """The samples of a block with DC only are DC / 8 + 128."""
    assert jpeg_dct.quantised(0, step) * step / 8 + 128 <= 0
    assert jpeg_dct.quantised(255, step) * step / 8 + 128 >= 255
    assert jpeg_dct.quantised(128, step) == 0
    assert jpeg_dct.quantised(0, step) >= -1024
    assert jpeg_dct.quantised(255, step) <= 1023


@pytest.mark.parametrize(
    ("bits_stored", "high_bit", "precision", "expected"),
    [(12, 11, 16, (12, 11)), (12, 11, 12, (12, 11)), (16, 15, 12, (12, 11)), (12, 15, 12, (8, 11)), (8, 7, 1, (1, 0))],
)
def test_fewer_bits_in_a_stream_than_in_the_header_hold_fewer_values(bits_stored, high_bit, precision, expected):
    module = module_of(np.zeros((2, 2), np.uint16), bits_stored=bits_stored, high_bit=high_bit)
    fitting = meant(module, precision)
    assert (fitting.bits_stored, fitting.high_bit) == expected


@pytest.mark.parametrize("wrong", [{"rows": 3}, {"columns": 1}, {"samples": 3}, {"precision": 17}, {"precision": 0}])
def test_a_stream_of_another_shape_is_refused(wrong):
    module = module_of(np.zeros((2, 2), np.uint16))
    with pytest.raises(ItemError):
        check_shape(module, **({"rows": 2, "columns": 2, "samples": 1, "precision": 16} | wrong))


def test_unused_bits_are_cut_off_and_signs_extended():
    module = module_of(np.zeros((1, 2), np.uint16), bits_stored=12, high_bit=11, is_signed=True)
    words = np.array([[0xF800, 0x17FF]], np.uint16)
    assert native.stored(words, module).tolist() == [[-2048, 2047]]
    assert native.in_container(-2048, module) == 0xF800
    shifted = SimpleNamespace(high_bit=15, bits_stored=12, bits_allocated=16)
    assert native.in_container(5, shifted) == 0x50
