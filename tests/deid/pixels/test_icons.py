"""A picture that stands elsewhere than in Pixel Data is found by what it is (row B07)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pixel_samples import file_of, image
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from curator.deid.pixels.icons import FILE, ICONS, PIXELS, PictureBeside, pictures_beside
from curator.dicom.dictionary import tag_of
from curator.dicom.parse import parse

SMALL = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
EXTENSIONS = (".jpg", ".png", ".bmp", ".jp2", ".webp", ".tiff", ".gif")


def plain(syntax: str = ExplicitVRLittleEndian) -> Dataset:
    return image(bytes(64), syntax=syntax, rows=8, columns=8)


def found(dataset: Dataset) -> tuple[PictureBeside, ...]:
    return pictures_beside(parse(file_of(dataset)))


def icon() -> Dataset:
    item = Dataset()
    item.Rows, item.Columns = 8, 8
    item.add_new(0x7FE00010, "OW", bytes(64))
    return item


def picture_file(extension: str) -> bytes:
    is_done, coded = cv2.imencode(extension, cv2.cvtColor(SMALL, cv2.COLOR_GRAY2BGR) if extension == ".gif" else SMALL)
    assert is_done
    return coded.tobytes() + bytes(len(coded) % 2)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_B07_icons_and_nested_pixels_are_found_at_every_depth(syntax: str) -> None:
    dataset = plain(syntax)
    assert found(dataset) == ()
    dataset.IconImageSequence = Sequence([icon()])
    box, inner, outer = icon(), Dataset(), Dataset()
    inner.BasicGrayscaleImageSequence = Sequence([box])
    outer.ReferencedImageBoxSequence = Sequence([inner])
    dataset.ReferencedSeriesSequence = Sequence([outer])
    assert found(dataset) == (
        PictureBeside((0x00081115, tag_of("ReferencedImageBoxSequence"), 0x20200110), 0x7FE00010, PIXELS),
        PictureBeside((), 0x00880200, ICONS),
        PictureBeside((0x00880200,), 0x7FE00010, PIXELS),
    )


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("vr", ["OB", "UN", "OW"])
def test_B07_previews_in_private_elements_are_found(extension: str, vr: str) -> None:
    dataset = plain()
    dataset.add_new(0x00090010, "LO", "NOBODY KNOWS")
    dataset.add_new(0x00091001, vr, picture_file(extension))
    assert found(dataset) == (PictureBeside((), 0x00091001, FILE),)
    if extension not in (".bmp", ".tiff"):
        dataset[0x00091001].value = bytes(38) + picture_file(extension)
        assert found(dataset) == (PictureBeside((), 0x00091001, FILE),)


def test_tables_and_samples_are_no_pictures() -> None:
    dataset = plain()
    rng = np.random.default_rng(5)
    dataset.add_new(0x00281201, "OW", rng.integers(0, 65536, 4096, np.uint16).tobytes())
    dataset.add_new(0x00281202, "OW", b"\xff\xd8\xff\xff" * 256)
    dataset.add_new(0x00090010, "LO", "JFIF Exif PNG")
    dataset.add_new(0x00091001, "OB", rng.bytes(1 << 16))
    dataset.PixelData = (b"BM" + bytes(62))[:64]
    assert found(dataset) == ()


def test_the_image_itself_may_be_a_picture_file() -> None:
    dataset = plain()
    dataset.PixelData = picture_file(".png")[:64]
    dataset.IconImageSequence = Sequence([])
    assert found(dataset) == ()
