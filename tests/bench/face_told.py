"""Whose face it is that a look at a released head shows: its own among those of other people, seen in the same way."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import face_recognition
import numpy as np
from face_cases import middle_of_face
from face_views import look
from numpy.typing import NDArray

from curator.deid.faces.scan import Scan
from curator.testing.heads import HeadPlan, make_head

_OTHERS = 20
_FIRST_PERSON = 1000
_STEPS_MM = (2.0, 2.0, 2.0)
# Of the bench's thresholds this one lies at the skin.
_SKIN = 1
Turn = tuple[int, int]


def rank_among_others(after: Scan, before: Scan, face_lps: NDArray[np.float64], at: tuple[int, int, int]) -> list[int]:
    """The rank of a head's own face, 1 for most alike, and among how many: to the look `at` (yaw, pitch, threshold).

    Its own face and the others' are taken at the skin from the same side, its own from the front if it is not seen
    there. `[0, 0]` where no face is seen in the look, or never was.
    """
    turn = at[:2]
    seen = _embedding(after, face_lps, turn, at[2])
    own = _embedding(before, face_lps, turn, _SKIN)
    own = own if own is not None else _embedding(before, face_lps, (0, 0), _SKIN)
    if seen is None or own is None:
        return [0, 0]
    others = [float(np.linalg.norm(one - seen)) for one in _others(turn)]
    return [1 + sum(one < float(np.linalg.norm(own - seen)) for one in others), 1 + len(others)]


def _others(turn: Turn) -> Iterator[NDArray[np.float64]]:
    for number in range(_OTHERS):
        plan = HeadPlan(person=_FIRST_PERSON + number, strength=1.7 if number % 2 else 1.0, spacing_mm=_STEPS_MM)
        head = make_head(plan)
        found = _embedding(Scan(volume=head.volume), middle_of_face(head), turn, _SKIN)
        if found is not None:
            yield found


def _embedding(scan: Scan, face_lps: NDArray[np.float64], turn: Turn, number: int) -> NDArray[np.float64] | None:
    """What a network of faces makes of the clearest one that a look shows where the face is, `(128,)`."""
    values, affine = scan.physical(slice(None)), scan.volume.affine_lps
    seen, found = look(values, affine, face_lps=face_lps, at=(*turn, number))
    if not found:
        return None
    left, top, right, bottom = max(found)[1]
    picture = cv2.cvtColor(seen.picture, cv2.COLOR_GRAY2RGB)
    return np.asarray(face_recognition.face_encodings(picture, [(top, right, bottom, left)])[0], np.float64)
