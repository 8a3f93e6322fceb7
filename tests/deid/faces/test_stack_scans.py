"""Stacks as scans."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from curator.deid.faces import stack_scans
from curator.deid.faces.stack_scans import scan_of
from curator.imaging.rescales import Rescales
from curator.imaging.slices import Kind
from curator.imaging.stacks import Stack
from curator.model.volume import Volume

KIND = Kind(
    SeriesInstanceUID="2.25.1", FrameOfReferenceUID="2.25.2", Modality="PT", SOPClassUID="", PatientPosition="HFS",
    Rows=2, Columns=2, PhotometricInterpretation="MONOCHROME2", pixel_type=np.dtype("i2"),
)  # fmt: skip


def stack(*pairs: tuple[float, float], **said: object) -> Stack:
    places = tuple((n, 0) for n in range(len(pairs)))
    parts = {"kind": KIND, "series": 0, "ImageType": (), "places": places, "affine_lps": np.eye(4)}
    return Stack(**{**parts, "rescales": Rescales.of(pairs), **said})


def test_slices_that_differ_in_rescale_say_so():
    volume = Volume(stored=np.ones((2, 2, 2), np.int16), affine_lps=np.eye(4))
    scan = scan_of(stack((2.0, 1.0), (3.0, 0.0), limits=(-8, 7), paddings=((-8, -8),)), volume, names_head=True)
    np.testing.assert_array_equal(scan.physical(slice(None))[:, 0, 0], [3, 3])
    assert (scan.lowest, scan.highest, scan.padding, scan.names_head) == (-8, 7, -8, True)
    assert (scan.modality, scan.frame_of_reference) == ("PT", "2.25.2")


def test_slices_that_do_not_differ_leave_it_to_the_volume():
    volume = Volume(stored=np.ones((2, 2, 2), np.float32), affine_lps=np.eye(4), rescale_slope=2.0)
    scan = scan_of(stack((2.0, 0.0), (2.0, 0.0)), volume)
    assert scan.slopes == scan.intercepts == ()
    assert scan.physical(slice(0, 1)).max() == 2
    assert (scan.lowest, scan.highest, scan.padding) == (-np.inf, np.inf, None)


@pytest.mark.parametrize(
    ("paddings", "bounds"),
    [
        ((), (-100, 100, None)),
        (((-100, -100),), (-100, 100, -100)),
        (((-100, -90),), (-89, 100, None)),
        (((90, 100),), (-100, 89, None)),
        (((-100, -90), (7, 7)), (-89, 100, 7)),
        (((-60, -50),), (-49, 100, None)),
        (((50, 60),), (-100, 49, None)),
    ],
)
def test_no_value_that_stands_for_no_image_may_be_written(
    paddings: tuple[tuple[int, int], ...], bounds: tuple[float, float, float | None]
) -> None:
    found = stack_scans._bounds(SimpleNamespace(limits=(-100, 100), paddings=paddings))  # type: ignore[arg-type]
    assert found == bounds
    low, high, padding = found
    allowed = {value for value in range(-100, 101) if low <= value <= high and value != padding}
    assert not [value for first, last in paddings for value in range(first, last + 1) if value in allowed]
