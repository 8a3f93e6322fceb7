"""Predicted masks as NIfTI files.

The law: a prediction lies where its image lies; the same mask and item give the same bytes.

Sources: NIfTI-1 (world axes x to the right, y to the front: DICOM's LPS with two signs turned).
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from curator.errors import IntegrityError, UsageError
from curator.model.manifest import Item

INDEX_NAME = "predictions.json"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def prediction_paths(folder: Path, items: Sequence[Item]) -> list[Path]:
    """Where the predictions of `items` lie, in their order."""
    return [folder / f"{item.item_id}.nii.gz" for item in items]


def nifti_bytes(mask: NDArray[np.uint8], item: Item) -> bytes:
    """A gzipped NIfTI-1 of `mask` `(Z, Y, X)` on the item's grid; the same mask and item give the same bytes."""
    affine_ras = LPS_TO_RAS @ np.asarray(item.affine_lps, dtype=np.float64).reshape(4, 4)
    image: Any = nibabel.Nifti1Image(np.ascontiguousarray(mask.T), affine_ras)  # type: ignore[no-untyped-call]  # nibabel's is
    image.header.set_xyzt_units("mm")
    image.set_sform(affine_ras, code="scanner")
    image.set_qform(affine_ras, code="scanner")
    content: bytes = image.to_bytes()
    return gzip.compress(content, compresslevel=6, mtime=0)


def read_prediction(folder: Path, item: Item) -> NDArray[np.uint8]:
    """The predicted label values of one item, `(Z, Y, X)`.

    Raises:
        UsageError: it was not predicted.
        IntegrityError: it is not on the item's grid or cannot be read.
    """
    (path,) = prediction_paths(folder, [item])
    if not path.is_file():
        raise UsageError(f"item {item.item_id} has no prediction; run `curator predict` on this split first")
    try:
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        mask = np.asanyarray(image.dataobj).T
    except (OSError, EOFError, nibabel.filebasedimages.ImageFileError) as error:
        raise IntegrityError(f"the prediction of item {item.item_id} cannot be read; predict it again") from error
    if mask.shape != item.shape:
        raise IntegrityError(f"the prediction of item {item.item_id} is not on its image's grid; predict it again")
    return mask.astype(np.uint8)
