"""What turns the stored values of slices into physical ones, each slice by itself, and back.

The law: a stored value made physical and stored again is what it was.

Sources: DICOM PS3.3 C.11.1, C.8.9.1 (PET), C.7.6.16.2.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True, eq=False)
class Rescales:
    """One slope and intercept for each slice, `(Z,)` each: `value = stored * slope + intercept`."""

    slopes: NDArray[np.float64] = field(repr=False)
    intercepts: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Rescales:
        """Those of slices in order.

        Raises:
            ItemError: MALFORMED, one of them gives no values.
        """
        table = np.array(pairs, np.float64).reshape(-1, 2)
        if not np.isfinite(table).all() or (table[:, 0] == 0).any():
            raise ItemError(Reason.MALFORMED, "a rescale slope or intercept gives no values")
        return cls(table[:, 0].copy(), table[:, 1].copy())

    @property
    def only(self) -> tuple[float, float] | None:
        """The slope and intercept that all slices share; None where they differ, or there are none."""
        pairs = {(float(slope), float(shift)) for slope, shift in zip(self.slopes, self.intercepts, strict=True)}
        return pairs.pop() if len(pairs) == 1 else None

    def physical(self, stored: NDArray[np.generic]) -> NDArray[np.float64]:
        """The physical values of stored ones, both `(Z, Y, X)`."""
        values: NDArray[np.float64] = stored.astype(np.float64)
        values *= self.slopes[:, None, None]
        values += self.intercepts[:, None, None]
        return values

    def stored(
        self, physical: NDArray[np.floating], pixel_type: np.dtype[np.generic], *, limits: tuple[int, int] | None
    ) -> NDArray[np.generic]:
        """The nearest stored values `(Z, Y, X)` of physical ones, kept within `limits` where there are any."""
        values = (physical.astype(np.float64) - self.intercepts[:, None, None]) / self.slopes[:, None, None]
        if limits is None:
            return values.astype(pixel_type)
        return np.clip(np.rint(values), *limits).astype(pixel_type)
