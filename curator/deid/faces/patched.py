"""An instance with the pixels of a patch in it, written in its own transfer syntax.

The law: a pixel that the patch does not name decodes to what it decoded to before, and in a frame without a patch no
byte changes as long as the transfer syntax does not; elements that would tell of the old pixels go.

Lossy JPEG becomes JPEG-LS and HTJ2K JPEG 2000, both without further loss and still marked as lossy; every other syntax
stays. `patch_problem` reads what was written again and says what is not so.

Sources: DICOM PS3.3 C.7.6.3 (Image Pixel; all that goes is of Type 3), C.7.5.1.1.2 (Pixel Padding Value), C.7.6.24 and
C.7.6.25 (real numbers), C.11.15 (Histogram), C.12.1 (signatures).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.patch import FramePatch, Patch
from curator.deid.faces.real_numbers import RealPixels, real_pixels, redrawn_reals
from curator.deid.pixels.attributes import words
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.file_image import stored
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule, has_real_numbers, pixel_module
from curator.deid.pixels.pen import Stroke, draw_native, pen_of
from curator.deid.pixels.rebuilt import rebuilt, respliced
from curator.deid.pixels.redrawn import Coding, Scratch, Scrubbed, redrawn_coded, redrawn_native
from curator.deid.pixels.spool import Spool
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer, DataSet
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.model.quarantine import Reason

# They tell of pixels that are no more, and no object is in want of any of them.
UNTRUE = frozenset(
    map(
        tag_of,
        (
            "SmallestImagePixelValue",
            "LargestImagePixelValue",
            "SmallestPixelValueInSeries",
            "LargestPixelValueInSeries",
            "SmallestImagePixelValueInPlane",
            "LargestImagePixelValueInPlane",
            "HistogramSequence",
            "IconImageSequence",
            "MACParametersSequence",
            "DigitalSignaturesSequence",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Patched:
    """An instance with a patch in it: the source's own bytes where the patch changes nothing.

    `changed` are the frames that were written anew for it; `to_padding` counts pixels whose new value says by Pixel
    Padding Value that there is no image: who made the patch should not have.
    """

    data: Stored = field(repr=False)
    syntax_uid: str
    changed: tuple[int, ...] = ()
    to_padding: int = 0


def patched(data: Stored, patch: Patch, *, scratch: Scratch) -> Patched:
    """The instance in `data` with the patch in it; `scratch` opens an unnamed file for what is too large for memory.

    Raises:
        ItemError: GEOMETRY_MISMATCH, the patch is not of these frames; MALFORMED, its values are none that the
            instance can hold; UNSUPPORTED_OBJECT, more than one sample a pixel; otherwise as `parse`, `pixel_module`
            and the codec that reads a frame that is to change.
    """
    data_set = parse(_view(data))
    if not patch.frames:
        return Patched(data, data_set.syntax.uid)
    scrubbed = _redrawn(data_set, patch, scratch)
    gone = {tag: None for tag in UNTRUE if data_set.first(tag) is not None}
    scrubbed = Scrubbed(scrubbed.syntax, scrubbed.changed, scrubbed.pixels, {**scrubbed.header, **gone})
    written = stored(rebuilt(data_set, scrubbed), scratch)
    return Patched(written, scrubbed.syntax.uid, scrubbed.changed, _to_padding(data_set, patch))


def without_untrue(data: Stored, *, scratch: Scratch) -> Stored:
    """The instance without elements that tell of the old pixels; `data` itself where there are none.

    For instances of a series in which others were patched: what is said of the series is no more true of it.

    Raises:
        ItemError: as `parse`.
    """
    data_set = parse(_view(data))
    gone: dict[int, tuple[bytes, ...]] = {tag: () for tag in UNTRUE if data_set.first(tag) is not None}
    return stored(respliced(data_set, gone), scratch) if gone else data


def pixels_of(data_set: DataSet) -> Frames | RealPixels:
    """The frames of an instance, of whole or of real numbers.

    Raises:
        ItemError: it has none, or they contradict what is said of them.
    """
    if has_real_numbers(data_set):
        return real_pixels(data_set)
    return Frames(data_set, pixel_module(data_set))


def check_fits(pixels: Frames | RealPixels, patch: Patch) -> None:
    """Nothing where a patch is of these frames.

    Raises:
        ItemError: GEOMETRY_MISMATCH or UNSUPPORTED_OBJECT.
    """
    module = pixels.module
    if isinstance(module, PixelModule) and module.samples != 1:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{module.samples} samples per pixel are not changed one by one")
    if patch.shape not in (None, (module.rows, module.columns)):
        raise ItemError(Reason.GEOMETRY_MISMATCH, f"a patch of frames of {patch.shape}")
    beyond = [index for index in patch.frames if index >= len(pixels)]
    if beyond:
        raise ItemError(Reason.GEOMETRY_MISMATCH, f"a patch of {len(beyond)} frames that are not there")


def _redrawn(data_set: DataSet, patch: Patch, scratch: Scratch) -> Scrubbed:
    pixels = pixels_of(data_set)
    check_fits(pixels, patch)
    if isinstance(pixels, RealPixels):
        return redrawn_reals(pixels, patch)
    with closing(Spool(scratch)) as spool:
        return _coded(pixels, patch, spool) if pixels.module.syntax.encapsulated else _native(pixels, patch, spool)


def _native(frames: Frames, patch: Patch, spool: Spool) -> Scrubbed:
    module = frames.module

    def draw(octets: bytearray, index: int) -> None:
        first_bit = frames.first_bit(index)
        draw_native(octets, stroke_of(patch.frames[index]), module, order=module.syntax.order, first_bit=first_bit)

    return redrawn_native(frames, patch.frames, draw, spool=spool)


def _coded(frames: Frames, patch: Patch, spool: Spool) -> Scrubbed:
    pen = pen_of(frames)

    def draw(raw: Buffer, index: int) -> bytes:
        frame = patch.frames.get(index)
        return pen.draw(raw, _nothing if frame is None else stroke_of(frame))

    return redrawn_coded(frames, patch.frames, Coding(pen.syntax, draw, pen.header), spool=spool)


def stroke_of(frame: FramePatch) -> Stroke:
    """What sets the words of a frame to the values of a patch, the bits above a value repeating its sign.

    The stroke raises ItemError, MALFORMED, where the words cannot hold the values.
    """
    return partial(_set, frame)


def _set(frame: FramePatch, allocated: Samples, module: PixelModule) -> None:
    if frame.values.dtype.kind not in "ui":
        raise ItemError(Reason.MALFORMED, "a patch of real numbers for whole ones")
    # Unsigned values of 32 bits and signed ones of any meet in 64.
    values = frame.values.astype(np.int64)
    if values.min() < module.lowest or values.max() > module.highest:
        raise ItemError(Reason.MALFORMED, f"a patch with values that {module.bits_stored} bits do not hold")
    shifted = values << (module.high_bit + 1 - module.bits_stored)
    allocated[frame.mask] = (shifted & ((1 << module.bits_allocated) - 1)).astype(allocated.dtype)


def _nothing(allocated: Samples, module: PixelModule) -> None:
    """A stroke that leaves a frame as it is."""


def _to_padding(data_set: DataSet, patch: Patch) -> int:
    """How many pixels become what Pixel Padding Value, or its range, says is no image; 0 where there is none."""
    bounds = padding_range(data_set)
    if bounds is None:
        return 0
    low, high = bounds
    return sum(int(np.count_nonzero(_within(frame.values, low, high))) for frame in patch.frames.values())


def padding_range(data_set: DataSet) -> tuple[int, int] | None:
    """The lowest and the highest stored value that stand for no image; None where none does, or for real numbers.

    Raises:
        ItemError: MALFORMED.
    """
    if has_real_numbers(data_set):
        return None
    is_signed = words(data_set, "PixelRepresentation")[:1] == (1,)
    first = words(data_set, "PixelPaddingValue", signed=is_signed)
    limit = words(data_set, "PixelPaddingRangeLimit", signed=is_signed)
    both = first[:1] + limit[:1]
    return (min(both), max(both)) if first else None


def _within(values: NDArray[np.generic], low: int, high: int) -> NDArray[np.bool_]:
    whole = values.astype(np.int64)
    return np.asarray((whole >= low) & (whole <= high))


def _view(data: Stored) -> bytes | memoryview:
    return data if isinstance(data, bytes) else memoryview(data)
