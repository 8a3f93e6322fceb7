"""Scores predictions by class, and by vendor, centre and author.

    RUN/evaluation/cases.parquet      one row a case and class, columns as `curator.model.evaluation.CaseScore`
    RUN/evaluation/evaluation.json    dataset, mean, groups; `hd95_mm_median` is null where it is infinite

The law: the same predictions, dataset and grouping give the same bytes; each group's bootstrap has a seed of its own,
so its interval does not depend on which others are asked for.

Sources: Efron 1979, 10.1214/aos/1176344552 (bootstrap; percentile interval).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.dataset.rows import read_rows, rows_bytes
from curator.errors import ConfigurationError, IntegrityError, UsageError
from curator.model.annotation import Label
from curator.model.evaluation import CaseScore, GroupScore
from curator.model.manifest import Item
from trainers.dataset import DatasetIdentity, FrozenDataset, read_annotations, read_dataset, read_mask
from trainers.files import json_bytes, read_json, write_bytes
from trainers.metrics import dice, hd95_mm
from trainers.predictions import INDEX_NAME, read_prediction
from trainers.runs import EVALUATION_NAME, PREDICTIONS_NAME, run_identity

CASES_NAME = "cases.parquet"
SUMMARY_NAME = "evaluation.json"
AUTHOR = "author_code"
GROUPINGS = ("vendor", "centre_code", AUTHOR)
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one run's predictions are worth.

    `cases` has one row per item and label, sorted; `groups` one per grouping, group and label, those of all cases
    first. `mean_dice` is the mean over labels of the mean over cases, in [0, 1].
    """

    dataset: DatasetIdentity
    cases: tuple[CaseScore, ...]
    groups: tuple[GroupScore, ...]
    mean_dice: float


def evaluate_run(
    run: Path,
    dataset: Path,
    *,
    by: Sequence[str] = ("vendor", "centre_code"),
    write: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Score what lies in `RUN/predictions` against the dataset's masks and write it to `RUN/evaluation`.

    `by` names groupings out of `vendor`, `centre_code` and `author_code`; by author a prediction is scored against
    each author's own mask and not the consensus. With `write` False nothing is written.

    Raises:
        ConfigurationError: a grouping is unknown.
        UsageError: no run, no dataset or no prediction of this dataset there, or no predicted item has a mask.
        IntegrityError: a prediction is not on its image's grid, or a mask not where the manifest says.
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    for name in by:
        if name not in GROUPINGS:
            raise ConfigurationError(f"cases cannot be grouped by {name!r}; known are {', '.join(GROUPINGS)}")
    run_identity(run)
    source = read_dataset(dataset)
    items = _predicted(run, source)
    cases = evaluate(source, items, run / PREDICTIONS_NAME, progress=progress)
    rows = [("", "", case) for case in cases]
    rows += [(name, str(getattr(case, name)), case) for name in by if name != AUTHOR for case in cases]
    if AUTHOR in by:
        rows += [(AUTHOR, author, case) for author, case in _author_cases(source, items, run / PREDICTIONS_NAME)]
    groups = group_scores(rows)
    overall = [group.dice_mean for group in groups if group.group_by == ""]
    result = Evaluation(
        dataset=source.identity, cases=tuple(cases), groups=groups, mean_dice=sum(overall) / len(overall)
    )
    if write:
        write_bytes(run / EVALUATION_NAME / CASES_NAME, rows_bytes(CaseScore, result.cases))
        write_bytes(run / EVALUATION_NAME / SUMMARY_NAME, json_bytes(summary_of(result)))
    return result


def evaluate(
    source: FrozenDataset, items: Sequence[Item], predictions: Path, *, progress: Progress | None = None
) -> list[CaseScore]:
    """One score per item and label of the dataset, by item then label value; `items` without a mask give none.

    Raises:
        UsageError: an item has no prediction.
        IntegrityError: prediction and mask do not lie on the image's grid.
    """
    scores = []
    for done, item in enumerate(items, start=1):
        if item.mask_path:
            predicted, reference = read_prediction(predictions, item), read_mask(source, item)
            scores += [_score(source, item, label, predicted, reference == label.value) for label in source.labels]
        if progress is not None:
            progress(done, len(items))
    return scores


def group_scores(rows: Iterable[tuple[str, str, CaseScore]]) -> tuple[GroupScore, ...]:
    """Mean Dice with its bootstrap interval for each (group_by, group, label) of `rows`, sorted; none for none."""
    gathered: dict[tuple[str, str, str], list[CaseScore]] = {}
    for group_by, group, case in rows:
        gathered.setdefault((group_by, group, case.label), []).append(case)
    return tuple(_group_score(*key, gathered[key]) for key in sorted(gathered))


def bootstrap_interval(values: NDArray[np.float64], *, seed: int) -> tuple[float, float]:
    """The central 95 % of the means of `RESAMPLES` resamples of `values`, which may not be empty."""
    generator = np.random.Generator(np.random.PCG64(seed))
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[chosen].mean(axis=1), INTERVAL)
    return float(low), float(high)


def read_evaluation(run: Path) -> Evaluation:
    """What `evaluate_run` wrote for `run`.

    Raises:
        UsageError: it was not evaluated.
        IntegrityError: the files are not as laid down.
    """
    folder = run / EVALUATION_NAME
    if not (folder / SUMMARY_NAME).is_file():
        raise UsageError("this run was not evaluated; run `curator evaluate` first")
    summary = read_json(folder / SUMMARY_NAME)
    try:
        cases = tuple(read_rows(folder / CASES_NAME, CaseScore))
        groups = tuple(
            GroupScore(**{**row, "hd95_mm_median": _from_null(row["hd95_mm_median"])}) for row in summary["groups"]
        )
        identity = DatasetIdentity(**summary["dataset"])
        return Evaluation(dataset=identity, cases=cases, groups=groups, mean_dice=float(summary["mean_dice"]))
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError("the evaluation of this run cannot be read; evaluate it again") from error


def summary_of(result: Evaluation) -> dict[str, object]:
    """What `evaluation.json` holds: dataset, mean Dice and groups, an infinite distance as null."""
    groups = [asdict(group) for group in result.groups]
    for group in groups:
        group["hd95_mm_median"] = group["hd95_mm_median"] if math.isfinite(group["hd95_mm_median"]) else None
    return {"schema": 1, "dataset": asdict(result.dataset), "mean_dice": result.mean_dice, "groups": groups}


def _predicted(run: Path, source: FrozenDataset) -> tuple[Item, ...]:
    index = run / PREDICTIONS_NAME / INDEX_NAME
    if not index.is_file():
        raise UsageError("the run has no predictions; run `curator predict` first")
    stated = read_json(index)
    if stated.get("dataset") != asdict(source.identity):
        raise UsageError("the predictions are of another dataset; run `curator predict` on this one first")
    wanted = set(stated.get("items", ()))
    items = tuple(item for item in source.members(annotated=True) if item.item_id in wanted)
    if not items:
        raise UsageError("no predicted item has a mask to be scored against; predict a split with annotations")
    return items


def _score(
    source: FrozenDataset, item: Item, label: Label, predicted: NDArray[np.uint8], theirs: NDArray[np.bool_]
) -> CaseScore:
    ours = predicted == label.value
    voxel_ml = math.prod(item.spacing_mm) / 1000
    return CaseScore(
        item_id=item.item_id,
        label=label.name,
        dice=dice(ours, theirs),
        hd95_mm=hd95_mm(ours, theirs, spacing_mm=item.spacing_mm),
        reference_ml=int(theirs.sum()) * voxel_ml,
        predicted_ml=int(ours.sum()) * voxel_ml,
        vendor=item.vendor,
        centre_code=item.centre_code,
        split=source.splits[item.item_id].value if item.item_id in source.splits else "",
    )


def _author_cases(source: FrozenDataset, items: Sequence[Item], predictions: Path) -> Iterator[tuple[str, CaseScore]]:
    """(author, score) for every annotation of `items`, for the labels that its author declared."""
    by_id = {item.item_id: item for item in items}
    for row in read_annotations(source):
        item = by_id.get(row.item_id)
        if item is None or row.kind != "segmentation":
            continue
        predicted, drawn = read_prediction(predictions, item), read_mask(source, item, row.mask_path)
        values = dict(zip(row.label_names, row.label_values, strict=True))
        for label in source.labels:
            if label.name in values:
                yield row.author_code, _score(source, item, label, predicted, drawn == values[label.name])


def _group_score(group_by: str, group: str, label: str, cases: Sequence[CaseScore]) -> GroupScore:
    scores = np.array([case.dice for case in sorted(cases, key=lambda case: (case.item_id, case.dice))])
    seed = int.from_bytes(hashlib.sha256("\x1f".join((group_by, group, label)).encode()).digest()[:8], "big")
    mean = float(scores.mean())
    low, high = bootstrap_interval(scores, seed=seed) if len(scores) > 1 else (mean, mean)
    return GroupScore(
        group_by=group_by,
        group=group,
        label=label,
        cases=len(scores),
        dice_mean=mean,
        dice_low=low,
        dice_high=high,
        hd95_mm_median=_median([case.hd95_mm for case in cases]),
    )


def _median(values: Sequence[float]) -> float:
    """The median; infinite where it falls between a finite and an infinite value."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _from_null(value: float | None) -> float:
    return math.inf if value is None else value
