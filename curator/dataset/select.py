"""Chooses a balanced set of series and certifies how balanced it can be.

An even share of a stratum is the number chosen over the number of its attribute's values; the distance to minimise is
the sum of `|got - wanted|` over all strata of all balanced attributes. Series that agree in every balanced attribute
are interchangeable as to it, so the search counts cells, greedy first and then by swaps, and only then names series.

The law: the choice depends on the set of candidates, the specification and its seed, never on their order; and no
choice of that size is nearer to even than the certificate's bound, the optimum of the linear relaxation.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, hstack, identity, vstack

from curator.dataset.canonical import canonical_json, seeded_order
from curator.dataset.spec import DatasetSpec, Filters
from curator.errors import UsageError
from curator.model.selection import Excluded, LeftOut, LeftOutReason, Selection, Stratum
from curator.model.series import CatalogSeries

Counts = NDArray[np.int64]
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class _Problem:
    """Cells and the strata each belongs to.

    `members` is `(cells, attributes)` stratum numbers, `capacity` `(cells,)` candidates, `wanted` `(strata,)`.
    """

    members: Counts
    capacity: Counts
    wanted: NDArray[np.float64]
    size: int

    def strata_counts(self, taken: Counts) -> NDArray[np.float64]:
        """How many of `taken`, `(cells,)`, fall into each stratum."""
        counts = np.zeros(len(self.wanted))
        np.add.at(counts, self.members, taken[:, None])
        return counts

    def l1(self, taken: Counts) -> float:
        """Distance to even of `taken`."""
        return float(np.abs(self.strata_counts(taken) - self.wanted).sum())


def select(candidates: Sequence[CatalogSeries], spec: DatasetSpec) -> Selection:
    """The most even choice that the greedy search and its swaps find among the eligible `candidates`.

    Exactly `min(spec.size, eligible)` series are chosen.

    Raises:
        UsageError: there are no candidates, one is listed twice, or the filters let none pass.
    """
    ordered = sorted(candidates, key=lambda series: series.SeriesInstanceUID)
    if not ordered:
        raise UsageError("the catalogue has no series to choose from; ingest and release some first")
    if any(a.SeriesInstanceUID == b.SeriesInstanceUID for a, b in pairwise(ordered)):
        raise UsageError("a series is listed twice among the candidates")
    reasons = [_filtered(series, spec.filters) for series in ordered]
    eligible = [series for series, reason in zip(ordered, reasons, strict=True) if reason is None]
    if not eligible:
        tally = ", ".join(f"{count} by {reason}" for reason, count in sorted(Counter(filter(None, reasons)).items()))
        raise UsageError(f"the filters leave none of {len(ordered)} series ({tally}); widen [dataset.filters]")

    strata, problem, cells = _problem(eligible, spec)
    taken = _swapped(problem, _greedy(problem)) if problem.size < len(eligible) else problem.capacity
    chosen = [series for cell, count in zip(cells, taken, strict=True) for series in cell[:count]]
    uids = {series.SeriesInstanceUID for series in chosen}
    left_out = [
        LeftOut(series.SeriesInstanceUID, reason or LeftOutReason.BALANCE)
        for series, reason in zip(ordered, reasons, strict=True)
        if series.SeriesInstanceUID not in uids
    ]
    got, available = problem.strata_counts(taken), problem.strata_counts(problem.capacity)
    return Selection(
        chosen=tuple(sorted(chosen, key=lambda series: series.SeriesInstanceUID)),
        left_out=tuple(left_out),
        strata=tuple(
            Stratum(
                attribute=attribute,
                value=value,
                available=int(available[number]),
                wanted=float(problem.wanted[number]),
                got=int(got[number]),
            )
            for number, (attribute, value) in enumerate(strata)
        ),
        l1=problem.l1(taken),
        l1_bound=_bound(problem),
    )


def _filtered(series: CatalogSeries, filters: Filters) -> LeftOutReason | None:
    for allowed, value, reason in (
        (filters.Modality, series.Modality, LeftOutReason.MODALITY),
        (filters.BodyPartExamined, series.BodyPartExamined, LeftOutReason.BODY_PART),
        (filters.vendor, series.vendor, LeftOutReason.VENDOR),
    ):
        if allowed and value not in allowed:
            return reason
    if filters.require_annotations and not series.annotators:
        return LeftOutReason.NOT_ANNOTATED
    if len(series.annotators) < filters.minimum_annotators:
        return LeftOutReason.TOO_FEW_ANNOTATORS
    return None


def _problem(
    eligible: Sequence[CatalogSeries], spec: DatasetSpec
) -> tuple[list[tuple[str, str]], _Problem, list[list[CatalogSeries]]]:
    """The strata by number, the counting problem, and each cell's series, most welcome first."""
    attributes = spec.balance_by
    strata = sorted({(name, str(getattr(series, name))) for series in eligible for name in attributes})
    number = {stratum: index for index, stratum in enumerate(strata)}
    by_cell: dict[tuple[int, ...], list[CatalogSeries]] = defaultdict(list)
    for series in eligible:
        by_cell[tuple(number[name, str(getattr(series, name))] for name in attributes)].append(series)
    order = seeded_order(spec.seed, "cell")
    keys = sorted(by_cell, key=lambda cell: order(repr([strata[index] for index in cell])))
    size = min(spec.size or len(eligible), len(eligible))
    values = Counter(name for name, _ in strata)
    problem = _Problem(
        members=np.array(keys, np.int64).reshape(len(keys), len(attributes)),
        capacity=np.array([len(by_cell[key]) for key in keys], np.int64),
        wanted=np.array([size / values[name] for name, _ in strata]),
        size=size,
    )
    return strata, problem, [_patients_in_turn(by_cell[key], spec.seed) for key in keys]


def _patients_in_turn(series: Sequence[CatalogSeries], seed: int) -> list[CatalogSeries]:
    """One series of each patient before anyone's second: ten patients teach more than ten scans of one."""
    order = seeded_order(seed, "series")
    turn: Counter[str] = Counter()
    ranked = []
    for each in sorted(series, key=lambda one: order(one.SeriesInstanceUID)):
        ranked.append((turn[each.patient_code], each))
        turn[each.patient_code] += 1
    return [each for _, each in sorted(ranked, key=lambda pair: pair[0])]


def _greedy(problem: _Problem) -> Counts:
    """Series per cell, `(cells,)`: the next one always where it helps most, then where the shortage is greatest."""
    taken = np.zeros(len(problem.capacity), np.int64)
    counts = np.zeros(len(problem.wanted))
    for _ in range(problem.size):
        open_cells = np.flatnonzero(taken < problem.capacity)
        gain = _added(problem, counts)[open_cells]
        tied = open_cells[gain <= gain.min() + _TOLERANCE]
        crowding = (counts / problem.wanted)[problem.members[tied]].sum(axis=1)
        best = tied[int(np.argmin(np.round(crowding, 9)))]
        taken[best] += 1
        counts[problem.members[best]] += 1
    return taken


def _added(problem: _Problem, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What one more series from each cell, `(cells,)`, adds to the distance."""
    delta = np.abs(counts + 1 - problem.wanted) - np.abs(counts - problem.wanted)
    return np.asarray(delta[problem.members].sum(axis=1))


def _swapped(problem: _Problem, taken: Counts) -> Counts:
    """`taken` after every exchange between two cells that lessens the distance; ends because each one does."""
    taken = taken.copy()
    counts = problem.strata_counts(taken)
    improved = True
    while improved:
        improved = False
        for source in np.flatnonzero(taken > 0):
            members = problem.members[source]
            before = np.abs(counts[members] - problem.wanted[members]).sum()
            counts[members] -= 1
            after = np.abs(counts[members] - problem.wanted[members]).sum()
            change = after - before + _added(problem, counts)
            change[taken >= problem.capacity] = math.inf
            target = int(np.argmin(np.round(change, 9)))
            if change[target] < -_TOLERANCE:
                taken[source] -= 1
                taken[target] += 1
                counts[problem.members[target]] += 1
                improved = True
            else:
                counts[members] += 1
    return taken


def _bound(problem: _Problem) -> float:
    """The least distance any choice of that size can have, from the linear relaxation; rounded down at 1e-6."""
    cells, strata = len(problem.capacity), len(problem.wanted)
    if strata == 0:
        return 0.0
    columns = np.repeat(np.arange(cells), problem.members.shape[1])
    belongs = coo_array((np.ones(columns.size), (problem.members.ravel(), columns)), shape=(strata, cells))
    distance = identity(strata)
    result = linprog(
        np.concatenate([np.zeros(cells), np.ones(strata)]),
        A_ub=vstack([hstack([belongs, -distance]), hstack([-belongs, -distance])]).tocsr(),
        b_ub=np.concatenate([problem.wanted, -problem.wanted]),
        A_eq=np.concatenate([np.ones(cells), np.zeros(strata)])[None, :],
        b_eq=[problem.size],
        bounds=[*((0, int(most)) for most in problem.capacity), *((0, None) for _ in range(strata))],
        method="highs",
    )
    # The solver is exact to 1e-7; what it reports must stay a lower bound and be the same on every machine.
    return max(0.0, math.floor((float(result.fun) + 1e-7) * 1e6) / 1e6)


def certificate_bytes(selection: Selection, excluded: Sequence[Excluded] = ()) -> bytes:
    """`certificate.json`: how even the choice is, how even it can be, and why each candidate is not in the dataset.

    `excluded` is what was chosen and could not be used.
    """
    left_out = {each.SeriesInstanceUID: each.reason.value for each in selection.left_out}
    return canonical_json(
        {
            "chosen": len(selection.chosen),
            "l1": round(selection.l1, 6),
            "l1_bound": selection.l1_bound,
            "excluded": [
                {
                    "SeriesInstanceUID": each.SeriesInstanceUID,
                    "author_code": each.author_code,
                    "reason": each.reason.value,
                    "detail": each.detail,
                }
                for each in excluded
            ],
            "left_out": left_out,
            "strata": [
                {
                    "attribute": each.attribute,
                    "value": each.value,
                    "available": each.available,
                    "wanted": round(each.wanted, 6),
                    "got": each.got,
                }
                for each in selection.strata
            ],
        }
    )
