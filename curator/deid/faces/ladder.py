"""One scan taken up the ladder: defaced on a rung, proven and attacked, and from its original again on the next.

The law: what is given back passed every proof on the voxels that would be written, or it is None and nothing of it may
go.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from curator.deid.faces.attack import Seen, Was, attacked
from curator.deid.faces.audit import shows_face
from curator.deid.faces.fill import Filled, filled
from curator.deid.faces.find import Sight
from curator.deid.faces.likeness import Likeness, LineUps
from curator.deid.faces.proof import Geometry, geometry
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import Style, Window, curtain_for
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.view import FLESH, STEP_MM, View, body_of, view_of
from curator.deid.faces.windows import ear_window, face_window, front_window, landmark_points, sockets_of
from curator.deid.faces.zone import Curtain, Zone
from curator.imaging.frame import Frame, corners_of, cropped_frame, frame_around
from curator.model.faces import FaceMode
from curator.policy.faces.defacing import Numbers, Rung

# Teeth lie this much deeper than a face does.
_TEETH_MM = 14.0
# Air that a camera needs around a head.
_AIR_MM = 12.0
# One draw after the other: where one look at one new skin failed, another relief alone often fails too.
_STYLES = tuple(Style(is_round=is_round, is_soft=is_soft) for is_round in (True, False) for is_soft in (False, True))


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


@dataclass(frozen=True, slots=True)
class Defaced:
    """A scan after a rung: where and what changed, and what was shown; `fails` names what was not, "" for a pass."""

    zone: Zone
    filled: Filled
    judged: Judged
    rung: int
    fails: str = ""


def attempts(
    scan: Scan, view: View, sight: Sight | None, tools: FaceTools, *, wish: Wish, secret: bytes, first: int = 0
) -> Iterator[Defaced]:
    """The scan on one rung after the other, from the rung `first` on; the first without `fails` is proven.

    `sight` is None where its face was not clearly seen: then the rungs around a face are left out. Nothing where no
    skin is met.
    """
    if sight is None:
        front, face, axes = view, None, view.frame
    else:
        axes = _body_frame(view)
        frame = frame_around(corners_of(axes), sight.axes, step_mm=STEP_MM)
        front = view_of(scan, frame, tools.resampler, levels=view.levels)
        face = face_window(landmark_points(sight), front, tools.rules.numbers)
    people = LineUps(scan, view.levels, sight, tools)
    for number, rung in enumerate(tools.rules.ladder):
        if number < first or (rung.window == "face" and face is None):
            continue
        for draw in range(rung.draws):
            drawn = secret + bytes([number, draw])
            zone = _zone(scan, front, face, _as_wished(rung, wish), tools, secret=drawn, style=_STYLES[draw % 4])
            if zone is None:
                break
            attempt = carried(scan, zone, people, front, tools, wish=wish, secret=drawn, rung=number, axes=axes)
            yield attempt
            # Another relief may look less like a face, but hides no more of the old skin.
            if not attempt.judged.geometry.is_proven(tools.rules.numbers):
                break


def _body_frame(view: View) -> Frame:
    """The part of a view's frame around the head, with some air."""
    body = body_of(view.even > FLESH)
    margin = round(_AIR_MM / view.frame.step_mm)
    start, shape = [], []
    for axis, length in enumerate(body.shape):
        places = np.flatnonzero(body.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = (int(places[0]), int(places[-1])) if places.size else (0, length - 1)
        first, last = max(0, first - margin), min(length - 1, last + margin)
        start.append(first)
        shape.append(last - first + 1)
    return cropped_frame(view.frame, (start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))


def carried(
    scan: Scan,
    zone: Zone,
    people: LineUps | None,
    view: View,
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
    rung: int,
    axes: Frame,
    is_quick: bool = False,
) -> Defaced:
    """A scan without what lies in a zone, and what was shown of it; `view` lends its levels.

    `people` are those whom what is left is compared with, None where the face was never clearly seen. `axes` is a frame
    along the patient's axes: from there it is looked at as well, for that is what everybody sees who opens a scan.
    """
    random = random_of(secret, "fill", rung)
    views = tuple(
        view if one.frame is view.frame else view_of(scan, one.frame, tools.resampler, levels=view.levels)
        for one in zone.curtains
    )
    new = filled(scan, zone, views, mode=wish.mode, random=random)
    after = replace(scan, volume=replace(scan.volume, stored=new.onto(scan.volume.stored)))
    axes = views[0].frame if is_quick else axes
    judged = _judged(after, zone, views, new, people, tools, mode=wish.mode, is_quick=is_quick, axes=axes)
    return Defaced(zone, new, judged, rung, _failure(judged, tools))


def random_of(secret: bytes, purpose: str, number: int) -> np.random.Generator:
    """A stream of random numbers that only the key gives, the same in every process."""
    digest = hmac.new(secret, f"{purpose} {number}".encode(), hashlib.sha256).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def _as_wished(rung: Rung, wish: Wish) -> Rung:
    deeper = rung.shell_mm + (_TEETH_MM if wish.teeth else 0.0)
    return replace(rung, shell_mm=deeper, has_ears=rung.has_ears or wish.ears)


def _zone(
    scan: Scan,
    front: View,
    face: Window | None,
    rung: Rung,
    tools: FaceTools,
    *,
    secret: bytes,
    style: Style,
) -> Zone | None:
    numbers = tools.rules.numbers
    window = face if rung.window == "face" and face is not None else front_window(front, numbers, face)
    curtains = [_curtain(scan, front, window, rung, tools, secret=secret, style=style)]
    if rung.has_ears:
        for side in _side_frames(front.frame):
            view = view_of(scan, side, tools.resampler, levels=front.levels)
            ear = ear_window(front, view, window, numbers)
            curtains.append(_curtain(scan, view, ear, rung, tools, secret=secret + b"ear", style=style))
    found = tuple(one for one in curtains if one is not None)
    return Zone(found) if curtains[0] is not None else None


def _curtain(
    scan: Scan, view: View, window: Window, rung: Rung, tools: FaceTools, *, secret: bytes, style: Style
) -> Curtain | None:
    return curtain_for(
        view,
        window,
        shell_mm=rung.shell_mm,
        smoothing_mm=tools.rules.numbers.smoothing_mm * rung.smoothing_factor,
        volume=scan.volume,
        numbers=tools.rules.numbers,
        random=random_of(secret, "relief", 0),
        style=style,
    )


def _side_frames(frame: Frame) -> tuple[Frame, Frame]:
    """The frames of cameras that look at the right and at the left of a head."""
    x, y, z = (frame.affine_lps[:3, axis] / frame.step_mm for axis in range(3))
    return tuple(  # type: ignore[return-value]  # two sides
        frame_around(corners_of(frame), np.stack([-sign * y, sign * x, z], axis=1), step_mm=frame.step_mm)
        for sign in (1.0, -1.0)
    )


def _judged(
    after: Scan,
    zone: Zone,
    views: tuple[View, ...],
    new: Filled,
    people: LineUps | None,
    tools: FaceTools,
    *,
    mode: FaceMode,
    is_quick: bool,
    axes: Frame,
) -> Judged:
    """The proofs on the new voxels: each curtain by geometry, then the first by detectors, then the likeness."""
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
    # A smooth skin has none by its making; seen in one, a hollow is that of a neck under a chin.
    if mode is not FaceMode.SMOOTH and sockets_of(front) is not None:
        return Judged(whole, None, None, has_sockets=True)
    was = Was(views[0], zone.curtains[0], None if people is None else people.middle_of(zone.curtains[0]))
    looks = _looks(after, front, axes, tools)
    seen = attacked(looks, tools.judge, tools.resampler, numbers, is_quick=is_quick, was=was)
    if is_quick or not seen.is_clear(numbers):
        return Judged(whole, seen, None)
    alike = None if people is None else people.likeness(after, tools)
    is_other = alike is None or _is_other(alike, numbers)
    # Whoever is given this scan may look as well, and is not told where its face was.
    return Judged(whole, seen, alike, is_found=is_other and shows_face(after, tools))


def _looks(after: Scan, front: View, axes: Frame, tools: FaceTools) -> Iterator[View]:
    """What is left, from in front of the face and then, where that is another way to look, along other axes."""
    yield front
    if axes is not front.frame:
        yield view_of(after, axes, tools.resampler, levels=front.levels)


def _geometry(
    after: Scan, curtain: Curtain, before: View, view: View | None, new: Filled, tools: FaceTools
) -> Geometry:
    view = view if view is not None else view_of(after, curtain.frame, tools.resampler, levels=before.levels)
    return geometry(before, view, new.mask, after.volume.affine_lps, curtain, tools.rules.numbers)


def _failure(judged: Judged, tools: FaceTools) -> str:
    """What was not shown, in structural words; "" for nothing."""
    numbers = tools.rules.numbers
    if not judged.geometry.is_proven(numbers):
        return "the old surface can be had back"
    if judged.has_sockets:
        return "eye sockets are seen under a brow"
    if judged.seen is None or not judged.seen.is_clear(numbers):
        return "a detector still sees a face"
    if judged.alike is not None and not _is_other(judged.alike, numbers):
        return "the original is the most alike in the gallery"
    if judged.is_found:
        return "an audit still finds a face"
    return ""


def _is_other(alike: Likeness, numbers: Numbers) -> bool:
    """Whether what is left is more like somebody else."""
    return alike.rank >= numbers.least_rank
