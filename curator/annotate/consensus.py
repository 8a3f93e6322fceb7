"""One mask out of many: majority, STAPLE and soft labels, all on the table of joint votes.

The law: each result has one entry for each joint vote; applying it to the volume is `entries[votes.index]`. A tie is
background: where the authors do not decide, nothing is claimed.

Sources: Warfield, Zou, Wells, IEEE TMI 23(7) 2004 (STAPLE); Rohlfing, Russakoff, Maurer, IPMI 2003 (several labels).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from curator.annotate.votes import MARGIN_VOXELS, JointVotes, Region
from curator.errors import UsageError

Floats = NDArray[np.float64]

_CONVERGED = 1e-10
_MOST_ITERATIONS = 2_000
_TIE = 1e-9


class Method(StrEnum):
    """How masks are joined."""

    MAJORITY = "majority"
    STAPLE = "staple"


@dataclass(frozen=True, slots=True)
class Staple:
    """STAPLE for one label: `probability` `(P,)` of being the label, for each joint vote.

    `sensitivity` and `specificity` are `(R,)`; NaN where no voxel could show them. `region` is what was counted.
    """

    label: int
    probability: Floats = field(repr=False)
    sensitivity: Floats
    specificity: Floats
    prior: float
    iterations: int
    region: Region


@dataclass(frozen=True, slots=True)
class MultiLabelStaple:
    """STAPLE for all labels at once; `labels` starts with 0, the background.

    `probability` is `(P, L)`, rows sum to 1. `confusion` is `(R, L, L)`: how often author r says label j (last axis)
    where label i is true; a row is NaN where label i is never true.
    """

    labels: tuple[int, ...]
    probability: Floats = field(repr=False)
    confusion: Floats = field(repr=False)
    prior: Floats
    iterations: int
    region: Region


@dataclass(frozen=True, slots=True)
class Consensus:
    """The joined mask `(Z, Y, X)` uint8, how it was made and the region that was counted."""

    mask: NDArray[np.uint8] = field(repr=False)
    entries: NDArray[np.uint8] = field(repr=False)
    method: Method
    region: Region


def joined(votes: JointVotes, method: Method, *, margin_voxels: int = MARGIN_VOXELS) -> Consensus:
    """The consensus of all authors; all background where all masks are, the mask itself where there is one author."""
    region = votes.union_region(margin_voxels=margin_voxels)
    entries = majority(votes) if method is Method.MAJORITY else _staple_entries(votes, region)
    return Consensus(entries[votes.index], entries, method, region)


def majority(votes: JointVotes) -> NDArray[np.uint8]:
    """The label that most authors gave, `(P,)`; 0 where two labels share the first place."""
    values = np.array((0, *votes.labels), np.uint8)
    tally = _tally(votes, values)
    first = tally.max(axis=1, keepdims=True)
    is_tied = (tally == first).sum(axis=1) > 1
    return np.where(is_tied, 0, values[tally.argmax(axis=1)]).astype(np.uint8)


def soft_labels(votes: JointVotes, label: int) -> Floats:
    """The share of authors that gave `label`, `(P,)` in [0, 1]."""
    return np.asarray((votes.palette == label).mean(axis=1), dtype=np.float64)


def staple(votes: JointVotes, label: int, *, region: Region) -> Staple:
    """STAPLE for `label` against everything else, counted in `region`, starting from the shares of the votes.

    The prior is the share of `label` among all votes in the region. Where nobody gave the label there, all
    probabilities are 0.
    """
    given = votes.palette == label
    counts = votes.counts_within(region).astype(np.float64)
    probability = given.mean(axis=1)
    prior = float(_share(counts @ probability, counts.sum()))
    sensitivity, specificity = _performance(counts, probability, given)
    iterations, moved = 0, np.inf
    while moved >= _CONVERGED and iterations < _MOST_ITERATIONS:
        iterations += 1
        before = sensitivity, specificity
        seen, rejected = np.nan_to_num(sensitivity), np.nan_to_num(specificity)
        inside = prior * np.where(given, seen, 1 - seen).prod(axis=1)
        outside = (1 - prior) * np.where(given, 1 - rejected, rejected).prod(axis=1)
        probability = _share(inside, inside + outside)
        sensitivity, specificity = _performance(counts, probability, given)
        moved = max(_moved(sensitivity, before[0]), _moved(specificity, before[1]))
    return Staple(label, probability, sensitivity, specificity, prior, iterations, region)


def multi_label_staple(votes: JointVotes, *, region: Region) -> MultiLabelStaple:
    """STAPLE for all labels together, counted in `region`, starting from the shares of the votes.

    The prior is the share of each label among all votes in the region. Where nobody gave any label there, everything
    is background.
    """
    labels = (0, *votes.labels)
    counts = votes.counts_within(region).astype(np.float64)
    values = np.array(labels, np.uint8)
    said = (votes.palette[:, :, np.newaxis] == values).astype(np.float64)  # (P, R, L)
    shares = said.mean(axis=1)
    prior = _share(counts @ shares, counts.sum(), empty=0.0)
    probability = shares
    confusion = _confusion(counts, probability, said)
    iterations, moved = 0, np.inf
    while moved >= _CONVERGED and iterations < _MOST_ITERATIONS:
        iterations += 1
        evidence = prior * np.einsum("prj,rij->pri", said, np.nan_to_num(confusion)).prod(axis=1)
        total = evidence.sum(axis=1, keepdims=True)
        # No truth explains a vote that has underflowed or lies outside the region: there the authors' shares stand.
        probability = np.where(total > 0, _share(evidence, total), shares)
        before, confusion = confusion, _confusion(counts, probability, said)
        moved = _moved(confusion, before)
    return MultiLabelStaple(labels, probability, confusion, prior, iterations, region)


def _staple_entries(votes: JointVotes, region: Region) -> NDArray[np.uint8]:
    """The label of each joint vote by STAPLE, 0 in a tie; binary where there is one label."""
    labels = votes.labels
    if not labels:
        return np.zeros(len(votes.palette), np.uint8)
    if len(labels) == 1:
        found = staple(votes, labels[0], region=region).probability
        return np.where(found > 0.5 + _TIE, labels[0], 0).astype(np.uint8)
    joint = multi_label_staple(votes, region=region)
    values = np.array(joint.labels, np.uint8)
    first = joint.probability.max(axis=1, keepdims=True)
    is_tied = (joint.probability >= first - _TIE).sum(axis=1) > 1
    return np.where(is_tied, 0, values[joint.probability.argmax(axis=1)]).astype(np.uint8)


def _tally(votes: JointVotes, values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many authors gave each of `values`, `(P, L)`."""
    return np.asarray((votes.palette[:, :, np.newaxis] == values).sum(axis=1), dtype=np.int64)


def _performance(counts: Floats, probability: Floats, given: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Sensitivity and specificity of each author, `(R,)`, NaN where no voxel shows them."""
    inside, outside = counts * probability, counts * (1 - probability)
    return _share(inside @ given, inside.sum(), empty=np.nan), _share(outside @ ~given, outside.sum(), empty=np.nan)


def _confusion(counts: Floats, probability: Floats, said: Floats) -> Floats:
    """`(R, L, L)`: author, truth, what was said; rows sum to 1 or are NaN."""
    weight = counts[:, np.newaxis] * probability
    together = np.einsum("pi,prj->rij", weight, said)
    return _share(together, together.sum(axis=2, keepdims=True), empty=np.nan)


def _share(part: Floats, whole: Floats | float, *, empty: float = 0.0) -> Floats:
    """`part / whole`, `empty` where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    share = np.full(part.shape, empty)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _moved(now: Floats, before: Floats) -> float:
    """The largest change; what is undefined does not move."""
    return float(np.nan_to_num(np.abs(now - before)).max(initial=0.0))


def parse_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Method(name)
    except ValueError:
        raise UsageError(f"no consensus method {name!r}; known: {', '.join(Method)}") from None
