"""Pixels of real numbers, 32 or 64 bits each, and a patch drawn into them.

The law: bits of a number that the patch does not name stay, those of infinities and of what is no number too.

Sources: DICOM PS3.3 C.7.6.24 (Floating Point), C.7.6.25 (Double Floating Point); PS3.5 8.1.2 (they are never coded).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.patch import Patch
from curator.deid.pixels.attributes import only, text, word
from curator.deid.pixels.redrawn import Scrubbed
from curator.dicom.elements import DataSet, Element
from curator.errors import ItemError
from curator.model.quarantine import Reason

_BYTES = {"FloatPixelData": 4, "DoubleFloatPixelData": 8}


@dataclass(frozen=True, slots=True)
class RealModule:
    """How the real numbers of an instance are laid out."""

    rows: int
    columns: int
    frames: int
    pixels: Element = field(repr=False)
    number_type: np.dtype[np.floating]


@dataclass(frozen=True, slots=True)
class RealPixels:
    """The frames of an instance of real numbers."""

    data_set: DataSet = field(repr=False)
    module: RealModule

    def __len__(self) -> int:
        """How many frames there are."""
        return self.module.frames

    def decode(self, index: int) -> NDArray[np.floating]:
        """The numbers of one frame, `(Y, X)`, read-only."""
        module = self.module
        count = module.rows * module.columns
        at = module.pixels.value + index * count * module.number_type.itemsize
        flat = np.frombuffer(self.data_set.data, module.number_type, count, at)
        return flat.reshape(module.rows, module.columns)


def real_pixels(data_set: DataSet) -> RealPixels:
    """The checked pixels.

    Raises:
        ItemError: UNSUPPORTED_OBJECT where there are none, or more than one sample a pixel; UNSUPPORTED_TRANSFER_SYNTAX
            where they are coded; MALFORMED or TRUNCATED where they are not as large as is said.
    """
    found = [(only(data_set, keyword), size) for keyword, size in _BYTES.items()]
    there = [(element, size) for element, size in found if element is not None]
    if len(there) != 1 or only(data_set, "PixelData") is not None:
        kinds = "no pixels of real numbers" if not there else "pixels of two kinds"
        raise ItemError(Reason.MALFORMED if there else Reason.UNSUPPORTED_OBJECT, kinds)
    if data_set.syntax.encapsulated:
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, "real numbers that are coded")
    if word(data_set, "SamplesPerPixel", default=1) != 1:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "several real numbers per pixel")
    element, size = there[0]
    stated = text(data_set, "NumberOfFrames") or "1"
    if not stated.isascii() or not stated.isdigit() or len(stated) > 8:
        raise ItemError(Reason.MALFORMED, "the number of frames is no count")
    kind: np.dtype[np.floating] = np.dtype(f"{data_set.syntax.order}f{size}")
    module = RealModule(word(data_set, "Rows"), word(data_set, "Columns"), int(stated), element, kind)
    wanted = module.rows * module.columns * module.frames * size
    if not wanted or element.length > wanted:
        raise ItemError(Reason.MALFORMED, f"{element.length} bytes of real numbers, {wanted} stated")
    if element.length < wanted:
        raise ItemError(Reason.TRUNCATED, f"{element.length} bytes of real numbers, {wanted} wanted")
    return RealPixels(data_set, module)


def redrawn_reals(pixels: RealPixels, patch: Patch) -> Scrubbed:
    """The pixels with a patch that fits them drawn in.

    Raises:
        ItemError: MALFORMED, its values are of another type.
    """
    module = pixels.module
    octets = bytearray(pixels.data_set.raw(module.pixels))
    whole = np.frombuffer(octets, module.number_type).reshape(module.frames, module.rows, module.columns)
    for index, frame in patch.frames.items():
        if frame.values.dtype.kind != "f" or frame.values.dtype.itemsize != module.number_type.itemsize:
            raise ItemError(Reason.MALFORMED, "a patch of another type than its pixels")
        whole[index][frame.mask] = frame.values
    return Scrubbed(pixels.data_set.syntax, tuple(patch.frames), (), {module.pixels.tag: bytes(octets)})
