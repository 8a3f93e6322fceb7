"""NIfTI files without a face.

The law: what is given back was read again and is the file that came with exactly the voxels other that defacing named,
and a header that says nothing but where they lie; or there is nothing to give back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from curator.deid.faces.fill import Filled
from curator.deid.faces.scan import Scan
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.treated import Treated
from curator.errors import ItemError
from curator.imaging.nifti_bare import bare_nifti
from curator.imaging.nifti_series import NiftiSeries, changed_nifti, read_nifti_series
from curator.model.faces import FaceStatus
from curator.model.quarantine import Reason

# All volumes of a file lie on one grid, and so in one frame of reference.
_FRAME = "file"


@dataclass(frozen=True, slots=True)
class NiftiFaces:
    """What became of each volume of a file, and the file as it may go, None where it may not."""

    treated: tuple[Treated, ...]
    content: bytes | None = field(repr=False)


def scans_of(series: NiftiSeries) -> tuple[Scan, ...]:
    """The volumes of a file as defacing takes them; the header says nothing of the body part."""
    kind = series.voxel_type
    limits = np.iinfo(kind.str) if kind.kind in "iu" else None
    low, high = (-np.inf, np.inf) if limits is None else (float(limits.min), float(limits.max))
    return tuple(Scan(volume=one, frame_of_reference=_FRAME, lowest=low, highest=high) for one in series.volumes)


def nifti_faces(path: Path, tools: FaceTools, *, wish: Wish, secret: bytes) -> NiftiFaces:
    """What defacing makes of a file.

    Raises:
        ItemError: as `read_nifti_series`; FACE_UNPROVEN, what would be written is not what was proven.
    """
    series = read_nifti_series(path)
    treated = treat_study(scans_of(series), tools, wish=wish, secret=secret)
    if any(one.outcome.status is FaceStatus.QUARANTINED for one in treated):
        return NiftiFaces(treated, None)
    filled = {number: one.filled for number, one in enumerate(treated) if one.filled is not None}
    content = bare_nifti(changed_nifti(series, {at: (one.mask, one.stored) for at, one in filled.items()}))
    written = read_nifti_series(content)
    changes = [filled.get(number) for number in range(len(series.volumes))]
    if not _is_changed(series, written, changes):
        raise ItemError(Reason.FACE_UNPROVEN, "the voxels written are not those that were proven")
    return NiftiFaces(treated, content)


def _is_changed(before: NiftiSeries, after: NiftiSeries, changes: Sequence[Filled | None]) -> bool:
    """Whether the volumes of a file are those of another with changes, bit for bit, in the same place."""
    if len(before.volumes) != len(after.volumes) or before.voxel_type != after.voxel_type:
        return False
    for old, new, change in zip(before.volumes, after.volumes, changes, strict=True):
        wanted = old.stored if change is None else change.onto(old.stored)
        same = wanted.shape == new.stored.shape and wanted.tobytes() == new.stored.tobytes()
        scale = (old.rescale_slope, old.rescale_intercept) == (new.rescale_slope, new.rescale_intercept)
        if not (same and scale and np.array_equal(old.affine_lps, new.affine_lps)):
            return False
    return True
