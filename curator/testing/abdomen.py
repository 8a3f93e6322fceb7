"""An abdomen of ellipsoids with a liver, a spleen and two kidneys, as CT sees it.

The law: the organs lie where they lie in people (liver on the patient's right, which is the image's left), inside the
body, apart from each other, and differ from person to person by what one seed says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.model.annotation import Label
from curator.testing.invented import random_stream

LIVER = Label(1, "Liver", "10200004", "SCT")
SPLEEN = Label(2, "Spleen", "78961009", "SCT")
KIDNEY = Label(3, "Kidney", "64033007", "SCT")
LABELS = (LIVER, SPLEEN, KIDNEY)

SHAPE = (24, 96, 96)
SPACING_MM = (5.0, 4.0, 4.0)
RESCALE_INTERCEPT = -1024
_AIR, _FAT, _MUSCLE, _BONE = -1000.0, -95.0, 50.0, 380.0
# liver, spleen, kidney and muscle of a contrast phase
_PHASES = {"portal venous": (112.0, 128.0, 190.0), "late arterial": (85.0, 150.0, 215.0), "native": (60.0, 48.0, 32.0)}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a vendor's scanner shows it."""

    kernel: str
    contrast: str
    noise_hu: float
    smooth_voxels: float
    offset_hu: float


PROTOCOLS = (
    Protocol("Br40d", "portal venous", 14.0, 0.4, 0.0),
    Protocol("STANDARD", "portal venous", 18.0, 0.5, 4.0),
    Protocol("B", "late arterial", 16.0, 0.6, -5.0),
    Protocol("FC08", "portal venous", 20.0, 0.3, 7.0),
    Protocol("B_SOFT_B", "late arterial", 12.0, 0.5, -3.0),
)


@dataclass(frozen=True, slots=True)
class Abdomen:
    """`hounsfield` is `(Z, Y, X)` int16; `truth` `(Z, Y, X)` uint8 of label values; slice 0 is the lowest."""

    hounsfield: NDArray[np.int16] = field(repr=False)
    truth: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]

    def distance(self, grid: _Grid) -> NDArray[np.float32]:
        """About how far outside (positive) each voxel is, mm."""
        scaled = [(axis - c) / r for axis, c, r in zip(grid.axes, self.centre, self.radii, strict=True)]
        norm = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
        return np.asarray((norm - 1.0) * min(self.radii), np.float32)


@dataclass(frozen=True, slots=True)
class _Grid:
    axes: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _grid() -> _Grid:
    z, y, x = (
        (np.arange(count, dtype=np.float32) - (count - 1) / 2) * step
        for count, step in zip(SHAPE, SPACING_MM, strict=True)
    )
    return _Grid((x[None, None, :], y[None, :, None], z[:, None, None]))


def make_abdomen(seed: int, patient: int, *, protocol: Protocol) -> Abdomen:
    """The abdomen of one patient as one protocol shows it."""
    rng = random_stream(seed, "abdomen", patient)
    grid = _grid()

    def vary(*values: float, by: float = 4.0) -> tuple[float, float, float]:
        jitter = np.clip(rng.normal(0.0, by, 3), -1.8 * by, 1.8 * by)
        x, y, z = (value + shift for value, shift in zip(values, jitter, strict=True))
        return (float(x), float(y), float(z))

    girth = 1.0 + float(np.clip(rng.normal(0.0, 0.03), -0.05, 0.05))
    body = _Ellipsoid((0.0, 0.0, 0.0), (178.0 * girth, 118.0 * girth, 900.0)).distance(grid)
    cavity = _Ellipsoid((0.0, -6.0, 0.0), (158.0 * girth, 97.0 * girth, 900.0)).distance(grid)
    wall = _Ellipsoid((0.0, -4.0, 0.0), (165.0 * girth, 104.0 * girth, 900.0)).distance(grid)
    organs = (
        _Ellipsoid(vary(-78, -14, 12), vary(62, 62, 58, by=3.0)).distance(grid),
        _Ellipsoid(vary(108, 26, 22), vary(27, 37, 34, by=2.0)).distance(grid),
        np.minimum(
            _Ellipsoid(vary(-64, 52, -24), vary(23, 22, 40, by=1.5)).distance(grid),
            _Ellipsoid(vary(62, 52, -14), vary(23, 22, 40, by=1.5)).distance(grid),
        ),
    )
    spine = _Ellipsoid((0.0, 62.0, 0.0), (24.0, 22.0, 900.0)).distance(grid)
    truth = np.zeros(SHAPE, np.uint8)
    for label, distance in zip(LABELS, organs, strict=True):
        truth[(distance < 0) & (cavity < -2.0) & (truth == 0)] = label.value
    image = np.full(SHAPE, _AIR, np.float32)
    image[np.broadcast_to(body < 0, SHAPE)] = _FAT
    image[np.broadcast_to((wall < 0) & (cavity > 0), SHAPE)] = _MUSCLE
    image[np.broadcast_to(spine < 0, SHAPE)] = _BONE
    _bowel(image, grid, rng, free=(cavity < -8.0) & (spine > 4.0))
    for label, level in zip(LABELS, _PHASES[protocol.contrast], strict=True):
        image[truth == label.value] = level + protocol.offset_hu
    image = _blur(image, protocol.smooth_voxels)
    image += rng.normal(0.0, protocol.noise_hu, SHAPE).astype(np.float32)
    return Abdomen(np.clip(np.rint(image), -1024, 3071).astype(np.int16), truth)


def _bowel(image: NDArray[np.float32], grid: _Grid, rng: np.random.Generator, *, free: NDArray[np.bool_]) -> None:
    """Loops of soft tissue, some with gas, in front; what the organs cover is written over later."""
    for number in range(14):
        centre = (float(rng.uniform(-90, 110)), float(rng.uniform(-80, 20)), float(rng.uniform(-60, 60)))
        loop = _Ellipsoid(centre, (float(rng.uniform(12, 24)), float(rng.uniform(10, 18)), float(rng.uniform(12, 30))))
        image[(loop.distance(grid) < 0) & free] = -700.0 if number % 5 == 0 else 35.0


def _blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """In-plane three-point smoothing: what a soft kernel does, without a filter whose sums depend on the build."""
    weight = np.float32(sigma / (1.0 + 2.0 * sigma))
    for axis in (1, 2):
        image = image * (1 - 2 * weight) + weight * (np.roll(image, 1, axis) + np.roll(image, -1, axis))
    return image
