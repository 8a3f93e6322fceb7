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

from curator.deid.faces.fill import Filled, filled
from curator.deid.faces.find import Sight
from curator.deid.faces.judged import Judged, Trial, judged
from curator.deid.faces.likeness import LineUps
from curator.deid.faces.open_ends import open_rays
from curator.deid.faces.scan import Scan
from curator.deid.faces.surface import Style, curtain_for
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.view import FLESH, STEP_MM, View, body_of, view_of
from curator.deid.faces.windows import ear_window, face_window, front_window, landmark_points
from curator.deid.faces.zone import Curtain, Window, Zone
from curator.imaging.frame import Frame, corners_of, cropped_frame, frame_around
from curator.policy.faces.defacing import Rung

# Teeth lie this much deeper than a face does.
_TEETH_MM = 14.0
# Air that a camera needs around a head.
_AIR_MM = 12.0
# An ear of which more is kept stays.
_MOST_OF_EAR = 0.1
# One draw after the other: where one look at one new skin failed, another relief alone often fails too.
_STYLES = tuple(Style(is_round=is_round, is_soft=is_soft) for is_round in (True, False) for is_soft in (False, True))


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

    After the last rung come those again in which something looked a little like a face inside tissue alone: some heads
    show that wherever they are looked at, from behind as well.

    `sight` is None where its face was not clearly seen: then the rungs around a face are left out. Nothing where no
    skin is met.
    """
    front, face, axes = _placed(scan, view, sight, tools)
    strict = Trial(people=LineUps(scan, view.levels, sight, tools), axes=axes, mode=wish.mode)
    again: list[tuple[int, bytes, Zone]] = []
    for number, rung in enumerate(tools.rules.ladder):
        if number < first or (rung.window == "face" and face is None):
            continue
        for draw in range(rung.draws):
            drawn = secret + f"{rung.id} {draw}".encode()
            zone = _zone(scan, front, face, _as_wished(rung, wish), tools, secret=drawn, style=_STYLES[draw % 4])
            if zone is None:
                break
            attempt = carried(scan, zone, front, tools, strict, secret=drawn, rung=number)
            yield attempt
            if attempt.judged.seen is not None and attempt.judged.seen.is_clear_at_skin(tools.rules.numbers):
                again.append((number, drawn, zone))
    lenient = replace(strict, is_lenient=True)
    for number, drawn, zone in again:
        yield carried(scan, zone, front, tools, lenient, secret=drawn, rung=number)


def ears_stay(scan: Scan, view: View, sight: Sight | None, tools: FaceTools) -> bool:
    """Whether some of an ear may be kept on every rung.

    So it is beside an end of the scan, where a brain may lie open, and where the height of the eyes is not known.
    """
    numbers = tools.rules.numbers
    front, face, _ = _placed(scan, view, sight, tools)
    window = face if face is not None else front_window(front, numbers)
    if window.eye_z < 0:
        return True
    for side in _side_frames(front.frame):
        seen = view_of(scan, side, tools.resampler, levels=front.levels)
        ear = ear_window(front, seen, window, numbers)
        is_ear = (ear.weight(seen.skin.shape, ramp=numbers.ramp_mm / STEP_MM) > 0) & np.isfinite(seen.skin)
        if (is_ear & open_rays(seen, ear, scan.volume)).sum() > _MOST_OF_EAR * is_ear.sum():
            return True
    return False


def _placed(scan: Scan, view: View, sight: Sight | None, tools: FaceTools) -> tuple[View, Window | None, Frame]:
    """A scan from in front of its face, where that is, None where it was not clearly seen; and the patient's axes."""
    if sight is None:
        return view, None, view.frame
    axes = _body_frame(view)
    frame = frame_around(corners_of(axes), sight.axes, step_mm=STEP_MM)
    front = view_of(scan, frame, tools.resampler, levels=view.levels)
    return front, face_window(landmark_points(sight), front, tools.rules.numbers), axes


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


def carried(scan: Scan, zone: Zone, view: View, tools: FaceTools, trial: Trial, *, secret: bytes, rung: int) -> Defaced:
    """A scan without what lies in a zone, and what was shown of it; `view` lends its levels."""
    random = random_of(secret, "fill")
    views = tuple(
        view if one.frame is view.frame else view_of(scan, one.frame, tools.resampler, levels=view.levels)
        for one in zone.curtains
    )
    new = filled(scan, zone, views, mode=trial.mode, random=random)
    after = replace(scan, volume=replace(scan.volume, stored=new.onto(scan.volume.stored)))
    shown = judged(after, zone, views, new, tools, trial)
    return Defaced(zone, new, shown, rung, shown.failure(tools.rules.numbers))


def random_of(secret: bytes, purpose: str) -> np.random.Generator:
    """A stream of random numbers that only the key gives, the same in every process."""
    digest = hmac.new(secret, purpose.encode(), hashlib.sha256).digest()
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
        random=random_of(secret, "relief"),
        style=style,
    )


def _side_frames(frame: Frame) -> tuple[Frame, Frame]:
    """The frames of cameras that look at the right and at the left of a head."""
    x, y, z = (frame.affine_lps[:3, axis] / frame.step_mm for axis in range(3))
    return tuple(  # type: ignore[return-value]  # two sides
        frame_around(corners_of(frame), np.stack([-sign * y, sign * x, z], axis=1), step_mm=frame.step_mm)
        for sign in (1.0, -1.0)
    )
