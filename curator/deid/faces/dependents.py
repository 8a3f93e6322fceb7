"""What was made from images and follows them when a face is taken out: segmentations, doses, structure sets.

The law: what lies in the zone is gone from every object that can be changed, and one that traces surfaces and cannot be
is refused, never let pass.

Sources: DICOM PS3.4 B.5 (storage classes); PS3.3 A.51, A.57, A.18, A.19, A.85.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from curator.deid.faces.contours import Inside
from curator.deid.faces.patch import Patch
from curator.deid.faces.patch_proof import patch_problem
from curator.deid.faces.patched import patched
from curator.deid.faces.structure_set import outside_zone, points_in_zone
from curator.deid.faces.zone_pixels import dose_patch, segmentation_patch
from curator.deid.pixels.redrawn import Scratch
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.model.quarantine import Reason

_CLASSES = "1.2.840.10008.5.1.4.1.1."


class Dependent(StrEnum):
    """How an object follows its images."""

    SEGMENTATION = "segmentation"
    DOSE = "dose"
    STRUCTURES = "structures"
    SURFACE = "surface"


_KINDS = {
    _CLASSES + "66.4": Dependent.SEGMENTATION,
    _CLASSES + "66.7": Dependent.SEGMENTATION,
    _CLASSES + "481.2": Dependent.DOSE,
    _CLASSES + "481.3": Dependent.STRUCTURES,
    # Surface Segmentation; Surface Scan Mesh and Point Cloud; Encapsulated STL, OBJ and MTL.
    **{_CLASSES + last: Dependent.SURFACE for last in ("66.5", "68.1", "68.2", "104.3", "104.4", "104.5")},
}


@dataclass(frozen=True, slots=True)
class Followed:
    """An object outside the zone: the source's own bytes where nothing of it was in there.

    `pixels` counts pixels that were emptied, `contours_cut` and `contours_removed` contours. `patch` is what was drawn
    into a segmentation or a dose, None for contours.
    """

    data: Stored = field(repr=False)
    kind: Dependent
    pixels: int = 0
    contours_cut: int = 0
    contours_removed: int = 0
    patch: Patch | None = field(default=None, repr=False)


def dependent_of(sop_class_uid: str) -> Dependent | None:
    """How instances of a SOP Class follow their images; None for those that do not."""
    return _KINDS.get(sop_class_uid)


def followed(data: Stored, kind: Dependent, inside: Inside, *, scratch: Scratch) -> Followed:
    """The object without what lies in the zone; `inside` takes patient points `(N, 3)`, LPS millimetres.

    What is written is read again: it has nothing in the zone left, and the same everywhere else.

    Raises:
        ItemError: FACE_POSSIBLE for surfaces, which cannot be cut, and where something is left; as
            `segmentation_patch`, `dose_patch`, `patched` and `outside_zone`.
    """
    if kind is Dependent.SURFACE:
        raise ItemError(Reason.FACE_POSSIBLE, "a surface in three dimensions may trace the face and cannot be cut")
    if kind is Dependent.STRUCTURES:
        structures = outside_zone(data, inside, scratch=scratch)
        left = points_in_zone(structures.data, inside)
        if left:
            raise ItemError(Reason.FACE_POSSIBLE, f"{left} points of contours are still in the zone")
        return Followed(structures.data, kind, contours_cut=structures.cut, contours_removed=structures.removed)
    patch_of = segmentation_patch if kind is Dependent.SEGMENTATION else dose_patch
    patch = patch_of(data, inside)
    done = patched(data, patch, scratch=scratch)
    if patch_of(done.data, inside).frames or patch_problem(done.data, data, patch) is not None:
        raise ItemError(Reason.FACE_POSSIBLE, "something is left in the zone")
    return Followed(done.data, kind, pixels=patch.pixels, patch=patch)
