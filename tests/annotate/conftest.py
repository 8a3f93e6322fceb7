from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from curator.annotate.readers.labels import LabelTable
from curator.model.annotation import Label
from curator.model.volume import Volume

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not there")
    return SHARED


@pytest.fixture
def table() -> LabelTable:
    return LabelTable((Label(1, "liver", "10200004", "SCT"), Label(2, "spleen", "78961009", "SCT"), Label(7, "lesion")))


@pytest.fixture
def image() -> Volume:
    """An oblique image of 5 slices of 6 by 8."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", (10, -20, 30), degrees=True).as_matrix() * (0.8, 0.9, 3.0)
    affine[:3, 3] = (-40, 25.5, 300)
    return Volume(stored=np.zeros((5, 6, 8), np.int16), affine_lps=affine)


@pytest.fixture
def raters():
    """Masks of a box in noise: `raters(rng, count, labels=...)`."""

    def make(rng, count, labels=1, shape=(12, 14, 16)):
        truth = np.zeros(shape, np.uint8)
        boxes = [np.s_[3:8, 2:9], np.s_[6:10, 9:13, 3:9], np.s_[1:3, :, 10:], np.s_[10:, :, 10:]]
        for value, box in enumerate(boxes[:labels], start=1):
            truth[box] = value
        masks = []
        for _ in range(count):
            is_wrong = rng.random(shape) < rng.uniform(0.03, 0.25)
            masks.append(np.where(is_wrong, rng.integers(0, labels + 1, shape), truth).astype(np.uint8))
        return masks

    return make
