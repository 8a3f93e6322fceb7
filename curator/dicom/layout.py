"""What the headers of one series have in common.

That is bytes which stand in all of them, and between these a dozen elements whose values differ.

The law: a file that a layout fits has its elements exactly where reading header after header finds them, and all but
those that are named as varying are byte for byte what they were in the file that the layout was made of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from curator.dicom.parse import element_at
from curator.dicom.tokens import HEADER, LONG_HEADER, LONG_LENGTH, SHORT_HEADER, UNDEFINED, Stored

_KEY = 6
# Longer values are those of pixels and tables: nobody compares them, they always vary.
LONGEST_COMPARED = 4096
# So many more differ where a file is of another series, not the next slice of this one.
_ANOTHER_SERIES = 8
_MOST_LAYOUTS = 4
_MOST_ORDERS = 16

Made = TypeVar("Made")


class Place(NamedTuple):
    """One element of a header: from where to where it stands, and whether its VR has the long header."""

    start: int
    end: int
    is_long: bool


class Layout:
    """The elements of a file at `places`, those at the indices `varying` open, all others as they are."""

    __slots__ = ("_last", "_runs")

    def __init__(self, data: Stored, places: Sequence[Place], varying: Sequence[int]) -> None:
        position = places[0].start
        runs: list[tuple[bytes, int, bool]] = []
        for index in varying:
            place = places[index]
            # The reserved bytes of a long header belong to what has to be the same.
            head = SHORT_HEADER if place.is_long else _KEY
            runs.append((data[position : place.start + head], head, place.is_long))
            position = place.end
        self._runs = tuple(runs)
        self._last = data[position : places[-1].end]

    def fitted(self, data: Stored, position: int, size: int) -> list[tuple[int, int]] | None:
        """From where to where the varying elements of another file stand, whose first element begins at `position`.

        None for a file that it does not fit up to the last of `size` bytes.

        Raises:
            ItemError, struct.error: a value of undefined length is broken, or the file ends in a header.
        """
        found: list[tuple[int, int]] = []
        for run, head, is_long in self._runs:
            value = position + len(run)
            if data[position:value] != run:
                return None
            start = value - head
            if is_long:
                (length,) = LONG_LENGTH.unpack_from(data, value)
                position = start + LONG_HEADER + length
                if length == UNDEFINED:
                    position = element_at(memoryview(data), start).end
            else:
                position = start + SHORT_HEADER + HEADER.unpack_from(data, start)[1]
            found.append((start, position))
        end = position + len(self._last)
        return found if end == size and data[position:end] == self._last else None


@dataclass(slots=True)
class _Order:
    """What the last file with these elements in this order held, and which of them vary.

    `is_settled` where a file was met since that a layout fitted.
    """

    elements: Sequence[bytes] = field(repr=False)
    varying: set[int]
    is_settled: bool


Varying = dict[bytes, set[int]]
"""Which elements vary, by the order of all of them: what one person's series taught serves for the next person's."""


class Lesson(NamedTuple):
    """The indices of what varies in files like one, and what that is known from."""

    varying: Sequence[int]
    order: _Order


class Layouts(Generic[Made]):
    """The layouts of lately met files, each with what its user made of it.

    `pinned` are the tags and VRs, as bytes, of what has to be alike for two files to be compared at all; `taught` is
    shared by all that may learn from each other.
    """

    __slots__ = ("_known", "_orders", "_pinned", "_taught")

    def __init__(self, *, pinned: Collection[bytes], taught: Varying) -> None:
        self._known: deque[tuple[Layout, Made, _Order]] = deque(maxlen=_MOST_LAYOUTS)
        self._orders: dict[bytes, _Order] = {}
        self._pinned = frozenset(pinned)
        self._taught = taught

    def found(self, data: Stored, position: int, size: int) -> tuple[Made, list[tuple[int, int]]] | None:
        """What was made of the layout that fits the first `size` bytes, and where their varying elements stand.

        Raises:
            ItemError, struct.error: as `Layout.fitted`.
        """
        for index, known in enumerate(self._known):
            layout, made, order = known
            places = layout.fitted(data, position, size)
            if places is not None:
                order.is_settled = True
                if index:
                    del self._known[index]
                    self._known.appendleft(known)
                return made, places
        return None

    def lesson(self, data: Stored, places: Sequence[Place]) -> Lesson:
        """What varies as far as is known with this file: the first element and the long ones always."""
        elements = [data[one.start : min(one.end, one.start + LONGEST_COMPARED)] for one in places]
        key = b"".join(one if one[:_KEY] in self._pinned else one[:_KEY] for one in elements)
        for remembered in (self._taught, self._orders):
            if len(remembered) >= _MOST_ORDERS:
                remembered.clear()
        taught = self._taught.setdefault(key, set())
        order = self._orders.get(key)
        if order is None:
            order = self._orders[key] = _Order(elements, {0} | taught, bool(taught))
        order.varying |= {index for index, one in enumerate(places) if one.end - one.start > LONGEST_COMPARED}
        differ = {index for index, one in enumerate(elements) if one != order.elements[index]} - order.varying
        # Where much changes once, another series begins, and its slices will vary as those before did.
        if len(differ) <= _ANOTHER_SERIES or not order.is_settled:
            order.varying |= differ
            taught |= differ
        order.elements, order.is_settled = elements, False
        return Lesson(sorted(order.varying), order)

    def remember(self, lesson: Lesson, layout: Layout, made: Made) -> None:
        """A layout that a lesson gave and what was made of it; the one longest not met is forgotten."""
        self._known.appendleft((layout, made, lesson.order))
