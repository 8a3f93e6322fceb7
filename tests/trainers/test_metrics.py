import math

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from monai.metrics.hausdorff_distance import compute_hausdorff_distance

from trainers.metrics import dice, hd95_mm, surface

GRID = (24, 32, 40)
SPACING = (5.0, 1.5, 0.8)


def box(start, size, grid=GRID):
    mask = np.zeros(grid, bool)
    mask[tuple(slice(at, at + n) for at, n in zip(start, size, strict=True))] = True
    return mask


def ball_mm(centre_mm, radius_mm, *, grid, spacing):
    axes = np.meshgrid(*[np.arange(n) * s for n, s in zip(grid, spacing, strict=True)], indexing="ij")
    return sum((axis - at) ** 2 for axis, at in zip(axes, centre_mm, strict=True)) <= radius_mm**2


def blobs(seed):
    noise = np.random.default_rng(seed).normal(size=(14, 22, 22))
    smooth = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 2.0))
    mask = np.zeros((18, 26, 26), bool)
    mask[2:-2, 2:-2, 2:-2] = smooth > np.quantile(smooth, 0.8)
    return mask


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_shifted_cubes(axis, shift):
    """Sides of 12: the overlap is 12 - shift of 12 layers, and the far face (over 5 % of the surface) is shift away."""
    start = [4, 4, 4]
    moved = [at + shift * (a == axis) for a, at in enumerate(start)]
    one, other = box(start, (12, 12, 12)), box(moved, (12, 12, 12))
    assert dice(one, other) == pytest.approx((12 - shift) / 12)
    assert hd95_mm(one, other, spacing_mm=SPACING) == pytest.approx(shift * SPACING[axis])


def test_parallel_planes():
    one, other = box((3, 2, 2), (1, 28, 36)), box((9, 2, 2), (1, 28, 36))
    assert dice(one, other) == 0.0
    assert hd95_mm(one, other, spacing_mm=SPACING) == pytest.approx(6 * 5.0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.7, 1.1)])
def test_concentric_balls(spacing):
    """Surfaces are 10 mm apart everywhere; digitising moves each by less than a voxel's longest side."""
    grid = tuple(math.ceil(64 / s) + 1 for s in spacing)
    inner = ball_mm((32, 32, 32), 18, grid=grid, spacing=spacing)
    outer = ball_mm((32, 32, 32), 28, grid=grid, spacing=spacing)
    assert hd95_mm(inner, outer, spacing_mm=spacing) == pytest.approx(10, abs=max(spacing))
    assert dice(inner, outer) == pytest.approx(2 * 18**3 / (18**3 + 28**3), abs=0.01)


def test_a_few_stray_voxels_do_not_set_the_distance():
    one = box((4, 4, 4), (12, 12, 12))
    other = one.copy()
    other[23, 31, 39] = True
    assert hd95_mm(one, other, spacing_mm=SPACING) == 0.0


def test_surface_is_the_shell():
    shell = surface(box((4, 4, 4), (5, 6, 7)))
    assert shell.sum() == 5 * 6 * 7 - 3 * 4 * 5
    assert surface(np.ones((3, 3, 3), bool)).sum() == 26


def test_empty_masks():
    empty, full = np.zeros(GRID, bool), box((4, 4, 4), (3, 3, 3))
    assert (dice(empty, empty), hd95_mm(empty, empty, spacing_mm=SPACING)) == (1.0, 0.0)
    for one, other in ((empty, full), (full, empty)):
        assert (dice(one, other), hd95_mm(one, other, spacing_mm=SPACING)) == (0.0, math.inf)


@pytest.mark.parametrize("seed", range(4))
# MONAI 1.5 and 1.6 warn about their own call of a function of their own.
@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning")
def test_monai_and_simpleitk_agree(seed):
    one, other = blobs(seed), blobs(seed + 100)
    ours = hd95_mm(one, other, spacing_mm=SPACING)
    pair = [torch.from_numpy(mask[None, None]) for mask in (one, other)]
    theirs = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=SPACING)
    assert ours == pytest.approx(float(theirs), rel=1e-5)

    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (one, other)]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    farthest = sitk.HausdorffDistanceImageFilter()
    farthest.Execute(*images)
    assert 0 < ours <= farthest.GetHausdorffDistance()
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert dice(one, other) == pytest.approx(overlap.GetDiceCoefficient())


masks = arrays.arrays(bool, (4, 5, 6))


@given(masks, masks)
@settings(max_examples=60, deadline=None)
def test_laws(one, other):
    value, distance = dice(one, other), hd95_mm(one, other, spacing_mm=SPACING)
    assert value == dice(other, one)
    assert distance == hd95_mm(other, one, spacing_mm=SPACING)
    assert 0 <= value <= 1 and distance >= 0
    assert (value == 1) == bool((one == other).all())
    assert hd95_mm(one, one, spacing_mm=SPACING) == 0
    assert hd95_mm(one, other, spacing_mm=tuple(2 * s for s in SPACING)) == pytest.approx(2 * distance)
    wider = [np.pad(mask, 3) for mask in (one, other)]
    assert hd95_mm(*wider, spacing_mm=SPACING) == distance


@given(masks, masks, st.permutations(range(3)))
@settings(max_examples=30, deadline=None)
def test_axes_and_spacing_belong_together(one, other, order):
    turned = hd95_mm(one.transpose(order), other.transpose(order), spacing_mm=tuple(SPACING[a] for a in order))
    assert turned == pytest.approx(hd95_mm(one, other, spacing_mm=SPACING))
