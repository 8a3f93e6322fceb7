"""A NIfTI label map on the grid of its image.

The law: a voxel holds a whole number that the label table declares, or 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.annotate.readers.labels import LabelTable
from curator.errors import ItemError
from curator.imaging.grid import onto_grid
from curator.imaging.nifti import read_nifti
from curator.model.quarantine import Reason
from curator.model.volume import Volume

_LARGEST_VALUE = 255


def read_nifti_mask(path: Path, *, image: Volume, table: LabelTable) -> NDArray[np.uint8]:
    """The mask in `path`, `(Z, Y, X)` label values in the voxel order of `image`.

    Raises:
        ItemError: ANNOTATION_INVALID for values that are not declared; GEOMETRY_MISMATCH; otherwise as `read_nifti`.
    """
    mask = label_values(read_nifti(path), grid=image)
    undeclared = set(np.unique(mask).tolist()) - {label.value for label in table.labels} - {0}
    if undeclared:
        raise ItemError(Reason.ANNOTATION_INVALID, f"mask values that no label declares: {sorted(undeclared)}")
    return mask


def label_values(volume: Volume, *, grid: Volume) -> NDArray[np.uint8]:
    """The physical values of `volume` as uint8, `(Z, Y, X)` in the voxel order of `grid`.

    Raises:
        ItemError: ANNOTATION_INVALID for values that are no whole numbers from 0 to 255; GEOMETRY_MISMATCH.
    """
    stored = onto_grid(volume, grid)
    is_rescaled = (volume.rescale_slope, volume.rescale_intercept) != (1.0, 0.0)
    if is_rescaled or not np.issubdtype(stored.dtype, np.integer):
        values = stored.astype(np.float64) * volume.rescale_slope + volume.rescale_intercept
        if not (values == np.floor(values)).all():  # NaN equals nothing
            raise ItemError(Reason.ANNOTATION_INVALID, "mask values are not whole numbers")
        stored = values
    if stored.size and not 0 <= float(np.min(stored)) <= float(np.max(stored)) <= _LARGEST_VALUE:
        raise ItemError(Reason.ANNOTATION_INVALID, "mask values are not between 0 and 255")
    return stored.astype(np.uint8)
