"""How varied a collection is: by vendor, model, centre, modality and body part.

The law: a measure depends on the counts alone, not on names or order.

Sources: Shannon, "A Mathematical Theory of Communication" (1948); Pielou (1966), evenness; Hill (1973), effective
number of order 1; Jost (2006), why the effective number is the one to compare.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from curator.model.series import CatalogSeries

K = TypeVar("K")
ATTRIBUTES = ("vendor", "ManufacturerModelName", "centre_code", "Modality", "BodyPartExamined")


@dataclass(frozen=True, slots=True)
class Diversity:
    """One attribute over a collection.

    `counts` is sorted, most frequent first, then by name. `entropy_nats` is in [0, ln n] for n different values,
    `evenness` in [0, 1] and 1.0 for one value, `effective_number` in [1, n]: as many equally frequent values would be
    as diverse. All three are 0.0 for an empty collection.
    """

    attribute: str
    counts: tuple[tuple[str, int], ...]
    entropy_nats: float
    evenness: float
    effective_number: float


@dataclass(frozen=True, slots=True)
class CrossTable:
    """How two attributes go together: `cells[i][j]` series have the `i`-th row value and the `j`-th column value.

    `shared_information` is the mutual information over the smaller entropy: 0.0 where the two are independent, 1.0
    where one tells the other (each centre has its own vendor, so their effects cannot be told apart); 0.0 where either
    has fewer than two values.
    """

    row_attribute: str
    column_attribute: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]
    shared_information: float


@dataclass(frozen=True, slots=True)
class DiversityReport:
    """All attributes, and vendor by centre; `series` and `patients` are totals."""

    series: int
    patients: int
    attributes: tuple[Diversity, ...]
    vendor_by_centre: CrossTable


def report(collection: Sequence[CatalogSeries]) -> DiversityReport:
    """Everything about one collection; all counts and measures 0 for an empty one."""
    return DiversityReport(
        series=len(collection),
        patients=len({one.patient_code for one in collection}),
        attributes=tuple(diversity(collection, attribute) for attribute in ATTRIBUTES),
        vendor_by_centre=cross_table(collection, "vendor", "centre_code"),
    )


def diversity(collection: Iterable[CatalogSeries], attribute: str) -> Diversity:
    """How varied one text attribute is, by number of series."""
    counts = Counter(str(getattr(one, attribute)) for one in collection)
    entropy = entropy_nats(counts)
    return Diversity(
        attribute=attribute,
        counts=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        entropy_nats=entropy,
        evenness=_evenness(entropy, len(counts)),
        effective_number=math.exp(entropy) if counts else 0.0,
    )


def cross_table(collection: Sequence[CatalogSeries], row_attribute: str, column_attribute: str) -> CrossTable:
    """How two text attributes go together, by number of series; no rows and columns for an empty collection."""
    pairs = Counter((str(getattr(one, row_attribute)), str(getattr(one, column_attribute))) for one in collection)
    rows = tuple(sorted({row for row, _ in pairs}))
    columns = tuple(sorted({column for _, column in pairs}))
    return CrossTable(
        row_attribute=row_attribute,
        column_attribute=column_attribute,
        rows=rows,
        columns=columns,
        cells=tuple(tuple(pairs[row, column] for column in columns) for row in rows),
        shared_information=_shared_information(pairs),
    )


def entropy_nats(counts: Mapping[K, int]) -> float:
    """Shannon entropy of the distribution that `counts` gives, in nats; 0.0 for no counts."""
    total = sum(counts.values())
    # fsum is exact whatever the order, so that equal collections give equal bits.
    return abs(math.fsum(-count / total * math.log(count / total) for count in counts.values() if count))


def _evenness(entropy: float, values: int) -> float:
    if values < 2:
        return float(values)
    return min(1.0, entropy / math.log(values))


def _shared_information(pairs: Mapping[tuple[str, str], int]) -> float:
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (row, column), count in pairs.items():
        rows[row] += count
        columns[column] += count
    smaller = min(entropy_nats(rows), entropy_nats(columns))
    if smaller == 0.0:
        return 0.0
    shared = entropy_nats(rows) + entropy_nats(columns) - entropy_nats(pairs)
    return min(1.0, max(0.0, shared / smaller))
