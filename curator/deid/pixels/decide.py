"""What becomes of an image: the texts that were found in it and the places that its header names, together.

The law: a text within a place that goes by the header needs no judging of its own, and its area no review: the place is
known. Everything else is judged, and texts that go may bring further places with them.

Sources: DICOM PS3.15 E.3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from curator.deid.pixels.judge import judge
from curator.deid.pixels.layouts import places
from curator.deid.pixels.module import PixelModule
from curator.deid.text.cleaner import Find
from curator.deid.text.own_values import OwnValues
from curator.dicom.elements import DataSet
from curator.model.pixels import Box, Judged, Sighting, Verdict
from curator.policy.pixels.rules import PixelRules


def decide(
    sightings: Sequence[Sighting],
    *,
    data_set: DataSet,
    module: PixelModule,
    own: OwnValues,
    rules: PixelRules,
    find: Find | None = None,
) -> tuple[Judged, ...]:
    """Known places first, then what becomes of each sighting, in their order; () where there is neither.

    Boxes of known places have the routes LAYOUT and REGION. `find` is as in `judge`.
    """
    known = places(data_set, module, rules)
    judged = _judged(sightings, known, module=module, own=own, rules=rules, find=find)
    gone = [one.box for one in judged if one.verdict is not Verdict.KEEP]
    brought = places(data_set, module, rules, found=gone)
    if brought != known:
        judged = _judged(sightings, brought, module=module, own=own, rules=rules, find=find)
    return (*brought, *judged)


def _judged(
    sightings: Sequence[Sighting],
    known: Sequence[Judged],
    *,
    module: PixelModule,
    own: OwnValues,
    rules: PixelRules,
    find: Find | None,
) -> tuple[Judged, ...]:
    """Sightings that lie within one known place go by it; the others are judged among themselves."""
    frame = [one for one in sightings if one.box.clipped(module.rows, module.columns).area]
    placed = [_place_of(one.box.clipped(module.rows, module.columns), known) for one in frame]
    left = [one for one, place in zip(frame, placed, strict=True) if place is None]
    judged = iter(judge(left, own=own, rules=rules, rows=module.rows, columns=module.columns, find=find))
    return tuple(
        next(judged) if place is None else replace(place, box=one.box, route=one.route, frames=one.frames)
        for one, place in zip(frame, placed, strict=True)
    )


def _place_of(box: Box, known: Sequence[Judged]) -> Judged | None:
    """The place that holds a whole box."""
    return next(
        (
            place
            for place in known
            if place.box.top <= box.top
            and place.box.left <= box.left
            and place.box.bottom >= box.bottom
            and place.box.right >= box.right
        ),
        None,
    )
