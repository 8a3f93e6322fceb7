"""What values mean: slice by slice for a scan, and where air ends and tissue begins for whatever made it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curator.deid.faces.fill import stored_as
from curator.deid.faces.levels import evened, levels_of
from curator.deid.faces.scan import Scan
from curator.deid.faces.view import view_of
from curator.imaging.frame import Frame, patient_frame
from curator.imaging.resample import CpuResampler
from curator.model.volume import Volume

EVERY = slice(None)


def scan_of(stored: np.ndarray, *, slope: float = 1.0, intercept: float = 0.0, spacing: float = 10.0, **said) -> Scan:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    volume = Volume(stored=stored, affine_lps=affine, rescale_slope=slope, rescale_intercept=intercept)
    return Scan(volume=volume, **said)


def ball(air: float, tissue: float, *, noise: float = 0.0, length: int = 60) -> np.ndarray:
    z, y, x = np.indices((length, length, length)) - (length - 1) / 2
    values = np.where(z * z + y * y + x * x < (length / 3) ** 2, tissue, air)
    return np.asarray(values + np.random.default_rng(0).normal(0, noise, values.shape), np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 50.0), st.floats(-500.0, 500.0)), min_size=7, max_size=7),
    st.integers(0, 2**31),
)
def test_slices_that_are_scaled_each_by_itself_go_to_physical_values_and_back(scales, seed: int) -> None:
    stored = np.random.default_rng(seed).integers(0, 1000, (7, 4, 5)).astype(np.int16)
    slopes, intercepts = (tuple(column) for column in zip(*scales, strict=True))
    scan = scan_of(stored, slope=99.0, intercept=99.0, slopes=slopes, intercepts=intercepts)
    for part in (EVERY, slice(2, 5)):
        physical = scan.physical(part)
        for index, number in enumerate(range(*part.indices(7))):
            expected = stored[number] * np.float64(slopes[number]) + intercepts[number]
            np.testing.assert_allclose(physical[index], expected, rtol=1e-5, atol=1e-3)
        inside = np.random.default_rng(seed).random(physical.shape) < 0.5
        again = stored_as(scan, physical[inside], part, inside)
        assert again.dtype == stored.dtype
        np.testing.assert_array_equal(again, stored[part][inside])


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([np.int16, np.uint16, np.int8, np.uint8]),
    st.integers(-50, 40),
    st.integers(41, 300),
    st.data(),
)
def test_what_is_stored_stays_within_bounds_and_is_never_padding(kind, lowest: int, highest: int, data) -> None:
    padding = data.draw(st.integers(lowest, highest))
    scan = scan_of(np.zeros((3, 8, 8), kind), lowest=lowest, highest=highest, padding=padding)
    physical = np.linspace(-1e6, 1e6, 3 * 8 * 8).astype(np.float32)
    physical[40:100] = np.arange(-10, 50)
    physical[100:104] = padding, padding, padding + 0.3, padding - 0.3
    stored = stored_as(scan, physical, EVERY, np.ones((3, 8, 8), np.bool_))
    limits = np.iinfo(kind)
    assert stored.dtype == kind
    assert int(stored.min()) >= max(lowest, limits.min)
    assert int(stored.max()) <= min(highest, limits.max)
    assert not (stored == padding).any()
    whole = [value for value in range(-10, 50) if max(lowest, limits.min) <= value <= min(highest, limits.max)]
    for value in whole:
        if value != padding:
            assert value in stored


def test_numbers_that_are_none_count_as_nothing() -> None:
    stored = np.array([[[np.nan, 2.0, np.inf]]], np.float32)
    assert np.isfinite(scan_of(stored).physical(EVERY)).all()
    assert scan_of(stored).physical(EVERY)[0, 0, 0] == 0.0


@pytest.mark.parametrize(
    ("shape", "spacing", "is_projection", "is_flat"),
    [((20, 20, 20), 2.0, False, False), ((3, 200, 200), 10.0, False, True), ((20, 20, 20), 1.0, False, True),
     ((5, 30, 30), 6.0, False, False), ((20, 20, 20), 2.0, True, True)],
)  # fmt: skip
def test_few_slices_and_thin_slabs_are_flat(shape, spacing: float, is_projection: bool, is_flat: bool) -> None:
    scan = scan_of(np.zeros(shape, np.int16), spacing=spacing, is_projection=is_projection)
    assert scan.is_flat is is_flat


@pytest.mark.parametrize("is_scaled_by_slice", [False, True])
def test_a_scan_seen_in_a_frame_has_its_physical_values_there_and_its_lowest_around(is_scaled_by_slice: bool) -> None:
    stored = np.random.default_rng(3).integers(5, 90, (6, 7, 8)).astype(np.int16)
    said = {"slopes": (2.0,) * 6, "intercepts": (-3.0,) * 6} if is_scaled_by_slice else {}
    scan = scan_of(stored, slope=2.0, intercept=-3.0, **said)
    affine = scan.volume.affine_lps.copy()
    affine[:3, 3] = -10.0
    seen = scan.seen_in(Frame(affine, (8, 9, 10)), CpuResampler())
    np.testing.assert_allclose(seen[1:-1, 1:-1, 1:-1], stored * 2.0 - 3.0, rtol=1e-6)
    around = np.ones(seen.shape, np.bool_)
    around[1:-1, 1:-1, 1:-1] = False
    np.testing.assert_allclose(seen[around], stored.min() * 2.0 - 3.0, rtol=1e-6)
    outside = scan.seen_in(Frame(affine, (8, 9, 10)), CpuResampler(), outside=-77.0)
    np.testing.assert_allclose(outside[around], -77.0, rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.floats(-1100.0, 500.0), st.floats(50.0, 3000.0))
def test_two_levels_are_told_apart_wherever_they_lie(air: float, contrast: float) -> None:
    levels = levels_of(ball(air, air + contrast))
    assert levels.air == pytest.approx(air, abs=0.01 * contrast)
    assert levels.tissue == pytest.approx(air + contrast, abs=0.02 * contrast)
    assert levels.contrast == pytest.approx(contrast, rel=0.03)
    assert air + 0.2 * contrast < levels.threshold < air + 0.6 * contrast


def test_noise_is_measured_in_air() -> None:
    levels = levels_of(ball(0.0, 300.0, noise=9.0))
    assert levels.noise == pytest.approx(9.0, rel=0.1)
    assert levels.air == pytest.approx(0.0, abs=2.0)


def speckled() -> np.ndarray:
    """A ball in air whose noise is never below zero, as magnitudes are."""
    noise = np.random.default_rng(5).rayleigh(28.0, (60, 60, 60))
    return np.asarray(ball(0.0, 300.0) + noise, np.float32)


@pytest.mark.parametrize("turn_deg", [0.0, 40.0])
def test_what_lies_around_an_oblique_scan_is_no_air_of_it(turn_deg: float) -> None:
    affine = np.eye(4)
    affine[:3, :3] = 2.0 * Rotation.from_euler("xz", (turn_deg, turn_deg), degrees=True).as_matrix()
    # More of a turned frame is outside than air was scanned.
    stored = speckled()[8:52, 8:52, 8:52]
    scan = Scan(volume=Volume(stored=stored, affine_lps=affine), modality="MR")
    levels = view_of(scan, patient_frame(scan.volume, step_mm=2.0), CpuResampler()).levels
    assert 25.0 < levels.air < 45.0
    assert levels.noise > 3.0


def test_a_value_that_was_put_where_nothing_was_measured_is_no_air() -> None:
    values = speckled()
    values[:, :, :14] = values[:, :14] = 0.0
    assert 25.0 < levels_of(values).air < 45.0
    # Around a brain that was cut out there is nothing else.
    cut_out = np.where(ball(0.0, 1.0) > 0.5, values, 0).astype(np.float32)
    assert levels_of(cut_out).air == pytest.approx(0.0, abs=1.0)


def test_one_value_has_no_contrast() -> None:
    flat = np.full((20, 20, 20), 41.0, np.float32)
    levels = levels_of(flat)
    assert (levels.air, levels.tissue, levels.threshold, levels.contrast) == (41.0, 41.0, 41.0, 0.0)
    assert not evened(flat, levels, step_mm=1.0).any()


def test_shaded_tissue_counts_as_much_as_bright_tissue() -> None:
    length = 72
    z = np.arange(length)[:, None, None] / (length - 1)
    plain = ball(0.0, 1.0, length=length)
    shaded = np.asarray(plain * (150.0 + 300.0 * z), np.float32)
    even = evened(shaded, levels_of(shaded), step_mm=2.0)
    middle = length // 2
    column = even[:, middle, middle]
    is_tissue = plain[:, middle, middle] > 0.5
    inner = column[is_tissue][3:-3]
    assert np.ptp(shaded[:, middle, middle][is_tissue]) / shaded[middle, middle, middle] > 0.5
    assert np.ptp(inner) < 0.35
    assert 0.8 < inner.mean() < 1.2
    assert np.abs(column[~is_tissue]).max() < 0.05
