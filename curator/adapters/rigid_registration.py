"""Lays one scan of a head over another with SimpleITK: rigidly, whatever made the two.

The law: the same two volumes give the same motion; neither is changed, and a motion that did not settle is none.

Sources: Mattes 2003 (mutual information); SimpleITK `ImageRegistrationMethod`, `Euler3DTransform`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from curator.imaging.frame import patient_frame
from curator.imaging.resample import CpuResampler
from curator.model.volume import Affine, Volume
from curator.ports.faces import Field

_STEP_MM = 4.0
# The metric's histogram, and the share of voxels that it is made of; they lie on a regular raster.
_BINS, _SHARE, _SEED = 32, 0.3, 20240229
# From so many turns about each axis a start is chosen, by the metric on the coarsest images.
_TURNS_DEG = (-14.0, 0.0, 14.0)
_MOST_STARTS = 3
_SHRINK: tuple[int, ...] = (3, 2, 1)
_BLUR_MM: tuple[float, ...] = (6.0, 3.0, 0.0)
_ITERATIONS, _LARGEST_STEP, _LEAST_STEP = 60, 4.0, 0.02
# Turning by a radian moves the skin by about as many mm.
_RADIUS_MM = 90.0
# What lies between the darkest and the brightest hundredth tells of tissue; a table and a tooth do not.
_DARKEST, _BRIGHTEST = 1.0, 99.0
# Scans that share less than this part of the smaller body tell nothing of each other; what turned farther was lost.
_LEAST_SHARED, _MOST_TURN_DEG = 0.35, 45.0


# Two scans of a head tell so much of each other, nats: measured 0.70 to 1.05 on phantoms of six contrasts and real MR;
# a head and a bottle 0.40, another's head that was cut otherwise 0.43, a vault without features 0.53.
_LEAST_INFORMATION = 0.6


@dataclass(frozen=True, slots=True)
class SimpleItkRegistrar:
    """Finds rigid motions by mutual information on copies of `_STEP_MM`; one thread, so that sums come out alike."""

    @property
    def name(self) -> str:
        """Which implementation."""
        return f"SimpleITK {sitk.Version.VersionString()} rigid mattes"

    def rigid(self, fixed: Volume, moving: Volume) -> Affine | None:
        """As `Registrar.rigid`; None for volumes of one value too."""
        with _one_thread():
            return _laid(_coarse(fixed), _coarse(moving))


def _laid(here: _Coarse | None, there: _Coarse | None) -> Affine | None:
    if here is None or there is None:
        return None
    best: tuple[float, sitk.Euler3DTransform] | None = None
    for start in _starts(here, there):
        found = _settled(here, there, start, levels=slice(0, 2))
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    if best is not None:
        best = _settled(here, there, best[1], levels=slice(1, 3))
    # What is minimised is the information's negative.
    if best is None or best[0] > -_LEAST_INFORMATION:
        return None
    motion = _matrix(best[1])
    return motion if _is_plausible(here, there, motion) else None


@dataclass(frozen=True, slots=True)
class _Coarse:
    """A small copy: its image, what is tissue in it, the tissue's centre and the middle of the box, LPS mm."""

    image: sitk.Image
    body: NDArray[np.bool_]
    centre_mm: NDArray[np.float64]
    middle_mm: NDArray[np.float64]


def _coarse(volume: Volume) -> _Coarse | None:
    """A volume on cubic voxels of `_STEP_MM` along the patient's axes; None where all of it is alike."""
    averaged = _averaged(volume)
    frame = patient_frame(averaged, step_mm=_STEP_MM)
    values = averaged.stored.astype(np.float32)
    low, high = (float(one) for one in np.percentile(values, (_DARKEST, _BRIGHTEST)))
    if not high > low or min(frame.shape) < 2 * max(_SHRINK):
        return None
    placed = CpuResampler().onto(
        np.clip(values, low, high), frame.indices_in(averaged.affine_lps), frame.shape, outside=low
    )
    image = sitk.GetImageFromArray(placed)
    image.SetSpacing((_STEP_MM,) * 3)
    image.SetOrigin([float(one) for one in frame.affine_lps[:3, 3]])
    body = _tissue(placed)
    if not body.any():
        return None
    inside = np.argwhere(body).mean(axis=0)[::-1]
    middle = (np.array(frame.shape[::-1]) - 1) / 2
    return _Coarse(image, body, *frame.points_of(np.stack([inside, middle])))


def _averaged(volume: Volume) -> Volume:
    """Neighbours averaged until voxels are nearly as large as those of the copy, lest noise and edges alias."""
    z, y, x = (
        max(1, min(int(_STEP_MM / step), count)) for step, count in zip(volume.spacing_mm, volume.shape, strict=True)
    )
    if (z, y, x) == (1, 1, 1):
        return volume
    counts = [length // factor for length, factor in zip(volume.shape, (z, y, x), strict=True)]
    cut = volume.stored[: counts[0] * z, : counts[1] * y, : counts[2] * x]
    blocks = cut.reshape(counts[0], z, counts[1], y, counts[2], x)
    # One axis after the other: a mean over several strided ones takes ten times as long.
    values = blocks.mean(axis=5, dtype=np.float32).mean(axis=3).mean(axis=1)
    affine = volume.affine_lps.copy()
    factors = np.array([x, y, z])
    affine[:3, 3] += affine[:3, :3] @ ((factors - 1) / 2)
    affine[:3, :3] = affine[:3, :3] * factors
    return Volume(stored=np.nan_to_num(values), affine_lps=affine)


def _tissue(values: Field) -> NDArray[np.bool_]:
    threshold = sitk.OtsuThreshold(sitk.GetImageFromArray(values), 0, 1)
    return np.asarray(sitk.GetArrayFromImage(threshold) > 0, np.bool_)


def _starts(here: _Coarse, there: _Coarse) -> Iterator[sitk.Euler3DTransform]:
    """The best few of all starts by the metric on the coarsest images: box on box, body on body, each turned."""
    method = _method(slice(0, 1))
    fixed, moving = (_smallest(one.image) for one in (here, there))
    found: list[tuple[float, int, sitk.Euler3DTransform]] = []
    places = ((here.middle_mm, there.middle_mm), (here.centre_mm, there.centre_mm), (here.centre_mm, here.centre_mm))
    for (source, target), turns in product(places, product(_TURNS_DEG, repeat=3)):
        start = sitk.Euler3DTransform()
        start.SetCenter([float(one) for one in here.centre_mm])
        # Each axis turned alone or not at all: corners of the cube are farther than heads turn.
        if sum(turn != 0 for turn in turns) > 2:
            continue
        start.SetRotation(*(math.radians(turn) for turn in turns))
        start.SetTranslation([float(one) for one in target - source])
        method.SetInitialTransform(start, inPlace=False)
        try:
            value = method.MetricEvaluate(fixed, moving)
        except RuntimeError:
            # No sample of one lies within the other.
            continue
        found.append((value, len(found), start))
    for _, _, start in sorted(found, key=lambda one: one[:2])[:_MOST_STARTS]:
        yield start


@contextmanager
def _one_thread() -> Iterator[None]:
    """Everything of ITK on one thread: the order of a sum over several changes its last digits."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _smallest(image: sitk.Image) -> sitk.Image:
    return sitk.Shrink(sitk.DiscreteGaussian(image, _BLUR_MM[0] ** 2), [_SHRINK[0]] * 3)


def _settled(
    here: _Coarse, there: _Coarse, start: sitk.Euler3DTransform, *, levels: slice
) -> tuple[float, sitk.Euler3DTransform] | None:
    """Metric (the lower the better) and motion after going downhill from a start; None where the images part."""
    method = _method(levels)
    moved = sitk.Euler3DTransform(start)
    method.SetInitialTransform(moved, inPlace=True)
    try:
        method.Execute(here.image, there.image)
    except RuntimeError:
        return None
    value = method.GetMetricValue()
    return (value, moved) if math.isfinite(value) else None


def _method(levels: slice) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(_SHARE, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=_LARGEST_STEP, minStep=_LEAST_STEP, numberOfIterations=_ITERATIONS, relaxationFactor=0.6
    )
    method.SetOptimizerScales([_RADIUS_MM**2] * 3 + [1.0] * 3)
    method.SetShrinkFactorsPerLevel(list(_SHRINK[levels]))
    method.SetSmoothingSigmasPerLevel(list(_BLUR_MM[levels]))
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _matrix(moved: sitk.Euler3DTransform) -> Affine:
    """The motion `(4, 4)` from LPS points of the fixed image to those of the moving one."""
    turn = np.array(moved.GetMatrix(), np.float64).reshape(3, 3)
    centre, shift = np.array(moved.GetCenter()), np.array(moved.GetTranslation())
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = turn, centre + shift - turn @ centre
    return motion


def _is_plausible(here: _Coarse, there: _Coarse, motion: Affine) -> bool:
    """Whether enough of one body lies where the other scan looked, and the head did not turn farther than heads do."""
    cosine = (np.trace(motion[:3, :3]) - 1) / 2
    if math.degrees(math.acos(min(1.0, max(-1.0, float(cosine))))) > _MOST_TURN_DEG:
        return False
    voxels = np.argwhere(here.body)[:, ::-1] * _STEP_MM + np.array(here.image.GetOrigin())
    moved = (voxels @ motion[:3, :3].T + motion[:3, 3] - np.array(there.image.GetOrigin())) / _STEP_MM
    is_seen = ((moved >= 0) & (moved <= np.array(there.image.GetSize()) - 1)).all(axis=1)
    least = min(int(here.body.sum()), int(there.body.sum()))
    return bool(is_seen.sum() >= _LEAST_SHARED * least)
