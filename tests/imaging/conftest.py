"""Small DICOM files with a known place in the patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from slice_samples import SHARED, image_dataset


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not there")
    return SHARED


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Writes `image_dataset(...)` and gives its path; names say nothing about order."""

    def write(pixels: np.ndarray, **attributes: object) -> Path:
        dataset = image_dataset(pixels, **attributes)
        path = tmp_path / f"{pydicom.uid.generate_uid()}"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write
