"""One instance without a face, on its way to header de-identification.

The law: what is handed on was read again and is the source with the patch in it, or without what lies in the zone, and
nothing else; what is then written has these pixels, or goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from curator.deid.faces.contours import Inside
from curator.deid.faces.dependents import Dependent, Followed, dependent_of, followed
from curator.deid.faces.patch_proof import has_pixels_of, patch_problem
from curator.deid.faces.patched import patched, without_untrue
from curator.deid.faces.structure_set import points_in_zone
from curator.deid.faces.zone_file import joined, zone_from
from curator.deid.pixels.file_image import Scratch
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.jobs.faces.treat import Faced
from curator.model.quarantine import Reason

_ZONES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Masked:
    """An instance as header de-identification takes it; `inside` is the zone that its contours keep clear of.

    `is_proven`: it may be claimed that nobody can be recognized in it.
    """

    data: Stored = field(repr=False)
    syntax_uid: str
    is_proven: bool
    evidence: Mapping[str, object] = field(repr=False)
    inside: Inside | None = field(repr=False, default=None)

    def is_in(self, written: Stored) -> bool:
        """Whether a written file shows exactly this.

        Raises:
            ItemError: it cannot be read.
        """
        if self.inside is not None:
            return not points_in_zone(written, self.inside)
        return has_pixels_of(written, self.data)


def without_face(data: Stored, faced: Faced, *, scratch: Scratch) -> Masked:
    """An image with what defacing made of it in its pixels.

    Raises:
        ItemError: FACE_UNPROVEN, what was drawn is not what was proven; otherwise as `patched`.
    """
    done = patched(data, faced.patch, scratch=scratch)
    if done.to_padding:
        raise ItemError(Reason.FACE_UNPROVEN, f"{done.to_padding} new pixels would say that there is no image")
    problem = patch_problem(done.data, data, faced.patch) if faced.patch.frames else None
    if problem is not None:
        raise ItemError(Reason.FACE_UNPROVEN, problem)
    shown = without_untrue(done.data, scratch=scratch) if faced.is_defaced else done.data
    return Masked(shown, done.syntax_uid, is_proven=True, evidence=faced.evidence)


def without_zones(data: Stored, sop_class_uid: str, zones: Sequence[str], *, scratch: Scratch) -> Masked:
    """What was made from images, without what lies in their zones; `zones` are files.

    Raises:
        ItemError: FACE_POSSIBLE, it cannot be cut, or something is left; otherwise as `followed`.
    """
    kind = dependent_of(sop_class_uid)
    if kind is None:
        raise ItemError(Reason.FACE_POSSIBLE, "it follows from images that were defaced, and nothing cuts its kind")
    inside = _inside(tuple(zones))
    done = followed(data, kind, inside, scratch=scratch)
    is_drawn = kind in (Dependent.STRUCTURES, Dependent.SURFACE)
    return Masked(
        done.data,
        parse(done.data if isinstance(done.data, bytes) else memoryview(done.data)).syntax.uid,
        # Contours are no picture in which the standard would have this said.
        is_proven=not is_drawn,
        evidence=_evidence(done),
        inside=inside if is_drawn else None,
    )


def _evidence(done: Followed) -> dict[str, object]:
    return {
        "follows": done.kind.value,
        "pixels_emptied": done.pixels,
        "contours_cut": done.contours_cut,
        "contours_removed": done.contours_removed,
    }


@lru_cache(maxsize=_ZONES_AT_ONCE)
def _inside(zones: tuple[str, ...]) -> Inside:
    return joined(zone_from(Path(one).read_bytes()) for one in zones).holds
