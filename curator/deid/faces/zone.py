"""The part of space that is made anew: everything between a camera and a depth behind the new skin.

The law: the zone is a function of place alone, in patient millimetres, so that every scan of a study loses the same
anatomy; a voxel lies in it or keeps every bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.imaging.frame import Frame
from curator.model.volume import Affine
from curator.ports.faces import Points

Map = NDArray[np.float32]
"""`(Z, X)` of a camera's frame."""
Mask = NDArray[np.bool_]
_ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class Window:
    """Which rays of a frame are made new, in its voxels: a rounded box around `(x, z)` with half sides.

    `brow_z` is the height above which the brain lies behind the skin, `eye_z` that of the pupils. One that `is_ear` is
    seen from the side.
    """

    x: float
    z: float
    half_x: float
    half_z: float
    eye_z: float
    brow_z: float
    is_ear: bool = False

    def weight(self, shape: tuple[int, int], *, ramp: float) -> Map:
        """`(Z, X)`: 0 outside, growing to 1 over `ramp` voxels inside the edge."""
        z, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        across, along = np.abs(x - self.x) / max(self.half_x, 1.0), np.abs(z - self.z) / max(self.half_z, 1.0)
        from_middle = (across**4 + along**4) ** 0.25
        inward = (1 - from_middle) * min(self.half_x, self.half_z) / ramp
        share = np.clip(inward, 0, 1)
        return np.asarray(share * share * (3 - 2 * share), np.float32)


@dataclass(frozen=True, slots=True)
class Curtain:
    """What one camera sees removed: per ray `(z, x)` of `frame`, distances along y in its voxels.

    `weight` is 0 outside the window and grows to 1 inside it; `skin` is where the new surface lies, `back` how far
    everything is new, and `shell` how thick tissue that was made is meant to be.
    """

    frame: Frame
    weight: Map = field(repr=False)
    skin: Map = field(repr=False)
    back: Map = field(repr=False)
    shell: Map = field(repr=False)

    @property
    def is_inside(self) -> Mask:
        """The rays of the window, `(Z, X)`."""
        return self.weight > 0

    def at(self, x: Map, z: Map) -> tuple[Map, Map, Map, Map]:
        """Weight, skin, back and shell at places `(x, z)` of the frame, all of one shape `(A, B)`; weight 0 outside."""
        x, z = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(z, np.float32)
        weight = cv2.remap(self.weight, x, z, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        skin, back, shell = (
            np.asarray(cv2.remap(one, x, z, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
            for one in (self.skin, self.back, self.shell)
        )
        return np.asarray(weight, np.float32), skin, back, shell


@dataclass(frozen=True, slots=True)
class Zone:
    """All curtains of one head: the face, and the ears where they go too."""

    curtains: tuple[Curtain, ...]

    def holds(self, points_lps: Points) -> Mask:
        """Which patient points `(N, 3)` in mm lie in the zone, `(N,)`; nothing for none."""
        held = np.zeros(len(points_lps), np.bool_)
        for curtain in self.curtains:
            for start in range(0, len(points_lps), _ROWS_AT_ONCE):
                part = slice(start, start + _ROWS_AT_ONCE)
                voxels = curtain.frame.voxels_of(points_lps[part]).astype(np.float32)
                weight, _, back, _ = curtain.at(voxels[:, None, 0], voxels[:, None, 2])
                held[part] |= (weight[:, 0] > 0) & (voxels[:, 1] < back[:, 0])
        return held

    def moved(self, motion: Affine) -> Zone:
        """The zone where the patient lies otherwise: `motion` `(4, 4)` takes points of this zone to points there."""
        return Zone(
            tuple(
                Curtain(
                    Frame(motion @ one.frame.affine_lps, one.frame.shape), one.weight, one.skin, one.back, one.shell
                )
                for one in self.curtains
            )
        )
