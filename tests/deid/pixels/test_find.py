"""Which frames are looked at, judged by a reader that knows bright bars for text."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from pixel_samples import file_of, frames_in, image
from pydicom.uid import ExplicitVRLittleEndian

from curator.deid.pixels.find import find
from curator.errors import ItemError
from curator.model.pixels import Box, Route, Sighting
from curator.model.quarantine import Reason

ROWS, COLUMNS = 96, 128
BAR = Box(4, 8, 10, 40)
STEP = 12


@dataclass
class Bars:
    """Sights every level bar, 6 rows high and 32 columns wide, that stands out from an even surrounding."""

    confidence: float = 1.0
    read_shapes: list[tuple[int, ...]] = field(default_factory=list)

    def read(self, picture: np.ndarray, *, watchful: bool = False) -> tuple[Sighting, ...]:
        self.read_shapes.append(picture.shape)
        grey = picture if picture.ndim == 2 else picture.max(axis=2)
        template = np.zeros((10, 36), np.uint8)
        template[2:8, 2:34] = 255
        if grey.shape[0] < 10 or grey.shape[1] < 36:
            return ()
        match = cv2.matchTemplate(grey, template, cv2.TM_CCOEFF_NORMED)
        match[~np.isfinite(match) | (match > 1.01)] = 0
        best = (match > 0.85) & (match == cv2.dilate(match, np.ones((9, 9))))
        return tuple(
            Sighting(
                Box(int(top) + 2, int(left) + 2, int(top) + 8, int(left) + 34), "bar", self.confidence, Route.DETECTED
            )
            for top, left in np.argwhere(best)
        )


def cine(count: int, *, moving: bool = True, seed: int = 0) -> np.ndarray:
    """Speckle that runs through the lower half, an even upper half."""
    speckle = np.random.default_rng(seed).integers(30, 160, (ROWS // 2 + count, COLUMNS), dtype=np.uint8)
    frames = np.full((count, ROWS, COLUMNS), 20, np.uint8)
    # What all frames share, or neighbours would have nothing to do with each other.
    frames[:, 20:40, 60:120] = 120
    for index in range(count):
        shift = index if moving else 0
        frames[index, ROWS // 2 :] = speckle[shift : shift + ROWS // 2]
    return frames


def draw(frame: np.ndarray, box: Box, level: int) -> None:
    frame[box.top : box.bottom, box.left : box.right] = level


def found_in(frames: np.ndarray, **attributes: object):
    reader = Bars()
    file = file_of(
        image(
            frames.tobytes(),
            syntax=ExplicitVRLittleEndian,
            rows=ROWS,
            columns=COLUMNS,
            NumberOfFrames=len(frames),
            **attributes,
        )
    )
    return find(frames_in(file), reader), reader


def boxes(found) -> set[tuple[Box, tuple[int, ...] | None]]:
    return {(sighting.box, sighting.frames) for sighting in found.sightings}


def test_a_single_frame_is_read_once():
    frames = cine(1)
    draw(frames[0], BAR, 255)
    found, reader = found_in(frames)
    assert boxes(found) == {(BAR, None)}
    assert (found.looked_at, found.pictures, len(reader.read_shapes)) == ((0,), 1, 1)


def test_equal_frames_are_looked_at_once():
    frames = np.repeat(cine(1), 12, axis=0)
    draw(frames[0], BAR, 255)
    frames[:] = frames[0]
    found, _ = found_in(frames)
    assert (BAR, None) in boxes(found)
    assert found.looked_at == (0,)


@pytest.mark.parametrize(("confidence", "counts"), [(0.7, False), (0.8, True)])
def test_what_moved_is_no_text_in_the_mean_unless_it_is_read(confidence, counts):
    """A bar too faint for any one frame, over what moves, and one in the even part beside it."""
    frames = cine(30)
    over = Box(70, 60, 76, 92)
    for frame in frames:
        frame[over.top : over.bottom, over.left : over.right] = np.minimum(
            frame[over.top : over.bottom, over.left : over.right].astype(int) + 60, 255
        )
        draw(frame, BAR, 255)
    file = file_of(
        image(frames.tobytes(), syntax=ExplicitVRLittleEndian, rows=ROWS, columns=COLUMNS, NumberOfFrames=30)
    )
    found = find(frames_in(file), Bars(confidence=confidence), least_moving=0.75)
    assert (BAR, None) in boxes(found)
    assert any(one.box.meets(over) for one in found.sightings) is counts


def test_text_in_frame_17_only_is_found_there():
    frames = cine(30)
    draw(frames[17], BAR, 255)
    found, _ = found_in(frames)
    assert (BAR, (17,)) in boxes(found)
    assert 17 in found.looked_at


def test_text_that_changes_is_read_again():
    """One bar goes in frame 9, another comes in frame 20."""
    frames = cine(30)
    other = Box(12, 80, 18, 112)
    for frame in frames[:9]:
        draw(frame, BAR, 255)
    for frame in frames[20:]:
        draw(frame, other, 255)
    found, _ = found_in(frames)
    assert {(BAR, None), (other, tuple(range(20, 30)))} <= boxes(found)


def test_faint_static_text_is_found_in_the_mean():
    """Twelve steps in noise of twenty: no frame shows it, the mean over a hundred does."""
    noise = np.random.default_rng(3)
    frames = np.clip(noise.normal(100, 20, (100, ROWS, COLUMNS)), 0, 240).astype(np.uint8)
    frames[:, 50:90, 20:110] //= 4
    alone, _ = found_in(frames[:1])
    for frame in frames:
        frame[BAR.top : BAR.bottom, BAR.left : BAR.right] += STEP
    faint, _ = found_in(frames[:1])
    assert not alone.sightings
    assert not faint.sightings
    found, _ = found_in(frames)
    assert (BAR, None) in boxes(found)


def test_bright_text_over_the_moving_part_is_found():
    frames = cine(40)
    over = Box(60, 40, 66, 72)
    for frame in frames[10:14]:
        draw(frame, over, 255)
    found, _ = found_in(frames)
    assert (over, None) in boxes(found)


def unrelated(count: int) -> np.ndarray:
    """Frames that have nothing to do with each other."""
    return np.stack(
        [
            cv2.resize(
                np.random.default_rng(seed).integers(0, 160, (6, 8), dtype=np.uint8),
                (COLUMNS, ROWS),
                interpolation=cv2.INTER_NEAREST,
            )
            for seed in range(count)
        ]
    )


def test_pages_are_each_read():
    """A text holds for its own page."""
    pages = unrelated(6)
    for page in pages:
        page[:14] = 20
    draw(pages[4], BAR, 255)
    found, _ = found_in(pages)
    assert found.looked_at == tuple(range(6))
    assert boxes(found) == {(BAR, (4,))}


def test_colour_cines_are_read_in_colour():
    frames = np.repeat(cine(8)[..., np.newaxis], 3, axis=3)
    frames[5, BAR.top : BAR.bottom, BAR.left : BAR.right] = (255, 255, 0)
    found, reader = found_in(frames, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    assert (BAR, (5,)) in boxes(found)
    assert all(len(shape) == 3 for shape in reader.read_shapes)


def test_what_a_palette_hides_is_found_in_its_frame():
    """Entry 21 has the colour of entry 20, and the bar stands in one frame."""
    frames = np.clip(cine(6), 21, 255)
    frames[:, : ROWS // 2][frames[:, : ROWS // 2] == 21] = 20
    draw(frames[4], BAR, 21)
    table = bytearray(range(256))
    table[21] = 20
    palette = {f"{colour}PaletteColorLookupTableData": bytes(table) for colour in ("Red", "Green", "Blue")}
    sizes = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 8] for colour in ("Red", "Green", "Blue")}
    found, _ = found_in(frames, PhotometricInterpretation="PALETTE COLOR", **palette, **sizes)
    assert boxes(found) == {(BAR, (4,))}


def test_what_the_low_bits_of_colours_hold_is_found_in_its_frame():
    frames = np.repeat(cine(4)[..., np.newaxis], 3, axis=3).astype("<u2") << 8
    frames[2, BAR.top : BAR.bottom, BAR.left : BAR.right, 1] += 100
    frames[2, ROWS // 2 :, :, 1], frames[2, 20:40, 60:120, 1] = 5120, 5120
    colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    found, _ = found_in(frames, **colours, BitsAllocated=16, BitsStored=16, HighBit=15)
    assert (BAR, (2,)) in boxes(found)


@pytest.mark.parametrize("kind", ["ARGB", "CMYK", "HSV"])
def test_colours_that_nobody_knows_to_show_are_held(kind):
    samples = 3 if kind == "HSV" else 4
    frames = np.repeat(cine(1)[..., np.newaxis], samples, axis=3)
    with pytest.raises(ItemError) as caught:
        found_in(frames, SamplesPerPixel=samples, PhotometricInterpretation=kind, PlanarConfiguration=0)
    assert caught.value.reason is Reason.UNSUPPORTED_OBJECT


def test_the_work_does_not_grow_with_the_frames():
    """A long cine without changes is read as often as a short one."""
    short, _ = found_in(cine(20))
    long, _ = found_in(cine(120))
    assert long.pictures <= short.pictures + 1


def file_in(frames: np.ndarray) -> bytes:
    attributes = {"rows": ROWS, "columns": COLUMNS, "NumberOfFrames": len(frames)}
    return file_of(image(frames.tobytes(), syntax=ExplicitVRLittleEndian, **attributes))


def test_an_instance_of_too_many_pictures_is_held_before_more_are_read():
    pages, reader = frames_in(file_in(unrelated(9))), Bars()
    with pytest.raises(ItemError) as caught:
        find(pages, reader, most_pictures=4)
    assert caught.value.reason is Reason.BURNED_IN_TEXT_DOUBTFUL
    assert caught.value.detail == "more than 4 pictures to be read, of 9 frames"
    assert len(reader.read_shapes) == 4
    assert find(pages, Bars(), most_pictures=9) == find(pages, Bars())


def test_pictures_that_are_equal_count_once():
    """A slide whose tiles are one of two is no work, however many it has."""
    tiles = unrelated(2)[np.arange(40) % 2]
    draw(tiles[1], BAR, 255)
    tiles[3::2] = tiles[1]
    found = find(frames_in(file_in(tiles)), Bars(), most_pictures=2)
    assert found.pictures == 2
    assert boxes(found) == {(BAR, (index,)) for index in range(1, 40, 2)}
