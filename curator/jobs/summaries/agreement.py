"""How far the authors of a frozen dataset agree, from its stored votes.

The law: a mean is over images that were compared, and how many those are is said.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.annotate.agreement import Agreement, measured
from curator.annotate.votes import JointVotes
from curator.dataset.read import read_annotations, read_array, read_items, read_lock, read_palette
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.manifest import AnnotationRow, Item
from curator.model.summary import AgreementSummary, AuthorSummary, LabelAgreementSummary
from curator.model.votes import PaletteRow

# Items come in the order of a digest, so the first ones are a sample of all.
_MOST_ITEMS = 200


@dataclass(frozen=True, slots=True)
class _Measured:
    """One image: who drew it, column by column, and what was measured."""

    authors: tuple[str, ...]
    agreement: Agreement


def agreement_summary(dataset: Path) -> AgreementSummary | None:
    """How far authors agree, over at most 200 images; None where nobody annotated.

    Raises:
        IntegrityError: the dataset's tables or arrays are damaged.
    """
    rows = read_annotations(dataset)
    if not rows:
        return None
    palettes: dict[str, list[PaletteRow]] = defaultdict(list)
    for each in read_palette(dataset):
        palettes[each.item_id].append(each)
    several = [
        item
        for item in sorted(read_items(dataset), key=lambda item: item.item_id)
        if item.votes_path and palettes[item.item_id] and len(set(palettes[item.item_id][0].author_codes)) > 1
    ]
    authors = _authors(rows)
    codes = [author.author_code for author in authors]
    found = [_measure(dataset, item, palettes[item.item_id]) for item in several[:_MOST_ITEMS]]
    return AgreementSummary(
        authors=authors,
        items=len(found),
        items_with_several=len(several),
        labels=tuple(_label(label, codes, found) for label in sorted(read_lock(dataset).labels)),
        kappa=_mean(one.agreement.kappa for one in found),
        alpha=_mean(one.agreement.alpha for one in found),
    )


def _authors(rows: Sequence[AnnotationRow]) -> tuple[AuthorSummary, ...]:
    by_code: dict[str, list[AnnotationRow]] = defaultdict(list)
    for row in rows:
        by_code[row.author_code].append(row)
    return tuple(
        AuthorSummary(
            author_code=code,
            roles=tuple(sorted({row.role for row in by_code[code]})),
            tools=tuple(sorted({row.tool for row in by_code[code]})),
            masks=len(by_code[code]),
        )
        for code in sorted(by_code)
    )


def _measure(dataset: Path, item: Item, palette: Sequence[PaletteRow]) -> _Measured:
    index = read_array(dataset / item.votes_path).astype(np.uint16)
    mask = read_array(dataset / item.mask_path).astype(np.uint8)
    values = np.array([row.label_values for row in sorted(palette, key=lambda row: row.pattern)], dtype=np.uint8)
    if index.shape != mask.shape or int(index.max(initial=0)) >= len(values):
        raise IntegrityError("the votes of an item do not fit its mask or palette; run `curator dataset verify`")
    votes = JointVotes(index, values, np.bincount(index.ravel(), minlength=len(values)).astype(np.int64))
    # The consensus depends on the joint vote alone, so any voxel of a vote tells it.
    consensus: NDArray[np.uint8] = np.zeros(len(values), np.uint8)
    consensus[index.ravel()] = mask.ravel()
    agreement = measured(votes, consensus, region=votes.union_region(), voxel_mm3=math.prod(item.spacing_mm))
    return _Measured(tuple(palette[0].author_codes), agreement)


def _label(label: Label, codes: Sequence[str], found: Sequence[_Measured]) -> LabelAgreementSummary:
    dice: dict[tuple[str, str], list[float]] = defaultdict(list)
    bias: dict[str, list[float]] = defaultdict(list)
    for one in found:
        for each in one.agreement.labels:
            if each.label != label.value:
                continue
            for row, author in enumerate(one.authors):
                bias[author].append(float(each.bias_ml[row]))
                for column, other in enumerate(one.authors):
                    if row != column:
                        dice[author, other].append(float(each.dice[row, column]))
    return LabelAgreementSummary(
        label=label.name,
        dice=tuple(tuple(_pair(dice, row, column) for column in codes) for row in codes),
        bias_ml=tuple(_mean(bias[code]) for code in codes),
    )


def _pair(dice: Mapping[tuple[str, str], Sequence[float]], row: str, column: str) -> float | None:
    return 1.0 if row == column else _mean(dice.get((row, column), ()))


def _mean(values: Iterable[float]) -> float | None:
    """The mean, the same in every order; None for none."""
    known = list(values)
    return math.fsum(known) / len(known) if known else None
