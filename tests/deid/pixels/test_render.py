"""What a frame looks like: windows, polarity, palettes, colour spaces."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pixel_samples import file_of, frames_in, image
from pydicom.uid import ExplicitVRLittleEndian

from curator.deid.pixels.appearance import Appearance, appearance
from curator.deid.pixels.render import views
from curator.errors import ItemError
from curator.model.quarantine import Reason


def shown(values: np.ndarray, **attributes: object):
    """The views of an image of one frame that is stored as `values`."""
    rows, columns = values.shape[:2]
    bits = values.dtype.itemsize * 8
    stated = {
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": attributes.get("BitsStored", bits) - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
        **attributes,
    }
    frames = frames_in(
        file_of(image(values.tobytes(), syntax=ExplicitVRLittleEndian, rows=rows, columns=columns, **stated))
    )
    return views(frames.decode(0), appearance(frames.data_set, frames.module, frames.photometric))


RAMP8 = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_eight_bits_are_shown_as_they_are():
    (picture,) = shown(RAMP8)
    assert np.array_equal(picture, RAMP8)


def test_B04_monochrome1_shows_its_greatest_value_black():
    (picture,) = shown(RAMP8, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(picture, 255 - RAMP8)


@pytest.mark.parametrize("shape", ["INVERSE", "IDENTITY"])
def test_presentation_lut_shape_turns_polarity(shape):
    (picture,) = shown(RAMP8, PresentationLUTShape=shape)
    assert np.array_equal(picture, 255 - RAMP8 if shape == "INVERSE" else RAMP8)


def test_a_window_is_one_view_and_the_full_range_another():
    values = np.linspace(-1000, 3000, 400).round().astype(np.int16).reshape(20, 20)
    windowed, full, dark = shown(values, WindowCenter="40", WindowWidth="400", RescaleSlope="1", RescaleIntercept="0")
    assert windowed[values < -160].max() == 0
    assert windowed[values > 240].min() == 255
    assert full.min() == 0
    assert full.max() == 255
    assert len(np.unique(full)) > 200
    assert dark[0, 5] > full[0, 5]


def test_rescaling_moves_the_window():
    values = np.arange(400, dtype=np.uint16).reshape(20, 20)
    windowed = shown(values, WindowCenter="-900", WindowWidth="100", RescaleSlope="1", RescaleIntercept="-1024")[0]
    assert windowed[values < 74].max() == 0
    assert windowed[values > 174].min() == 255


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_B04_letters_of_a_few_steps_in_the_dark_are_seen_in_one_view(kind):
    """Sixteen bits, signed: 40 of 30,000 steps are one in 750, less than a grey level of the full range."""
    values = np.full((80, 200), -3000, dtype=np.int16)
    values[60:] = 27000
    drawn = np.zeros((80, 200), dtype=np.uint8)
    cv2.putText(drawn, "DOE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, 1, 2)
    values[drawn > 0] += 40
    stored = -1 - values if kind == "MONOCHROME1" else values
    pictures = shown(stored, PhotometricInterpretation=kind)
    ink, ground = drawn[:60] > 0, drawn[:60] == 0
    steps = [int(picture[:60][ink].min()) - int(picture[:60][ground].max()) for picture in pictures]
    assert max(steps) >= 64
    assert steps[0] <= 1


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_faint_letters_in_the_middle_of_the_range_are_seen_in_one_view(kind):
    """12 of 4,096 steps, with the least and the greatest value elsewhere: less than a grey level."""
    values = np.full((120, 200), 2000, dtype=np.uint16)
    drawn = np.zeros((120, 200), dtype=np.uint8)
    cv2.putText(drawn, "DOE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, 1, 2)
    values[drawn > 0] += 12
    values[90:100], values[100:] = 0, 4095
    pictures = shown(values, PhotometricInterpretation=kind, BitsStored=12)
    ink, ground = drawn[:60] > 0, drawn[:60] == 0
    steps = [int(picture[:60][ink].min()) - int(picture[:60][ground].max()) for picture in pictures]
    assert max(map(abs, steps[:-1])) <= 1
    assert steps[-1] >= 48


def test_what_is_seen_elsewhere_is_not_evened():
    noise = np.random.default_rng(4).normal(2000, 40, (64, 64)).astype(np.uint16)
    noise[:4], noise[-4:] = 0, 4095
    assert len(shown(noise, BitsStored=12)) == 2


def test_padding_does_not_stretch_the_range():
    values = np.arange(400, dtype=np.int16).reshape(20, 20)
    values[0, 0] = -32000
    full = shown(values, PixelPaddingValue=-32000)[0]
    assert len(np.unique(full)) > 200


@given(st.integers(2, 32), st.integers(0, 2**32 - 1))
def test_law_more_is_never_darker(bits: int, seed: int):
    values = np.random.default_rng(seed).integers(0, 2**bits, (8, 8), dtype=np.int64)
    for picture in views(values, Appearance("MONOCHROME2", bits, 0)):
        order = np.argsort(values, axis=None)
        assert (np.diff(picture.ravel()[order].astype(int)) >= 0).all()


YBR = {
    (76, 85, 255): (254, 0, 0),
    (150, 44, 21): (0, 255, 1),
    (29, 255, 107): (0, 0, 254),
    (128, 128, 128): (128, 128, 128),
}


@pytest.mark.parametrize(("ybr", "rgb"), YBR.items())
def test_B04_ybr_is_shown_as_rgb(ybr, rgb):
    values = np.full((4, 4, 3), ybr, dtype=np.uint8)
    (picture,) = views(values, Appearance("YBR_FULL", 8, 0))
    assert np.abs(picture[0, 0].astype(int) - rgb).max() <= 1


def test_ybr_partial_has_its_black_at_16_and_its_white_at_235():
    values = np.array([[[16, 128, 128], [235, 128, 128]]], dtype=np.uint8)
    (picture,) = views(values, Appearance("YBR_PARTIAL", 8, 0))
    assert picture.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_rgb_of_sixteen_bits_keeps_its_upper_eight():
    values = np.array([[[65535, 32768, 0]]], dtype=np.uint16)
    picture = views(values, Appearance("RGB", 16, 0))[0]
    assert picture.tolist() == [[[255, 128, 0]]]


def lettered(low: int, high: int, kind: type[np.unsignedinteger] = np.uint16) -> tuple[np.ndarray, np.ndarray]:
    """Letters of the value `high` on `low`, and where they are."""
    drawn = np.zeros((60, 200), dtype=np.uint8)
    cv2.putText(drawn, "DOE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, 1, 2)
    return np.where(drawn > 0, high, low).astype(kind), drawn > 0


def step(picture: np.ndarray, ink: np.ndarray) -> int:
    """How far the letters stand out at least, in the channel where they do most."""
    channels = picture.reshape(*picture.shape[:2], -1)
    return max(abs(int(one[ink].min()) - int(one[~ink].max())) for one in np.moveaxis(channels, -1, 0))


@pytest.mark.parametrize("sample", range(3))
@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
def test_letters_in_the_low_bits_of_a_colour_are_seen_in_one_view(kind, sample):
    """40 of 65,536 steps in one sample: the upper eight bits do not have them."""
    letters, ink = lettered(200, 240)
    values = np.full((60, 200, 3), 300, dtype=np.uint16)
    values[..., sample] = letters
    pictures = views(values, Appearance(kind, 16, 0))
    assert step(pictures[0], ink) == 0
    assert max(step(picture, ink) for picture in pictures) == 255


def test_faint_letters_in_the_dark_of_a_colour_are_seen_beside_bright_ones():
    letters, ink = lettered(0, 40)
    values = np.repeat(letters[..., np.newaxis], 3, axis=2)
    values[50:] = 65535
    pictures = views(values, Appearance("RGB", 16, 0))
    assert max(step(picture[:50], ink[:50]) for picture in pictures) >= 64


def colours(entries: int, bits: int, data: bytes, *, kind: str = "") -> dict[str, object]:
    stated: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        stated[f"{colour}PaletteColorLookupTableDescriptor"] = [entries, 0, bits]
        stated[f"{kind}{colour}PaletteColorLookupTableData"] = data
    return stated


def test_B04_palette_colour_goes_through_its_table():
    table = np.arange(256, dtype=np.uint16)[::-1] * 257
    (picture,) = shown(RAMP8, **colours(256, 16, table.tobytes()))
    assert picture.shape == (16, 16, 3)
    assert np.array_equal(picture[:, :, 1], 255 - RAMP8)


@pytest.mark.parametrize("bits", [8, 16])
def test_letters_that_a_palette_shows_in_one_colour_are_seen_in_one_view(bits):
    """Entries 10 and 11 are alike; of 16 bits they differ in the lower eight."""
    table = np.arange(256, dtype=np.uint16) * (257 if bits == 16 else 1)
    table[11] = table[10] + (bits == 16)
    data = table.tobytes() if bits == 16 else table.astype(np.uint8).tobytes()
    values, ink = lettered(10, 11, np.uint8)
    values[:2] = np.arange(200)
    pictures = shown(values, **colours(256, bits, data))
    assert step(pictures[0][2:], ink[2:]) == 0
    assert max(step(picture[2:], ink[2:]) for picture in pictures) == 255


def test_letters_beyond_the_last_entry_of_a_palette_are_seen_in_one_view():
    values, ink = lettered(40, 41, np.uint8)
    pictures = shown(values, **colours(16, 8, bytes(range(16))))
    assert step(pictures[0], ink) == 0
    assert step(pictures[1], ink) == 255


def test_entries_of_one_colour_that_do_not_meet_make_no_view():
    values = np.zeros((16, 16), dtype=np.uint8)
    values[:4], values[8:] = 10, 11
    table = bytearray(range(256))
    table[11] = 10
    assert len(shown(values, **colours(256, 8, bytes(table)))) == 1


def test_a_palette_of_eight_bits_stands_as_bytes():
    (picture,) = shown(RAMP8, **colours(256, 8, bytes(range(256))))
    assert np.array_equal(picture[:, :, 0], RAMP8)


def test_a_palette_that_says_16_bits_and_uses_8_is_shown_bright():
    (picture,) = shown(RAMP8, **colours(256, 16, np.arange(256, dtype=np.uint16).tobytes()))
    assert picture.max() == 255


@pytest.mark.parametrize(
    "data",
    [bytes(100), b"", bytes(2 * 255)],
    ids=["fewer than half", "none", "one entry short"],
)
def test_a_palette_too_short_is_malformed(data):
    with pytest.raises(ItemError) as caught:
        shown(RAMP8, **colours(256, 16, data))
    assert caught.value.reason is Reason.MALFORMED


def segments(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


def test_a_palette_in_segments_is_unfolded():
    """Black for one entry, a ramp to white over 255; then the same by reference."""
    data = segments(0, 1, 0, 1, 255, 65280)
    (picture,) = shown(RAMP8, **colours(256, 16, data, kind="Segmented"))
    assert np.array_equal(picture[:, :, 2], RAMP8)
    half = segments(0, 1, 0, 1, 127, 65280, 2, 2, 0, 0)
    (twice,) = shown(RAMP8, **colours(256, 16, half, kind="Segmented"))
    assert np.array_equal(twice[:8], twice[8:])


@pytest.mark.parametrize(
    "numbers",
    [(0, 300, 1), (1, 256, 65280), (0, 1, 0, 1, 254, 65280), (0, 1, 0, 2, 1, 999, 0), (3, 1, 0), (0, 1, 0, 2, 1, 3, 0)],
    ids=["ends early", "ramp from nothing", "too few", "refers to nowhere", "no such kind", "refers to itself"],
)
def test_segments_that_are_none_are_malformed(numbers):
    with pytest.raises(ItemError) as caught:
        shown(RAMP8, **colours(256, 16, segments(*numbers), kind="Segmented"))
    assert caught.value.reason is Reason.MALFORMED
