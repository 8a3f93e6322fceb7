"""Which stored value shows as black.

The law: a black pixel says nothing; it is the same in every box of an instance.

Sources: DICOM PS3.3 C.7.6.3.1.2 (photometric interpretation), C.7.6.3.1.5-6 (palettes), C.7.5.1.1.2 (padding value).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.attributes import only, words
from curator.deid.pixels.codecs.native import Black
from curator.deid.pixels.module import MONOCHROME1, MONOCHROME2, PALETTE, YBR_PARTIAL, PixelModule
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.errors import ItemError
from curator.model.quarantine import Reason

_COLOURS = ("Red", "Green", "Blue")
# Studio swing: black is 16 of 255.
_STUDIO_BLACK = 16
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MOST_ENTRIES = 1 << 16


class Palette(NamedTuple):
    """A palette: `colours` is `(N, 3)` of `bits` bits, the first for stored value `first` and all below it."""

    first: int
    bits: int
    colours: NDArray[np.uint16]


def black(data_set: DataSet, module: PixelModule) -> Black:
    """The stored value of each sample of a black pixel, in the interpretation that frames are decoded to.

    Pixel Padding Value where a grey image states one that its bits can hold.

    Raises:
        ItemError: MALFORMED, a palette that is wanting or too short.
    """
    middle = 1 << (module.bits_stored - 1)
    scale = 1 << max(0, module.bits_stored - 8)
    if module.photometric in (MONOCHROME1, MONOCHROME2):
        padding = _padding(data_set, module)
        lowest = module.lowest if module.photometric == MONOCHROME2 else module.highest
        return (lowest if padding is None else padding,)
    if module.photometric == PALETTE:
        return (_darkest(palette(data_set, module), module),)
    if module.photometric in YBR_PARTIAL:
        return (_STUDIO_BLACK * scale, middle, middle)
    if module.photometric in ("YBR_FULL", "YBR_FULL_422"):
        return (0, middle, middle)
    if module.photometric == "CMYK":
        return (module.highest,) * 4
    return (0,) * module.samples


def _padding(data_set: DataSet, module: PixelModule) -> int | None:
    found = words(data_set, "PixelPaddingValue", signed=module.is_signed)
    if len(found) == 1 and module.lowest <= found[0] <= module.highest:
        return found[0]
    return None


def palette(data_set: DataSet, module: PixelModule) -> Palette:
    """The palette of a PALETTE COLOR image.

    Raises:
        ItemError: MALFORMED, it is wanting, shorter than its descriptor says, or its three colours differ in shape.
    """
    shapes = {_descriptor(data_set, colour, module) for colour in _COLOURS}
    if len(shapes) != 1:
        raise ItemError(Reason.MALFORMED, "palettes whose descriptors differ or are wanting")
    entries, first, bits = shapes.pop()
    channels = [_channel(data_set, colour, entries=entries, bits=bits) for colour in _COLOURS]
    return Palette(first, bits, np.stack(channels, axis=1))


def _descriptor(data_set: DataSet, colour: str, module: PixelModule) -> tuple[int, int, int]:
    keyword = f"{colour}PaletteColorLookupTableDescriptor"
    found = words(data_set, keyword)
    if len(found) != 3 or found[2] not in (8, 16):
        raise ItemError(Reason.MALFORMED, f"no descriptor of the {colour.lower()} palette")
    first = words(data_set, keyword, signed=True)[1] if module.is_signed else found[1]
    return found[0] or _MOST_ENTRIES, first, found[2]


def _channel(data_set: DataSet, colour: str, *, entries: int, bits: int) -> NDArray[np.uint16]:
    keyword = f"{colour}PaletteColorLookupTableData"
    plain = only(data_set, keyword)
    if plain is None:
        segments = words(data_set, f"Segmented{keyword}")
        table = _unrolled(segments, entries)
    else:
        raw = data_set.raw(plain)
        is_packed = bits == 8 and len(raw) in (entries, entries + 1)
        kind = "u1" if is_packed else f"{data_set.syntax.order}u2"
        table = np.frombuffer(raw[: len(raw) // 2 * 2], kind)[:entries].astype(np.uint16)
    if len(table) != entries:
        raise ItemError(Reason.MALFORMED, f"a {colour.lower()} palette of {len(table)} entries, {entries} stated")
    return table


def _unrolled(segments: tuple[int, ...], entries: int) -> NDArray[np.uint16]:
    """The entries that a segmented palette stands for."""
    out: list[int] = []
    position = 0
    while position + 2 < len(segments) and len(out) < entries:
        kind, length = segments[position : position + 2]
        if kind == _DISCRETE:
            out += segments[position + 2 : position + 2 + length]
            position += 2 + length
        elif kind == _LINEAR and out and length:
            steps = np.linspace(out[-1], segments[position + 2], length + 1)[1:]
            out += np.rint(steps).astype(int).tolist()
            position += 3
        else:
            kinds = "indirect" if kind == _INDIRECT else "broken"
            raise ItemError(Reason.MALFORMED, f"a segmented palette with {kinds} segments")
    return np.array(out[:entries], np.uint16)


def _darkest(table: Palette, module: PixelModule) -> int:
    """The lowest stored value that shows the darkest colour that a pixel can have."""
    brightness = table.colours.astype(np.uint32).sum(axis=1)
    values = table.first + np.arange(len(brightness))
    reachable = (values >= module.lowest) & (values <= module.highest)
    if not reachable.any():
        raise ItemError(Reason.MALFORMED, f"{tag_of('RedPaletteColorLookupTableDescriptor'):08X} maps no stored value")
    return int(values[reachable][np.argmin(brightness[reachable])])
