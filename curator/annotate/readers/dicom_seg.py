"""A DICOM SEG on the grid of its image.

The law: a frame goes where its position says, whatever frames were left out, in whatever order and orientation they
stand; what the SEG does not name is background.

BINARY, FRACTIONAL (occupancy or probability of at least one half counts) and LABELMAP are read. Where segments of two
labels claim one voxel, the label table says whether the higher value wins or the annotation is refused.

Sources: DICOM PS3.3 A.51, C.8.20; Supplement 243 (label maps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from curator.annotate.readers.labels import LabelTable
from curator.errors import ItemError
from curator.imaging.frames import Frame, decoding, frames_of, read_dataset
from curator.imaging.geometry import stacked
from curator.imaging.grid import onto_grid
from curator.model.annotation import Label
from curator.model.quarantine import Reason
from curator.model.volume import Volume

_SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_BACKGROUND_CODE = ("125040", "DCM")
_NO_SEGMENT = 0  # a label map's background, described or not
_FRACTION = 0.5


@dataclass(frozen=True, slots=True)
class SegMask:
    """What a SEG says: `mask` is `(Z, Y, X)` label values, `labels` those it has segments for, empty ones included."""

    mask: NDArray[np.uint8] = field(repr=False)
    labels: tuple[Label, ...]


def read_seg(path: Path, *, image: Volume, table: LabelTable) -> SegMask:
    """All segments of the SEG at `path` in the voxel order of `image`.

    Raises:
        ItemError: ANNOTATION_INVALID where it is no SEG, a segment is not in `table` or labels overlap against the
            table's word; GEOMETRY_MISMATCH where a frame does not lie on a slice; otherwise as `frames_of`.
    """
    dataset = read_dataset(path)
    with decoding("segments"):
        if dataset.get("SOPClassUID") not in _SEG_CLASSES:
            raise ItemError(Reason.ANNOTATION_INVALID, "no segmentation object")
        meanings = _meanings(dataset, table)
        claims = [_claim(dataset, number) for number in range(_frame_count(dataset))]
    mask = np.zeros(image.shape, np.uint8)
    overlap_voxels = 0
    for frame, claim in zip(frames_of(dataset), claims, strict=True):
        z, stored = _on_slice(frame, image)
        for label, inside in claim.labelled(stored, meanings):
            target = mask[z]
            overlap_voxels += int(np.count_nonzero(inside & (target != 0) & (target != label.value)))
            np.maximum(target, np.uint8(label.value), where=inside, out=target)
    if overlap_voxels and not table.higher_value_wins:
        detail = f'{overlap_voxels} voxels belong to two labels; declare overlap = "higher_value" to let the higher win'
        raise ItemError(Reason.ANNOTATION_INVALID, detail)
    return SegMask(mask, tuple(sorted({label for label in meanings.values() if label is not None})))


def referenced_series(path: Path) -> tuple[str, ...]:
    """The Series Instance UIDs that the SEG at `path` refers to, sorted; () where it names none.

    Raises:
        ItemError: as `read_dataset`.
    """
    dataset = read_dataset(path)
    with decoding("references"):
        items = dataset.get("ReferencedSeriesSequence") or ()
        return tuple(sorted({str(item.SeriesInstanceUID) for item in items if "SeriesInstanceUID" in item}))


@dataclass(frozen=True, slots=True)
class _Claim:
    """Which segment one frame speaks for; None where its pixels are segment numbers.

    A pixel counts from `threshold` on; `padding` is the segment number that says nothing, None where there is none.
    """

    segment: int | None
    threshold: float = 1.0
    padding: int | None = None

    def labelled(
        self, stored: NDArray[np.generic], meanings: Mapping[int, Label | None]
    ) -> list[tuple[Label, NDArray[np.bool_]]]:
        """Each label that `stored`, `(Y, X)`, holds with where it does; nothing for background.

        Raises:
            ItemError: ANNOTATION_INVALID where it speaks for a segment that is not described.
        """
        if self.segment is not None:
            inside = {self.segment: stored.astype(np.int64) >= self.threshold}
        else:
            numbers = set(np.unique(stored).tolist()) - {self.padding, _NO_SEGMENT}
            inside = {number: stored == number for number in sorted(numbers)}
        if not inside.keys() <= meanings.keys():
            raise ItemError(Reason.ANNOTATION_INVALID, "a frame speaks for a segment that is not described")
        found = ((meanings[number], where) for number, where in inside.items())
        return [(label, where) for label, where in found if label is not None]


def _frame_count(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _meanings(dataset: Dataset, table: LabelTable) -> dict[int, Label | None]:
    """Segment number to declared label, None for a segment that is described as background.

    Raises:
        ItemError: ANNOTATION_INVALID; the detail counts segments, whose names may be an author's own words.
    """
    meanings: dict[int, Label | None] = {}
    unknown = []
    for segment in dataset.SegmentSequence:
        kind = (segment.get("SegmentedPropertyTypeCodeSequence") or [Dataset()])[0]
        code = (str(kind.get("CodeValue") or ""), str(kind.get("CodingSchemeDesignator") or ""))
        number = int(segment.SegmentNumber)
        if code == _BACKGROUND_CODE:
            meanings[number] = None
            continue
        names = (str(segment.get("SegmentLabel") or ""), str(kind.get("CodeMeaning") or ""))
        label = table.meant_by(names, code_value=code[0], coding_scheme=code[1])
        if label is None:
            unknown.append(number)
        else:
            meanings[number] = label
    if unknown:
        raise ItemError(Reason.ANNOTATION_INVALID, f"segments that no label declares: {sorted(unknown)}")
    return meanings


def _claim(dataset: Dataset, frame: int) -> _Claim:
    """What frame number `frame` (0-based) speaks for."""
    kind = dataset.SegmentationType
    if kind == "LABELMAP":
        padding = dataset.get("PixelPaddingValue")
        return _Claim(None, padding=None if padding is None else int(padding))
    number = _segment_number(dataset, frame)
    if kind == "FRACTIONAL":
        return _Claim(number, threshold=_FRACTION * int(dataset.MaximumFractionalValue))
    if kind == "BINARY":
        return _Claim(number)
    raise ItemError(Reason.ANNOTATION_INVALID, "the segmentation type is none of the standard's")


def _segment_number(dataset: Dataset, frame: int) -> int:
    groups = dataset.PerFrameFunctionalGroupsSequence[frame]
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    source = groups if "SegmentIdentificationSequence" in groups else shared
    return int(source.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def _on_slice(frame: Frame, image: Volume) -> tuple[int, NDArray[np.generic]]:
    """The slice of `image` that `frame` lies on, and its pixels `(Y, X)` in that slice's order.

    Raises:
        ItemError: GEOMETRY_MISMATCH.
    """
    if frame.plane is None:
        raise ItemError(Reason.GEOMETRY_MISMATCH, "a frame has no position in the patient")
    affine = stacked([frame.plane]).affine_lps
    z = int(np.rint(np.linalg.solve(image.affine_lps, affine[:, 3])[2]))
    if not 0 <= z < image.shape[0]:
        raise ItemError(Reason.GEOMETRY_MISMATCH, "a frame lies outside the image")
    at_slice = image.affine_lps.copy()
    at_slice[:3, 3] += z * image.affine_lps[:3, 2]
    plane = Volume(stored=frame.stored[np.newaxis], affine_lps=affine)
    return z, onto_grid(plane, Volume(stored=image.stored[z : z + 1], affine_lps=at_slice))[0]
