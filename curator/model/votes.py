"""What several authors say about one image, voxel by voxel.

The law: any consensus depends only on a voxel's joint vote, so a joint vote is stored once in a palette and each voxel
holds its index.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """Joint votes of R authors.

    `index` is `(Z, Y, X)` uint16 into the rows of `palette`, `(P, R)` uint8 label values; column r is `authors[r]`.
    """

    index: NDArray[np.uint16] = field(repr=False)
    palette: NDArray[np.uint8] = field(repr=False)
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """What a consensus method made of the votes: `mask` is `(Z, Y, X)` uint8 label values, 0 is background."""

    mask: NDArray[np.uint8] = field(repr=False)
    votes: Votes


@dataclass(frozen=True, slots=True, kw_only=True)
class PaletteRow:
    """One joint vote of one item: what each author (`author_codes`) says where the votes file holds `pattern`."""

    item_id: str
    pattern: int
    author_codes: tuple[str, ...]
    label_values: tuple[int, ...]
