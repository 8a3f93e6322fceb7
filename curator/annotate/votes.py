"""Joint votes: what all authors say about a voxel together, as an index into a table.

The law: the table holds every combination that occurs, once, in lexicographic order; masks and table turn into each
other without loss, and whatever depends only on votes is computed on the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError, UsageError
from curator.model.quarantine import Reason

MARGIN_VOXELS = 3
"""How much background around the union of all masks counts: enough that agreeing on an edge is seen as agreement."""

_MOST_PATTERNS = 2**16
_VALUES = 256


@dataclass(frozen=True, slots=True)
class Region:
    """A box of voxels: `lower` included, `upper` not, both `(z, y, x)`."""

    lower: tuple[int, int, int]
    upper: tuple[int, int, int]

    @property
    def voxels(self) -> int:
        """How many voxels it holds."""
        return int(np.prod([max(0, high - low) for low, high in zip(self.lower, self.upper, strict=True)]))


@dataclass(frozen=True, slots=True)
class JointVotes:
    """`index` is `(Z, Y, X)` uint16 into `palette`, `(P, R)` uint8 label values of R authors; `counts` is `(P,)`."""

    index: NDArray[np.uint16] = field(repr=False)
    palette: NDArray[np.uint8] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)

    @property
    def labels(self) -> tuple[int, ...]:
        """Every label value that anybody gave, sorted, without the background."""
        return tuple(value for value in np.unique(self.palette).tolist() if value)

    @property
    def whole(self) -> Region:
        """The region of all voxels."""
        z, y, x = self.index.shape
        return Region((0, 0, 0), (z, y, x))

    def mask_of(self, author: int) -> NDArray[np.uint8]:
        """The mask of one author (0-based), `(Z, Y, X)`, as it went in."""
        return self.palette[:, author][self.index]

    def union_region(self, *, margin_voxels: int = MARGIN_VOXELS) -> Region:
        """The smallest box around all that is no background to somebody, widened; of no voxels where there is none."""
        is_foreground = np.asarray(self.palette.any(axis=1))[self.index]
        lower, upper = [], []
        for axis, length in enumerate(self.index.shape):
            others = tuple(other for other in range(3) if other != axis)
            (occupied,) = np.nonzero(is_foreground.any(axis=others))
            if not occupied.size:
                return Region((0, 0, 0), (0, 0, 0))
            lower.append(max(0, int(occupied[0]) - margin_voxels))
            upper.append(min(length, int(occupied[-1]) + 1 + margin_voxels))
        return Region((lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2]))

    def counts_within(self, region: Region) -> NDArray[np.int64]:
        """How many voxels of `region` have each joint vote, `(P,)`."""
        box = tuple(slice(low, high) for low, high in zip(region.lower, region.upper, strict=True))
        return np.bincount(self.index[box].ravel(), minlength=len(self.palette)).astype(np.int64)


def joint_votes(masks: Sequence[NDArray[np.uint8]]) -> JointVotes:
    """The joint votes of `masks`, one `(Z, Y, X)` array of label values for each author, in that order.

    Raises:
        UsageError: no masks, or more than 65,536 different joint votes.
        ItemError: GEOMETRY_MISMATCH; the masks differ in shape.
    """
    if not masks:
        raise UsageError("joint votes need at least one mask")
    if any(mask.shape != masks[0].shape for mask in masks):
        raise ItemError(Reason.GEOMETRY_MISMATCH, f"{len(masks)} masks come in different shapes")
    # Most voxels are background to everybody: only the others are worth telling apart.
    is_foreground = np.logical_or.reduce([mask != 0 for mask in masks])
    numbers, palette = _numbered([mask[is_foreground] for mask in masks])
    index = np.zeros(is_foreground.shape, np.uint16)
    if not is_foreground.all():
        palette = np.concatenate([np.zeros((1, len(masks)), np.uint8), palette])
        numbers = numbers + 1
    if len(palette) > _MOST_PATTERNS:
        raise UsageError(f"the masks have more than {_MOST_PATTERNS} different joint votes")
    index[is_foreground] = numbers
    return JointVotes(index, palette, np.bincount(index.ravel(), minlength=len(palette)).astype(np.int64))


def _numbered(votes: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The place of every voxel in the table `(P, R)` of the joint votes of R flat arrays.

    Raises:
        UsageError: there are too many different joint votes.
    """
    numbers = np.zeros(votes[0].shape, np.int64)
    palette = np.zeros((min(1, len(numbers)), 0), np.uint8)
    for vote in votes:
        # Joint numbers stay small, so that a histogram finds those that occur without sorting the voxels.
        joint = numbers * _VALUES + vote
        occurring = np.flatnonzero(np.bincount(joint))
        if len(occurring) > _MOST_PATTERNS:
            raise UsageError(f"the masks have more than {_MOST_PATTERNS} different joint votes")
        before, value = np.divmod(occurring, _VALUES)
        palette = np.concatenate([palette[before], value[:, np.newaxis].astype(np.uint8)], axis=1)
        renumber = np.zeros(int(occurring.max(initial=0)) + 1, np.int64)
        renumber[occurring] = np.arange(len(occurring))
        numbers = renumber[joint]
    return numbers, palette
