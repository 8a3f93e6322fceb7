"""How the stored values of an image become what a person sees: window or VOI LUT, palette, polarity.

The law: what is read here chooses among renderings only; whatever it says, the whole range of values is rendered too
(`render`), so a window that hides text hides none from the search.

Sources: DICOM PS3.3 C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.11.6 (Presentation LUT), C.7.6.23 (supplemental
palette), C.7.6.16.2.9-10 (windows and rescaling of multi-frame images), C.7.6.1.1.5 (padding).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from curator.deid.pixels.lookup import LookUp, as_bytes, palette
from curator.deid.pixels.module import MONOCHROME1, PALETTE, PixelModule
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet, Element
from curator.dicom.walk import walk

_SHARED, _PER_FRAME = tag_of("SharedFunctionalGroupsSequence"), tag_of("PerFrameFunctionalGroupsSequence")
_WINDOW_CENTER, _WINDOW_WIDTH = tag_of("WindowCenter"), tag_of("WindowWidth")
_SLOPE, _INTERCEPT = tag_of("RescaleSlope"), tag_of("RescaleIntercept")
_LUT_DESCRIPTOR, _LUT_DATA = tag_of("LUTDescriptor"), tag_of("LUTData")
_VOI_LUT, _SHAPE = tag_of("VOILUTSequence"), tag_of("PresentationLUTShape")
_PADDING = tag_of("PixelPaddingValue")
_WANTED = frozenset({_WINDOW_CENTER, _WINDOW_WIDTH, _SLOPE, _INTERCEPT, _LUT_DESCRIPTOR, _LUT_DATA, _SHAPE, _PADDING})
_MOST_PLACES = 4096


@dataclass(frozen=True, slots=True)
class Appearance:
    """How stored values are shown.

    `photometric` is that of the decoded samples, `bits` how many of them count, `lowest` the least value they can hold.
    `window` is the least and the greatest stored value that the window tells apart, None where there is none.
    `is_inverted`: the greatest value is black.
    """

    photometric: str
    bits: int
    lowest: int
    is_inverted: bool = False
    window: tuple[float, float] | None = None
    voi: LookUp | None = None
    colours: LookUp | None = None
    padding: int | None = None


def appearance(data_set: DataSet, module: PixelModule, photometric: str) -> Appearance:
    """How the frames of an instance are shown whose decoded samples are `photometric`.

    Raises:
        ItemError: MALFORMED, a palette that is missing or too short.
    """
    stated = _stated(data_set)
    slope = _number(data_set, stated.get(_SLOPE), 1.0) or 1.0
    intercept = _number(data_set, stated.get(_INTERCEPT), 0.0)
    colours = palette(data_set, signed=module.is_signed, required=photometric == PALETTE)
    shape = stated.get(_SHAPE)
    is_inverse = shape is not None and data_set.raw(shape).strip(b" \0") == b"INVERSE"
    return Appearance(
        photometric=photometric,
        bits=module.bits_stored,
        lowest=module.lowest,
        is_inverted=(photometric == MONOCHROME1) != (is_inverse and photometric != MONOCHROME1),
        window=_window(data_set, stated, slope, intercept),
        voi=_voi(data_set, stated, module) if (slope, intercept) == (1.0, 0.0) else None,
        colours=colours,
        padding=_padding(data_set, stated.get(_PADDING), module),
    )


def _stated(data_set: DataSet) -> dict[int, Element]:
    """The first of each element that says how values are shown: at the top, shared by all frames, or of one frame."""
    found: dict[int, Element] = {}
    for count, placed in enumerate(walk(data_set)):
        outermost = placed.path[0] if placed.path else 0
        if placed.element.tag in _WANTED and outermost in (0, _SHARED, _PER_FRAME, _VOI_LUT):
            found.setdefault(placed.element.tag, placed.element)
        if count > _MOST_PLACES and outermost == _PER_FRAME:
            break
    return found


def _number(data_set: DataSet, element: Element | None, default: float) -> float:
    """The first number of a decimal string; `default` where it is absent or none: every range is rendered anyway."""
    if element is None:
        return default
    text = data_set.raw(element).split(b"\\")[0].strip(b" \0")
    try:
        number = float(text)
    except ValueError:
        return default
    return number if np.isfinite(number) else default


def _window(
    data_set: DataSet, stated: dict[int, Element], slope: float, intercept: float
) -> tuple[float, float] | None:
    if _WINDOW_CENTER not in stated or _WINDOW_WIDTH not in stated:
        return None
    centre = _number(data_set, stated[_WINDOW_CENTER], 0.0)
    width = _number(data_set, stated[_WINDOW_WIDTH], 0.0)
    if width < 1:
        return None
    ends = sorted(((centre + side * width / 2) - intercept) / slope for side in (-1, 1))
    return ends[0], ends[1]


def _voi(data_set: DataSet, stated: dict[int, Element], module: PixelModule) -> LookUp | None:
    """The first VOI LUT; None where there is none or it is not whole: then its image is searched without it."""
    descriptor, data = stated.get(_LUT_DESCRIPTOR), stated.get(_LUT_DATA)
    if descriptor is None or data is None or descriptor.length != 6:
        return None
    order = data_set.syntax.order
    count, first, bits = struct.unpack(f"{order}3H", data_set.raw(descriptor))
    values = np.frombuffer(data_set.raw(data)[: data.length // 2 * 2], dtype=np.dtype("u2").newbyteorder(order))
    count = count or 1 << 16
    if len(values) < count or not 8 <= bits <= 16:
        return None
    signed_first = first - (1 << 16) if module.is_signed and first >= 1 << 15 else first
    return LookUp(signed_first, as_bytes(values[:count].astype(np.uint16), bits))


def _padding(data_set: DataSet, element: Element | None, module: PixelModule) -> int | None:
    if element is None or element.length != 2:
        return None
    kind = "h" if module.is_signed else "H"
    return int(struct.unpack(f"{data_set.syntax.order}{kind}", data_set.raw(element))[0])
