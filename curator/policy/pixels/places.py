"""Which places of an image a header names as text.

Pure: a header is two functions, so that rules and their examples are asked alike.

The law: what one image says never reaches another; a place lies within the frame, and what a layout spares is in none
of its places.

Sources: the deid package's documentation of coordinates; DICOM PS3.3 C.8.5.5.1 (regions include their last pixel).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box, Judged, Route, Verdict
from curator.policy.pixels.layouts import Applies, Layout, LayoutRule, Layouts, Step
from curator.policy.recipe.filters import Values, holds


@dataclass(frozen=True, slots=True)
class Header:
    """What an image says of itself.

    `values` gives what an attribute says, () where it is empty and None where it is absent; `regions` the boxes that
    the items of a sequence describe.
    """

    values: Values = field(repr=False)
    regions: Callable[[str], Sequence[Box]] = field(repr=False)


def known_places(
    layouts: Layouts, header: Header, *, rows: int, columns: int, found: Sequence[Box] = ()
) -> tuple[Judged, ...]:
    """Every place that is to be blacked out by the header alone, in the order of the rules; () where no rule fits.

    `found` are the boxes of texts that have to go, for layouts that count only where one of them mostly lies in their
    places.
    """
    places: list[Judged] = []
    for layout in layouts.layouts:
        new = tuple(_places(layout, header, rows, columns)) if _counts(layout, header) else ()
        if layout.applies is Applies.WITH_TEXT and not any(_lies_in(one, new) for one in found):
            continue
        places += new
    return tuple(dict.fromkeys(places))


def _lies_in(text: Box, places: Sequence[Judged]) -> bool:
    """Whether half of a text or more lies in the places."""
    common = (
        max(0, min(text.bottom, one.box.bottom) - max(text.top, one.box.top))
        * max(0, min(text.right, one.box.right) - max(text.left, one.box.left))
        for one in places
    )
    return 2 * sum(common) >= text.area > 0


def _counts(layout: Layout, header: Header) -> bool:
    if layout.applies is Applies.NEVER:
        return False
    return not layout.needs or header.values(layout.needs) is not None


def _places(layout: Layout, header: Header, rows: int, columns: int) -> Iterator[Judged]:
    fitting = [rule for rule in layout.rules if not rule.asks.lines or holds(rule.asks, header.values)]
    steps = [(rule, step, _boxes(rule, step, header, rows, columns)) for rule in fitting for step in rule.steps]
    if any(step.from_sequence and not boxes for _, step, boxes in steps):
        # A sequence that describes no region tells nothing about where the image is.
        return
    if not any(step.keeps for _, step, _ in steps):
        yield from (
            Judged(box, Verdict.REDACT, rule.id, Route.REGION if step.from_sequence else Route.LAYOUT)
            for rule, step, boxes in steps
            for box in boxes
        )
        return
    route = Route.REGION if any(step.from_sequence for _, step, _ in steps) else Route.LAYOUT
    for box in _left_over([(step.keeps, boxes) for _, step, boxes in steps]):
        yield Judged(box, Verdict.REDACT, layout.id, route)


def _boxes(rule: LayoutRule, step: Step, header: Header, rows: int, columns: int) -> tuple[Box, ...]:
    if step.is_whole:
        return (Box(0, 0, rows, columns),)
    boxes = header.regions(step.from_sequence) if step.from_sequence else step.boxes
    scaled = (rule.scaled(box, rows=rows, columns=columns).clipped(rows, columns) for box in boxes)
    return tuple(box for box in scaled if box.area)


def _left_over(steps: Sequence[tuple[bool, Sequence[Box]]]) -> Iterator[Box]:
    """What is taken and not spared afterwards, as boxes that do not overlap."""
    boxes = [box for _, found in steps for box in found]
    down = sorted({edge for box in boxes for edge in (box.top, box.bottom)})
    across = sorted({edge for box in boxes for edge in (box.left, box.right)})
    taken = np.zeros((max(len(down) - 1, 0), max(len(across) - 1, 0)), dtype=bool)
    for keeps, found in steps:
        for box in found:
            taken[
                bisect_left(down, box.top) : bisect_left(down, box.bottom),
                bisect_left(across, box.left) : bisect_left(across, box.right),
            ] = not keeps
    start = 0
    while start < len(taken):
        end = start + 1
        while end < len(taken) and np.array_equal(taken[start], taken[end]):
            end += 1
        yield from (Box(down[start], across[left], down[end], across[right]) for left, right in _runs(taken[start]))
        start = end


def _runs(taken: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], taken.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
