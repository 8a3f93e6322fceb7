import gzip
import io
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curator.errors import ItemError
from curator.imaging.nifti import nifti_bytes, read_nifti
from curator.model.quarantine import Reason
from curator.model.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def affine(rotation_degrees=(0, 0, 0), spacing=(0.5, 0.7, 2.5), origin=(-11.0, 22.5, -300.0)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", rotation_degrees, degrees=True).as_matrix() * spacing
    matrix[:3, 3] = origin
    return matrix


def voxels(dtype=np.int16, shape=(4, 3, 2)):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


ORIENTATIONS = {
    "ras": affine(),
    "lps": LPS @ affine(),
    "oblique": affine((20, -35, 50)),
    "axes swapped": affine()[:, [2, 0, 1, 3]],
    "left-handed": affine() @ np.diag([1, 1, -1, 1]),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_orientation_equals_what_simpleitk_reads(tmp_path, name, suffix):
    path = tmp_path / f"image{suffix}"
    image = nibabel.Nifti1Image(voxels(), ORIENTATIONS[name])
    image.set_qform(ORIENTATIONS[name], code=1)
    nibabel.save(image, path)
    volume, judged = read_nifti(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(volume.stored, sitk.GetArrayFromImage(judged))
    for index in [(0, 0, 0), (3, 2, 1), (3, 0, 1)]:
        at = judged.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((volume.affine_lps @ [*index, 1])[:3], at, atol=1e-4)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "f4", "f8", ">i2"])
def test_stored_values_keep_their_type_and_rescale_is_apart(tmp_path, dtype):
    path = tmp_path / "a.nii"
    header = nibabel.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    header.set_data_dtype(np.dtype(dtype))
    image = nibabel.Nifti1Image(voxels(np.dtype(dtype)), affine(), header)
    nibabel.save(image, path)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([2.5, -7], ">f4" if dtype.startswith(">") else "<f4").tobytes()
    path.write_bytes(raw)
    volume = read_nifti(path)
    assert volume.stored.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(volume.stored, voxels().T)
    assert (volume.rescale_slope, volume.rescale_intercept) == (2.5, -7)


def saved(tmp_path, spoil, data=None):
    image = nibabel.Nifti1Image(voxels() if data is None else data, affine())
    spoil(image)
    nibabel.save(image, tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def without_forms(image):
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)


def test_no_affine_is_made_up(tmp_path):
    with pytest.raises(ItemError, match="neither sform nor qform") as caught:
        read_nifti(saved(tmp_path, without_forms))
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_qform_alone_is_enough(tmp_path):
    def only_qform(image):
        image.set_qform(affine((20, -35, 50)), code=1)
        image.set_sform(None, code=0)

    np.testing.assert_allclose(
        read_nifti(saved(tmp_path, only_qform)).affine_lps, LPS @ affine((20, -35, 50)), atol=1e-4
    )


@pytest.mark.parametrize(("unit", "mm"), [("meter", 1000), ("mm", 1), ("micron", 0.001)])
def test_lengths_become_millimetres(tmp_path, unit, mm):
    volume = read_nifti(saved(tmp_path, lambda image: image.header.set_xyzt_units(unit)))
    assert volume.spacing_mm == pytest.approx((2.5 * mm, 0.7 * mm, 0.5 * mm))


def test_shapes(tmp_path):
    def nothing(image):
        pass

    assert read_nifti(saved(tmp_path, nothing, voxels(shape=(4, 3, 2, 1)))).shape == (2, 3, 4)
    assert read_nifti(saved(tmp_path, nothing, voxels(shape=(4, 3)))).shape == (1, 3, 4)
    with pytest.raises(ItemError, match="4 axes"):
        read_nifti(saved(tmp_path, nothing, voxels(shape=(4, 3, 2, 2))))
    with pytest.raises(ItemError, match="plain numbers") as caught:
        read_nifti(saved(tmp_path, nothing, voxels(np.complex64)))
    assert caught.value.reason is Reason.UNSUPPORTED_OBJECT


def singular(image):
    image.set_sform(np.diag([1.0, 0, 1, 1]), code=1)


def test_a_singular_affine_is_refused(tmp_path):
    with pytest.raises(ItemError, match="singular"):
        read_nifti(saved(tmp_path, singular))


@pytest.mark.parametrize("keep", [0, 10, 100, -20])
def test_damaged_files_are_malformed_and_their_names_stay_out(tmp_path, keep):
    path = saved(tmp_path, lambda image: None, voxels(shape=(16, 16, 16)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ItemError) as caught:
        read_nifti(path)
    assert caught.value.reason is Reason.MALFORMED
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_absent_file_is_unreadable(tmp_path):
    with pytest.raises(ItemError) as caught:
        read_nifti(tmp_path / "a.nii")
    assert caught.value.reason is Reason.UNREADABLE
    assert str(tmp_path) not in str(caught.value)


def volume(dtype, rotation, origin):
    return Volume(
        stored=voxels(dtype, (2, 3, 4)),
        affine_lps=affine(rotation, origin=origin),
        rescale_slope=0.25,
        rescale_intercept=-3,
    )


@settings(max_examples=30)
@given(
    st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32]),
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.tuples(*[st.floats(-1000, 1000)] * 3),
)
def test_bytes_read_back_as_the_volume(tmp_path_factory, dtype, rotation, origin):
    written = volume(dtype, rotation, origin)
    path = tmp_path_factory.mktemp("n") / "a.nii.gz"
    path.write_bytes(nifti_bytes(written))
    read = read_nifti(path)
    assert read.stored.dtype == dtype
    np.testing.assert_array_equal(read.stored, written.stored)
    np.testing.assert_allclose(read.affine_lps, written.affine_lps, atol=1e-4)
    assert (read.rescale_slope, read.rescale_intercept) == (0.25, -3)


def test_bytes_are_the_same_twice_and_say_nothing_else():
    content = nifti_bytes(volume(np.int16, (1, 2, 3), (0, 0, 0)))
    assert content == nifti_bytes(volume(np.int16, (1, 2, 3), (0, 0, 0)))
    assert content[:10] == b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    assert len(gzip.decompress(content)) == 352 + 2 * 24


def test_independent_readers_agree_on_the_bytes(tmp_path):
    written = volume(np.int16, (10, 20, 30), (5, 6, 7))
    (tmp_path / "a.nii.gz").write_bytes(nifti_bytes(written))
    judged = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    np.testing.assert_allclose(sitk.GetArrayFromImage(judged), written.stored * 0.25 - 3)
    np.testing.assert_allclose(judged.GetOrigin(), (5, 6, 7), atol=1e-5)
    np.testing.assert_allclose(judged.GetSpacing(), (0.5, 0.7, 2.5), atol=1e-5)
    holder = nibabel.Nifti1Image.from_stream(io.BytesIO(gzip.decompress(nifti_bytes(written))))
    np.testing.assert_allclose(holder.affine, LPS @ written.affine_lps, atol=1e-5)


def test_a_sheared_volume_keeps_its_affine_and_states_no_qform(tmp_path):
    sheared = affine()
    sheared[0, 2] = 0.8
    written = replace(volume(np.int16, (0, 0, 0), (0, 0, 0)), affine_lps=sheared)
    (tmp_path / "a.nii.gz").write_bytes(nifti_bytes(written))
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii.gz").affine_lps, sheared, atol=1e-5)
    assert nibabel.load(tmp_path / "a.nii.gz").header["qform_code"] == 0
