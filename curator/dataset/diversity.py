"""How varied a choice is beside what it was chosen from.

Sources: Hill, Ecology 54 (1973) 427: the effective number of kinds is the exponential of Shannon's entropy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from curator.dataset.canonical import canonical_json
from curator.dataset.spec import ATTRIBUTES
from curator.model.series import CatalogSeries


def effective_number(counts: Iterable[int]) -> float:
    """How many equally common kinds are as varied as these `counts`; 0.0 for none."""
    present = [count for count in counts if count > 0]
    total = sum(present)
    return math.exp(-sum(n / total * math.log(n / total) for n in present)) if present else 0.0


def diversity_bytes(chosen: Sequence[CatalogSeries], candidates: Sequence[CatalogSeries]) -> bytes:
    """`diversity.json`: for each attribute and for patients, kinds and effective kinds, chosen and on offer."""
    return canonical_json({"candidates": _measures(candidates), "chosen": _measures(chosen)})


def _measures(series: Sequence[CatalogSeries]) -> dict[str, object]:
    measures: dict[str, object] = {"series": len(series)}
    for name in (*ATTRIBUTES, "patient_code"):
        counts = Counter(str(getattr(each, name)) for each in series)
        measures[name] = {"kinds": len(counts), "effective_kinds": round(effective_number(counts.values()), 6)}
    return measures
