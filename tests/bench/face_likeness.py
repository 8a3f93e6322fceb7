"""Whose face it is that a look at a released head shows: its own among those of other people, from the same side.

The others are phantoms in one T1; a head's own picture shares its pose, its scanner and its slices with the look, so
that its own face comes out more alike than it is, and never less.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from face_cases import middle_of_face
from face_views import look
from numpy.typing import NDArray

from curator.adapters.dlib_heads import DlibHeads
from curator.deid.faces.scan import Scan
from curator.model.pixels import Box
from curator.testing.heads import HeadPlan, make_head

_NETWORKS = DlibHeads()
_OTHERS = 20
_FIRST_PERSON = 1000
_STEPS_MM = (2.0, 2.0, 2.0)
# Of the bench's thresholds this one lies at the skin.
_SKIN = 1
Turn = tuple[int, int]
"""Yaw and pitch, degrees."""


def rank_among_others(
    after: Scan,
    before: Scan,
    face_lps: NDArray[np.float64],
    at: tuple[int, int, int],
    *,
    brain: NDArray[np.bool_] | None = None,
) -> list[int]:
    """The rank of a head's own face, 1 for most alike, and among how many: to the look `at` (yaw, pitch, threshold).

    Its own face and the others' are taken at the skin from the same side, or from the front where they are not seen
    from there. `[0, 0]` where no face is seen in the look, or never was.
    """
    turn, number = at[:2], at[2]
    seen = _embedding(after, face_lps, (*turn, number), brain)
    own = _face(before, face_lps, turn)
    if seen is None or own is None:
        return [0, 0]
    others = [float(np.linalg.norm(one - seen)) for one in _others(turn)]
    return [1 + sum(one < float(np.linalg.norm(own - seen)) for one in others), 1 + len(others)]


def _others(turn: Turn) -> Iterator[NDArray[np.float64]]:
    for number in range(_OTHERS):
        plan = HeadPlan(person=_FIRST_PERSON + number, strength=1.7 if number % 2 else 1.0, spacing_mm=_STEPS_MM)
        head = make_head(plan)
        found = _face(Scan(volume=head.volume), middle_of_face(head), turn)
        if found is not None:
            yield found


def _face(scan: Scan, face_lps: NDArray[np.float64], turn: Turn) -> NDArray[np.float64] | None:
    """The face of a head that has one, `(128,)`; None where it is not seen."""
    found = _embedding(scan, face_lps, (*turn, _SKIN), None)
    return found if found is not None else _embedding(scan, face_lps, (0, 0, _SKIN), None)


def _embedding(
    scan: Scan, face_lps: NDArray[np.float64], at: tuple[int, int, int], brain: NDArray[np.bool_] | None
) -> NDArray[np.float64] | None:
    """What a network makes of the clearest face that a look shows where the face is, `(128,)`; None for none."""
    seen, box = look(scan.physical(slice(None)), scan.volume.affine_lps, face_lps=face_lps, at=at, brain=brain)
    if box is None:
        return None
    left, top, right, bottom = box
    landmarks = _NETWORKS.landmarks(seen.picture, Box(top, left, bottom, right))
    return _NETWORKS.embedding(seen.picture, landmarks)
