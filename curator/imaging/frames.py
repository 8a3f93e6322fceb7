"""The frames of one DICOM file: each a plane, its stored values and what turns them into physical ones.

The law: a frame is decoded or the file is refused; nothing is clipped, windowed or converted in colour.

Sources: DICOM PS3.3 C.7.6.16 (functional groups), C.7.6.3.1 (pixels), C.11.1 (modality LUT); PS3.5 8.1.1 (bits).
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import iter_pixels

from curator.errors import ItemError
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason

_SPACING_KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")

_PARSE_ERRORS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `stored` is `(Y, X)`; `plane` is None where the object has no position in the patient.

    `spacing_mm` is `(y, x)`, `(1, 1)` where the object states none.
    """

    stored: NDArray[np.generic] = field(repr=False)
    plane: PlaneGeometry | None
    spacing_mm: tuple[float, float]
    rescale_slope: float
    rescale_intercept: float


def read_dataset(file: Path) -> Dataset:
    """The whole data set of `file`, values still raw.

    Raises:
        ItemError: UNREADABLE, NOT_DICOM or MALFORMED.
    """
    with decoding("the data set"):
        return pydicom.dcmread(file)


def read_frames(file: Path) -> list[Frame]:
    """All frames of `file` in stored order; never empty.

    Raises:
        ItemError: UNREADABLE; NOT_DICOM; otherwise as `frames_of`.
    """
    return frames_of(read_dataset(file))


def frames_of(dataset: Dataset) -> list[Frame]:
    """All frames of `dataset` in stored order; never empty.

    Raises:
        ItemError: UNSUPPORTED_OBJECT for colour or no pixels; UNSUPPORTED_TRANSFER_SYNTAX; GEOMETRY_INCONSISTENT for a
            mosaic; MALFORMED where pixels or attributes cannot be decoded.
    """
    with decoding("pixel data"):
        _refuse_unsupported(dataset)
        _refuse_undecodable(dataset)
        pixels = _stored_values(dataset)
    with decoding("frame attributes"):
        planes = frame_planes(dataset)
        rescales = frame_rescales(dataset, len(planes))
        spacing_mm = _image_spacing_mm(dataset)
    if len(planes) != len(pixels):
        raise ItemError(Reason.MALFORMED, f"{len(pixels)} frames of pixels, {len(planes)} of attributes")
    return [
        Frame(values, plane, plane.PixelSpacing if plane else spacing_mm, slope, intercept)
        for values, plane, (slope, intercept) in zip(pixels, planes, rescales, strict=True)
    ]


def frame_planes(dataset: Dataset) -> tuple[PlaneGeometry | None, ...]:
    """The plane of every frame in stored order, None where it has none; one entry for a single-frame image.

    Values that are not numbers raise what pydicom raises; callers turn that into their own error.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    if per_frame is None and count == 1:
        return (_plane(dataset, dataset, dataset),)
    if per_frame is None:
        return (None,) * count
    return tuple(_functional_plane(groups, shared) for groups in per_frame)


def _functional_plane(groups: Dataset, shared: Dataset) -> PlaneGeometry | None:
    return _plane(
        macro_of(groups, shared, "PlanePositionSequence"),
        macro_of(groups, shared, "PlaneOrientationSequence"),
        macro_of(groups, shared, "PixelMeasuresSequence"),
    )


def macro_of(groups: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """The item of a frame's own functional group, else the shared one, else an empty one."""
    for source in (groups, shared):
        items = source.get(keyword)
        if items:
            item: Dataset = items[0]
            return item
    return Dataset()


def _plane(position: Dataset, orientation: Dataset, measures: Dataset) -> PlaneGeometry | None:
    at = position.get("ImagePositionPatient")
    cosines = orientation.get("ImageOrientationPatient")
    spacing = measures.get("PixelSpacing")
    if not at or not cosines or not spacing:
        return None
    x, y, z = (float(value) for value in at)
    row_x, row_y, row_z, column_x, column_y, column_z = (float(value) for value in cosines)
    row_mm, column_mm = (float(value) for value in spacing)
    thickness = measures.get("SliceThickness")
    return PlaneGeometry(
        ImagePositionPatient=(x, y, z),
        ImageOrientationPatient=(row_x, row_y, row_z, column_x, column_y, column_z),
        PixelSpacing=(row_mm, column_mm),
        SliceThickness=None if thickness in (None, "") else float(thickness),
    )


def _image_spacing_mm(dataset: Dataset) -> tuple[float, float]:
    """Spacing of an image that has no plane: at the patient if known, else at the detector or the film, else 1."""
    for keyword in _SPACING_KEYWORDS:
        spacing = dataset.get(keyword)
        if spacing:
            row_mm, column_mm = (float(value) for value in spacing)
            return (row_mm, column_mm)
    return (1.0, 1.0)


def _refuse_unsupported(dataset: Dataset) -> None:
    """Stop what would decode into something that is no slice.

    Raises:
        ItemError: UNSUPPORTED_OBJECT or GEOMETRY_INCONSISTENT.
    """
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "the object has no pixels")
    refuse_no_slice(dataset)


def refuse_no_slice(dataset: Dataset) -> None:
    """Stop what is, by its header alone, no slice of grey values.

    Raises:
        ItemError: UNSUPPORTED_OBJECT or GEOMETRY_INCONSISTENT.
    """
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if samples != 1:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{samples} samples per pixel, a volume holds one")
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "palette colour, a volume holds grey values")
    if "MOSAIC" in (dataset.get("ImageType") or ()):
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "a mosaic holds many slices in one plane")


def _refuse_undecodable(dataset: Dataset) -> None:
    """Tell a transfer syntax that this installation cannot decode from pixels that are damaged.

    Raises:
        ItemError: UNSUPPORTED_TRANSFER_SYNTAX.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        is_available = False
    if not is_available:
        raise ItemError(Reason.UNSUPPORTED_TRANSFER_SYNTAX, "no decoder for its pixels is installed")


def _stored_values(dataset: Dataset) -> NDArray[np.generic]:
    """`(N, Y, X)` stored values in their native type, or the output of a modality LUT where the object has one."""
    pixels: NDArray[np.generic] = dataset.pixel_array
    if "PixelData" in dataset:
        pixels = _without_unused_bits(pixels, int(dataset.BitsStored))
    if "ModalityLUTSequence" in dataset and "RescaleSlope" not in dataset:
        pixels = apply_modality_lut(pixels, dataset)
    return np.reshape(pixels, (-1, int(dataset.Rows), int(dataset.Columns)))


def _without_unused_bits(pixels: NDArray[np.generic], stored: int) -> NDArray[np.generic]:
    """Values cut to `stored` bits and sign-extended: old objects keep overlays or rubbish in the bits above."""
    shift = pixels.dtype.itemsize * 8 - stored
    if shift <= 0 or not np.issubdtype(pixels.dtype, np.integer):
        return pixels
    cut: NDArray[np.generic] = np.right_shift(np.left_shift(pixels, shift), shift).astype(pixels.dtype)
    return cut


def chosen_frames(dataset: Dataset, indices: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    """The stored values `(Y, X)` of frames of `dataset` in the order of `indices`, one at a time, in their native type.

    No modality LUT is applied: what comes back is what a frame holds.

    Raises:
        ItemError: UNSUPPORTED_TRANSFER_SYNTAX, or MALFORMED where a frame cannot be decoded.
    """
    with decoding("pixel data"):
        _refuse_unsupported(dataset)
        _refuse_undecodable(dataset)
        shape = (int(dataset.Rows), int(dataset.Columns))
        decoded = iter_pixels(dataset, indices=list(indices), raw=True)
    for _ in indices:
        # Each by itself: what lies between belongs to who asked.
        with decoding("pixel data"):
            stored: NDArray[np.generic] = next(decoded)
            if "PixelData" in dataset:
                stored = _without_unused_bits(stored, int(dataset.BitsStored))
            stored = np.reshape(stored, shape)
        yield stored


def frame_rescales(dataset: Dataset, count: int) -> list[tuple[float, float]]:
    """Slope and intercept of every frame; `(1, 0)` where the object states none."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is None:
        return [_rescale(dataset)] * count
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    macros = (macro_of(groups, shared, "PixelValueTransformationSequence") for groups in per_frame)
    return [_rescale(macro if "RescaleSlope" in macro else dataset) for macro in macros]


def _rescale(source: Dataset) -> tuple[float, float]:
    slope, intercept = source.get("RescaleSlope"), source.get("RescaleIntercept")
    return (1.0 if slope in (None, "") else float(slope), 0.0 if intercept in (None, "") else float(intercept))


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """A block that decodes `what`: what pydicom and its decoders raise becomes an `ItemError` without value or path.

    Their warnings are dropped for the same reason: they quote values.

    Raises:
        ItemError: UNREADABLE, NOT_DICOM or MALFORMED.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ItemError:
        raise
    except InvalidDicomError:
        raise ItemError(Reason.NOT_DICOM) from None
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, f"{what}: errno {error.errno}") from None
    except _PARSE_ERRORS as error:
        raise ItemError(Reason.MALFORMED, f"{what} cannot be decoded ({type(error).__name__})") from None
