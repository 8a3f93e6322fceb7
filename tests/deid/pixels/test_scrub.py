"""Boxes made black: inside all of it, outside nothing of it."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import tempfile

import cv2
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pixel_samples import (
    SAMPLES,
    as_rgb,
    bundled_file,
    file_of,
    frames_in,
    image,
    jpeg_stream,
    judged_by_pydicom,
    palette_of,
    sample,
    scene,
    scrubbed_file,
)
from pydicom.encaps import encapsulate_extended, parse_basic_offsets
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from curator.deid.pixels import spool
from curator.deid.pixels.black import black
from curator.deid.pixels.codecs import jpeg, rle
from curator.deid.pixels.compare import Kind, differences
from curator.deid.pixels.module import JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS
from curator.deid.pixels.scrub import grown, scrub
from curator.errors import ItemError
from curator.model.pixels import Box
from curator.model.quarantine import Reason

BOX = Box(8, 4, 20, 25)
# What black is where all values are stored as they are, or decode to what was stored.
BLACK = {
    "native 8 bit": (0,),
    "native 8 bit, inverse": (255,),
    "native 12 of 16 bit, signed": (-2048,),
    "native 12 upper of 16 bit": (0,),
    "native 10 of 16 bit": (0,),
    "native 16 bit, padding": (77,),
    "native 16 bit, signed, inverse": (32767,),
    "native 32 bit": (0,),
    "native RGB by pixel": (0, 0, 0),
    "native RGB by plane": (0, 0, 0),
    "native YBR by plane": (0, 128, 128),
    "native YBR": (0, 128, 128),
    "native ARGB": (0, 0, 0, 0),
    "native CMYK": (255, 255, 255, 255),
    "native YBR 422": (0, 128, 128),
    "native YBR partial 422": (16, 128, 128),
    "native 8 bit palette": (3,),
    "native 16 bit palette": (321,),
    "native single bits": (0,),
    "native implicit": (0,),
    "native deflated": (-2048,),
    "native big endian 16 bit": (77,),
    "native big endian RGB": (0, 0, 0),
    "native big endian bytes in words": (0, 0, 0),
    "RLE 12 of 16 bit, signed": (-2048,),
    "RLE 16 bit palette": (321,),
    "RLE RGB by pixel": (0, 0, 0),
    "RLE 32 bit": (0,),
    "JPEG-LS 8 bit": (0,),
    "JPEG-LS 12 of 16 bit, signed": (-2048,),
    "JPEG-LS 16 bit, padding": (77,),
    "JPEG-LS 8 bit palette": (3,),
    "JPEG-LS near 8 bit": (0,),
    "JPEG-LS RGB planes": (0, 0, 0),
    "JPEG-LS RGB lines": (0, 0, 0),
    "JPEG-LS RGB pixels": (0, 0, 0),
    "J2K 8 bit": (0,),
    "J2K 8 bit, inverse": (255,),
    "J2K 12 of 16 bit, signed": (-2048,),
    "J2K 16 bit, padding": (77,),
    "J2K colour": (0, 0, 0),
    "J2K colour, lossy": (0, 0, 0),
    "J2K colour, plain": (0, 0, 0),
    "JPEG 12 bit": (0,),
    "JPEG lossless": (0, 0, 0),
    "HTJ2K 8 bit": (0,),
    "HTJ2K 8 bit, inverse, RPCL": (255,),
    "HTJ2K 16 bit, padding": (77,),
    "HTJ2K 16 bit, signed, inverse": (32767,),
    "HTJ2K colour": (0, 0, 0),
    "HTJ2K colour, lossy": (0, 0, 0),
    "encapsulated uncompressed": (-2048,),
    "deflated frames": (-2048,),
}
TRANSCODED = {
    "JPEG 12 bit": JPEG_LS_LOSSLESS,
    "JPEG lossless": JPEG_LS_LOSSLESS,
    **{name: JPEG_2000_LOSSLESS for name in SAMPLES if name.startswith("HTJ2K ")},
}
BLOCK_CODED = sorted(name for name in SAMPLES if name.startswith("JPEG ") and name not in TRANSCODED)
NOT_JUDGED = {
    "native ARGB",
    "native CMYK",
    "native 12 upper of 16 bit",
    "native YBR partial 422",
    "encapsulated uncompressed",
    "deflated frames",
}


def in_last_frame(file: bytes, *boxes: Box):
    """Boxes in the last frame only."""
    last = len(frames_in(file)) - 1
    return lambda index: boxes if index == last else ()


@pytest.mark.parametrize("name", sorted(BLACK))
def test_B04_B05_inside_all_is_black_and_outside_nothing_has_changed(name):
    file = sample(name)
    before = frames_in(file)
    last = len(before) - 1
    box = BOX.clipped(before.module.rows, before.module.columns) if before.module.rows > 10 else Box(0, 1, 2, 3)
    new, scrubbed = scrubbed_file(file, in_last_frame(file, box))
    after = frames_in(new)
    painted = grown(before, last, box)
    wanted = before.decode(last).copy()
    wanted[painted.top : painted.bottom, painted.left : painted.right] = BLACK[name]
    assert scrubbed.changed == (last,)
    np.testing.assert_array_equal(after.decode(last), wanted)
    for index in range(last):
        if name in TRANSCODED or name == "native single bits":
            np.testing.assert_array_equal(after.decode(index), before.decode(index))
        else:
            assert bytes(after.raw(index)).rstrip(b"\0") == bytes(before.raw(index)).rstrip(b"\0")
    if name not in NOT_JUDGED:
        np.testing.assert_array_equal(judged_by_pydicom(new, last), wanted)
    assert after.module.syntax.uid == TRANSCODED.get(name, before.module.syntax.uid)


@pytest.mark.parametrize("name", BLOCK_CODED)
def test_B05_baseline_jpeg_keeps_every_coefficient_outside(name):
    file = sample(name)
    before = frames_in(file)
    new, _ = scrubbed_file(file, in_last_frame(file, BOX))
    after = frames_in(new)
    last = len(before) - 1
    assert after.module.syntax.uid == before.module.syntax.uid
    box = grown(before, last, BOX)
    old, blocks = (jpeg.read_blocks(bytes(frames.raw(last)), frames.module) for frames in (before, after))
    for source, result in zip(old.coefficients, blocks.coefficients, strict=True):
        changed = (source != result).any(axis=2)
        rows, columns = np.nonzero(changed)
        scale = (-(-37 // source.shape[0]) + 7) // 8 * 8, (-(-42 // source.shape[1]) + 7) // 8 * 8
        assert rows.min() * scale[0] >= box.top
        assert columns.min() * scale[1] >= box.left
        assert rows.max() * scale[0] < box.bottom
        assert columns.max() * scale[1] < box.right
        assert not result[changed][:, 1:].any()
        assert len(np.unique(result[changed][:, 0])) == 1


@pytest.mark.parametrize("name", BLOCK_CODED)
def test_B05_baseline_jpeg_shows_black_to_another_decoder(name):
    """Where chroma is interpolated two pixels at the border of a box mix with their neighbours; never text."""
    file = sample(name)
    new, _ = scrubbed_file(file, in_last_frame(file, BOX))
    frames = frames_in(new)
    stream = np.frombuffer(bytes(frames.raw(len(frames) - 1)), np.uint8)
    shown = cv2.imdecode(stream, cv2.IMREAD_UNCHANGED)
    if name == "JPEG inverse":
        shown = 255 - shown
    assert shown[BOX.top : BOX.bottom, BOX.left : BOX.right].max() <= 1


@pytest.mark.parametrize("sampling", [0x111111, 0x211111, 0x221111, 0x121111, 0x411111, 0x222111])
@pytest.mark.parametrize("options", [{}, {"OPTIMIZE": 1}, {"RST_INTERVAL": 3}], ids=str)
def test_blocks_written_as_they_were_read_are_the_same_bytes(sampling, options):
    stream = jpeg_stream(scene((1, 51, 67, 3), low=0, high=255)[0], sampling=sampling, quality=70, **options)
    attributes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL", "PlanarConfiguration": 0}
    file = file_of(
        image(pydicom.encaps.encapsulate([stream]), "1.2.840.10008.1.2.4.50", rows=51, columns=67, **attributes)
    )
    blocks = jpeg.read_blocks(stream, frames_in(file).module)
    from_blocks = jpeg.jpeg_dct.painted(blocks, (), black=(0, 128, 128))
    assert from_blocks == stream


def test_a_code_that_a_frame_lacks_is_defined():
    """A frame of one grey needs no other code; blackening a part of it does."""
    stream = jpeg_stream(np.full((37, 42), 90), OPTIMIZE=1)
    file = file_of(image(pydicom.encaps.encapsulate([stream]), "1.2.840.10008.1.2.4.50"))
    new, _ = scrubbed_file(file, lambda _: [BOX])
    assert not list(differences(frames_in(file), frames_in(new), lambda _: [BOX]))
    assert judged_by_pydicom(new, 0)[10:18, 10:18].max() == 0


@pytest.mark.parametrize("name", sorted(name for name in SAMPLES if name.startswith(("JPEG-LS", "J2K"))))
def test_B05_what_we_encode_is_read_by_gdcm_too(name):
    file = sample(name)
    new, _ = scrubbed_file(file, in_last_frame(file, BOX))
    values = frames_in(new).decode(2)
    judged = pixel_array(pydicom.dcmread(io.BytesIO(new)), index=2, raw=True, decoding_plugin="gdcm")
    np.testing.assert_array_equal(values, judged)


@pytest.mark.skipif(shutil.which("dcmdjpeg") is None, reason="DCMTK is not installed")
@pytest.mark.parametrize("name", [*BLOCK_CODED, "RLE 8 bit", "RLE RGB by pixel", "RLE 12 of 16 bit, signed"])
def test_B05_what_we_write_is_read_by_dcmtk_without_a_complaint(name, tmp_path):
    file = sample(name)
    new, _ = scrubbed_file(file, lambda _: [BOX])
    source, result = tmp_path / "source.dcm", tmp_path / "result.dcm"
    source.write_bytes(new)
    command = ["dcmdrle"] if name.startswith("RLE") else ["dcmdjpeg", "+cn"]
    done = subprocess.run([*command, source, result], check=True, capture_output=True)
    assert not done.stderr
    shown = pydicom.dcmread(result).pixel_array
    box = grown(frames_in(new), 0, BOX)
    inside = shown[:, box.top + 1 : box.bottom - 1, box.left + 1 : box.right - 1]
    assert inside.size
    assert (inside == inside[0, 0, 0]).all()


def test_B05_transcoded_frames_lie_by_pixel():
    dataset = pydicom.dcmread(io.BytesIO(sample("JPEG lossless")))
    dataset.PlanarConfiguration = 1
    new, _ = scrubbed_file(file_of(dataset), lambda _: [BOX])
    assert pydicom.dcmread(io.BytesIO(new)).PlanarConfiguration == 0
    plain, _ = scrubbed_file(sample("JPEG lossless"), lambda _: [BOX])
    np.testing.assert_array_equal(judged_by_pydicom(new, 0), judged_by_pydicom(plain, 0))


@st.composite
def damaged_files(draw):
    """A sample with some bytes of it changed, cut out or put in."""
    file = bytearray(sample(draw(st.sampled_from(sorted(set(SAMPLES) - {"JPEG 12 bit"})))))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(330, len(file) - 1))
        part = draw(st.binary(max_size=3))
        file[at : at + draw(st.integers(0, 3))] = part
    return bytes(file)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_files())
def test_a_damaged_file_is_refused_or_scrubbed_right(file):
    try:
        before = frames_in(file)
        new, _ = scrubbed_file(file, lambda _: [BOX])
        assert not list(differences(before, frames_in(new), lambda _: [BOX]))
    except ItemError as error:
        assert not error.reason.is_environmental


@st.composite
def named_boxes(draw):
    """A sample and boxes for its frames, some beyond the frame or empty."""
    name = draw(st.sampled_from(sorted(set(SAMPLES) - {"JPEG 12 bit"})))
    module = frames_in(sample(name)).module
    rows, columns = st.integers(-3, module.rows + 3), st.integers(-3, module.columns + 3)
    box = st.builds(Box, rows, columns, rows, columns)
    return name, draw(st.lists(st.lists(box, max_size=3), min_size=module.frames, max_size=module.frames))


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(named_boxes())
def test_any_boxes_in_any_syntax_change_nothing_else(case):
    name, boxes = case
    file = sample(name)
    before = frames_in(file)
    new, scrubbed = scrubbed_file(file, boxes.__getitem__)
    after = frames_in(new)
    assert not list(differences(before, after, boxes.__getitem__))
    met = [
        index
        for index, inside in enumerate(boxes)
        if any(box.clipped(before.module.rows, before.module.columns).area for box in inside)
    ]
    assert list(scrubbed.changed) == met
    if not met:
        assert new == file


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_an_image_without_boxes_is_not_touched(name):
    file = sample(name)
    new, scrubbed = scrubbed_file(file, lambda _: [Box(-9, -9, 0, 0), Box(5, 5, 5, 9)])
    assert not scrubbed.changed
    assert not scrubbed.pixels
    assert not scrubbed.header
    assert new == file


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_scrubbing_twice_is_scrubbing_once(name):
    file = sample(name)
    once, first = scrubbed_file(file, in_last_frame(file, BOX))
    twice, _ = scrubbed_file(once, in_last_frame(file, BOX))
    if first.changed:
        assert twice == once


@pytest.mark.parametrize("name", ["native 8 bit", "J2K colour", "JPEG 420"])
def test_everything_but_the_pixels_keeps_its_bytes(name):
    file = sample(name)
    new, _ = scrubbed_file(file, in_last_frame(file, BOX))
    at = file.index(b"\xe0\x7f\x10\x00")
    assert new[:at] == file[:at]


def test_B05_transcoding_says_what_was_lost_and_how_colours_lie():
    new, _ = scrubbed_file(sample("JPEG 12 bit"), lambda _: [BOX])
    dataset = pydicom.dcmread(io.BytesIO(new))
    assert dataset.LossyImageCompression == "01"
    assert dataset.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert dataset.file_meta.FileMetaInformationGroupLength > 0
    lossless, scrubbed = scrubbed_file(sample("JPEG lossless"), lambda _: [BOX])
    assert "LossyImageCompression" not in {pydicom.datadict.keyword_for_tag(tag) for tag in scrubbed.header}
    assert pydicom.dcmread(io.BytesIO(lossless)).PhotometricInterpretation == "RGB"


def test_B05_lossy_frames_that_become_reversible_stay_marked_as_lossy():
    file = sample("J2K colour, lossy")
    new, scrubbed = scrubbed_file(file, lambda _: [BOX])
    assert scrubbed.syntax.uid == frames_in(file).module.syntax.uid
    assert pydicom.dcmread(io.BytesIO(new)).PhotometricInterpretation == "YBR_RCT"
    some, _ = scrubbed_file(file, in_last_frame(file, BOX))
    assert pydicom.dcmread(io.BytesIO(some)).PhotometricInterpretation == "YBR_ICT"


def test_offset_tables_point_at_the_new_frames():
    file = sample("RLE 12 of 16 bit, signed")
    new, _ = scrubbed_file(file, lambda index: [BOX] if index == 0 else [])
    pixels = pydicom.dcmread(io.BytesIO(new)).PixelData
    offsets = parse_basic_offsets(pixels)
    frames = frames_in(new)
    assert offsets == [0, 8 + len(frames.raw(0)), 16 + len(frames.raw(0)) + len(frames.raw(1))]


def test_an_extended_offset_table_stays_one():
    frames = [rle.encode(frame) for frame in scene((3, 37, 42), low=0, high=255).astype(np.uint8)]
    pixels, offsets, lengths = encapsulate_extended(frames)
    dataset = image(pixels, RLELossless, NumberOfFrames=3)
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    new, _ = scrubbed_file(file_of(dataset), lambda index: [BOX] if index == 1 else [])
    written = pydicom.dcmread(io.BytesIO(new))
    assert struct.unpack("<3Q", written.ExtendedOffsetTableLengths) == tuple(
        len(frames_in(new).raw(index)) for index in range(3)
    )
    assert parse_basic_offsets(written.PixelData) == []


def test_B04_pairs_that_share_chroma_are_blackened_whole():
    frames = frames_in(sample("native YBR 422"))
    assert grown(frames, 0, Box(3, 5, 9, 8)) == Box(3, 4, 9, 8)
    assert grown(frames, 0, Box(-3, 40, 9, 99)) == Box(0, 40, 9, 42)


def test_boxes_in_jpeg_grow_to_whole_coded_units():
    assert grown(frames_in(sample("JPEG 420")), 0, Box(15, 17, 16, 18)) == Box(0, 16, 16, 32)
    assert grown(frames_in(sample("JPEG 422")), 0, Box(15, 17, 17, 18)) == Box(8, 16, 24, 32)
    assert grown(frames_in(sample("JPEG grey")), 0, Box(33, 40, 37, 42)) == Box(32, 40, 37, 42)


@pytest.mark.parametrize("colour", ["Red", "Green", "Blue"])
@pytest.mark.parametrize("harm", ["short", "gone", "descriptor", "differing"])
def test_a_palette_that_is_too_short_or_wanting_is_refused(colour, harm):
    palette = palette_of(200, bits=16, darkest=3)
    keyword = f"{colour}PaletteColorLookupTable"
    if harm == "short":
        palette[f"{keyword}Data"] = palette[f"{keyword}Data"][:-2]
    elif harm == "gone":
        del palette[f"{keyword}Data"]
    elif harm == "descriptor":
        del palette[f"{keyword}Descriptor"]
    else:
        palette[f"{keyword}Descriptor"] = [199, 0, 16]
    file = file_of(image(bytes(3 * 37 * 42), ExplicitVRLittleEndian, **palette))
    with pytest.raises(ItemError) as caught:
        scrubbed_file(file, lambda _: [BOX])
    assert caught.value.reason is Reason.MALFORMED


def test_palettes_in_bytes_and_in_segments_have_the_same_black():
    levels = [*range(50, 150), *range(149, 49, -1)]
    levels[140] = 7
    plain = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        plain[f"{colour}PaletteColorLookupTableDescriptor"] = [200, 0, 8]
        plain[f"{colour}PaletteColorLookupTableData"] = bytes(levels)
    file = file_of(image(bytes(37 * 42), ExplicitVRLittleEndian, **plain))
    assert black(frames_in(file).data_set, frames_in(file).module) == (140,)
    segmented = dict(plain)
    words = [0, 1, 50, 1, 99, 149, 0, 1, 149, 1, 39, 110, 0, 1, 7, 0, 59, *levels[141:]]
    for colour in ("Red", "Green", "Blue"):
        del segmented[f"{colour}PaletteColorLookupTableData"]
        segmented[f"Segmented{colour}PaletteColorLookupTableData"] = struct.pack(f"<{len(words)}H", *words)
    file = file_of(image(bytes(37 * 42), ExplicitVRLittleEndian, **segmented))
    assert black(frames_in(file).data_set, frames_in(file).module) == (140,)


@pytest.mark.parametrize("name", ["native 12 of 16 bit, signed", "RLE RGB by pixel"])
def test_many_frames_go_through_an_unnamed_file(name, monkeypatch):
    file = sample(name)
    in_memory, _ = scrubbed_file(file, lambda _: [BOX])
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 5000)
    with tempfile.TemporaryFile() as scratch:
        scrubbed = scrub(frames_in(file), lambda _: [BOX], scratch=lambda: scratch)
        assert scratch.closed
    held = sum(len(chunk) for chunk in scrubbed.pixels if isinstance(chunk, bytes))
    assert held <= 5100
    assert b"".join(scrubbed.pixels) in in_memory


def test_what_a_scrub_did_wrong_is_found():
    asked, drawn = Box(8, 8, 16, 24), Box(8, 16, 16, 32)
    for name in ("native 12 of 16 bit, signed", "RLE RGB by pixel", "JPEG grey"):
        file = sample(name)
        new, _ = scrubbed_file(file, in_last_frame(file, drawn))
        before, after = frames_in(file), frames_in(new)
        found = list(differences(before, after, in_last_frame(file, asked)))
        assert {each.kind for each in found} == {Kind.OUTSIDE, Kind.INSIDE}
        assert {each.frame for each in found} == {len(before) - 1}
        assert all(each.count for each in found)
        assert {each.kind for each in differences(before, after, lambda _: ())} == {Kind.OUTSIDE}
        assert {each.kind for each in differences(before, before, lambda _: [asked])} == {Kind.INSIDE}
    other = frames_in(sample("native 8 bit"))
    assert [each.kind for each in differences(frames_in(sample("native implicit")), other, lambda _: ())] == []
    assert [each.kind for each in differences(before, other, lambda _: ())] != [Kind.SHAPE]
    assert [each.kind for each in differences(frames_in(sample("native YBR")), other, lambda _: ())] == [Kind.SHAPE]


def test_B05_a_cine_of_30_colour_frames_is_black_in_each_and_else_the_same():
    file = bundled_file("examples_ybr_color.dcm")
    new, scrubbed = scrubbed_file(file, lambda index: [Box(16, 16 + index, 40, 90 + index)])
    assert scrubbed.changed == tuple(range(30))
    before, after = frames_in(file), frames_in(new)
    assert not list(differences(before, after, lambda index: [Box(16, 16 + index, 40, 90 + index)]))
    old, shown = (pydicom.dcmread(io.BytesIO(each)).pixel_array for each in (file, new))
    for index in range(30):
        box = grown(before, index, Box(16, 16 + index, 40, 90 + index))
        assert shown[index, box.top : box.bottom, box.left : box.right, 0].max() == 0
        beyond = np.ones(shown.shape[1:3], bool)
        beyond[max(0, box.top - 2) : box.bottom + 2, max(0, box.left - 2) : box.right + 2] = False
        np.testing.assert_array_equal(shown[index][beyond], old[index][beyond])


def test_true_rgb_jpeg_is_black_in_every_component():
    stream = as_rgb(jpeg_stream(scene((1, 37, 42, 3), low=60, high=255)[0]))
    attributes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    file = file_of(image(pydicom.encaps.encapsulate([stream]), "1.2.840.10008.1.2.4.50", **attributes))
    new, _ = scrubbed_file(file, lambda _: [BOX])
    assert frames_in(new).decode(0)[8:20, 4:25].max() == 0


def test_a_frame_that_cannot_be_decoded_is_no_half_scrub():
    damaged = bytearray(bundled_file("MR_small_jpeg_ls_lossless.dcm"))
    damaged[-400:-300] = bytes(100)
    with pytest.raises(ItemError):
        scrubbed_file(bytes(damaged), lambda _: [BOX])
