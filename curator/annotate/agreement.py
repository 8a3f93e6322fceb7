"""How far authors agree, on the table of joint votes.

The law: each measure depends only on how many voxels have each joint vote. Kappa and alpha depend on how much
background is counted; that region is part of the result. Two empty masks agree fully.

Sources: Dice, Ecology 26(3) 1945; Fleiss, Psychological Bulletin 76(5) 1971; Krippendorff, Content Analysis, ch. 11
(nominal data, no value missing).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.annotate.votes import JointVotes, Region
from curator.errors import UsageError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Palette = NDArray[np.uint8]

_MM3_PER_ML = 1000.0


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One label: Dice between authors `(R, R)`, their volumes and how far they are from the consensus, millilitres."""

    label: int
    dice: Floats = field(repr=False)
    volumes_ml: Floats
    bias_ml: Floats

    @property
    def mean_dice(self) -> float:
        """Mean over all pairs of different authors; 1 where there is only one author."""
        authors = len(self.dice)
        pairs = self.dice[np.triu_indices(authors, k=1)]
        return float(pairs.mean()) if pairs.size else 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """All measures of one image. `kappa` and `alpha` are over all labels together, within `region`."""

    authors: int
    kappa: float
    alpha: float
    region: Region
    labels: tuple[LabelAgreement, ...]


def measured(votes: JointVotes, consensus: NDArray[np.uint8], *, region: Region, voxel_mm3: float) -> Agreement:
    """All measures of `votes`; `consensus` is `(P,)`, the label of each joint vote.

    Without any label there is no entry in `labels`, and kappa and alpha are 1.

    Raises:
        UsageError: fewer than two authors.
    """
    counts = votes.counts_within(region)
    voxel_ml = voxel_mm3 / _MM3_PER_ML
    return Agreement(
        authors=votes.palette.shape[1],
        kappa=fleiss_kappa(votes.palette, counts),
        alpha=krippendorff_alpha(votes.palette, counts),
        region=region,
        labels=tuple(
            LabelAgreement(
                label,
                dice_matrix(votes.palette, votes.counts, label=label),
                volumes_ml(votes.palette, votes.counts, label=label, voxel_ml=voxel_ml),
                bias_ml(votes.palette, votes.counts, consensus, label=label, voxel_ml=voxel_ml),
            )
            for label in votes.labels
        ),
    )


def dice_matrix(palette: Palette, counts: Counts, *, label: int) -> Floats:
    """Dice between every two authors, `(R, R)` in [0, 1]; 1 where both masks are empty, 0 where one is."""
    given = (palette == label).astype(np.float64)
    both = (given * counts[:, np.newaxis]).T @ given
    sizes = np.diag(both)
    together = sizes[:, np.newaxis] + sizes
    dice = np.ones(both.shape)
    np.divide(2 * both, together, out=dice, where=together > 0)
    return dice


def volumes_ml(palette: Palette, counts: Counts, *, label: int, voxel_ml: float) -> Floats:
    """How much each author gave `label`, `(R,)` millilitres; 0 for an empty mask."""
    return np.asarray(counts @ (palette == label) * voxel_ml, dtype=np.float64)


def bias_ml(palette: Palette, counts: Counts, consensus: NDArray[np.uint8], *, label: int, voxel_ml: float) -> Floats:
    """By how much each author's `label` is larger than the consensus, `(R,)` millilitres, negative where smaller.

    `consensus` is `(P,)`, the label of each joint vote. 0 where both are empty.
    """
    agreed_ml = float(counts @ (consensus == label)) * voxel_ml
    return volumes_ml(palette, counts, label=label, voxel_ml=voxel_ml) - agreed_ml


def fleiss_kappa(palette: Palette, counts: Counts) -> float:
    """Fleiss' kappa over all values, background included: at most 1, 0 where chance explains all agreement.

    It is 1 where only one value was given at all, or no voxel was counted.

    Raises:
        UsageError: fewer than two authors.
    """
    tally, authors = _tally(palette)
    voxels = float(counts.sum())
    if not voxels:
        return 1.0
    observed = float(counts @ ((tally**2).sum(axis=1) - authors)) / (voxels * authors * (authors - 1))
    expected = float((((counts @ tally) / (voxels * authors)) ** 2).sum())
    return _beyond_chance(observed, expected)


def krippendorff_alpha(palette: Palette, counts: Counts) -> float:
    """Krippendorff's alpha for nominal values, background included: at most 1, 0 where chance explains all.

    It is 1 where only one value was given at all, or no voxel was counted.

    Raises:
        UsageError: fewer than two authors.
    """
    tally, authors = _tally(palette)
    given = float(counts.sum()) * authors
    if not given:
        return 1.0
    observed = float(counts @ ((tally**2).sum(axis=1) - authors)) / (given * (authors - 1))
    totals = counts @ tally
    expected = float((totals * (totals - 1)).sum()) / (given * (given - 1))
    return _beyond_chance(observed, expected)


def _tally(palette: Palette) -> tuple[Floats, int]:
    """How many authors gave each value, `(P, L)`, and how many authors there are.

    Raises:
        UsageError: fewer than two.
    """
    authors = palette.shape[1]
    if authors < 2:
        raise UsageError("agreement needs the masks of at least two authors")
    tally = (palette[:, :, np.newaxis] == np.unique(palette)).sum(axis=1)
    return tally.astype(np.float64), authors


def _beyond_chance(observed: float, expected: float) -> float:
    """The share of the possible agreement beyond chance; 1 where chance alone agrees always."""
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)
