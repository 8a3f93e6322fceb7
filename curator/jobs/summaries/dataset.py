"""What a frozen dataset says about itself, and some of its slices to look at.

The law: a volume is shown only where its body part stands in the list of those that may be: a head, and whatever is not
named, never is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.bundled import bundled_folder
from curator.dataset.read import read_annotations, read_array, read_items, read_lock, read_splits
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.manifest import Item, Split, SplitRow
from curator.model.summary import CountGrid, DatasetSummary, Example, Tally
from curator.policy.csv_tables import parse_csv
from curator.report.examples import middle_slices
from curator.strict import read_bytes

_CERTIFICATE = "selection/certificate.json"
_SHOWN = "report/shown_body_parts.csv"
_SHOWN_COLUMNS = ("id", "body_part", "meaning", "why", "source", "example")
_GRIDS = ("vendor", "centre_code", "Modality")
_MOST_EXAMPLES = 3
_SOFT_TISSUE_HU = (-160.0, 240.0)


def dataset_summary(dataset: Path) -> DatasetSummary:
    """The dataset as its lock, manifest and certificate state it.

    Raises:
        IntegrityError: it is not a dataset, or its tables or arrays are damaged.
    """
    lock, items, splits = read_lock(dataset), read_items(dataset), read_splits(dataset)
    certificate = _certificate(dataset)
    return DatasetSummary(
        name=lock.name,
        version=lock.version,
        seed=lock.seed,
        consensus=tuple(sorted({item.consensus for item in items if item.consensus})),
        items=len(items),
        patients=len({item.patient_code for item in items}),
        annotations=len(read_annotations(dataset)),
        labels=tuple(sorted(lock.labels)),
        merkle_root=lock.merkle_root,
        by_split=tuple(_by_split(items, splits, attribute) for attribute in _GRIDS),
        tools=dict(lock.tools),
        policy_digests=dict(lock.policy_digests),
        left_out=_tallies(certificate.get("left_out", {}).values()),
        excluded=_tallies(each["reason"] for each in certificate.get("excluded", ())),
        l1=certificate.get("l1"),
        l1_bound=certificate.get("l1_bound"),
        examples=_examples(dataset, items, splits),
    )


def label_names(labels: Sequence[Label]) -> tuple[str, ...]:
    """The classes' names in the order of their values."""
    return tuple(label.name for label in sorted(labels))


def _certificate(dataset: Path) -> dict[str, Any]:
    """What the selection states; nothing where a dataset was made without one."""
    path = dataset / _CERTIFICATE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{_CERTIFICATE} cannot be read") from error
    if not isinstance(content, dict):
        raise IntegrityError(f"{_CERTIFICATE} does not hold a JSON object")
    return content


def _tallies(names: Any) -> tuple[Tally, ...]:  # noqa: ANN401 - values of a JSON file
    counts = Counter(str(name) for name in names)
    return tuple(Tally(name, counts[name]) for name in sorted(counts, key=lambda name: (-counts[name], name)))


def _by_split(items: Sequence[Item], splits: Sequence[SplitRow], attribute: str) -> CountGrid:
    place = {row.item_id: row.split for row in splits}
    counts = Counter((str(getattr(item, attribute)), place.get(item.item_id)) for item in items)
    rows = tuple(sorted({value for value, _ in counts}))
    return CountGrid(
        row_attribute=attribute,
        column_attribute="split",
        rows=rows,
        columns=tuple(split.value for split in Split),
        cells=tuple(tuple(counts[row, split] for split in Split) for row in rows),
    )


def _examples(dataset: Path, items: Sequence[Item], splits: Sequence[SplitRow]) -> tuple[Example, ...]:
    place = {row.item_id: row.split.value for row in splits}
    shown = shown_body_parts(bundled_folder("rules"))
    eligible = [item for item in items if item.mask_path and item.BodyPartExamined.strip().upper() in shown]
    chosen: list[Item] = []
    for item in sorted(eligible, key=lambda item: item.item_id):
        if item.vendor not in {other.vendor for other in chosen}:
            chosen.append(item)
    examples = (_example(dataset, item, place.get(item.item_id, "")) for item in chosen[:_MOST_EXAMPLES])
    return tuple(example for example in examples if example.slices)


def shown_body_parts(rules: Path) -> frozenset[str]:
    """The values of Body Part Examined whose slices a report may show.

    Raises:
        ConfigurationError: the table is missing or malformed.
    """
    rows = parse_csv(read_bytes(rules / _SHOWN, name=_SHOWN), name=_SHOWN, columns=_SHOWN_COLUMNS)
    return frozenset(row["body_part"] for row in rows)


def _example(dataset: Path, item: Item, split: str) -> Example:
    values = read_array(dataset / item.volume_path).astype(np.float32) * item.rescale_slope + item.rescale_intercept
    mask = read_array(dataset / item.mask_path).astype(np.uint8)
    flips = _flips(item)
    slices = middle_slices(
        values[flips],
        mask[flips],
        spacing_mm=item.spacing_mm,
        window=_SOFT_TISSUE_HU if item.Modality == "CT" else None,
    )
    return Example(
        Modality=item.Modality,
        BodyPartExamined=item.BodyPartExamined,
        vendor=item.vendor,
        centre_code=item.centre_code,
        split=split,
        slices=slices,
    )


def _flips(item: Item) -> tuple[slice, ...]:
    """Turns an axial volume so that its slices go up and show the patient's left on the right; others stay."""
    affine: NDArray[np.float64] = np.asarray(item.affine_lps, dtype=np.float64).reshape(4, 4)[:3, :3]
    if not (np.abs(affine).argmax(axis=0) == np.arange(3)).all():
        return (slice(None),) * 3
    return tuple(slice(None, None, -1 if affine[axis, axis] < 0 else 1) for axis in (2, 1, 0))
