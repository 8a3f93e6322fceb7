"""Whether pixel data has nothing beside its pixels, told by a few numbers of the header and a pass over the bytes.

Nearly all files of a release are so, and most are taken the quick way (`swift`), which parses none of them: this asks
for no more than the elements `NOTED` and the value, and loads no codec.

The law: what is called plain here has nothing that `beside.taken_out` would take out; every doubt is a no.

Sources: DICOM PS3.3 C.7.6.3; PS3.5 8.1.1, 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping

from curator.deid.pixels.attributes import text, word
from curator.deid.pixels.bitstream import is_bare
from curator.deid.pixels.module import YBR_422
from curator.deid.pixels.overlays import HEADER_TAGS, unused_bits, word_of
from curator.deid.pixels.streams.segments import NO_COMMENT, Comments
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet, Element
from curator.dicom.syntax import EXPLICIT
from curator.errors import ItemError

NOTED = (
    *map(tag_of, ("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns")),
    *HEADER_TAGS,
)
"""The elements of the top level that are asked for."""
# An overlay says by this element whether it lies in the pixels: what all groups of overlays share of its tag.
_BIT_POSITION = b"\x60\x02\x01"


def is_plainly_pixels(data_set: DataSet, value: memoryview, *, allowed: Comments = NO_COMMENT) -> bool:
    """Whether the value of Pixel Data holds the pixels and nothing else; False where that is not plain.

    `data_set` needs to have the elements `NOTED` only. `value` reaches to the end of the element, so that encapsulated
    pixel data has its delimiter. About 0.05 ms for a slice of 512 x 512 words of 16 bits.
    """
    try:
        layout = word_of(data_set)
        if layout is None:
            return False
        if data_set.syntax.encapsulated:
            most_bits = None if layout.is_full else layout.stored
            return is_bare(value, data_set.syntax.uid, allowed=allowed, most_bits=most_bits)
        size, left = divmod(_bits(data_set, layout.allocated), 8)
        # Nothing or a pad byte; whoever swaps bytes or fills up with bits has to be looked at more closely.
        if left or len(value) - size not in (0, 1) or any(value[size:]) or (data_set.syntax.order == ">" and size % 2):
            return False
        return not unused_bits(value, layout)
    except ItemError:
        return False


def is_plainly_native(noted: Mapping[int, tuple[str, bytes]], value: memoryview) -> bool:
    """As `is_plainly_pixels`, of an explicit VR little endian file: VR and value of its elements `NOTED`, by tag."""
    elements, data = [], b""
    for tag, (vr, content) in noted.items():
        start, data = len(data), data + content
        elements.append(Element(tag, vr, start, start, len(content), len(data), None, False, True))
    return is_plainly_pixels(DataSet(EXPLICIT, (), b"", tuple(elements), data, 0), value)


def may_declare_overlay(header: bytes) -> bool:
    """Whether an explicit VR little endian header may say of an overlay in which bit of the pixels it lies."""
    return _BIT_POSITION in header


def _bits(data_set: DataSet, allocated: int) -> int:
    """Bits of all frames, uncompressed."""
    samples = word(data_set, "SamplesPerPixel")
    if text(data_set, "PhotometricInterpretation") in YBR_422:
        samples = 2
    stated = text(data_set, "NumberOfFrames")
    frames = int(stated) if stated.isascii() and stated.isdigit() else 0 if stated else 1
    return word(data_set, "Rows") * word(data_set, "Columns") * samples * allocated * frames
