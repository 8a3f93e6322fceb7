"""Whole series with patches in them, judged by SimpleITK, dcmdump and dciodvfy; scanners' own files where they are."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pixel_samples import BUNDLED
from pydicom.uid import JPEGLossless, JPEGLosslessSV1, JPEGLSLossless

from curator.deid.faces.patch_proof import patch_problem
from curator.deid.faces.patched import patched
from curator.deid.faces.stack_patches import patches_of, together
from curator.errors import ItemError
from curator.imaging.stacks import Stacks, read_stack, stacks_of

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
JPEG_LOSSLESS = {JPEGLossless, JPEGLosslessSV1}
FOLDERS = [
    "heads/siemens_prisma_sag_thick",
    "vendors/canon_galan_dti",
    "vendors/ge_mr750_epi",
    "vendors/philips_brilliance16_ct",
    "vendors/pydicom_data_mixed",
    "vendors/siemens_prisma_xa30_enhanced",
    "vendors/siemens_prisma_xa30_jpegll",
    "vendors/siemens_biograph40_ct_jp2k",
]


def dicom_files(folder: Path, *, most: int) -> list[Path]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in paths if path.read_bytes()[128:132] == b"DICM"][:most]


def defaced(files: list[Path], found: Stacks, out: Path) -> dict[Path, Path]:
    """Every stack with a random tenth of its voxels changed, written beside the instances that stay."""
    rng = np.random.default_rng(8)
    parts, wanted = [], []
    for stack in found.stacks:
        stored = read_stack(stack, files).stored
        mask = rng.random(stack.shape) < 0.1
        new = np.where(mask, np.roll(stored, 3, axis=2), stored)
        parts.append(patches_of(stack.places, mask, new[mask]))
        wanted.append(new)
    written: dict[Path, Path] = {}
    patches = together(parts)
    for number, file in enumerate(files):
        written[file] = out / f"{number}.dcm"
        source = file.read_bytes()
        if number in patches:
            done = patched(source, patches[number], scratch=tempfile.TemporaryFile)
            assert patch_problem(done.data, source, patches[number]) is None
            source = bytes(done.data)
        written[file].write_bytes(source)
    again = list(written.values())
    for stack, new in zip(found.stacks, wanted, strict=True):
        np.testing.assert_array_equal(read_stack(stack, again).stored, new)
    return written


def errors_of(path: Path) -> Counter[str]:
    said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, check=False)
    lines = said.stderr.decode("latin-1").splitlines()
    return Counter(line for line in lines if line.startswith("Error"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_scanners_wrote_holds_the_patch_and_nothing_else(folder, tmp_path):
    files = dicom_files(SHARED / folder, most=6)
    found = stacks_of(files)
    assert found.stacks
    written = defaced(files, found, tmp_path)
    for before, after in list(written.items())[:3]:
        old, new = (pydicom.dcmread(path, stop_before_pixels=True) for path in (before, after))
        uid = old.file_meta.TransferSyntaxUID
        is_changed = before.read_bytes() != after.read_bytes()
        assert new.file_meta.TransferSyntaxUID == (JPEGLSLossless if is_changed and uid in JPEG_LOSSLESS else uid)
        if shutil.which("dciodvfy"):
            assert not errors_of(after) - errors_of(before)
        if shutil.which("dcmdump"):
            subprocess.run(["dcmdump", "-q", after], check=True, capture_output=True)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_a_head_still_loads_as_one_volume_in_simpleitk(tmp_path):
    files = dicom_files(SHARED / "heads" / "siemens_prisma_sag_thick", most=99)
    found = stacks_of(files)
    written = defaced(files, found, tmp_path)
    order = [place[0] for place in found.stacks[0].places if place is not None]
    before = sitk.ReadImage([str(files[index]) for index in order])
    after = sitk.ReadImage([str(written[files[index]]) for index in order])
    for said in ("GetSize", "GetOrigin", "GetSpacing", "GetDirection", "GetPixelIDTypeAsString"):
        assert getattr(before, said)() == getattr(after, said)()
    again = read_stack(found.stacks[0], list(written.values()))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(after), again.stored)
    assert (sitk.GetArrayFromImage(before) != sitk.GetArrayFromImage(after)).any()


def test_what_pydicom_bundles_goes_the_whole_way(tmp_path):
    done = 0
    for number, path in enumerate(sorted(BUNDLED.glob("*.dcm"))):
        out = tmp_path / str(number)
        out.mkdir()
        try:
            found = stacks_of([path])
            defaced([path], found, out)
            done += bool(found.stacks)
        except ItemError:
            continue
    assert done >= 10
