"""Ears go where they are asked to go, and where that cannot be shown nothing is released."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from face_tools import SECRET, THREE_MM, Blind, tools_of
from treated_heads import scan_of

from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.deid.faces.treated import Treated
from curator.model.faces import FaceStatus
from curator.testing.heads import Head, HeadPlan, make_head
from curator.testing.heads.plan import TIGHT, WHOLE, FieldOfView

EARS = ("right ear", "left ear")


def _treated(field_of_view: FieldOfView, *, ears: bool) -> tuple[Head, Treated]:
    head = make_head(HeadPlan(spacing_mm=THREE_MM, field_of_view=field_of_view))
    scan = replace(scan_of(head), names_head=True)
    (one,) = treat_study([scan], tools_of(Blind()), wish=Wish(ears=ears), secret=SECRET)
    return head, one


def test_both_ears_go_where_they_are_asked_to() -> None:
    """Without that the front of what stands out goes with the sides of a face, and the rest stays."""
    for ears in (True, False):
        head, one = _treated(WHOLE, ears=ears)
        assert one.outcome.status is FaceStatus.DEFACED
        assert one.zone is not None
        for name in EARS:
            x, y, z = head.landmarks_mm[name]
            around = np.array(list(product((x,), np.arange(y - 12, y + 13, 4), np.arange(z - 16, z + 17, 4))))
            assert one.zone.holds(around).all() == ears


@pytest.mark.parametrize(
    ("field_of_view", "without"),
    [
        (replace(WHOLE, side_mm=70.0), "defaced, and nothing of the face could be had back"),
        # Where the height of the eyes is not known the guard is as near everywhere as above a brow, and sockets stay.
        (TIGHT, "the old surface can be had back"),
    ],
    ids=["sides cut", "eyes not found"],
)
def test_an_ear_that_may_stay_is_held_where_ears_are_to_go(field_of_view: FieldOfView, without: str) -> None:
    """Beside the end of a scan a brain may lie open; and an ear is looked for at the height of the eyes."""
    assert _treated(field_of_view, ears=False)[1].outcome.why == without
    one = _treated(field_of_view, ears=True)[1]
    assert one.outcome.status is FaceStatus.QUARANTINED
    assert one.outcome.why.startswith("an ear may be kept")
    assert one.filled is None
