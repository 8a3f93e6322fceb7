"""What looks at pictures: readers of text and finders of faces."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box, Sighting

Picture = NDArray[np.uint8]
"""`(Y, X)` grey or `(Y, X, 3)` RGB, 0 black to 255 white."""


class TextReader(Protocol):
    """Finds text in a picture."""

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        """Everything that may be text, top to bottom; nothing for a picture without any.

        `watchful` lowers the thresholds, as the proof after scrubbing wants it.
        """
        ...


class FaceFinder(Protocol):
    """Finds faces of persons in a picture."""

    def faces(self, picture: Picture) -> tuple[Box, ...]:
        """The box around each face; nothing for a picture without any."""
        ...
