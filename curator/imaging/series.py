"""Released DICOM files of one series as one volume.

The law: the same files give the same volume in whatever order they are named, and a volume is regular or refused.

Sources: DICOM PS3.3 C.7.6.2, C.8.9.1 (PET rescales each slice on its own).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.imaging.frames import Frame, read_frames
from curator.imaging.geometry import stacked
from curator.model.quarantine import Reason
from curator.model.volume import Affine, Volume


def read_series(files: Sequence[Path]) -> Volume:
    """The volume of single-frame slices, of multi-frame objects or of one image.

    Stored values keep their native type; where slices differ in rescale they are physical values, float32, slope 1. An
    image without a position in the patient (a radiograph, a cine) lies in a frame of its own: origin 0, axes as
    displayed, frames 1 mm apart.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, also for no files; otherwise as `read_frames`.
    """
    frames = [frame for file in files for frame in read_frames(file)]
    if not frames:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "no images")
    shapes = {frame.stored.shape for frame in frames}
    if len(shapes) > 1:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"{len(frames)} images come in {len(shapes)} matrix sizes")
    planes = [frame.plane for frame in frames if frame.plane is not None]
    if not planes:
        return _unplaced(frames, file_count=len(files))
    if len(planes) < len(frames):
        detail = f"{len(frames) - len(planes)} of {len(frames)} images have no position"
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, detail)
    stack = stacked(planes)
    return _volume([frames[index] for index in stack.order], stack.affine_lps)


def _unplaced(frames: Sequence[Frame], *, file_count: int) -> Volume:
    """One image or cine in a frame of its own.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT where there are several files: nothing says how they lie to each other.
    """
    if file_count > 1:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"{file_count} files without a position")
    row_mm, column_mm = frames[0].spacing_mm
    if not (0 < row_mm < np.inf and 0 < column_mm < np.inf):
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "a pixel spacing is not positive")
    return _volume(frames, np.diag([column_mm, row_mm, 1.0, 1.0]))


def _volume(frames: Sequence[Frame], affine_lps: Affine) -> Volume:
    rescales = {(frame.rescale_slope, frame.rescale_intercept) for frame in frames}
    if not np.isfinite(list(rescales)).all() or any(slope == 0 for slope, _ in rescales):
        raise ItemError(Reason.MALFORMED, "a rescale slope or intercept gives no values")
    if len(rescales) > 1 or len({frame.stored.dtype for frame in frames}) > 1:
        return Volume(stored=np.stack([_physical(frame) for frame in frames]), affine_lps=affine_lps)
    slope, intercept = rescales.pop()
    return Volume(
        stored=np.stack([frame.stored for frame in frames]),
        affine_lps=affine_lps,
        rescale_slope=slope,
        rescale_intercept=intercept,
    )


def _physical(frame: Frame) -> NDArray[np.float32]:
    values = frame.stored.astype(np.float64) * frame.rescale_slope + frame.rescale_intercept
    return values.astype(np.float32)
