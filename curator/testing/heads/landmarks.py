"""Where a face's landmarks lie, and how far any point is from the skin.

The law: a landmark lies on the skin as the shapes have it, found along a ray and not on a grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curator.testing.heads.grid import head_flattening, head_from_lps, head_scale
from curator.testing.heads.person import Person, draw_person
from curator.testing.heads.plan import HeadPlan, Subject, Triple
from curator.testing.heads.shapes import Field, Points, Space, fold

Vectors = NDArray[np.float64]
_STEP_MM = 0.1


def skin_distance_mm(plan: HeadPlan, points_lps_mm: Vectors) -> Field:
    """About how far each of `(N, 3)` patient points is from the skin, mm, negative inside: `(N,)`.

    It is exact near the skin, and only for heads.
    """
    person = draw_person(plan.seed, plan.person, strength=plan.strength, is_child=plan.is_child)
    matrix = head_from_lps(plan)
    points = points_lps_mm @ matrix[:3, :3].T + matrix[:3, 3]
    flattening = head_flattening(plan)
    points[:, 2] = np.where(points[:, 2] < 0, points[:, 2] / flattening, points[:, 2])
    return _distance(person, points) * np.float32(head_scale(plan))


def landmarks_mm(plan: HeadPlan, person: Person) -> dict[str, Triple]:
    """Pupils, nasion, nose tip, mouth corners, chin and ears by name, LPS mm; nothing for what has no face."""
    if plan.subject is not Subject.HEAD:
        return {}
    tip_x, _, tip_z = person.nose_tip
    sought = {
        "right pupil": _from_front(person, -person.eyes_apart, 0.0),
        "left pupil": _from_front(person, person.eyes_apart, 0.0),
        "nasion": _from_front(person, 0.0, 3.0),
        "nose tip": _from_front(person, tip_x, tip_z),
        "right mouth corner": _from_front(person, -person.mouth_half_width, -70.0),
        "left mouth corner": _from_front(person, person.mouth_half_width, -70.0),
        "chin": _from_front(person, 0.0, -97.0),
        "right ear": _from_side(person, -1),
        "left ear": _from_side(person, 1),
    }
    to_lps = np.linalg.inv(head_from_lps(plan))
    found = {}
    for name, point in sought.items():
        if point[2] < 0:
            point[2] *= head_flattening(plan)
        x, y, z = to_lps[:3, :3] @ point + to_lps[:3, 3]
        found[name] = (float(x), float(y), float(z))
    return found


def _distance(person: Person, points: Vectors) -> Field:
    x, y, z = (points[:, axis].astype(np.float32)[:, None, None] for axis in range(3))
    space = Space(x, y, z)
    return fold(person.cranium.distance(space), person.skin, Points(space))[:, 0, 0]


def _from_front(person: Person, x: float, z: float) -> Vectors:
    depths = np.arange(-140.0, 0.0, _STEP_MM)
    return _first_hit(person, np.stack([np.full_like(depths, x), depths, np.full_like(depths, z)], axis=1))


def _from_side(person: Person, side: int) -> Vectors:
    """The outermost point of an ear's rim."""
    offs = np.arange(100.0, 40.0, -_STEP_MM) * side
    return _first_hit(person, np.stack([offs, np.full_like(offs, 10.0), np.full_like(offs, -32.0)], axis=1))


def _first_hit(person: Person, ray: Vectors) -> Vectors:
    inside = _distance(person, ray) < 0
    return np.array(ray[int(inside.argmax())])
