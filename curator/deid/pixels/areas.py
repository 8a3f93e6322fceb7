"""Areas of boxes that may overlap.

The law: a pixel that lies in two boxes counts once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from curator.model.pixels import Box


def covered(boxes: Sequence[Box]) -> int:
    """How many pixels the boxes cover together; 0 for no boxes."""
    boxes = [box for box in boxes if box.area]
    if not boxes:
        return 0
    edges_y = sorted({edge for box in boxes for edge in (box.top, box.bottom)})
    edges_x = sorted({edge for box in boxes for edge in (box.left, box.right)})
    cells = np.zeros((len(edges_y) - 1, len(edges_x) - 1), dtype=bool)
    for box in boxes:
        cells[
            bisect_left(edges_y, box.top) : bisect_left(edges_y, box.bottom),
            bisect_left(edges_x, box.left) : bisect_left(edges_x, box.right),
        ] = True
    return int(np.diff(edges_y) @ cells @ np.diff(edges_x))
