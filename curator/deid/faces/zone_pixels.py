"""Segmentations and doses without what lies in the zone that was removed from their images.

Where the zone was they say nothing: no segment, no dose. A dose that went on, made up from what surrounds it, would be
an invented one; that of the border tells by its edge where the skin had been.

The law: a pixel whose centre lies in the zone holds the background afterwards; no other pixel is named.

Sources: DICOM PS3.3 C.8.20 (segmentation), Supplement 243 (label maps), C.8.8.3 (RT Dose).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from curator.deid.faces.contours import Inside
from curator.deid.faces.patch import FramePatch, Patch
from curator.deid.faces.patched import pixels_of
from curator.deid.faces.real_numbers import RealPixels
from curator.deid.pixels.frames import Frames
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.imaging.frames import decoding, frame_planes
from curator.imaging.slices import opened
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason

_BATCH = 1 << 18


def segmentation_patch(data: Stored, inside: Inside) -> Patch:
    """What takes a segmentation (binary, fractional, label map) out of the zone; nothing where it does not reach in.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT where a frame has no position; UNSUPPORTED_OBJECT or MALFORMED.
    """
    dataset = opened(data, with_pixels=False)
    frames = _frames(data)
    with decoding("the planes of frames"):
        planes = frame_planes(dataset)
        padding = dataset.get("PixelPaddingValue") if dataset.get("SegmentationType") == "LABELMAP" else None
        background = 0 if padding is None else int(padding)
    return _patch(frames, planes, inside, background=background)


def dose_patch(data: Stored, inside: Inside) -> Patch:
    """What takes a dose out of the zone; nothing where there is none in it.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT where it does not say where its planes lie; UNSUPPORTED_OBJECT or MALFORMED.
    """
    dataset = opened(data, with_pixels=False)
    frames = _frames(data)
    with decoding("the planes of a dose"):
        planes = dose_planes(dataset, len(frames))
    return _patch(frames, planes, inside, background=0)


def dose_planes(dataset: Dataset, count: int) -> tuple[PlaneGeometry, ...]:
    """The planes of a dose of `count` frames: the first one's, moved along its normal by the grid's offsets.

    Offsets that do not begin with 0 are coordinates along the normal; only what lies between them counts.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT; values that are no numbers raise what pydicom raises.
    """
    first = frame_planes(_alone(dataset))[0]
    if first is None:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "a dose without a position")
    stated = dataset.get("GridFrameOffsetVector")
    several = [] if stated is None else list(stated) if isinstance(stated, Sequence) else [stated]
    offsets_mm = np.array(several or [0.0], np.float64)
    if len(offsets_mm) != count or not np.isfinite(offsets_mm).all():
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"{len(offsets_mm)} offsets for {count} planes of a dose")
    cosines = np.array(first.ImageOrientationPatient)
    normal = np.cross(cosines[:3], cosines[3:])
    moved = np.array(first.ImagePositionPatient) + np.outer(offsets_mm - offsets_mm[0], normal)
    return tuple(
        PlaneGeometry(
            ImagePositionPatient=(float(x), float(y), float(z)),
            ImageOrientationPatient=first.ImageOrientationPatient,
            PixelSpacing=first.PixelSpacing,
            SliceThickness=first.SliceThickness,
        )
        for x, y, z in moved
    )


def _alone(dataset: Dataset) -> Dataset:
    """The attributes of the plane as those of an image of one frame."""
    alone = Dataset()
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        if keyword in dataset:
            alone[keyword] = dataset[keyword]
    return alone


def _frames(data: Stored) -> Frames:
    frames = pixels_of(parse(data if isinstance(data, bytes) else memoryview(data)))
    if isinstance(frames, RealPixels) or frames.module.samples != 1:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "pixels that are no whole numbers, or several each")
    return frames


def _patch(frames: Frames, planes: Sequence[PlaneGeometry | None], inside: Inside, *, background: int) -> Patch:
    if len(planes) != len(frames):
        raise ItemError(Reason.MALFORMED, f"{len(frames)} frames of pixels, {len(planes)} of attributes")
    parts: dict[int, FramePatch] = {}
    for index, plane in enumerate(planes):
        if plane is None:
            raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"frame {index} has no position")
        stored = frames.decode(index)
        mask = _reached(stored != background, plane, inside)
        count = int(np.count_nonzero(mask))
        if count:
            parts[index] = FramePatch(mask, np.full(count, background, stored.dtype.newbyteorder("=")))
    return Patch(parts)


def _reached(there: NDArray[np.bool_], plane: PlaneGeometry, inside: Inside) -> NDArray[np.bool_]:
    """Which of the pixels that are `there`, `(Y, X)`, have their centre in the zone."""
    mask = np.zeros(there.shape, bool)
    for rows, columns, points in _centres(there, plane):
        hit = inside(points)
        mask[rows[hit], columns[hit]] = True
    return mask


def _centres(
    there: NDArray[np.bool_], plane: PlaneGeometry
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]]:
    """Rows, columns and centres `(N, 3)` (LPS, millimetres) of pixels, so many at a time."""
    cosines, corner = np.array(plane.ImageOrientationPatient), np.array(plane.ImagePositionPatient)
    row_mm, column_mm = plane.PixelSpacing
    if not np.isfinite([*cosines, *corner, row_mm, column_mm]).all():
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "a position, orientation or pixel spacing is not a finite number")
    rows, columns = np.nonzero(there)
    for start in range(0, len(rows), _BATCH):
        some_rows, some_columns = rows[start : start + _BATCH], columns[start : start + _BATCH]
        along = np.outer(some_columns * column_mm, cosines[:3]) + np.outer(some_rows * row_mm, cosines[3:])
        yield some_rows, some_columns, corner + along
