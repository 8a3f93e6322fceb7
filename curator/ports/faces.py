"""What looks at heads, turns them, and lays one scan of a head over another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box
from curator.model.volume import Affine, Volume
from curator.ports.pixels import Picture

Points = NDArray[np.float64]
Field = NDArray[np.float32]
"""Values of a volume, `(Z, Y, X)`."""
Turnable = TypeVar("Turnable", np.float32, np.uint16)


@dataclass(frozen=True, slots=True)
class FaceSeen:
    """Where a detector sees a face and how sure it is: above 0 it reports one, about -1 is nothing like a face."""

    score: float
    box: Box


class FaceJudge(Protocol):
    """Looks for faces in renders of heads, and tells whose face it is."""

    @property
    def name(self) -> str:
        """Which detectors and networks look."""
        ...

    def seen(self, picture: Picture, *, least: float) -> tuple[FaceSeen, ...]:
        """All places that score `least` or more, best first; nothing for a picture too small for a face."""
        ...

    def network(self, picture: Picture) -> float:
        """How sure the second detector, a network, is of the clearest face, 0 to about 1; 0 for none."""
        ...

    def landmarks(self, picture: Picture, box: Box) -> Points:
        """The 68 points of a face in a box as `(68, 2)` columns and rows in pixels, in the order of iBUG 300-W."""
        ...

    def embedding(self, picture: Picture, landmarks: Points) -> NDArray[np.float64]:
        """What tells persons apart, `(128,)`: the nearer two are (Euclid), the more alike the faces."""
        ...


class Resampler(Protocol):
    """Interpolates volumes linearly; all implementations agree within a voxel."""

    @property
    def name(self) -> str:
        """Which implementation, and on what it runs."""
        ...

    def onto(
        self, values: NDArray[np.generic], indices: Affine, shape: tuple[int, int, int], *, outside: float
    ) -> Field:
        """`values` `(Z, Y, X)` at the voxels of another box.

        `indices` `(4, 4)` takes the voxel `(x, y, z, 1)` of that box to the index in `values`; `outside` is what lies
        around them.
        """
        ...

    def turned(
        self, values: NDArray[Turnable], *, yaw_deg: float, pitch_deg: float, outside: float
    ) -> NDArray[Turnable]:
        """A volume turned about its centre: first `yaw_deg` about z, then `pitch_deg` about x; same shape and type."""
        ...


@dataclass(frozen=True, slots=True)
class Alignment:
    """A rigid motion `(4, 4)` that takes patient points (LPS mm) of one scan to those of another, and how well it fits.

    `overlap` is the Dice coefficient of the two bodies where both were seen, 0 to 1.
    """

    motion: Affine = field(repr=False)
    overlap: float


class Registrar(Protocol):
    """Lays one scan over another."""

    @property
    def name(self) -> str:
        """Which implementation."""
        ...

    def rigid(self, fixed: Volume, moving: Volume) -> Affine | None:
        """The motion `(4, 4)` from points of `fixed` to points of `moving`, LPS mm; None where it found none."""
        ...
