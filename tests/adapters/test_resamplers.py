"""Both resamplers give the same values, and no GPU means no PyTorch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from curator.adapters import resamplers
from curator.adapters.resamplers import best_resampler
from curator.adapters.torch_resampler import TorchResampler
from curator.deid.faces.render import first_hits
from curator.imaging.frame import Frame, turned_frame
from curator.imaging.resample import CpuResampler
from curator.ports.faces import Field
from curator.testing.heads import HeadPlan, make_head

CPU, TORCH = CpuResampler(), TorchResampler("cpu")
OUTSIDE = -50.0


def smooth_volume(shape=(21, 26, 31), seed=0) -> Field:
    values = np.random.default_rng(seed).normal(0, 100, shape)
    return np.asarray(ndimage.gaussian_filter(values, 1.5) * 10, np.float32)


def an_affine(angles, shift) -> np.ndarray:
    a, b, c = angles
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x * (1 + c / 3)
    affine[:3, 3] = shift
    return affine


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.floats(-0.6, 0.6)] * 3), st.tuples(*[st.floats(-4, 12)] * 3), st.sampled_from([np.int16, np.float32])
)
def test_a_volume_laid_onto_another_box_has_the_same_values(angles, shift, kind) -> None:
    values = smooth_volume().astype(kind)
    indices = an_affine(angles, shift)
    shape = (17, 19, 23)
    one, other = (each.onto(values, indices, shape, outside=OUTSIDE) for each in (CPU, TORCH))
    assert one.dtype == other.dtype == np.float32
    alike = np.abs(one - other) < 0.02
    places = np.stack(np.indices(shape)[::-1], -1) @ indices[:3, :3].T + indices[:3, 3]
    # A place within rounding of the outermost voxels is inside to one and outside to the other.
    far_in = ((places > 1e-3) & (places < np.array(values.shape[::-1]) - 1 - 1e-3)).all(axis=-1)
    far_out = ((places < -1e-3) | (places > np.array(values.shape[::-1]) - 1 + 1e-3)).any(axis=-1)
    assert alike[far_in].all()
    np.testing.assert_allclose(other[far_out], OUTSIDE, atol=1e-4)


def test_the_same_box_gives_the_same_values() -> None:
    values = smooth_volume()
    taken = TORCH.onto(values, np.eye(4), values.shape, outside=0.0)
    np.testing.assert_allclose(taken, values, atol=1e-3)


def test_slices_that_are_done_apart_are_as_those_done_together(monkeypatch: pytest.MonkeyPatch) -> None:
    values, indices = smooth_volume(), an_affine((0.2, -0.1, 0.3), (1.0, 2.0, -1.0))
    whole = TORCH.onto(values, indices, (11, 12, 13), outside=OUTSIDE)
    monkeypatch.setattr("curator.adapters.torch_resampler._VOXELS_AT_ONCE", 12 * 13 * 3)
    np.testing.assert_array_equal(TORCH.onto(values, indices, (11, 12, 13), outside=OUTSIDE), whole)


@pytest.mark.parametrize("number", [-30.0, -7.5, 0.0, 20.0, 180.0])
@pytest.mark.parametrize("pitch", [-15.0, 0.0, 10.0])
def test_a_turned_volume_has_the_same_values(number: float, pitch: float) -> None:
    values = smooth_volume((24, 30, 28))
    one, other = (each.turned(values, yaw_deg=number, pitch_deg=pitch, outside=OUTSIDE) for each in (CPU, TORCH))
    assert one.shape == other.shape == values.shape
    # OpenCV knows places to a thirty-second of a voxel.
    steepest = max(
        float(np.abs(np.diff(np.pad(values, 1, constant_values=OUTSIDE), axis=axis)).max()) for axis in range(3)
    )
    assert np.abs(one - other).max() <= steepest / 8
    assert np.abs(one - other).mean() < steepest / 200


@pytest.mark.parametrize("resampler", [CPU, TORCH], ids=["cpu", "torch"])
def test_what_is_turned_lies_where_its_frame_says(resampler) -> None:
    """A bright spot, turned, is found at the voxel that `turned_frame` gives for its place."""
    shape = (41, 43, 45)
    values = np.zeros(shape, np.float32)
    values[28, 12, 30] = 1.0
    values = np.asarray(ndimage.gaussian_filter(values, 1.5), np.float32)
    frame = Frame(np.eye(4), shape)
    turned = resampler.turned(values, yaw_deg=20.0, pitch_deg=-12.0, outside=0.0)
    z, y, x = ndimage.center_of_mass(turned)
    expected = turned_frame(frame, yaw_deg=20.0, pitch_deg=-12.0).voxels_of(np.array([[30.0, 12.0, 28.0]]))[0]
    np.testing.assert_allclose([x, y, z], expected, atol=0.1)


def test_a_head_has_the_same_depths_within_a_voxel() -> None:
    head = make_head(HeadPlan(spacing_mm=(3.0, 3.0, 3.0)))
    values = head.volume.stored.astype(np.float32)
    depths = [
        first_hits(each.turned(values, yaw_deg=15.0, pitch_deg=-10.0, outside=0.0), 120.0) for each in (CPU, TORCH)
    ]
    seen = [np.isfinite(depth) for depth in depths]
    assert (seen[0] == seen[1]).mean() > 0.999
    both = seen[0] & seen[1]
    assert both.mean() > 0.2
    assert (np.abs(depths[0] - depths[1])[both] < 1.0).mean() > 0.999


def test_names_say_what_runs() -> None:
    assert TORCH.name == f"torch {torch.__version__} cpu"
    assert CPU.name != TORCH.name


def test_without_a_driver_the_cpu_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resamplers, "_DRIVERS", ("libthere-is-no-such-driver.so",))
    assert best_resampler() == CpuResampler()


def test_without_a_driver_no_framework_is_loaded() -> None:
    program = (
        "import sys\nfrom curator.adapters import resamplers\n"
        "resamplers._DRIVERS = ()\nresamplers.best_resampler()\n"
        "assert not {'torch', 'curator.adapters.torch_resampler'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_with_a_driver_and_no_working_gpu_the_cpu_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resamplers, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_resampler() == CpuResampler()


def test_with_a_gpu_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resamplers, "has_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert best_resampler() == TorchResampler("cuda")
