"""What codestreams carry beside their picture goes, and nothing else of them does (row B06)."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pixel_samples import file_of, frames_in, image, judged_by_pydicom
from pydicom.uid import (
    MPEG4HP41,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)
from stream_samples import (
    COLUMNS,
    PLANTED_IN_JPEG,
    ROWS,
    SECRET,
    STREAMS,
    box,
    comment_of_2000,
    commented_tile,
    encapsulated,
    jpeg,
    jpeg_2000,
    jpeg_lossless_scan,
    pixel_bytes,
    run_length,
    scratch,
    segment,
    segments_of_jpeg,
    tile_part,
    with_planted,
)

from curator.bundled import bundled_folder
from curator.deid.pixels.beside import taken_out
from curator.deid.pixels.bitstream import is_bare, precision, stripped
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import DEFLATED_FRAMES, ENCAPSULATED_UNCOMPRESSED
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.redrawn import Scrubbed
from curator.errors import ItemError
from curator.model.quarantine import Reason
from curator.policy.pixels.encoders import ENCODERS, parse_encoders
from curator.strict import read_toml

SIGNATURES = parse_encoders(read_toml(bundled_folder("rules") / ENCODERS, name=ENCODERS))
PIXELS = ROWS * COLUMNS


def stripped_pixels(frames: Frames) -> Scrubbed:
    return taken_out(frames, may_clear=False, scratch=scratch).scrubbed


def stripped_file(file: bytes) -> bytes:
    frames = frames_in(file)
    return b"".join(rebuilt(frames.data_set, stripped_pixels(frames)))


def even(stream: bytes) -> bytes:
    return stream + bytes(len(stream) % 2)


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("planted", PLANTED_IN_JPEG)
def test_B06_what_is_planted_in_a_jpeg_goes_and_the_rest_is_the_same(kind: str, planted: str) -> None:
    syntax, make = STREAMS[kind]
    stream = make()
    for place in segments_of_jpeg(stream):
        dirty = with_planted(stream, (place, PLANTED_IN_JPEG[planted]))
        assert stripped(dirty, syntax) == even(stream)
    assert stripped(stream, syntax) is stream


def test_B06_comments_between_scans_go() -> None:
    stream = jpeg(progressive=True)
    tables = [at for at in range(200, len(stream) - 2) if stream[at : at + 2] == b"\xff\xda"]
    assert len(tables) > 3
    dirty = with_planted(stream, *((at, PLANTED_IN_JPEG["COM"]) for at in tables))
    assert stripped(dirty, JPEGBaseline8Bit) == even(stream)


@given(
    plants=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([0xFE, *range(0xE0, 0xF0)]), st.binary(max_size=40)), max_size=6
    )
)
def test_B06_any_planted_segments_go(plants: list[tuple[int, int, bytes]]) -> None:
    stream = jpeg()
    places = segments_of_jpeg(stream)
    dirty = with_planted(stream, *((places[at % len(places)], segment(code, b"x" + data)) for at, code, data in plants))
    once = stripped(dirty, JPEGBaseline8Bit)
    assert once == (even(stream) if plants else stream)
    assert stripped(once, JPEGBaseline8Bit) is once


@pytest.mark.parametrize("behind", [SECRET, bytes(4) + SECRET, jpeg(), b"\0\1"], ids=["text", "zeros", "jpeg", "bit"])
@pytest.mark.parametrize("kind", STREAMS)
def test_B06_bytes_behind_the_end_go(kind: str, behind: bytes) -> None:
    syntax, make = STREAMS[kind]
    assert stripped(make() + behind, syntax) == even(make())


@pytest.mark.parametrize("pad", [b"\0", b"\xff", bytes(3), b"\xff\0"])
def test_padding_is_nothing_to_take_out(pad: bytes) -> None:
    stream = jpeg() + pad
    assert stripped(stream, JPEGBaseline8Bit) is stream


def test_B06_what_says_how_colours_are_coded_stays_at_its_least() -> None:
    stream = jpeg(colour=True)
    assert stream[2:4] == b"\xff\xe0"
    length = int.from_bytes(stream[4:6], "big")
    thumbnail = stream[6:18] + b"\x02\x02" + bytes(12) + SECRET
    assert stripped(stream[:2] + segment(0xE0, thumbnail) + stream[4 + length :], JPEGBaseline8Bit) == even(stream)
    adobe = b"Adobe\0\x64\0\0\0\0\1"
    kept = with_planted(stream, (4 + length, segment(0xEE, adobe)))
    assert stripped(kept, JPEGBaseline8Bit) is kept
    assert stripped(with_planted(stream, (4 + length, segment(0xEE, adobe + SECRET))), JPEGBaseline8Bit) == even(kept)
    with pytest.raises(ItemError, match="contradict"):
        stripped(with_planted(kept, (4 + length, segment(0xEE, adobe[:-1] + b"\2"))), JPEGBaseline8Bit)


def test_B06_the_colour_transform_of_jpeg_ls_stays() -> None:
    stream = jpeg_lossless_scan()
    kept = with_planted(stream, (2, segment(0xE8, b"mrfx\1")))
    assert stripped(kept, JPEGLSLossless) is kept
    assert stripped(with_planted(jpeg(), (2, segment(0xE8, b"mrfx\1"))), JPEGBaseline8Bit) == even(jpeg())
    assert stripped(with_planted(stream, (2, segment(0xE8, b"mrfx\1" + SECRET))), JPEGLSLossless) == even(kept)


@pytest.mark.parametrize("tlm", [False, True], ids=["plain", "with an index"])
def test_B06_comments_of_jpeg_2000_go_from_main_and_tile_headers(tlm: bool) -> None:
    stream = stripped(jpeg_2000(tlm=tlm), JPEG2000Lossless)
    assert (b"\xff\x55" in stream) is tlm
    for text in (SECRET, b"\0\1\xff\x93\xff\xd9"):
        for kind in (0, 1):
            comment = comment_of_2000(text, kind=kind)
            in_main = with_planted(stream, (tile_part(stream), comment))
            both = commented_tile(in_main, comment)
            assert stripped(in_main, JPEG2000Lossless) == stream
            assert stripped(both, JPEG2000Lossless) == stream
            assert stripped(both + SECRET, JPEG2000Lossless) == stream
            file = encapsulated([both], JPEG2000Lossless)
            np.testing.assert_array_equal(
                judged_by_pydicom(stripped_file(file), 0),
                judged_by_pydicom(encapsulated([stream], JPEG2000Lossless), 0),
            )


def test_B06_a_tile_part_without_length_ends_at_the_end_marker() -> None:
    stream = stripped(jpeg_2000(), JPEG2000Lossless).rstrip(b"\0")
    at = tile_part(stream)
    open_ended = stream[: at + 6] + bytes(4) + stream[at + 10 :]
    dirty = open_ended[: at + 12] + comment_of_2000(SECRET) + open_ended[at + 12 :] + SECRET
    assert stripped(dirty, JPEG2000Lossless) == even(open_ended)


def test_B06_of_a_jp2_file_the_codestream_stays() -> None:
    whole, stream = jpeg_2000(is_file=True), stripped(jpeg_2000(), JPEG2000Lossless)
    assert whole[4:8] == b"jP  "
    dirty = whole + box(b"uuid", bytes(16) + SECRET) + box(b"xml ", b"<x>" + SECRET + b"</x>")
    for file in (whole, dirty):
        assert stripped(file, JPEG2000Lossless) == stream
    assert precision(dirty, JPEG2000Lossless) == 12


@pytest.mark.parametrize("kind", [b"pclr", b"cmap", b"cdef"])
def test_a_jp2_file_whose_boxes_change_its_samples_is_refused(kind: bytes) -> None:
    whole = jpeg_2000(is_file=True)
    start = whole.index(b"jp2h") - 4
    size = int.from_bytes(whole[start : start + 4], "big")
    header = box(b"jp2h", whole[start + 8 : start + size] + box(kind, bytes(8)))
    with pytest.raises(ItemError, match="what its samples mean"):
        stripped(whole[:start] + header + whole[start + size :], JPEG2000Lossless)


def test_B06_htj2k_is_read_by_its_own_segments() -> None:
    stream = stripped(jpeg_2000(), JPEG2000Lossless)
    # CAP and CPF, which tell HTJ2K from JPEG 2000, stand behind SIZ.
    behind_size = 4 + int.from_bytes(stream[4:6], "big")
    capable = with_planted(stream, (behind_size, b"\xff\x50\0\x08\0\2\0\0\0\0\xff\x59\0\4\0\0"))
    dirty = commented_tile(with_planted(capable, (tile_part(capable), comment_of_2000(SECRET))), comment_of_2000(b"y"))
    assert stripped(dirty, HTJ2KLossless) == capable


def test_the_signature_of_an_encoder_may_stay_and_nothing_beside_it() -> None:
    stream = stripped(jpeg_2000(), JPEG2000Lossless)
    signed = with_planted(stream, (tile_part(stream), comment_of_2000(b"Kakadu-v7.10.7")))
    assert stripped(signed, JPEG2000Lossless, allowed=SIGNATURES) is signed
    assert stripped(signed, JPEG2000Lossless) == stream
    more = with_planted(stream, (tile_part(stream), comment_of_2000(b"Kakadu-v7.10.7 Zwetschge")))
    assert stripped(more, JPEG2000Lossless, allowed=SIGNATURES) == stream
    assert stripped(jpeg_2000(), JPEG2000Lossless, allowed=SIGNATURES) == jpeg_2000()


def test_every_example_of_an_encoders_signature() -> None:
    for rule in read_toml(bundled_folder("rules") / ENCODERS, name=ENCODERS).tables("rule"):
        for example in rule.tables("example"):
            comment = example.get("comment", str).encode()
            assert bool(SIGNATURES.fullmatch(comment)) is example.get("expect", bool), rule.name
            assert not SIGNATURES.fullmatch(comment + b" Zwetschge")


def test_B06_rle_offsets_gaps_and_rest_go() -> None:
    stream = run_length()
    starts = struct.unpack("<3I", stream[4:16])
    assert starts[0] == 64
    assert starts[2] == 0
    gap, rest = even(SECRET), stream + even(SECRET)
    unused = stream[:20] + SECRET + stream[20 + len(SECRET) :]
    apart = struct.pack("<4I", 2, 64, starts[1] + len(gap), 0) + stream[16 : starts[1]] + gap + stream[starts[1] :]
    for dirty in (unused, rest, apart):
        assert stripped(dirty, RLELossless, pixels=PIXELS) == stream
    assert stripped(stream, RLELossless, pixels=PIXELS) is stream
    padded = stream + bytes(2)
    assert stripped(padded, RLELossless, pixels=PIXELS) is padded


def test_an_rle_segment_codes_exactly_the_pixels() -> None:
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    assert stripped(header + b"\x01ab\0", RLELossless, pixels=2) == header + b"\x01ab\0"
    for segment_bytes, what in ((b"\x03abcd\0", "beyond"), (b"\x00a", "before"), (b"\x05ab\0", "beyond")):
        with pytest.raises(ItemError, match=what):
            stripped(header + segment_bytes, RLELossless, pixels=2)


def test_B06_frames_that_are_no_codestream_lose_their_rest() -> None:
    raw = bytes(range(256)) * 4
    deflated = even(zlib.compress(raw, wbits=-15))
    assert stripped(deflated, DEFLATED_FRAMES) is deflated
    bare = stripped(zlib.compress(raw, wbits=-15) + SECRET, DEFLATED_FRAMES)
    assert zlib.decompress(bare, wbits=-15) == raw
    assert SECRET not in bare
    assert stripped(raw + SECRET, ENCAPSULATED_UNCOMPRESSED, size=len(raw)) == raw
    assert stripped(raw, ENCAPSULATED_UNCOMPRESSED, size=len(raw)) is raw


@pytest.mark.parametrize("syntax", [MPEG4HP41, "1.2.840.10008.1.2.4.110"])
def test_B06_what_is_not_taken_apart_is_refused(syntax: str) -> None:
    with pytest.raises(ItemError) as error:
        stripped(jpeg(), syntax)
    assert error.value.reason is Reason.UNSUPPORTED_TRANSFER_SYNTAX


@pytest.mark.parametrize(
    ("syntax", "planted", "plain"),
    [
        (JPEGBaseline8Bit, lambda seed: with_planted(jpeg(seed=seed), (2, PLANTED_IN_JPEG["EXIF"])), jpeg),
        (JPEG2000Lossless, lambda seed: commented_tile(jpeg_2000(seed=seed), comment_of_2000(SECRET)), jpeg_2000),
        (RLELossless, lambda seed: run_length(seed=seed) + even(SECRET), run_length),
    ],
    ids=["JPEG", "JPEG 2000", "RLE"],
)
@pytest.mark.parametrize("table", [True, False], ids=["offsets", "no offsets"])
def test_B06_an_instance_of_frames(syntax, planted, plain, table: bool) -> None:
    frames = [plain(seed=1), plain(seed=2), planted(3), plain(seed=4)]
    file = encapsulated(frames, syntax, table=table)
    assert SECRET in file
    output = stripped_file(file)
    assert SECRET not in output
    plain_file = encapsulated([plain(seed=seed) for seed in (1, 2, 3, 4)], syntax, table=table)
    for index in range(4):
        np.testing.assert_array_equal(judged_by_pydicom(output, index), judged_by_pydicom(plain_file, index))
    again = frames_in(output)
    assert bytes(again.raw(1)) in (even(frames[1]), stripped(frames[1], syntax, pixels=PIXELS))
    assert stripped_pixels(again).changed == ()


def test_B06_what_has_nothing_beside_its_pictures_keeps_fragments_and_tables() -> None:
    frames = [jpeg(seed=1), jpeg(seed=2)]
    for table in (True, False):
        file = encapsulated(frames, JPEGBaseline8Bit, table=table)
        stripping = stripped_pixels(frames_in(file))
        assert stripping.changed == ()
        assert stripping.pixels == ()
        assert pixel_bytes(stripped_file(file)) == pixel_bytes(file)


def test_B06_extended_offset_tables_go_with_the_offsets_they_held() -> None:
    frames = [even(with_planted(jpeg(seed=seed), (2, PLANTED_IN_JPEG["COM"]))) for seed in (1, 2)]
    offsets = (0, 8 + len(frames[0]))
    extended = {
        "ExtendedOffsetTable": struct.pack("<2Q", *offsets),
        "ExtendedOffsetTableLengths": struct.pack("<2Q", *map(len, frames)),
    }
    file = encapsulated(frames, JPEGBaseline8Bit, table=False, **extended)
    output = stripped_file(file)
    assert SECRET not in output
    written = pydicom.dcmread(io.BytesIO(output))
    assert "ExtendedOffsetTable" not in written
    assert "ExtendedOffsetTableLengths" not in written
    for index in (0, 1):
        np.testing.assert_array_equal(judged_by_pydicom(output, index), judged_by_pydicom(file, index))


def _fragmented(stream: bytes, syntax: str) -> bytes:
    value = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    for start in range(0, len(stream), 100):
        piece = even(stream[start : start + 100])
        value += struct.pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece
    return file_of(image(value, syntax=syntax, rows=ROWS, columns=COLUMNS))


def test_B06_a_marker_cut_by_fragments_is_found() -> None:
    stream = with_planted(jpeg(), (2, PLANTED_IN_JPEG["EXIF"]))
    file = _fragmented(stream, JPEGBaseline8Bit)
    output = stripped_file(file)
    assert b"Quendolyn" not in output
    assert bytes(frames_in(output).raw(0)) == even(jpeg())
    clean = _fragmented(jpeg(), JPEGBaseline8Bit)
    assert stripped_pixels(frames_in(clean)).changed == ()


def _value(file: bytes) -> memoryview:
    module = frames_in(file).module
    return memoryview(file)[module.pixels.value : module.pixels.end]


def test_the_quick_check_says_yes_only_where_nothing_is() -> None:
    clean = [jpeg(seed=1), jpeg(seed=2)]
    dirty = [clean[0], with_planted(clean[1], (2, PLANTED_IN_JPEG["COM"]))]
    for table in (True, False):
        assert is_bare(_value(encapsulated(clean, JPEGBaseline8Bit, table=table)), JPEGBaseline8Bit)
        assert not is_bare(_value(encapsulated(dirty, JPEGBaseline8Bit, table=table)), JPEGBaseline8Bit)
    assert is_bare(_value(encapsulated([jpeg_lossless_scan()], JPEGLSLossless)), JPEGLSLossless)
    assert is_bare(_value(encapsulated([jpeg_2000()], JPEG2000Lossless)), JPEG2000Lossless, allowed=SIGNATURES)
    assert not is_bare(_value(_fragmented(jpeg(), JPEGBaseline8Bit)), JPEGBaseline8Bit)
    assert not is_bare(_value(encapsulated([run_length()], RLELossless)), RLELossless)
    lying = bytearray(_value(encapsulated(clean, JPEGBaseline8Bit)))
    lying[8:12] = b"Quen"
    assert not is_bare(memoryview(bytes(lying)), JPEGBaseline8Bit)
    assert not is_bare(memoryview(b""), JPEGBaseline8Bit)


def test_B06_behind_native_pixels_there_are_zeros() -> None:
    odd = image(bytes(range(63)) + b"\x7f", syntax=ExplicitVRLittleEndian, rows=9, columns=7)
    assert file_of(odd)[-1] == 0x7F
    output = stripped_file(file_of(odd))
    assert output[-64:] == bytes(range(63)) + b"\0"
    assert len(output) == len(file_of(odd))
    full = image(bytes(range(64)), syntax=ExplicitVRLittleEndian, rows=8, columns=8)
    assert stripped_pixels(frames_in(file_of(full))).changed == ()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_B06_bits_behind_the_last_single_bit_are_zeros(syntax: str) -> None:
    attributes = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    file = file_of(image(b"\xff\xff", syntax=syntax, rows=3, columns=3, **attributes))
    output = stripped_file(file)
    np.testing.assert_array_equal(frames_in(output).decode(0), np.ones((3, 3), np.uint8))
    assert sum(octet.bit_count() for octet in output[-2:]) == 9


BROKEN = {
    "empty": b"",
    "no start": b"\0" + jpeg()[1:],
    "no end": jpeg()[:-2],
    "cut in a header": jpeg()[:30],
    "no picture": b"\xff\xd8\xff\xd9",
    "no frame": b"\xff\xd8" + segment(0xDA, bytes(6)) + b"\0\xff\xd9",
    "garbage between segments": with_planted(jpeg(), (segments_of_jpeg(jpeg())[1], b"Quendolyn")),
    "a segment of no kind": with_planted(jpeg(), (2, segment(0xF5, SECRET))),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_malformed_jpeg_is_refused(name: str) -> None:
    with pytest.raises(ItemError) as error:
        stripped(BROKEN[name], JPEGBaseline8Bit)
    assert error.value.reason in (Reason.MALFORMED, Reason.TRUNCATED)
    assert "Quendolyn" not in str(error.value)


@given(data=st.data(), kind=st.sampled_from(["JPEG", "JPEG-LS", "JPEG 2000", "JP2", "RLE"]))
def test_damaged_frames_are_refused_or_read_but_nothing_else(data: st.DataObject, kind: str) -> None:
    streams = {
        "JPEG": (JPEGBaseline8Bit, jpeg()),
        "JPEG-LS": (JPEGLSLossless, jpeg_lossless_scan()),
        "JPEG 2000": (JPEG2000Lossless, jpeg_2000(tlm=True)),
        "JP2": (JPEG2000Lossless, jpeg_2000(is_file=True)),
        "RLE": (RLELossless, run_length()),
    }
    syntax, stream = streams[kind]
    damaged = bytearray(stream)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)):
        damaged[place % len(damaged)] = value
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        once = stripped(cut, syntax, pixels=PIXELS)
    except ItemError as error:
        assert error.reason in (Reason.MALFORMED, Reason.TRUNCATED)
    else:
        assert stripped(once, syntax, pixels=PIXELS) is once
