"""What new tissue is made of: as smooth at every threshold as the new skin, whatever the voxels."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from face_tools import SECRET, SMALL, THREE_MM
from hypothesis import given
from hypothesis import strategies as st
from treated_heads import TOOLS, scan_of

from curator.deid.faces.fill import _DEEPEST, _brightest, _mirrored, _skins, _variation
from curator.deid.faces.ladder import random_of
from curator.deid.faces.palette import _MEASURED_MM, PROFILE_MM, Palette, _broadened, palette_of
from curator.deid.faces.surface import Style, curtain_for
from curator.deid.faces.view import FLESH, view_of
from curator.deid.faces.windows import front_window
from curator.deid.faces.zone import Curtain
from curator.imaging.frame import patient_frame
from curator.testing.heads import Contrast, HeadPlan, make_head

NONE = np.zeros(1, np.float32)


def a_palette(seed: int = 0) -> Palette:
    """Soft tissue, and one part in twenty of bone."""
    random = np.random.default_rng(seed)
    own = np.concatenate([random.normal(0, 30, 19_000), random.uniform(300, 1500, 1000)])
    return Palette(NONE, NONE[None], np.sort(own).astype(np.float32), NONE)


def a_rise(start_mm: float, breadth_mm: float) -> np.ndarray:
    return np.clip((_MEASURED_MM - start_mm) / breadth_mm, 0, 1).astype(np.float32)


@given(st.floats(-2.0, 2.0), st.floats(1.0, 4.0), st.floats(0.2, 3.5))
def test_a_broadened_profile_rises_from_air_to_tissue_and_flesh_stays(
    start: float, breadth: float, sigma: float
) -> None:
    measured = a_rise(start, breadth)
    blurred = _broadened(measured, sigma)
    assert blurred.shape == PROFILE_MM.shape
    assert (np.diff(blurred) >= -1e-6).all()
    assert (blurred[0], blurred[-1]) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    was, now = (np.interp(FLESH, one, mm) for one, mm in ((measured, _MEASURED_MM), (blurred, PROFILE_MM)))
    assert abs(now - was) < 0.25


@pytest.mark.parametrize(("voxel_mm", "phases"), [(3.0, 12), (5.0, 20)])
def test_a_thick_voxel_samples_a_broadened_profile_evenly(voxel_mm: float, phases: int) -> None:
    """Where linear interpolation has the surface does not depend on where the voxels happen to lie."""
    off = {}
    for sigma in (0.2, 0.7 * voxel_mm):
        profile = _broadened(a_rise(-0.5, 1.0), sigma)
        found = []
        for phase in np.arange(phases) / phases:
            at = (np.arange(-6, 7) + phase) * voxel_mm
            found.append(np.interp(0.5, np.interp(at, PROFILE_MM, profile), at))
        off[sigma] = np.ptp(found)
    still, blurred = off.values()
    assert still > 0.2 * voxel_mm
    assert blurred < 0.25 * still


def test_tissue_rises_from_its_middle_to_its_brightest() -> None:
    palette = a_palette()
    depth = np.linspace(0, 1.1, 221, dtype=np.float32)
    new = _variation(palette, depth, np.zeros_like(depth))
    own = palette.variation
    brightest = own[-3] - np.median(own)
    assert new[0] == pytest.approx(0.0, abs=2.0)
    assert all(later >= earlier - 1e-3 for earlier, later in pairwise(new))
    assert new[depth >= 0.45][0] == pytest.approx(brightest, rel=0.02)
    assert brightest < new[-1] < 1.1 * brightest


def test_half_of_a_shell_has_what_nearly_all_tissue_has() -> None:
    """Of 22 mm: it rises to its brightest, is so for 3 mm, and falls again to its middle."""
    palette = a_palette()
    depth = _mirrored(np.linspace(0, 1, 2001, dtype=np.float32), np.float32(0.45 + 1.5 / 22))
    new = _variation(palette, depth, np.zeros_like(depth))
    assert np.median(new) <= np.percentile(palette.variation, 97)
    assert abs(new[-1] - new[0]) < 0.1 * np.ptp(palette.variation)


@pytest.mark.parametrize(("shell_mm", "bright_mm"), [(1.0, 10.0), (2.0, 10.0), (7.0, 6.5), (12.0, 3.0), (30.0, 3.0)])
@pytest.mark.parametrize("step_mm", [1.0, 2.0])
def test_a_thin_shell_is_bright_for_longer_than_a_thick_one(shell_mm: float, bright_mm: float, step_mm: float) -> None:
    """Two millimetres would be lost in a scan's own blur."""
    shell = np.full(4000, shell_mm / step_mm, np.float32)
    behind_mm = np.linspace(0, 40, 4000, dtype=np.float32)
    depth = _mirrored(behind_mm / step_mm / shell, _brightest(shell, step_mm))
    is_bright = depth >= _DEEPEST
    assert is_bright.sum() / 100 == pytest.approx(bright_mm, abs=0.1)
    assert behind_mm[is_bright].min() == pytest.approx(_DEEPEST * shell_mm, abs=0.1)


def test_mirrored_depths_grow_to_their_middle_and_fall_from_there() -> None:
    depth = np.array([0.0, 0.4, 0.5, 0.8, 1.0, 3.0], np.float32)
    middle = np.float32(0.5)
    assert _mirrored(depth, middle) == pytest.approx([0.0, 0.4, 0.5, 0.2, 0.0, 0.0])


def test_a_threshold_however_high_meets_a_smooth_surface() -> None:
    """There is something to meet at each, and noise moves it by a fiftieth of the depth at the most."""
    palette, random = a_palette(), np.random.default_rng(1)
    depth = np.tile(np.linspace(0, 1.1, 800, dtype=np.float32), (300, 1))
    new = _variation(palette, depth, np.repeat(random.standard_normal((300, 1)).astype(np.float32), 800, axis=1))
    for share in (0.1, 0.5, 0.9, 0.98):
        threshold = share * float(new.max())
        met = depth[0][(new > threshold).argmax(axis=1)]
        assert (new > threshold).any(axis=1).all()
        assert met.std() < 0.02


def test_a_palette_of_one_value_is_even() -> None:
    depth = np.linspace(0, 1, 9, dtype=np.float32)
    assert not _variation(replace(a_palette(), variation=NONE), depth, depth).any()


def test_where_a_brain_outshines_the_skin_new_tissue_is_as_bright_as_the_skin() -> None:
    """Else a PET's new skin would rise so late that it lay a centimetre too deep."""
    scan = scan_of(make_head(HeadPlan(spacing_mm=THREE_MM, contrast=Contrast.PET, field_of_view=SMALL)))
    view = view_of(scan, patient_frame(scan.volume, step_mm=2.0), TOOLS.resampler)
    curtain = curtain_for(
        view, front_window(view, TOOLS.rules.numbers), shell_mm=22.0, smoothing_mm=20.0, volume=scan.volume,
        numbers=TOOLS.rules.numbers, random=random_of(SECRET, "relief"), style=Style(is_round=True, is_soft=False),
    )  # fmt: skip
    assert curtain is not None
    palette = palette_of(curtain, view, scan.volume.affine_lps, random_of(SECRET, "fill"))
    # Nor is the blurred edge of that skin taken for air: lowest threshold of the attack.
    assert palette.air.max() < view.levels.air + 0.12 * view.levels.contrast
    z, x = np.nonzero(curtain.is_inside & np.isfinite(view.skin))
    under = view.smooth[z, np.rint(view.skin[z, x] + 2).astype(int), x]
    assert np.percentile(view.smooth, 99) > 3 * np.median(under)
    assert np.median(palette.level[z, x]) < 2 * np.median(under)
    assert np.interp(3.0, PROFILE_MM, palette.profile) > 0.5


def test_a_thick_voxel_measures_the_skin_of_its_whole_breadth_and_a_thin_one_that_of_its_middle() -> None:
    """On a plane flank, which falls by 2 for each step aside: closed form."""
    scan = scan_of(make_head(HeadPlan(spacing_mm=THREE_MM, contrast=Contrast.T1, field_of_view=SMALL)))
    frame = patient_frame(scan.volume, step_mm=1.0)
    z, x = np.mgrid[0 : frame.shape[0], 0 : frame.shape[2]].astype(np.float32)
    curtain = Curtain(frame, np.ones_like(x), 2 * x, 2 * x + 20, np.full_like(x, 20))
    middle = (slice(20, -20),) * 2
    found = np.array(_skins(scan, curtain, x, z, curtain.skin))[(slice(None), *middle)]
    assert len(found) > 1
    assert np.allclose(found.mean(axis=0), curtain.skin[middle], atol=1e-2)
    assert np.allclose(np.ptp(found, axis=0), 2 * 2 * THREE_MM[2], atol=0.05)
    thin = replace(
        scan, volume=replace(scan.volume, affine_lps=scan.volume.affine_lps @ np.diag([0.25, 0.25, 0.25, 1]))
    )
    assert np.array_equal(_skins(thin, curtain, x, z, curtain.skin), [curtain.skin])
