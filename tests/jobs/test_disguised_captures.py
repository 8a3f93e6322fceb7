"""A colour screenshot that calls itself an axial CT image: held back, or searched where text is cleaned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archive_samples import SECRETS, Slice, save
from picture_samples import Picture
from pydicom import Dataset, dcmread

SCREEN = Picture(11, (SECRETS[1].upper(),), is_colour=True)
INK = 200


def disguised() -> Dataset:
    """The header of a slice of the abdomen around the pixels of a screen."""
    screen, dataset = SCREEN.dataset(), Slice(patient=7, study=70).dataset()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        setattr(dataset, keyword, screen[keyword].value)
    dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 0, "RGB"
    dataset.PixelRepresentation = 0
    dataset.PixelSpacing = [2.5, 2.5]
    dataset.PixelData = screen.PixelData
    dataset["PixelData"].VR = "OB"
    return dataset


@pytest.mark.parametrize("options", [(), ("--option", "clean-pixel-data")])
def test_a_screen_that_says_it_is_a_slice_is_never_released_as_it_is(
    tmp_path: Path, run_curator: Callable[..., Any], options: tuple[str, ...]
) -> None:
    save(disguised(), tmp_path / "source" / "a.dcm")
    workspace, out = tmp_path / "workspace", tmp_path / "out"
    assert run_curator("init", workspace, "--keys", tmp_path / "keys" / "key.json").code == 0
    arguments = ("deid", "run", tmp_path / "source", "--out", out, "-w", workspace, *options)
    result = run_curator(*arguments, "--workers", 1, "--json").json()
    released = [dcmread(path) for path in sorted(out.rglob("*.dcm"))]
    if not options:
        assert (released, result["quarantined"]) == ([], {"burned_in_text_possible": 1})
        return
    (image,) = released
    written = SCREEN.ink()[..., None] > INK
    assert written.any()
    assert not (written & (image.pixel_array > INK)).any()
