"""Boxes of text gathered into lines.

The law: boxes that a reader cut out of one line come together again, lying or upright, whatever order they come in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from curator.model.pixels import Box
from curator.policy.pixels.judging import thickness

# As much of the smaller of two boxes has to lie beside the other for them to be of one line, or on it to be the same.
_BESIDE = 0.5
_UPRIGHT = 1.25
# A letter is taller than wide, a box of two letters or more is not twice as tall as wide.
_NARROWEST = 2


def lines_of(boxes: Sequence[Box], *, gap: float) -> list[list[int]]:
    """The places of boxes of one line, each line in reading order; `gap` is in heights of the letters.

    Every box is in exactly one line; none for no boxes.
    """
    gathered = _Gathered(len(boxes))
    order = sorted(range(len(boxes)), key=lambda place: boxes[place])
    farthest = gap * max((max(box.height, box.width) for box in boxes), default=0)
    for number, one in enumerate(order):
        reach = boxes[one].bottom + farthest
        for other in order[number + 1 :]:
            if boxes[other].top > reach:
                break
            if _in_a_row(boxes[one], boxes[other], gap) or _in_a_column(boxes[one], boxes[other], gap):
                gathered.join(one, other)
    lines = gathered.groups()
    return [sorted(line, key=lambda place: _reading_order(line, boxes, place)) for line in lines]


def rows_of(boxes: Sequence[Box]) -> list[list[int]]:
    """The places of boxes that stand beside each other, however far apart."""
    gathered = _Gathered(len(boxes))
    order = sorted(range(len(boxes)), key=lambda place: boxes[place])
    for number, one in enumerate(order):
        for other in order[number + 1 :]:
            if boxes[other].top >= boxes[one].bottom:
                break
            if _overlap(boxes[one], boxes[other], upright=False) >= _BESIDE:
                gathered.join(one, other)
    return [sorted(row, key=lambda place: boxes[place].left) for row in gathered.groups()]


def gap_between(one: Box, other: Box) -> float:
    """How far two boxes are apart in heights of the taller letters; negative where they overlap."""
    apart = max(_apart(one, other, upright=False), _apart(one, other, upright=True))
    return apart / max(thickness(one), thickness(other), 1)


def is_same_place(one: Box, other: Box) -> bool:
    """Whether half of the smaller box or more lies on the other."""
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    width = min(one.right, other.right) - max(one.left, other.left)
    return height > 0 and width > 0 and height * width >= _BESIDE * min(one.area, other.area)


class _Gathered:
    """Places joined into groups."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = self._parents[place]
        return place

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        self._parents[other] = one

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self._parents)):
            found[self.root(place)].append(place)
        return list(found.values())


def _in_a_row(one: Box, other: Box, gap: float) -> bool:
    if _overlap(one, other, upright=False) < _BESIDE:
        return False
    return _apart(one, other, upright=False) <= gap * max(
        _letter(one.height, one.width), _letter(other.height, other.width)
    )


def _in_a_column(one: Box, other: Box, gap: float) -> bool:
    """Upright texts, and single letters that stand one below the other."""
    if not (_may_be_upright(one) and _may_be_upright(other)) or _overlap(one, other, upright=True) < _BESIDE:
        return False
    return _apart(one, other, upright=True) <= gap * max(
        _letter(one.width, one.height), _letter(other.width, other.height)
    )


def _letter(across: int, along: int) -> int:
    """The size of the letters of a box: its side across the line, unless the text stands upright in it."""
    return min(across, _NARROWEST * along)


def _may_be_upright(box: Box) -> bool:
    return box.width <= _UPRIGHT * box.height


def _overlap(one: Box, other: Box, *, upright: bool) -> float:
    """Which share of the smaller box stands beside the other, or below it where both are upright."""
    if upright:
        common, least = min(one.right, other.right) - max(one.left, other.left), min(one.width, other.width)
    else:
        common, least = min(one.bottom, other.bottom) - max(one.top, other.top), min(one.height, other.height)
    return common / max(least, 1)


def _apart(one: Box, other: Box, *, upright: bool) -> int:
    if upright:
        return max(one.top, other.top) - min(one.bottom, other.bottom)
    return max(one.left, other.left) - min(one.right, other.right)


def _reading_order(line: Sequence[int], boxes: Sequence[Box], place: int) -> tuple[int, int]:
    width = max(boxes[one].right for one in line) - min(boxes[one].left for one in line)
    height = max(boxes[one].bottom for one in line) - min(boxes[one].top for one in line)
    box = boxes[place]
    return (box.left, box.top) if width >= height else (box.top, box.left)
