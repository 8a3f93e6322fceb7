"""Random changes to a whole batch at once, on the device it lies on.

The law: one draw of parameters per sample from the step's generator, then one application to the batch; image and
classes always move together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SCALE = 0.15
"""Zoom up to this fraction either way."""
ZOOM_PROBABILITY = 0.3
CONTRAST = 0.15
BRIGHTNESS = 0.1
NOISE_STD = 0.1
"""In units of the normalised image, whose standard deviation is about 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChange:
    """What happens to each of N samples.

    `flips` is `(N, 3)` bool over `(z, y, x)`; `zooms`, `gains`, `offsets` and `noise_stds` are `(N,)` float32; `seed`
    starts the noise.
    """

    flips: Tensor = field(repr=False)
    zooms: Tensor = field(repr=False)
    gains: Tensor = field(repr=False)
    offsets: Tensor = field(repr=False)
    noise_stds: Tensor = field(repr=False)
    seed: int


def draw_change(count: int, flip_axes: tuple[int, ...], generator: np.random.Generator) -> BatchChange:
    """Parameters for `count` samples; axes not in `flip_axes` are never mirrored."""
    flips = generator.random((count, 3)) < 0.5
    flips[:, [axis for axis in range(3) if axis not in flip_axes]] = False
    zooms = np.where(generator.random(count) < ZOOM_PROBABILITY, generator.uniform(1 - SCALE, 1 + SCALE, count), 1.0)
    return BatchChange(
        flips=torch.from_numpy(flips),
        zooms=_float(zooms),
        gains=_float(generator.uniform(1 - CONTRAST, 1 + CONTRAST, count)),
        offsets=_float(generator.uniform(-BRIGHTNESS, BRIGHTNESS, count)),
        noise_stds=_float(generator.uniform(0, NOISE_STD, count)),
        seed=int(generator.integers(2**63)),
    )


def apply_change(image: Tensor, classes: Tensor, change: BatchChange) -> tuple[Tensor, Tensor]:
    """New tensors of the shapes given: `image` `(N, 1, Z, Y, X)` float32, `classes` `(N, 1, Z, Y, X)` uint8."""
    image, classes = _zoom(image, classes, change.zooms)
    image, classes = _flip(image, change.flips), _flip(classes, change.flips)
    device, per_sample = image.device, (-1, 1, 1, 1, 1)
    noise = torch.randn(image.shape, generator=torch.Generator(device).manual_seed(change.seed), device=device)
    gains, offsets, stds = (
        values.to(device).view(per_sample) for values in (change.gains, change.offsets, change.noise_stds)
    )
    return image * gains + offsets + noise * stds, classes


def _zoom(image: Tensor, classes: Tensor, zooms: Tensor) -> tuple[Tensor, Tensor]:
    """Only the samples whose zoom is not 1 are interpolated; the others stay as they are."""
    chosen = torch.nonzero(zooms != 1).flatten()
    if not len(chosen):
        return image, classes
    theta = torch.zeros(len(chosen), 3, 4)
    for axis in range(3):
        theta[:, axis, axis] = 1 / zooms[chosen]
    at = chosen.to(image.device)
    grid = functional.affine_grid(theta, list(image[chosen].shape), align_corners=False).to(image.device)
    image, classes = image.clone(), classes.clone()
    image[at] = functional.grid_sample(image[at], grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved = functional.grid_sample(
        classes[at].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    classes[at] = moved.to(classes.dtype)
    return image, classes


def _flip(batch: Tensor, flips: Tensor) -> Tensor:
    for axis in range(3):
        chosen = flips[:, axis].to(batch.device).view(-1, 1, 1, 1, 1)
        batch = torch.where(chosen, batch.flip(axis + 2), batch)
    return batch


def _float(values: np.typing.NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
