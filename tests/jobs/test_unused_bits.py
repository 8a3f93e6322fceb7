"""Whole jobs that clean no pixels: what hides in the bits above the pixels is never released."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archive_samples import Slice, save
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

SIDE, BIT = 256, 15
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def slice_with(instance: int, syntax: str, *, hides: bool, declares: bool = False, fill: int = 0) -> Dataset:
    """A slice of 12 bits; `hides` a bar in bit 15, `declares` it as an overlay, has `fill` private bytes before it."""
    dataset = Slice(patient=1, study=1, instance=instance).dataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.Rows = dataset.Columns = SIDE
    dataset.PixelSpacing = [2, 2]
    values = np.broadcast_to(np.arange(SIDE) * 7 + instance, (SIDE, SIDE)).astype(np.uint16)
    if hides:
        values[20:30, 20:90] |= 1 << BIT
    dataset.PixelData = values.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    if declares:
        block = dataset.private_block(0x0029, "MADE UP", create=True)
        block.add_new(0x10, "OB", bytes(fill))
        for tag, vr, value in ((0x0010, "US", SIDE), (0x0011, "US", SIDE), (0x0100, "US", 16), (0x0102, "US", BIT)):
            dataset.add_new(0x60000000 | tag, vr, value)
    return dataset


def released(run_curator: Callable[..., Any], root: Path, files: list[Dataset], *options: str) -> tuple[Any, Path]:
    for number, dataset in enumerate(files):
        save(dataset, root / "source" / f"{number}.dcm")
    workspace, out = root / "workspace", root / "out"
    assert run_curator("init", workspace, "--keys", root / "keys" / "key.json").code == 0
    done = run_curator("deid", "run", root / "source", "--out", out, "-w", workspace, *options, "--json")
    return done, out


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_G01_what_hides_above_the_pixels_is_held(run_curator: Callable[..., Any], tmp_path: Path, syntax: str) -> None:
    files = [
        slice_with(1, syntax, hides=False),
        slice_with(2, syntax, hides=True),
        slice_with(3, syntax, hides=True, declares=True),
        slice_with(4, syntax, hides=True, declares=True, fill=(1 << 20) + 100),
    ]
    done, out = released(run_curator, tmp_path, files)
    assert done.json()["quarantined"] == {"burned_in_text_possible": 3}
    assert [int(dcmread(path).InstanceNumber) for path in out.rglob("*.dcm")] == [1]


def test_G01_with_the_option_it_is_taken_out(run_curator: Callable[..., Any], tmp_path: Path) -> None:
    files = [slice_with(number, syntax, hides=True) for number, syntax in enumerate(SYNTAXES[:2], start=1)]
    _, out = released(run_curator, tmp_path, files, "--option", "clean-pixel-data")
    values = [np.frombuffer(dcmread(path).PixelData, "<u2") for path in out.rglob("*.dcm")]
    assert len(values) == 2
    assert not any((one >> 12).any() for one in values)
