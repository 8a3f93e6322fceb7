"""Frames: each as an independent reader sees it, or refused."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess

import numpy as np
import pydicom
import pytest
from pixel_samples import (
    LAYOUTS,
    NATIVE_SYNTAXES,
    SAMPLES,
    as_rgb,
    bundled_file,
    file_of,
    frames_in,
    htj2k_file,
    image,
    jpeg_stream,
    judged_by_pydicom,
    native_file,
    sample,
    scene,
    tiled_stream,
)
from pydicom.encaps import encapsulate, encapsulate_extended, generate_fragments
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLossless, RLELossless

from curator.deid.pixels.codecs import rle
from curator.errors import ItemError
from curator.model.quarantine import Reason

# What pydicom cannot read, or reads with the unused low bits left in.
NOT_JUDGED = {
    "native ARGB",
    "native CMYK",
    "native 12 upper of 16 bit",
    "native YBR partial 422",
    "JPEG 12 bit",
    "encapsulated uncompressed",
    "deflated frames",
}
CODED = {"RLE", "JPEG", "JPEG-LS", "J2K", "HTJ2K", "deflated"}
COMPRESSED = sorted(name for name in SAMPLES if name.split()[0] in CODED)


def refused(file: bytes) -> Reason:
    """Why the frames of a file are refused."""
    with pytest.raises(ItemError) as caught:
        for _ in frames_in(file):
            pass
    return caught.value.reason


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - NOT_JUDGED))
def test_frames_are_as_pydicom_reads_them(name):
    file = sample(name)
    frames = frames_in(file)
    for index in range(len(frames)):
        values, judged = frames.decode(index), judged_by_pydicom(file, index)
        np.testing.assert_array_equal(values, judged)
        assert values.dtype.newbyteorder("=") == judged.dtype.newbyteorder("=")


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("syntax", NATIVE_SYNTAXES, ids=lambda uid: uid.name)
def test_native_frames_are_what_was_written(layout, syntax):
    attributes, values, _ = LAYOUTS[layout]
    wanted = values()
    if layout == "12 upper of 16 bit":
        wanted = wanted >> 4
    if attributes.get("PlanarConfiguration"):
        wanted = wanted.transpose(0, 2, 3, 1)
    frames = frames_in(native_file(layout, syntax))
    assert len(frames) == 3
    for index in range(3):
        np.testing.assert_array_equal(frames.decode(index), wanted[index])


@pytest.mark.parametrize("layout", ["8 bit", "8 bit, inverse", "16 bit, padding", "16 bit, signed, inverse"])
def test_B05_htj2k_frames_are_what_another_encoder_was_given(layout):
    wanted = LAYOUTS[layout][1]()
    frames = frames_in(htj2k_file(layout))
    assert len(frames) == 3
    for index in range(3):
        np.testing.assert_array_equal(frames.decode(index), wanted[index])


@pytest.mark.parametrize("name", ["encapsulated uncompressed", "deflated frames"])
def test_uncompressed_samples_in_fragments_are_what_was_written(name):
    wanted = LAYOUTS["12 of 16 bit, signed"][1]()
    for index, values in enumerate(frames_in(sample(name))):
        np.testing.assert_array_equal(values, wanted[index])


def test_partial_chroma_is_repeated_and_its_name_says_so():
    frames = frames_in(sample("native YBR partial 422"))
    assert frames.photometric == "YBR_PARTIAL"
    np.testing.assert_array_equal(frames.decode(0), frames_in(sample("native YBR 422")).decode(0))


@pytest.mark.skipif(shutil.which("dcmdjpeg") is None, reason="DCMTK is not installed")
@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm", "SC_rgb_jpeg_gdcm.dcm"])
def test_B05_12_bit_and_lossless_jpeg_are_as_dcmtk_reads_them(name, tmp_path):
    source, result = tmp_path / "source.dcm", tmp_path / "result.dcm"
    source.write_bytes(bundled_file(name))
    subprocess.run(["dcmdjpeg", "+cn", source, result], check=True, capture_output=True)
    judged = pydicom.dcmread(result)
    values = frames_in(source.read_bytes()).decode(0)
    stored = np.frombuffer(judged.PixelData, f"<u{judged.BitsAllocated // 8}")[: values.size]
    planar = judged.get("PlanarConfiguration", 0)
    ordered = stored.reshape(3, 100, 100).transpose(1, 2, 0) if planar else stored.reshape(values.shape)
    np.testing.assert_array_equal(values, ordered)


@pytest.mark.skipif(shutil.which("dcmcjpeg") is None, reason="DCMTK is not installed")
@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("layout", ["10 of 16 bit", "16 bit, padding", "12 of 16 bit, signed", "RGB by pixel"])
def test_B05_every_lossless_predictor_is_read_whole_or_not_at_all(predictor, layout, tmp_path):
    source, result = tmp_path / "source.dcm", tmp_path / "result.dcm"
    source.write_bytes(sample(f"native {layout}"))
    command = ["dcmcjpeg", "+el", "+sv", str(predictor), "+pt", "0", source, result]
    subprocess.run(command, check=True, capture_output=True)
    file = result.read_bytes()
    assert frames_in(file).module.syntax.uid == JPEGLossless
    for index, values in enumerate(frames_in(file)):
        np.testing.assert_array_equal(values, frames_in(sample(f"native {layout}")).decode(index))
    cut = _with_frames(file, lambda stream: _cut(stream, 0.8) + b"\xff\xd9")
    assert refused(cut) in (Reason.TRUNCATED, Reason.MALFORMED)


def _with_frames(file: bytes, change) -> bytes:
    """The file with every frame changed, its offset table rewritten."""
    dataset = pydicom.dcmread(io.BytesIO(file))
    frames = frames_in(file)
    dataset.PixelData = encapsulate([change(bytes(frames.raw(index))) for index in range(len(frames))])
    if dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.8.1":
        pytest.skip("pydicom does not write deflated frames")
    return file_of(dataset)


def _cut(stream: bytes, part: float) -> bytes:
    return stream[: int(len(stream) * part)]


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["open", "ended"])
@pytest.mark.parametrize("name", COMPRESSED)
def test_a_truncated_frame_is_refused(name, ending, part):
    if name == "deflated frames":
        # Written by hand: the last byte of every frame is lost, its item as long as before.
        file = sample(name)
        at = file.index(b"\xfe\xff\xdd\xe0")
        assert refused(file[: at - 8] + bytes(8) + file[at:]) in (Reason.TRUNCATED, Reason.MALFORMED)
        return
    file = _with_frames(sample(name), lambda stream: _cut(stream, part) + ending)
    assert refused(file) in (Reason.TRUNCATED, Reason.MALFORMED)


@pytest.mark.parametrize("name", ["JPEG 444", "JPEG grey, restarts", "JPEG 420", "JPEG lossless", "JPEG 12 bit"])
def test_a_jpeg_whose_bits_are_garbled_in_the_middle_is_no_crash(name):
    rng = np.random.default_rng(11)

    def garbled(stream: bytes) -> bytes:
        damaged = bytearray(stream)
        at = int(rng.integers(len(stream) // 2, len(stream) - 40))
        damaged[at : at + 8] = rng.integers(0, 255, 8, np.uint8).tobytes()
        return bytes(damaged)

    for _ in range(10):
        try:
            for values in frames_in(_with_frames(sample(name), garbled)):
                assert values.ndim in (2, 3)
        except ItemError as error:
            assert error.reason in (Reason.TRUNCATED, Reason.MALFORMED)


def _encapsulated(
    offsets: list[int] | None, fragments: list[bytes], *, frames: int, syntax: str = RLELossless
) -> bytes:
    """A file whose offset table says what it is told to."""
    table = b"" if offsets is None else struct.pack(f"<{len(offsets)}I", *offsets)
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in (table, *fragments))
    return file_of(image(items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), syntax, NumberOfFrames=frames))


def _rle_frames() -> list[bytes]:
    return [rle.encode(frame) for frame in LAYOUTS["8 bit"][1]().astype(np.uint8)]


def _offsets(fragments: list[bytes]) -> list[int]:
    return [sum(8 + len(part) for part in fragments[:index]) for index in range(len(fragments))]


def test_fragments_are_told_apart_with_and_without_a_table():
    fragments = _rle_frames()
    for table in (None, _offsets(fragments)):
        frames = frames_in(_encapsulated(table, fragments, frames=3))
        assert [bytes(frames.raw(index)) for index in range(3)] == fragments


def test_frames_of_several_fragments_are_joined_by_table_and_by_content():
    streams = [jpeg_stream(frame) for frame in scene((2, 37, 42), low=0, high=255)]
    streams = [stream + bytes(len(stream) % 2) for stream in streams]
    parts = [streams[0][:200], streams[0][200:], streams[1][:100], streams[1][100:300], streams[1][300:]]
    offsets = _offsets(parts)
    for table in (None, [offsets[0], offsets[2]]):
        frames = frames_in(_encapsulated(table, parts, frames=2, syntax=JPEGBaseline8Bit))
        assert [bytes(frames.raw(index)) for index in range(2)] == streams


@pytest.mark.parametrize(
    "lie",
    [
        lambda right: right[:-1],
        lambda right: [*right, right[-1] + 8],
        lambda right: [right[0], right[2], right[1]],
        lambda right: [right[0], right[0], right[1]],
        lambda right: [8, right[1], right[2]],
        lambda right: [right[0], right[1] + 2, right[2]],
        lambda right: [right[0], right[1], 4_000_000_000],
        lambda right: [right[1], right[2], right[0]],
    ],
    ids=["too short", "too long", "out of order", "twice", "not from the start", "inside a frame", "far off", "turned"],
)
def test_an_offset_table_that_lies_is_refused(lie):
    fragments = _rle_frames()
    right = _offsets(fragments)
    assert refused(_encapsulated(lie(right), fragments, frames=3)) is Reason.MALFORMED


@pytest.mark.parametrize(("frames", "fragments"), [(2, 3), (4, 3), (3, 2), (1, 0), (5, 1)])
def test_a_wrong_frame_count_is_refused(frames, fragments):
    parts = _rle_frames()[:fragments]
    assert refused(_encapsulated(None, parts, frames=frames)) in (Reason.MALFORMED, Reason.TRUNCATED)


@pytest.mark.parametrize(
    "name", [*sorted(set(COMPRESSED) - {"JPEG 12 bit", "JPEG lossless"}), "encapsulated uncompressed"]
)
@pytest.mark.parametrize("has_table", [True, False])
def test_frames_that_the_header_does_not_count_are_not_passed_over(name, has_table):
    """Three frames of which the header states one: joined to it, no decoder would ever look at the others."""
    file = sample(name)
    one = file.replace(b"\x28\0\x08\0IS\x02\x003 ", b"\x28\0\x08\0IS\x02\x001 ")
    assert one != file
    start = one.index(b"\xfe\xff\x00\xe0", one.rindex(b"\xe0\x7f\x10\0OB"))
    length = struct.unpack_from("<I", one, start + 4)[0]
    table = struct.pack("<HHII", 0xFFFE, 0xE000, 4, 0) if has_table else struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    assert refused(one[:start] + table + one[start + 8 + length :]) is Reason.MALFORMED


def test_fragments_without_number_are_refused(monkeypatch):
    monkeypatch.setattr("curator.deid.pixels.fragments._MOST_FRAGMENTS", 1000)
    assert refused(_encapsulated(None, [b""] * 1001, frames=1001)) is Reason.UNSUPPORTED_OBJECT


def test_a_second_picture_hidden_behind_the_end_of_the_first_is_refused():
    one, other = (jpeg_stream(frame) for frame in scene((2, 37, 42), low=0, high=255))
    both = one + other
    file = _encapsulated([0], [both + bytes(len(both) % 2)], frames=1, syntax=JPEGBaseline8Bit)
    assert refused(file) is Reason.MALFORMED


@pytest.mark.parametrize("lie", ["none", "length", "offset", "both tables", "half"])
def test_an_extended_offset_table_is_checked(lie):
    fragments = _rle_frames()
    pixels, offsets, lengths = encapsulate_extended(fragments)
    dataset = image(pixels, RLELossless, NumberOfFrames=3)
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    if lie == "length":
        dataset.ExtendedOffsetTableLengths = lengths[:8] + struct.pack("<Q", 4) + lengths[16:]
    elif lie == "offset":
        dataset.ExtendedOffsetTable = offsets[:8] + struct.pack("<Q", 10) + offsets[16:]
    elif lie == "both tables":
        dataset.PixelData = encapsulate(fragments, has_bot=True)
    elif lie == "half":
        del dataset.ExtendedOffsetTableLengths
    file = file_of(dataset)
    if lie == "none":
        assert [bytes(frames_in(file).raw(index)) for index in range(3)] == fragments
    else:
        assert refused(file) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("stream", "stated", "believed"),
    [
        (lambda: as_rgb(jpeg_stream(scene((1, 37, 42, 3), low=0, high=255)[0])), "RGB", "RGB"),
        (lambda: as_rgb(jpeg_stream(scene((1, 37, 42, 3), low=0, high=255)[0])), "YBR_FULL", "RGB"),
        (lambda: jpeg_stream(scene((1, 37, 42, 3), low=0, high=255)[0]), "RGB", "YBR_FULL"),
        (lambda: jpeg_stream(scene((1, 37, 42, 3), low=0, high=255)[0]), "YBR_FULL_422", "YBR_FULL"),
    ],
    ids=["both say RGB", "Adobe against the header", "JFIF against the header", "both say YBR"],
)
def test_colours_of_jpeg_are_those_that_its_stream_names(stream, stated, believed):
    attributes = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": stated}
    file = file_of(image(encapsulate([stream()]), JPEGBaseline8Bit, **attributes))
    assert frames_in(file).photometric == believed


@pytest.mark.parametrize(
    "change",
    [
        lambda stream: stream.replace(b"\xff\xc0", b"\xff\xc2", 1),
        lambda stream: stream.replace(b"\xff\xc0", b"\xff\xc9", 1),
        lambda stream: stream.replace(b"\xff\xdb", b"\xff\xf0", 1),
        lambda stream: stream[: stream.index(b"\xff\xc4")] + stream[stream.index(b"\xff\xda") :],
        lambda stream: stream[:2] + stream[stream.index(b"\xff\xc0") :],
        lambda stream: stream[: stream.index(b"\xff\xda")] + b"\xff\xd9",
        lambda stream: stream[: stream.index(b"\xff\xc0") + 5] + b"\0\0" + stream[stream.index(b"\xff\xc0") + 7 :],
    ],
    ids=["progressive", "arithmetic", "unknown segment", "no codes", "no steps", "no scan", "height to come"],
)
def test_a_jpeg_that_is_not_the_baseline_it_claims_is_refused(change):
    stream = jpeg_stream(scene((1, 37, 42), low=0, high=255)[0])
    good = file_of(image(encapsulate([stream]), JPEGBaseline8Bit))
    assert frames_in(good).decode(0).shape == (37, 42)
    assert refused(file_of(image(encapsulate([change(stream)]), JPEGBaseline8Bit))) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("tiles", "reason"),
    [
        ([0, 1], None),
        ([1, 0], None),
        ([0], Reason.TRUNCATED),
        ([1], Reason.TRUNCATED),
        ([0, 1, 2], Reason.TRUNCATED),
        ([0, 1, 1], Reason.MALFORMED),
    ],
    ids=str,
)
def test_a_tile_that_is_wanting_is_not_filled_in(tiles, reason):
    stream = tiled_stream(32, 64, side=32, tiles=tiles)
    file = file_of(image(encapsulate([stream]), JPEG2000Lossless, rows=32, columns=64))
    if reason is None:
        assert (frames_in(file).decode(0) == 128).all()
    else:
        assert refused(file) is reason


def test_tiles_made_to_exhaust_a_decoder_are_refused():
    stream = tiled_stream(250, 250, side=1, tiles=range(62_500))
    file = file_of(image(encapsulate([stream]), JPEG2000Lossless, rows=250, columns=250))
    assert refused(file) is Reason.UNSUPPORTED_OBJECT


def test_a_frame_is_a_view_of_the_source_and_not_a_copy():
    file = sample("native 8 bit")
    frames = frames_in(file)
    assert frames.raw(1).obj is file
    framed = sample("RLE 8 bit")
    assert frames_in(framed).raw(2).obj is framed
    with pytest.raises(IndexError):
        frames.raw(3)


def test_every_fragment_that_pydicom_finds_is_in_a_frame():
    file = bundled_file("examples_ybr_color.dcm")
    frames = frames_in(file)
    pixels = pydicom.dcmread(io.BytesIO(file)).PixelData
    assert [bytes(frames.raw(index)) for index in range(30)] == list(generate_fragments(pixels))[1:]
