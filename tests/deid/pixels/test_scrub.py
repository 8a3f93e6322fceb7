"""Boxes made black: inside all of it, outside nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
from pixel_samples import file_of, frames_in, image, judged_by_pydicom, scrubbed_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from curator.model.pixels import Box

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda uid: uid.name)
def test_B04_a_box_in_one_frame_of_three(syntax):
    values = np.random.default_rng(1).integers(-2048, 2047, (3, 6, 8), dtype=np.int16)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    file = file_of(
        image(
            values.astype(f"{order}i2").tobytes(),
            syntax=syntax,
            rows=6,
            columns=8,
            NumberOfFrames=3,
            BitsAllocated=16,
            BitsStored=12,
            HighBit=11,
            PixelRepresentation=1,
        )
    )
    new, scrubbed = scrubbed_file(file, lambda index: [Box(-2, 3, 4, 30)] if index == 1 else [])
    values[1, :4, 3:] = -2048
    assert scrubbed.changed == (1,)
    for index in range(3):
        np.testing.assert_array_equal(frames_in(new).decode(index), values[index])
        np.testing.assert_array_equal(judged_by_pydicom(new, index), values[index])
