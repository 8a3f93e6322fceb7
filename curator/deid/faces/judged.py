"""What is shown of a scan that was made anew: proofs from the cheapest on, up to the first that fails.

The law: every proof is made on the voxels that would be written, and what was not asked is no pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from curator.deid.faces.attack import ALL, IN_TURN, Seen, Was, attacked
from curator.deid.faces.audit import shows_face
from curator.deid.faces.fill import Filled
from curator.deid.faces.likeness import Likeness, LineUps
from curator.deid.faces.proof import Geometry, geometry
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import View, view_of
from curator.deid.faces.windows import sockets_of
from curator.deid.faces.zone import Curtain, Zone
from curator.imaging.frame import Frame
from curator.model.faces import FaceMode
from curator.policy.faces.defacing import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How hard what was made anew is tried.

    `people` are those whom it is compared with, None where its face was never clearly seen. `axes` is a frame along the
    patient's axes: from there it is looked at as well, for that is what everybody sees who opens a scan. One that
    `is_quick` looks from the front alone; one that `is_lenient` lets pass inside tissue what backs of heads show as
    well.
    """

    people: LineUps | None
    axes: Frame
    mode: FaceMode
    is_quick: bool = False
    is_lenient: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What was shown of a defaced scan, from the cheapest proof on; None for what came after the first that failed.

    `has_sockets`: two eye sockets under a brow are seen by their shape alone. `alike` is None too where its face was
    never clearly seen. `is_found`: an audit, which knows nothing of the original, finds a face; it is asked last.
    """

    geometry: Geometry
    seen: Seen | None
    alike: Likeness | None
    has_sockets: bool = False
    is_found: bool = False

    def failure(self, numbers: Numbers) -> str:
        """What was not shown, in structural words; "" for nothing."""
        if not self.geometry.is_proven(numbers):
            return "the old surface can be had back"
        if self.has_sockets:
            return "eye sockets are seen under a brow"
        if self.seen is None or not self.seen.is_clear(numbers):
            return "a detector still sees a face"
        if self.alike is not None and not self.alike.is_other(numbers):
            return "the original is the most alike in the gallery"
        if self.is_found:
            return "an audit still finds a face"
        return ""

    def numbers(self) -> dict[str, float]:
        """The numbers for the ledger."""
        found = {
            "recovered": self.geometry.recovered,
            "old_skin_kept": float(self.geometry.unchanged),
            "after_sockets": float(self.has_sockets),
            "after_audit": float(self.is_found),
        }
        if self.seen is not None:
            found |= {
                "after_best": self.seen.best,
                "after_bright": self.seen.bright,
                "after_back_of_head": self.seen.null,
                "after_hits": float(self.seen.hits),
                "after_looks": float(self.seen.looks),
                "after_beside": float(self.seen.beside),
                "after_network": self.seen.network,
            }
        if self.alike is not None:
            found |= {
                "distance": self.alike.distance,
                "rank": float(self.alike.rank),
                "gallery": float(self.alike.gallery),
            }
        return found


def judged(after: Scan, zone: Zone, views: tuple[View, ...], new: Filled, tools: FaceTools, trial: Trial) -> Judged:
    """What is shown of `new` voxels: each curtain by geometry, then the first by detectors, then likeness and audit.

    `views` are the original as each curtain's camera saw it.
    """
    numbers = tools.rules.numbers
    front = view_of(after, zone.curtains[0].frame, tools.resampler, levels=views[0].levels)
    shown = [
        _geometry(after, curtain, before, front if curtain is zone.curtains[0] else None, new, tools)
        for curtain, before in zip(zone.curtains, views, strict=True)
    ]
    whole = Geometry(
        max(one.recovered for one in shown), sum(one.unchanged for one in shown), sum(one.rays for one in shown)
    )
    if not whole.is_proven(numbers):
        return Judged(whole, None, None)
    # A smooth skin has none by its making.
    if trial.mode is not FaceMode.SMOOTH and sockets_of(front) is not None:
        return Judged(whole, None, None, has_sockets=True)
    people = trial.people
    was = Was(views[0], zone.curtains[0], None if people is None else people.middle_of(zone.curtains[0]))
    seen = attacked(
        _looks(after, front, trial, tools),
        tools.judge,
        tools.resampler,
        numbers,
        is_quick=trial.is_quick,
        was=was,
        null_from=numbers.tissue_score if trial.is_lenient else None,
        shares=IN_TURN if _looks_twice(front, trial) else ALL,
    )
    if trial.is_quick or not seen.is_clear(numbers):
        return Judged(whole, seen, None)
    alike = None if people is None else people.likeness(after, tools)
    is_other = alike is None or alike.is_other(numbers)
    # Whoever is given this scan may look as well, and is not told where its face was.
    return Judged(whole, seen, alike, is_found=is_other and shows_face(after, tools))


def _looks(after: Scan, front: View, trial: Trial, tools: FaceTools) -> Iterator[View]:
    """What is left, from in front of the face and then, where that is another way to look, along the patient's axes."""
    yield front
    if _looks_twice(front, trial):
        yield view_of(after, trial.axes, tools.resampler, levels=front.levels)


def _looks_twice(front: View, trial: Trial) -> bool:
    return not trial.is_quick and trial.axes is not front.frame


def _geometry(
    after: Scan, curtain: Curtain, before: View, view: View | None, new: Filled, tools: FaceTools
) -> Geometry:
    view = view if view is not None else view_of(after, curtain.frame, tools.resampler, levels=before.levels)
    return geometry(before, view, new.mask, after.volume.affine_lps, curtain, tools.rules.numbers)
