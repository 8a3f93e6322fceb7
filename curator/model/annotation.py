"""What one author says about one image.

An author is a keyed code, never a name: annotators are people too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """One class of a mask: its voxel value, plain name and coded meaning (empty where none was given)."""

    value: int
    name: str
    code_value: str = ""
    coding_scheme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One author's segmentation of one series, on the grid of its image.

    `mask` is `(Z, Y, X)` uint8 of label values, 0 is background. `tool` names what made it, `role` is as declared
    (`radiologist`, `student`, `model`, ...).
    """

    SeriesInstanceUID: str
    author_code: str
    role: str
    tool: str
    labels: tuple[Label, ...]
    mask: NDArray[np.uint8] = field(repr=False)
