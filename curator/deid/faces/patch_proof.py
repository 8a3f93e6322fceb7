"""Whether what was written is the source with a patch in it and nothing else.

The law: it is read again from the bytes, every frame of it, and equal means equal bit for bit.

Sources: DICOM PS3.3 C.7.6.2, C.7.6.3, C.7.6.16, C.8.8.3, C.11.1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.patch import Patch
from curator.deid.faces.patched import UNTRUE, check_fits, pixels_of
from curator.deid.faces.real_numbers import RealPixels
from curator.deid.pixels.frames import Frames
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.dicom.walk import walk

# What says where pixels lie and what their values mean, at whatever depth.
_MEANING = frozenset(
    map(
        tag_of,
        (
            "Rows",
            "Columns",
            "NumberOfFrames",
            "SamplesPerPixel",
            "PhotometricInterpretation",
            "BitsAllocated",
            "BitsStored",
            "HighBit",
            "PixelRepresentation",
            "PixelPaddingValue",
            "PixelPaddingRangeLimit",
            "FloatPixelPaddingValue",
            "DoubleFloatPixelPaddingValue",
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "PixelSpacing",
            "ImagerPixelSpacing",
            "SliceThickness",
            "SpacingBetweenSlices",
            "SliceLocation",
            "PatientPosition",
            "GridFrameOffsetVector",
            "RescaleSlope",
            "RescaleIntercept",
            "RescaleType",
            "ModalityLUTSequence",
            "LUTDescriptor",
            "LUTData",
            "RealWorldValueSlope",
            "RealWorldValueIntercept",
            "RealWorldValueFirstValueMapped",
            "RealWorldValueLastValueMapped",
            "DoseGridScaling",
            "DoseUnits",
            "DoseType",
            "Units",
            "DecayFactor",
            "MaximumFractionalValue",
            "SegmentationType",
            "SegmentationFractionalType",
            "ReferencedSegmentNumber",
        ),
    )
)


def is_patched(written: Stored, source: Stored, patch: Patch) -> bool:
    """Whether `written` is `source` with exactly the pixels of the patch other, read again from the bytes.

    Raises:
        ItemError: as `patch_problem`.
    """
    return patch_problem(written, source, patch) is None


def patch_problem(written: Stored, source: Stored, patch: Patch) -> str | None:
    """What keeps `written` from being `source` with exactly the pixels of the patch other, in structural words.

    Frames without a patch and with the same bytes are not decoded. Elements that do not say what pixels are or where
    they lie may differ: headers are proven elsewhere.

    Raises:
        ItemError: either cannot be read, or a frame of it cannot be decoded; the patch is not of these frames.
    """
    ours, theirs = parse(_view(source)), parse(_view(written))
    before, after = pixels_of(ours), pixels_of(theirs)
    check_fits(before, patch)
    if _meaning(ours) != _meaning(theirs):
        return "what says where pixels lie, or what they mean, is other"
    if type(before) is not type(after) or len(before) != len(after):
        return "there are other frames"
    if patch.frames and any(theirs.first(tag) is not None for tag in UNTRUE):
        return "elements tell of the old pixels"
    return next(_wrong_frames(before, after, patch), None)


def has_pixels_of(written: Stored, data: Stored) -> bool:
    """Whether every frame of `written` is that of `data`, bit for bit; headers may say what they want.

    Raises:
        ItemError: as `patch_problem`.
    """
    before, after = pixels_of(parse(_view(data))), pixels_of(parse(_view(written)))
    if type(before) is not type(after) or len(before) != len(after):
        return False
    return next(_wrong_frames(before, after, Patch({})), None) is None


def _wrong_frames(before: Frames | RealPixels, after: Frames | RealPixels, patch: Patch) -> Iterator[str]:
    for index in range(len(before)):
        frame = patch.frames.get(index)
        if frame is None and _same_bytes(before, after, index):
            continue
        old, new = before.decode(index), after.decode(index)
        if old.shape != new.shape or old.dtype != new.dtype:
            yield f"frame {index} is of another size or type"
            continue
        old_bits, new_bits = _bits(old), _bits(new)
        differ = old_bits != new_bits
        outside = differ if frame is None else differ & ~frame.mask
        if outside.any():
            yield f"{int(np.count_nonzero(outside))} pixels of frame {index} changed that the patch does not name"
        elif frame is not None and not np.array_equal(
            new_bits[frame.mask], _bits(np.asarray(frame.values).astype(new.dtype))
        ):
            yield f"pixels of frame {index} are not what the patch says"


def _bits(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Whole numbers as they are, real ones as the bits that they are made of: what is no number equals itself."""
    values = np.ascontiguousarray(values)
    return values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def _same_bytes(before: Frames | RealPixels, after: Frames | RealPixels, index: int) -> bool:
    if isinstance(before, RealPixels) or isinstance(after, RealPixels):
        return False
    if before.module.syntax.uid != after.module.syntax.uid or before.first_bit(index):
        return False
    old, new = before.raw(index), after.raw(index)
    # An item is padded to an even length.
    return old == new or (len(old) + 1 == len(new) and new[-1] == 0 and old == new[:-1])


def _meaning(data_set: DataSet) -> list[tuple[tuple[int, ...], int, bytes]]:
    """Every element that says what pixels are, in file order: where it stands and its value.

    Icons have sizes of their own and go.
    """
    return [
        (placed.path, placed.element.tag, data_set.raw(placed.element))
        for placed in walk(data_set)
        if placed.element.tag in _MEANING and placed.element.items is None and not UNTRUE & set(placed.path)
    ]


def _view(data: Stored) -> bytes | memoryview:
    return data if isinstance(data, bytes) else memoryview(data)
