"""Shapes as distance fields, evaluated only where they matter.

The law: a field is about the distance to the surface, mm, negative inside; a shape joined or carved changes nothing
farther from its own bounds than its fillet reaches, so a bounded evaluation equals the whole one near every surface.

Sources: polynomial smooth minimum, which is `min(a, b) - max(k - |a - b|, 0)^2 / 4k`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = tuple[float, float, float]
Index = tuple[slice, slice, slice]
Matrix = NDArray[np.float64]
# Level sets of an ellipsoid's first-order distance bulge beyond its box by less than this share.
_BULGE = 1.6
_SLACK_MM = 3.0


@dataclass(frozen=True, slots=True)
class Space:
    """Coordinates of points, mm, broadcastable to one shape."""

    x: Field = field(repr=False)
    y: Field = field(repr=False)
    z: Field = field(repr=False)


class Shape(Protocol):
    """What fills a part of space."""

    def distance(self, space: Space) -> Field:
        """About the distance to its surface, mm, negative inside; broadcastable to the shape of `space`."""
        ...

    def bounds(self) -> tuple[Point, Point]:
        """The lowest and the highest corner of a box around it."""
        ...


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid; `bend` runs it back by so much times x squared, as lips run along a jaw."""

    centre: Point
    radii: Point
    bend: float = 0.0

    def distance(self, space: Space) -> Field:
        """About the distance to its surface, mm."""
        y = np.asarray(space.y - self.bend * space.x**2, np.float32) if self.bend else space.y
        shifted = [axis - at for axis, at in zip((space.x, y, space.z), self.centre, strict=True)]
        near = np.sqrt(sum((axis / r) ** 2 for axis, r in zip(shifted, self.radii, strict=True)))
        slope = np.sqrt(sum((axis / r**2) ** 2 for axis, r in zip(shifted, self.radii, strict=True)))
        return np.asarray(near * (near - 1.0) / np.maximum(slope, 1e-6), np.float32)

    def bounds(self) -> tuple[Point, Point]:
        """The corners of its box."""
        (x, y, z), (a, b, c) = self.centre, self.radii
        run_back = self.bend * (abs(x) + a) ** 2
        return (x - a, y - b, z - c), (x + a, y + b + run_back, z + c)


@dataclass(frozen=True, slots=True)
class Capsule:
    """A rod with round ends whose radius runs from the first to the second of `radii`."""

    start: Point
    end: Point
    radii: tuple[float, float]

    def distance(self, space: Space) -> Field:
        """About the distance to its surface, mm."""
        axis = np.subtract(self.end, self.start)
        shifted = [part - at for part, at in zip((space.x, space.y, space.z), self.start, strict=True)]
        steps = [(part, float(step)) for part, step in zip(shifted, axis, strict=True)]
        along = sum(part * step for part, step in steps if step) / float(axis @ axis)
        along = np.clip(np.asarray(along), 0.0, 1.0)
        gap = np.sqrt(sum((part - along * step) ** 2 if step else part**2 for part, step in steps))
        start, end = self.radii
        return np.asarray(gap - (start + along * (end - start)), np.float32)

    def bounds(self) -> tuple[Point, Point]:
        """The corners of its box."""
        wide = max(self.radii)
        low = [min(a, b) - wide for a, b in zip(self.start, self.end, strict=True)]
        high = [max(a, b) + wide for a, b in zip(self.start, self.end, strict=True)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


@dataclass(frozen=True, slots=True)
class Step:
    """One shape joined to what is there, or carved out of it, with a fillet of a width in mm."""

    shape: Shape
    width_mm: float
    is_carved: bool = False

    def applied(self, before: Field, space: Space) -> Field:
        """The field with the shape joined or carved."""
        other = self.shape.distance(space)
        if self.is_carved:
            return -_joined(-before, other, self.width_mm)
        return _joined(before, other, self.width_mm)

    def reach(self) -> tuple[Point, Point]:
        """The corners of the box outside which it changes no surface."""
        low, high = self.shape.bounds()
        by = self.width_mm * _BULGE + _SLACK_MM
        return (low[0] - by, low[1] - by, low[2] - by), (high[0] + by, high[1] + by, high[2] + by)


class Region(Protocol):
    """A set of points that knows which of its own lie in a box."""

    @property
    def whole(self) -> Space:
        """All of them."""
        ...

    def within(self, low: Point, high: Point) -> tuple[Index, Space] | None:
        """Where those that lie in a box are, and their coordinates; None where the box holds none."""
        ...


@dataclass(frozen=True, slots=True)
class Points:
    """Single points: `space` is `(N, 1, 1)` in each coordinate."""

    space: Space

    @property
    def whole(self) -> Space:
        """All of them."""
        return self.space

    def within(self, low: Point, high: Point) -> tuple[Index, Space] | None:
        """All of them, whatever the box."""
        return (slice(None), slice(None), slice(None)), self.space


@dataclass(frozen=True, slots=True)
class Block:
    """Voxels `start` to `stop` `(z, y, x)` of a grid, which may begin before 0; `matrix` `(3, 4)` takes `(x, y, z, 1)`.

    `flattening` divides what lies below z = 0, which makes a face shorter.
    """

    matrix: Matrix = field(repr=False)
    start: tuple[int, int, int]
    stop: tuple[int, int, int]
    flattening: float = 1.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts `(Z, Y, X)`."""
        z, y, x = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return (z, y, x)

    @property
    def whole(self) -> Space:
        """All voxels."""
        return self._space(self.start, self.stop)

    def within(self, low: Point, high: Point) -> tuple[Index, Space] | None:
        """The voxels in the smallest part of the block that holds the box."""
        corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        corners[:, 2] = np.where(corners[:, 2] < 0, corners[:, 2] * self.flattening, corners[:, 2])
        voxels = np.linalg.solve(self.matrix[:, :3], (corners - self.matrix[:, 3]).T)[::-1]
        first = np.maximum(np.floor(voxels.min(axis=1)).astype(int), self.start)
        last = np.minimum(np.ceil(voxels.max(axis=1)).astype(int) + 1, self.stop)
        if (first >= last).any():
            return None
        z, y, x = (slice(int(a - at), int(b - at)) for a, b, at in zip(first, last, self.start, strict=True))
        return (z, y, x), self._space(tuple(first), tuple(last))

    def _space(self, start: Sequence[int], stop: Sequence[int]) -> Space:
        z, y, x = (np.arange(first, last, dtype=np.float64) for first, last in zip(start, stop, strict=True))
        indices = (x[None, None, :], y[None, :, None], z[:, None, None])
        coordinates = []
        for row in self.matrix:
            # Where a coordinate depends on one index alone it stays one line of numbers: ten times less to compute.
            terms = [step * index for step, index in zip(row[:3], indices, strict=True) if abs(step) > 1e-9]
            total = np.float32(row[3]) + sum(term.astype(np.float32) for term in terms)
            coordinates.append(np.asarray(total, np.float32))
        across, back, up = coordinates
        if self.flattening != 1.0:
            up = np.where(up < 0, up * np.float32(1 / self.flattening), up)
        return Space(across, back, up)


def fold(first: Field, steps: Sequence[Step], region: Region) -> Field:
    """`first`, the distance to the first shape over all of `region`, with all steps applied in place."""
    for step in steps:
        found = region.within(*step.reach())
        if found is not None:
            index, space = found
            first[index] = step.applied(first[index], space)
    return first


def _joined(a: Field, b: Field, width: float) -> Field:
    """The union of two shapes with a fillet."""
    share = np.clip(0.5 + 0.5 * (b - a) / width, 0.0, 1.0)
    return np.asarray(b + (a - b) * share - width * share * (1.0 - share), np.float32)
