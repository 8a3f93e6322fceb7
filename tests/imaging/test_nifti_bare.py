"""A NIfTI file keeps its voxels and its place, and loses whatever else its header said; held against nibabel."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from curator.imaging.nifti_bare import bare_nifti

SECRETS = (b"Zwackelmann", b"XQ-9081", b"hospital", b"secret note", b"Quendolyn")


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("volumes", [(), (3,)])
def test_only_geometry_type_and_scale_are_left(kind: type, volumes: tuple[int, ...], tmp_path: Path) -> None:
    voxels = np.arange(4 * 5 * 6 * max(1, *volumes, 1), dtype=">i2").reshape((4, 5, 6, *volumes))
    affine = np.array([[-2.0, 0.1, 0, 30], [0, 2.5, 0.2, -40], [0.1, 0, 3.0, -50], [0, 0, 0, 1]])
    image = kind(voxels, affine)
    header = image.header
    header.set_slope_inter(0.5, -3)
    header.set_xyzt_units("mm", "sec")
    header["descrip"], header["aux_file"], header["intent_name"] = SECRETS[0], SECRETS[1], SECRETS[2]
    if "db_name" in header:
        header["db_name"] = SECRETS[4]
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", SECRETS[3]))
    path = tmp_path / "Zwackelmann.nii.gz"
    nibabel.save(image, path)
    assert any(secret in gzip.decompress(path.read_bytes()) for secret in SECRETS)
    bare = bare_nifti(path.read_bytes())
    (tmp_path / "bare.nii.gz").write_bytes(bare)
    read, source = (nibabel.load(tmp_path / name) for name in ("bare.nii.gz", path.name))
    content = gzip.decompress(bare)
    assert not [secret for secret in SECRETS if secret in content or secret in bare]
    assert not list(read.header.extensions)
    np.testing.assert_array_equal(read.dataobj.get_unscaled(), source.dataobj.get_unscaled())
    np.testing.assert_array_equal(read.affine, source.affine)
    assert (read.dataobj.slope, read.dataobj.inter) == (source.dataobj.slope, source.dataobj.inter)
    assert read.get_data_dtype() == source.get_data_dtype()
    assert read.header.get_zooms()[:3] == source.header.get_zooms()[:3]
    assert bare_nifti(bare) == bare
