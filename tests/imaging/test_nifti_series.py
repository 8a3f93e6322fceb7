"""NIfTI files of many volumes, read and written back with some voxels changed."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import ItemError
from curator.imaging.nifti import gzipped, nifti_bytes, read_nifti
from curator.imaging.nifti_series import changed_nifti, read_nifti_series
from curator.model.quarantine import Reason
from curator.model.volume import Volume

AFFINE = np.array([[-0.5, 0, 0.1, 9], [0, 0.7, 0, -8], [0.1, 0, 2, 7], [0, 0, 0, 1.0]])


def nifti(shape=(4, 3, 5, 2), *, kind="<i2", two=False, slope=None, extension=b"") -> bytes:
    values = np.random.default_rng(3).integers(0, 99, shape).astype(kind)
    of = nibabel.Nifti2Image if two else nibabel.Nifti1Image
    image = of(values, AFFINE, header=of.header_class(endianness=kind[0]))
    image.header.set_data_dtype(np.dtype(kind))
    if slope:
        image.header.set_slope_inter(*slope)
    if extension:
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", extension))
    return image.to_bytes()


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<u1", ">f4", "<f8"])
@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_only_the_named_voxels_change(kind, two, zipped, tmp_path):
    file = nifti(kind=kind, two=two, extension=b"said by someone")
    series = read_nifti_series(gzip.compress(file) if zipped else file)
    assert len(series.volumes) == 2
    mask = np.random.default_rng(4).random((5, 3, 4)) < 0.4
    new = (series.volumes[1].stored + 1).astype(series.volumes[1].stored.dtype)
    out = changed_nifti(series, {1: (mask, new[mask])})
    plain = gzip.decompress(out) if zipped else out
    path = tmp_path / "out.nii"
    path.write_bytes(plain)
    before, after = (
        nibabel.Nifti1Image.from_bytes(file) if not two else nibabel.Nifti2Image.from_bytes(file),
        nibabel.load(path),
    )
    wanted = np.asarray(before.dataobj).copy()
    wanted[..., 1][mask.T] += 1
    np.testing.assert_array_equal(np.asarray(after.dataobj), wanted)
    offset = int(before.header["vox_offset"])
    assert plain[:offset] == file[:offset]
    assert len(plain) == len(file)
    assert changed_nifti(series, {}) == (gzipped(file) if zipped else file)


def test_a_volume_is_what_read_nifti_says(tmp_path):
    file = nifti((4, 3, 5), slope=(2.0, -3.0))
    path = tmp_path / "one.nii.gz"
    path.write_bytes(gzip.compress(file))
    (one,), other = read_nifti_series(path).volumes, read_nifti(path)
    np.testing.assert_array_equal(one.stored, other.stored)
    np.testing.assert_array_equal(one.affine_lps, other.affine_lps)
    assert (one.rescale_slope, one.rescale_intercept) == (other.rescale_slope, other.rescale_intercept) == (2, -3)
    assert read_nifti_series(nifti((4, 3))).volumes[0].shape == (1, 3, 4)


def test_what_curator_writes_is_read():
    stored = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    volume = Volume(stored=stored, affine_lps=AFFINE.copy())
    series = read_nifti_series(nifti_bytes(volume))
    np.testing.assert_array_equal(series.volumes[0].stored, stored)
    assert changed_nifti(series, {}) == nifti_bytes(volume)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_are_read_or_refused(data):
    file = bytearray(nifti())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, 360))
        file[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    content = bytes(file[: data.draw(st.sampled_from([len(file), 400, 100, 3]))])
    try:
        read_nifti_series(gzip.compress(content) if data.draw(st.booleans()) else content)
    except ItemError as error:
        assert error.reason is not Reason.INTERNAL_ERROR


def test_what_is_not_taken_says_why(tmp_path):
    no_turn = bytearray(nifti())
    no_turn[252:256], no_turn[256:260] = struct.pack("<hh", 1, 0), struct.pack("<f", 1e20)
    cut = gzip.compress(nifti())
    colour = nibabel.Nifti1Image(np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")]), AFFINE).to_bytes()
    nowhere = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), None).to_bytes()
    for source, reason in (
        (tmp_path / "none.nii", Reason.UNREADABLE),
        (b"", Reason.MALFORMED),
        (bytes(no_turn), Reason.GEOMETRY_INCONSISTENT),
        (b"\x1f\x8bno", Reason.MALFORMED),
        (cut[:-30], Reason.TRUNCATED),
        (nifti()[:-1], Reason.TRUNCATED),
        (colour, Reason.UNSUPPORTED_OBJECT),
        (nowhere, Reason.GEOMETRY_INCONSISTENT),
    ):
        with pytest.raises(ItemError) as caught:
            read_nifti_series(source)
        assert caught.value.reason is reason
    series = read_nifti_series(nifti())
    mask, values = np.ones((5, 3, 4), bool), np.zeros(60, np.int16)
    for change in (
        {2: (mask, values)},
        {0: (mask[1:], values[12:])},
        {0: (mask, values[1:])},
        {0: (mask, values.astype(np.float32))},
    ):
        with pytest.raises(ItemError) as caught:
            changed_nifti(series, change)
        assert caught.value.reason is Reason.GEOMETRY_MISMATCH
