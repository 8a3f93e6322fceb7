"""Cases on the plan's grid, resident in memory, and the patches a step draws from them.

The law: what step `k` sees is a pure function of (plan, seed, k), so a resumed run draws what an unbroken one would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from curator.errors import ItemError
from curator.model.annotation import Label
from curator.model.manifest import Item
from curator.model.quarantine import Reason
from trainers.config import Axes
from trainers.dataset import FrozenDataset, read_image, read_mask
from trainers.plan import Normalisation, Plan, resampled_shape

CENTRES_PER_CLASS = 4096
"""Foreground voxels kept per case and class as places to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item on the plan's grid, never smaller than a patch.

    `image` is `(1, Z, Y, X)` float32, normalised; `classes` is `(Z, Y, X)` uint8, 0 for background and 1 + the index of
    the plan's label else; `centres` holds one `(n, 3)` int64 array of voxel indices per class that occurs.
    """

    item_id: str
    image: Tensor = field(repr=False)
    classes: Tensor = field(repr=False)
    centres: tuple[Tensor, ...] = field(repr=False)


def load_cases(dataset: FrozenDataset, items: Sequence[Item], plan: Plan, *, device: torch.device) -> list[Case]:
    """All `items` as cases on `device`, in their order; none for none.

    Raises:
        ItemError: ANNOTATION_INVALID where a mask holds a value that is no label of the plan.
        IntegrityError: the dataset is not as its manifest says.
    """
    return [_load_case(dataset, item, plan, device=device) for item in items]


def network_input(values: NDArray[np.float32], item: Item, plan: Plan) -> Tensor:
    """`values` `(Z, Y, X)` of one item, normalised and on the plan's grid: `(1, Z', Y', X')` float32."""
    image = torch.from_numpy(normalise(values, plan.normalisation))
    return resample(image[None], resampled_shape(item.shape, item.spacing_mm, plan.spacing_mm))


def normalise(values: NDArray[np.float32], normalisation: Normalisation) -> NDArray[np.float32]:
    """`values` as network input, same shape; a constant image becomes zeros where it is normalised per case."""
    if normalisation.per_case:
        centred = values - values.mean(dtype=np.float64)
        scaled = centred / max(float(values.std(dtype=np.float64)), 1e-6)
    else:
        scaled = (values.clip(normalisation.low, normalisation.high) - normalisation.mean) / normalisation.std
    return np.asarray(scaled, dtype=np.float32)


def resample(channels: Tensor, shape: Axes) -> Tensor:
    """`channels` `(C, Z, Y, X)` on `shape` voxels over the same field of view, trilinear; itself where shapes agree."""
    if tuple(channels.shape[1:]) == shape:
        return channels
    return functional.interpolate(channels[None], size=shape, mode="trilinear", align_corners=False)[0]


def resample_classes(classes: Tensor, shape: Axes, count: int) -> Tensor:
    """`classes` `(Z, Y, X)` uint8 below `count` on `shape` voxels: the class with most weight at each place."""
    if tuple(classes.shape) == shape:
        return classes
    weights = torch.stack([resample((classes == index).float()[None], shape)[0] for index in range(count)])
    return weights.argmax(dim=0).to(torch.uint8)


def class_indices(mask: NDArray[np.uint8], labels: Sequence[Label]) -> NDArray[np.uint8]:
    """`mask` of label values as class indices: 0 for background, 1 + the position in `labels` else.

    Raises:
        ItemError: ANNOTATION_INVALID, a value is no label.
    """
    table = np.full(256, 255, dtype=np.uint8)
    table[0] = 0
    for index, label in enumerate(labels, start=1):
        table[label.value] = index
    indices = table[mask]
    if (indices == 255).any() and len(labels) < 255:
        raise ItemError(Reason.ANNOTATION_INVALID, "a mask holds a value that the dataset does not declare as a label")
    return indices


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSampler:
    """Draws batches: `image` `(N, 1, Z, Y, X)` float32 and `classes` `(N, 1, Z, Y, X)` uint8."""

    cases: Sequence[Case]
    patch_size: Axes
    batch_size: int
    foreground_fraction: float

    def draw(self, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One batch; a case may come up more than once."""
        images, classes = [], []
        for _ in range(self.batch_size):
            case = self.cases[int(generator.integers(len(self.cases)))]
            z, y, x = (slice(at, at + n) for at, n in zip(self._corner(case, generator), self.patch_size, strict=True))
            images.append(case.image[:, z, y, x])
            classes.append(case.classes[None, z, y, x])
        return torch.stack(images), torch.stack(classes)

    def _corner(self, case: Case, generator: np.random.Generator) -> list[int]:
        room = [n - patch for n, patch in zip(case.classes.shape, self.patch_size, strict=True)]
        if case.centres and generator.random() < self.foreground_fraction:
            places = case.centres[int(generator.integers(len(case.centres)))]
            centre = places[int(generator.integers(len(places)))].tolist()
            wanted = [at - patch // 2 for at, patch in zip(centre, self.patch_size, strict=True)]
            return [min(max(at, 0), limit) for at, limit in zip(wanted, room, strict=True)]
        return [int(generator.integers(limit + 1)) for limit in room]


def step_generator(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step; the same for the same two numbers, whatever came before."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, step))))


def _load_case(dataset: FrozenDataset, item: Item, plan: Plan, *, device: torch.device) -> Case:
    image = network_input(read_image(dataset, item), item, plan)
    indices = class_indices(read_mask(dataset, item), plan.labels)
    shape = (int(image.shape[1]), int(image.shape[2]), int(image.shape[3]))
    classes = resample_classes(torch.from_numpy(indices), shape, len(plan.labels) + 1)
    missing = [max(0, patch - n) for patch, n in zip(plan.patch_size, shape, strict=True)]
    if any(missing):
        padding = [side for n in reversed(missing) for side in (n // 2, n - n // 2)]
        image = functional.pad(image, padding, value=float(image.min()))
        classes = functional.pad(classes, padding, value=0)
    return Case(
        item_id=item.item_id,
        image=image.contiguous().to(device),
        classes=classes.contiguous().to(device),
        centres=_centres(classes, len(plan.labels)),
    )


def _centres(classes: Tensor, count: int) -> tuple[Tensor, ...]:
    places = [torch.nonzero(classes == index) for index in range(1, count + 1)]
    return tuple(at[:: max(1, -(-len(at) // CENTRES_PER_CLASS))].clone() for at in places if len(at))
