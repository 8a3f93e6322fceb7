"""A three-dimensional image on a regular grid.

The law: arrays are `(Z, Y, X)`; `affine_lps` takes homogeneous voxel indices `(x, y, z, 1)` to patient millimetres in
DICOM's axes (x to the left, y to the back, z to the head).

Sources: DICOM PS3.3 C.7.6.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """Stored values with what turns them into physical ones: `value = stored * rescale_slope + rescale_intercept`.

    `stored` is `(Z, Y, X)`, any integer or float type; `affine_lps` is `(4, 4)` float64.
    """

    stored: NDArray[np.generic] = field(repr=False)
    affine_lps: Affine = field(repr=False)
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along `(z, y, x)`, millimetres."""
        x, y, z = (float(np.linalg.norm(self.affine_lps[:3, axis])) for axis in range(3))
        return (z, y, x)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts `(Z, Y, X)`."""
        z, y, x = self.stored.shape
        return (z, y, x)
