"""The annotation that a row of the index stands for.

The law: the index speaks of source identifiers and authors by name; an `Annotation` has only what replaces them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.annotate.readers.dicom_seg import read_seg
from curator.annotate.readers.index import IndexEntry
from curator.annotate.readers.labels import LabelTable
from curator.annotate.readers.nifti import read_nifti_mask
from curator.errors import ItemError
from curator.model.annotation import Annotation, Label
from curator.model.quarantine import Reason
from curator.model.volume import Volume

_DICOM_MAGIC = b"DICM"


def read_annotation(
    entry: IndexEntry,
    *,
    image: Volume,
    table: LabelTable,
    uid: Callable[[str], str],
    author_code: Callable[[str], str],
) -> Annotation:
    """The annotation of one row on the grid of `image`, NIfTI or DICOM SEG by content.

    `uid` and `author_code` give what replaces a source UID and an author's name. A NIfTI mask is taken to answer for
    every label of `table`, a SEG for the labels it has segments for.

    Raises:
        ItemError: as `read_nifti_mask` and `read_seg`.
    """
    mask, labels = _mask(entry.path, image, table)
    return Annotation(
        SeriesInstanceUID=uid(entry.SeriesInstanceUID),
        author_code=author_code(entry.author),
        role=entry.role,
        tool=entry.tool,
        labels=labels,
        mask=mask,
    )


def _mask(path: Path, image: Volume, table: LabelTable) -> tuple[NDArray[np.uint8], tuple[Label, ...]]:
    try:
        with path.open("rb") as stream:
            is_dicom = stream.read(132)[128:] == _DICOM_MAGIC
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, f"errno {error.errno}") from None
    if is_dicom:
        seg = read_seg(path, image=image, table=table)
        return seg.mask, seg.labels
    return read_nifti_mask(path, image=image, table=table), table.labels
