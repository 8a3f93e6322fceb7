"""Pictures that stand elsewhere than in Pixel Data: icons, thumbnails, previews in private elements.

No option keeps any of them: icons go by the table, pixel data inside of sequences and bytes that nobody knows go by
default. This is the second look, on what was written, by what bytes are and not by what their elements are called.

The law: a picture is named by its place and kind, never by what it shows.

Sources: DICOM PS3.3 C.7.6.1.1.6 (icons), C.13.5 (image boxes); PS3.15 Table E.1-1 (0088,0200); PS3.15 E.3.1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from curator.dicom.dictionary import BULK_VRS, tag_of
from curator.dicom.elements import DataSet
from curator.dicom.walk import Placed, walk

ICONS, PIXELS, FILE = "icons", "pixel data", "picture file"
_ICON_SEQUENCE = tag_of("IconImageSequence")
_PIXELS = frozenset(map(tag_of, ("PixelData", "FloatPixelData", "DoubleFloatPixelData")))
# How files of pictures begin, each long enough not to come about by chance.
_PICTURE_FILE = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]..(?:JFIF\0|Exif\0|JFXX\0|Adobe|ICC_P|http:)"
    rb"|\xff\xd8\xff\xdb\0[\x43\x84]"
    rb"|\x89PNG\r\n\x1a\n"
    rb"|GIF8[79]a"
    rb"|\0\0\0\x0cjP  \r\n\x87\n"
    rb"|\xff\x4f\xff\x51\0[\x29-\xff]\0\0"
    rb"|RIFF....WEBP"
    rb"|%PDF-1\."
    rb"|\A(?:II\x2a\0|MM\0\x2a)"
    rb"|\ABM.{4}\0\0\0\0.{4}[\x0c\x28\x6c\x7c]\0\0\0",
    re.DOTALL,
)


class PictureBeside(NamedTuple):
    """Where a picture stands: the tags of the sequences around it, outermost first, its own, and what gives it away."""

    path: tuple[int, ...]
    tag: int
    kind: str


def pictures_beside(data_set: DataSet) -> tuple[PictureBeside, ...]:
    """Every picture but that of the image itself, in file order; empty for none."""
    return tuple(
        PictureBeside(placed.path, placed.element.tag, kind)
        for placed in walk(data_set)
        if (kind := _kind(data_set, placed))
    )


def _kind(data_set: DataSet, placed: Placed) -> str:
    """What makes an element a picture, "" where nothing does."""
    element = placed.element
    if element.tag == _ICON_SEQUENCE:
        return ICONS if element.items else ""
    if element.tag in _PIXELS:
        return PIXELS if placed.path and element.length else ""
    if element.items is not None or element.vr not in BULK_VRS:
        return ""
    value = memoryview(data_set.data)[element.value : element.value + element.length]
    return FILE if _PICTURE_FILE.search(value) else ""
