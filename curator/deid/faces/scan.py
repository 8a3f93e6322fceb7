"""One volume of a study as defacing takes it, and what its values mean.

The law: a stored value and a physical one are turned into each other slice by slice, for PET scales every slice by
itself.

Sources: DICOM PS3.3 C.7.6.2, C.8.9.1, C.11.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.imaging.frame import Frame
from curator.model.volume import Volume
from curator.ports.faces import Field, Resampler

# What has fewer slices, or is thinner, shows no surface to look at.
_FEW_SLICES, _THIN_MM = 5, 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A volume with what its header hints at.

    `lowest` and `highest` bound what may be stored; `padding` is a stored value that stands for no tissue and may not
    be written, None where there is none. `names_head` is what the header says of it: True for a head, False for
    another part of the body, None for nothing. `slopes` and `intercepts` have an entry a slice where slices differ,
    else they are empty and those of the volume count. `is_projection` says that a pixel shows all that lies in front
    of and behind it, as in a CT's scout.
    """

    volume: Volume
    frame_of_reference: str = field(default="", repr=False)
    modality: str = ""
    names_head: bool | None = None
    lowest: float = -np.inf
    highest: float = np.inf
    padding: float | None = None
    slopes: tuple[float, ...] = field(default=(), repr=False)
    intercepts: tuple[float, ...] = field(default=(), repr=False)
    is_projection: bool = False

    @property
    def is_flat(self) -> bool:
        """Whether there are too few slices to look at it from the front: a localizer, a slab."""
        extents = (length * step for length, step in zip(self.volume.shape, self.volume.spacing_mm, strict=True))
        return self.is_projection or min(self.volume.shape) < _FEW_SLICES or min(extents) < _THIN_MM

    def scale(self, z: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Slope and intercept of some slices, each to be broadcast over `(Z, Y, X)`."""
        count = len(range(*z.indices(self.volume.shape[0])))
        slopes = self.slopes[z] if self.slopes else (self.volume.rescale_slope,) * count
        intercepts = self.intercepts[z] if self.intercepts else (self.volume.rescale_intercept,) * count
        return (
            np.asarray(slopes, np.float32)[:, None, None],
            np.asarray(intercepts, np.float32)[:, None, None],
        )

    def physical(self, z: slice) -> Field:
        """The physical values of some slices, float32; numbers that are none count as 0."""
        slope, intercept = self.scale(z)
        values = self.volume.stored[z].astype(np.float32) * slope + intercept
        return np.asarray(np.nan_to_num(values, copy=False), np.float32)

    def seen_in(self, frame: Frame, resampler: Resampler, *, outside: float | None = None) -> Field:
        """The physical values at the voxels of a frame; around the volume its lowest value, or `outside`."""
        everything = slice(None)
        indices = frame.indices_in(self.volume.affine_lps)
        is_plain = not self.slopes and self.volume.stored.dtype.kind in "iu"
        if not is_plain:
            values = self.physical(everything)
            around = float(values.min()) if outside is None else outside
            return resampler.onto(values, indices, frame.shape, outside=around)
        slope, intercept = self.volume.rescale_slope, self.volume.rescale_intercept
        stored = self.volume.stored
        around = (
            float(stored.min() if slope > 0 else stored.max()) if outside is None else (outside - intercept) / slope
        )
        taken = resampler.onto(stored, indices, frame.shape, outside=around)
        if (slope, intercept) != (1.0, 0.0):
            taken = np.asarray(taken * np.float32(slope) + np.float32(intercept), np.float32)
        return taken
