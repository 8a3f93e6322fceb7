"""Predicts masks for a dataset's items, on each image's own grid.

The law: a prediction's voxels are its image's, and its values the label values of the dataset trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from curator.model.annotation import Label
from curator.model.manifest import Item, Split
from trainers.data import network_input, resample
from trainers.dataset import FrozenDataset, read_dataset, read_image
from trainers.files import json_bytes, write_bytes
from trainers.plan import Plan
from trainers.predictions import INDEX_NAME, nifti_bytes, prediction_paths
from trainers.runs import PREDICTIONS_NAME, run_config
from trainers.weights import load_model, resolve_device
from trainers.windows import window_logits

OVERLAP = 0.5

Progress = Callable[[int, int], None]


def predict(
    run: Path,
    dataset: Path,
    *,
    split: Split | None = Split.TEST,
    out: Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write `<item_id>.nii.gz` for every item of `split` (None for all) and give the paths, sorted; none for no item.

    They go to `out`, by default `RUN/predictions`, beside a `predictions.json` that names dataset and labels. The
    dataset may be another than the run was trained on.

    Raises:
        UsageError: no run or no dataset there, or the run has no model yet.
        IntegrityError: run or dataset is not what it should be.
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    source = read_dataset(dataset)
    config = run_config(run)
    device = resolve_device(config.device)
    plan, network = load_model(run, device)
    folder = out or run / PREDICTIONS_NAME
    items = source.members(split)
    paths = prediction_paths(folder, items)
    for done, (item, path) in enumerate(zip(items, paths, strict=True), start=1):
        mask = predict_item(network, source, item, plan, device=device, amp=config.amp)
        write_bytes(path, nifti_bytes(mask, item))
        if progress is not None:
            progress(done, len(items))
    write_bytes(folder / INDEX_NAME, json_bytes(_index(source, plan.labels, items)))
    return paths


def predict_item(
    network: nn.Module, source: FrozenDataset, item: Item, plan: Plan, *, device: torch.device, amp: bool
) -> NDArray[np.uint8]:
    """The label values predicted for one item, `(Z, Y, X)` on its own grid, 0 for background."""
    image = network_input(read_image(source, item), item, plan).to(device)
    logits = window_logits(network, image, plan, overlap=OVERLAP, amp=amp)
    classes = resample(logits.softmax(dim=0), item.shape).argmax(dim=0).to(torch.uint8).cpu().numpy()
    values = np.array([0, *(label.value for label in plan.labels)], dtype=np.uint8)
    predicted: NDArray[np.uint8] = values[classes]
    return predicted


def _index(source: FrozenDataset, labels: Sequence[Label], items: Sequence[Item]) -> dict[str, object]:
    return {
        "schema": 1,
        "dataset": asdict(source.identity),
        "labels": [asdict(label) for label in labels],
        "items": [item.item_id for item in items],
    }
