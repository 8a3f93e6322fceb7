"""Predicts masks for a dataset's items, on each image's own grid.

The law: a prediction lies where its image lies; its values are the dataset's label values.

Sources: NIfTI-1 (world axes x to the right, y to the front: DICOM's LPS with two signs turned).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from curator.errors import IntegrityError, UsageError
from curator.model.annotation import Label
from curator.model.manifest import Item, Split
from trainers.data import network_input, resample
from trainers.dataset import FrozenDataset, read_dataset, read_image
from trainers.files import json_bytes, write_bytes
from trainers.plan import Plan
from trainers.runs import PREDICTIONS_NAME, load_model, resolve_device, run_config
from trainers.windows import window_logits

INDEX_NAME = "predictions.json"
OVERLAP = 0.5
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

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
    written = []
    for done, item in enumerate(items, start=1):
        mask = predict_item(network, source, item, plan, device=device, amp=config.amp)
        path = folder / f"{item.item_id}.nii.gz"
        write_bytes(path, nifti_bytes(mask, item))
        written.append(path)
        if progress is not None:
            progress(done, len(items))
    write_bytes(folder / INDEX_NAME, json_bytes(_index(source, plan.labels, items)))
    return written


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


def nifti_bytes(mask: NDArray[np.uint8], item: Item) -> bytes:
    """A gzipped NIfTI-1 of `mask` `(Z, Y, X)` on the item's grid; the same mask and item give the same bytes."""
    affine_ras = LPS_TO_RAS @ np.asarray(item.affine_lps, dtype=np.float64).reshape(4, 4)
    image = nibabel.Nifti1Image(np.ascontiguousarray(mask.T), affine_ras)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine_ras, code="scanner")
    image.set_qform(affine_ras, code="scanner")
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def read_prediction(folder: Path, item: Item) -> NDArray[np.uint8]:
    """The predicted label values of one item, `(Z, Y, X)`.

    Raises:
        UsageError: it was not predicted.
        IntegrityError: it is not on the item's grid or cannot be read.
    """
    path = folder / f"{item.item_id}.nii.gz"
    if not path.is_file():
        raise UsageError(f"item {item.item_id} has no prediction; run `curator predict` on this split first")
    try:
        image = nibabel.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        mask = np.asanyarray(image.dataobj).T
    except (OSError, EOFError, nibabel.filebasedimages.ImageFileError) as error:
        raise IntegrityError(f"the prediction of item {item.item_id} cannot be read; predict it again") from error
    if mask.shape != item.shape:
        raise IntegrityError(f"the prediction of item {item.item_id} is not on its image's grid; predict it again")
    return mask.astype(np.uint8)


def _index(source: FrozenDataset, labels: Sequence[Label], items: Sequence[Item]) -> dict[str, object]:
    return {
        "schema": 1,
        "dataset": asdict(source.identity),
        "labels": [asdict(label) for label in labels],
        "items": [item.item_id for item in items],
    }
