"""Everything about a run that the dataset itself answers: grid, patch, batch, strides, intensities, mirror axes.

The law: a plan is a pure function of the dataset's bytes and the configuration; it knows no device and no clock.

Sources: Isensee et al. 2021, 10.1038/s41592-020-01008-z (configuring from a fingerprint: median spacing, foreground
percentiles for CT); our own rules for patch, strides and batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.errors import IntegrityError, UsageError
from curator.model.annotation import Label
from curator.model.manifest import Item, Split
from trainers.config import Axes, Lengths, TrainConfig
from trainers.dataset import DatasetIdentity, FrozenDataset, read_dataset, read_image, read_mask

PERCENTILES = (0.5, 99.5)
VOXELS_PER_CASE = 20_000
SMALLEST_MAP = 4
"""A feature map is not halved along an axis below this many voxels."""
MAPS_PER_LEVEL = 8
"""How many maps of a level's width one step holds at once: both paths, their norms and gradients, measured roughly."""
LARGEST_BATCH = 16
SIDED = frozenset({"left", "right"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """How values become network input: clipped to `low..high`, minus `mean`, by `std`.

    `per_case` takes mean and deviation of each image instead and clips nothing: what units other than Hounsfield's
    need, because the same tissue has another value in every scan.
    """

    per_case: bool
    low: float
    high: float
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do; axes are `(z, y, x)`. `strides` has one entry per halving, one fewer than `channels`."""

    dataset: DatasetIdentity
    labels: tuple[Label, ...]
    training_items: int
    median_shape: Axes
    spacing_mm: Lengths
    patch_size: Axes
    batch_size: int
    network: str
    channels: tuple[int, ...]
    strides: tuple[Axes, ...]
    normalisation: Normalisation
    flip_axes: tuple[int, ...]

    def to_json(self) -> dict[str, object]:
        """Plain JSON values; `from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote.

        Raises:
            IntegrityError: it is none.
        """
        try:
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in content.items()
            }
            values["dataset"] = DatasetIdentity(**content["dataset"])
            values["labels"] = tuple(Label(**label) for label in content["labels"])
            values["strides"] = tuple(tuple(stride) for stride in content["strides"])
            values["normalisation"] = Normalisation(**content["normalisation"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise IntegrityError("the plan of this run cannot be read; fit it again") from error


def plan(dataset: Path, config: TrainConfig | None = None) -> Plan:
    """The plan for the dataset in `dataset`; every value the configuration states wins over the dataset's own.

    Raises:
        UsageError: no dataset, no label, or no annotated item in its train split.
        IntegrityError: the dataset is not as its manifest says.
    """
    return plan_for(read_dataset(dataset), config or TrainConfig())


def plan_for(dataset: FrozenDataset, config: TrainConfig) -> Plan:
    """As `plan`, for a dataset whose manifest is already read."""
    items = dataset.members(Split.TRAIN, annotated=True)
    if not items or not dataset.labels:
        raise UsageError("the train split holds no annotated item; import annotations or select again")
    spacing = config.spacing_mm if config.spacing_mm != "auto" else _median([item.spacing_mm for item in items])
    shapes = [resampled_shape(item.shape, item.spacing_mm, spacing) for item in items]
    middle = _median(shapes)
    median_shape = (round(middle[0]), round(middle[1]), round(middle[2]))
    halvings = len(config.channels) - 1
    budget = config.memory_mib * 2**20
    if config.patch_size == "auto":
        patch_size, strides = choose_patch(median_shape, spacing, config.channels, budget // 2)
    else:
        patch_size = config.patch_size
        strides = _strides(patch_size, spacing, halvings, exact=True)
    channels = config.channels[: len(strides) + 1]
    fitting = budget // step_bytes(patch_size, channels, strides)
    batch_size = config.batch_size if config.batch_size != "auto" else max(2, min(LARGEST_BATCH, fitting))
    return Plan(
        dataset=dataset.identity,
        labels=dataset.labels,
        training_items=len(items),
        median_shape=median_shape,
        spacing_mm=spacing,
        patch_size=patch_size,
        batch_size=batch_size,
        network=config.network,
        channels=channels,
        strides=strides,
        normalisation=_normalisation(dataset, items),
        flip_axes=config.flip_axes if config.flip_axes != "auto" else _flip_axes(dataset.labels, items[0]),
    )


def resampled_shape(shape: Axes, spacing_mm: Lengths, target_mm: Lengths) -> Axes:
    """Voxel counts that cover the same field of view at `target_mm`; each at least 1."""
    z, y, x = (max(1, round(n * have / want)) for n, have, want in zip(shape, spacing_mm, target_mm, strict=True))
    return (z, y, x)


def step_bytes(patch_size: Axes, channels: Sequence[int], strides: Sequence[Axes]) -> int:
    """About how many bytes of activations one patch costs in one step."""
    voxels = math.prod(patch_size)
    total = channels[0] * voxels
    for width, stride in zip(channels[1:], strides, strict=True):
        voxels //= math.prod(stride)
        total += width * voxels
    return 4 * MAPS_PER_LEVEL * total


def choose_patch(
    median_shape: Axes, spacing_mm: Lengths, channels: Sequence[int], budget: int
) -> tuple[Axes, tuple[Axes, ...]]:
    """The largest patch that costs at most `budget` bytes, and its strides.

    From the median shape down, the axis with most millimetres shrinks first. Where even the smallest patch costs more,
    that one. Every axis is divisible by the product of its strides.
    """
    size = median_shape
    while True:
        strides = _strides(size, spacing_mm, len(channels) - 1, exact=False)
        divisors = [math.prod(stride[axis] for stride in strides) for axis in range(3)]
        patch = tuple(n // divisor * divisor for n, divisor in zip(size, divisors, strict=True))
        patch_size = (patch[0], patch[1], patch[2])
        shrinkable = [axis for axis in range(3) if patch_size[axis] > SMALLEST_MAP * divisors[axis]]
        if not shrinkable or step_bytes(patch_size, channels[: len(strides) + 1], strides) <= budget:
            return patch_size, strides
        axis = max(shrinkable, key=lambda axis: patch_size[axis] * spacing_mm[axis])
        smaller = [n - divisors[a] if a == axis else n for a, n in enumerate(patch_size)]
        size = (smaller[0], smaller[1], smaller[2])


def _median(rows: Sequence[Sequence[float]]) -> Lengths:
    z, y, x = (float(value) for value in np.median(np.asarray(rows, dtype=np.float64), axis=0))
    return (z, y, x)


def _strides(size: Axes, spacing_mm: Lengths, halvings: int, *, exact: bool) -> tuple[Axes, ...]:
    """Halve the fine axes first: one much coarser than the finest waits until they have caught up."""
    voxels, lengths, strides = list(size), list(spacing_mm), []
    for _ in range(halvings):
        able = [n // 2 >= SMALLEST_MAP and not (exact and n % 2) for n in voxels]
        if not any(able):
            break
        finest = min(length for length, is_able in zip(lengths, able, strict=True) if is_able)
        stride = [2 if is_able and length < 2 * finest else 1 for length, is_able in zip(lengths, able, strict=True)]
        voxels = [n // step for n, step in zip(voxels, stride, strict=True)]
        lengths = [length * step for length, step in zip(lengths, stride, strict=True)]
        strides.append((stride[0], stride[1], stride[2]))
    return tuple(strides)


def _normalisation(dataset: FrozenDataset, items: Sequence[Item]) -> Normalisation:
    if any(item.Modality != "CT" for item in items):
        return Normalisation(per_case=True, low=0.0, high=0.0, mean=0.0, std=1.0)
    values = np.concatenate([_foreground(dataset, item) for item in items])
    if not values.size:
        raise UsageError("no mask of the train split labels a voxel; there is nothing to learn")
    low, high = (float(value) for value in np.percentile(values, PERCENTILES))
    clipped = values.clip(low, high).astype(np.float64)
    return Normalisation(
        per_case=False, low=low, high=high, mean=float(clipped.mean()), std=max(float(clipped.std()), 1e-3)
    )


def _foreground(dataset: FrozenDataset, item: Item) -> NDArray[np.float32]:
    """Every n-th foreground value of one item, at most `VOXELS_PER_CASE`, so that no large scan outvotes the rest."""
    values = read_image(dataset, item)[read_mask(dataset, item) > 0]
    return values[:: max(1, -(-values.size // VOXELS_PER_CASE))]


def _flip_axes(labels: Sequence[Label], item: Item) -> tuple[int, ...]:
    """All axes; where labels tell left from right, not the one that runs from left to right."""
    if not any(SIDED & set(label.name.casefold().replace("_", " ").split()) for label in labels):
        return (0, 1, 2)
    across = np.abs(np.asarray(item.affine_lps, dtype=np.float64).reshape(4, 4)[0, :3])
    sided_axis = 2 - int(np.argmax(across))
    return tuple(axis for axis in (0, 1, 2) if axis != sided_axis)
