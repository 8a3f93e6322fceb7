from pathlib import Path

import numpy as np
import pydicom
import pydicom.misc
import pytest
import SimpleITK as sitk
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from curator.errors import ItemError
from curator.imaging.series import read_series
from curator.model.quarantine import Reason

AXIAL = [1, 0, 0, 0, 1, 0]


def slice_pixels(value, dtype=np.int16):
    return (np.arange(12).reshape(3, 4) + value).astype(dtype)


@pytest.fixture
def axial(write_image):
    """Writes an axial slice at height z whose values start at 100 z."""

    def write(z, **attributes):
        placed = {"ImagePositionPatient": [-10, -20, z], "ImageOrientationPatient": AXIAL, "PixelSpacing": [0.7, 0.5]}
        return write_image(slice_pixels(100 * z), **(placed | attributes))

    return write


def refusal(files):
    with pytest.raises(ItemError) as caught:
        read_series(files)
    assert str(files[0].parent) not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.reason


def test_position_orders_the_slices_and_instance_number_does_not(axial):
    files = [axial(z, InstanceNumber=9 - z, RescaleSlope=2, RescaleIntercept=-5) for z in (2, 0, 1)]
    volume = read_series(files)
    assert volume.stored[:, 0, 0].tolist() == [0, 100, 200]
    assert volume.stored.dtype == np.int16
    assert (volume.rescale_slope, volume.rescale_intercept) == (2, -5)
    assert volume.spacing_mm == pytest.approx((1, 0.7, 0.5))
    assert volume.affine_lps[:3, 3].tolist() == [-10, -20, 0]


def test_slices_that_rescale_differently_become_physical_values(axial):
    volume = read_series([axial(0, RescaleSlope=0.5, RescaleIntercept=0), axial(1, RescaleSlope=3, RescaleIntercept=1)])
    assert volume.stored.dtype == np.float32
    assert (volume.rescale_slope, volume.rescale_intercept) == (1, 0)
    np.testing.assert_array_equal(volume.stored[0], slice_pixels(0) * 0.5)
    np.testing.assert_array_equal(volume.stored[1], slice_pixels(100) * 3.0 + 1)


def test_bits_above_the_stored_depth_are_dropped(write_image):
    signed = np.array([[-2048, -1, 0, 2047]], np.int16)
    rubbish = (signed.view(np.uint16) & 0x0FFF) | 0x5000
    for representation, expected in ((1, signed), (0, signed.view(np.uint16) & 0x0FFF)):
        file = write_image(rubbish, BitsStored=12, HighBit=11, PixelRepresentation=representation)
        np.testing.assert_array_equal(read_series([file]).stored[0], expected)


def test_refusals_by_reason(axial, write_image, tmp_path):
    empty, text, cut = tmp_path / "e", tmp_path / "t", tmp_path / "c"
    empty.write_bytes(b"")
    text.write_bytes(b"words " * 99)
    cut.write_bytes(axial(0).read_bytes()[:-7])
    colour = write_image(
        np.zeros((4, 3, 3), np.uint8),
        NumberOfFrames=None,
        Rows=4,
        Columns=3,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
    )
    assert refusal([text]) is Reason.NOT_DICOM
    assert refusal([empty]) is Reason.NOT_DICOM
    assert refusal([tmp_path / "absent"]) is Reason.UNREADABLE
    assert refusal([cut]) is Reason.MALFORMED
    assert refusal([colour]) is Reason.UNSUPPORTED_OBJECT
    assert refusal([axial(0, PixelData=None)]) is Reason.UNSUPPORTED_OBJECT
    assert refusal([axial(0, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([axial(0), axial(0)]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([axial(0), axial(1), axial(3)]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([axial(0), axial(1, ImagePositionPatient=None)]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([axial(0), write_image(np.zeros((5, 5), np.int16))]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([write_image(np.zeros((5, 5), np.int16)) for _ in range(2)]) is Reason.GEOMETRY_INCONSISTENT
    assert refusal([axial(0, RescaleSlope=0, RescaleIntercept=0)]) is Reason.MALFORMED


def test_no_files_are_no_volume():
    with pytest.raises(ItemError, match="no images"):
        read_series([])


def test_warnings_that_quote_values_stay_inside(axial):
    path = axial(0)
    path.write_bytes(path.read_bytes().replace(b"CT", b"ct"))  # an invalid code string
    assert read_series([path]).shape == (1, 3, 4)


def enhanced(write_image, heights, **attributes):
    def item(**values):
        dataset = Dataset()
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        return dataset

    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
        PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=1)],
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-7)],
    )
    frames = [item(PlanePositionSequence=[item(ImagePositionPatient=[-10, -20, z])]) for z in heights]
    return write_image(
        np.stack([slice_pixels(100 * z) for z in heights]),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
        **attributes,
    )


def test_a_multi_frame_object_equals_the_same_slices(axial, write_image):
    single = read_series([axial(z, RescaleSlope=2, RescaleIntercept=-7) for z in range(4)])
    multi = read_series([enhanced(write_image, (3, 0, 2, 1))])
    np.testing.assert_array_equal(multi.stored, single.stored)
    np.testing.assert_array_equal(multi.affine_lps, single.affine_lps)
    assert (multi.rescale_slope, multi.rescale_intercept) == (2, -7)


def test_frames_that_share_a_place_are_refused(write_image):
    assert refusal([enhanced(write_image, (0, 1, 0, 1))]) is Reason.GEOMETRY_INCONSISTENT


def test_fewer_frame_items_than_frames_is_malformed(write_image):
    path = enhanced(write_image, (0, 1, 2))
    dataset = pydicom.dcmread(path)
    dataset.PerFrameFunctionalGroupsSequence.pop()
    dataset.save_as(path)
    assert refusal([path]) is Reason.MALFORMED


def test_a_radiograph_lies_in_its_own_frame(write_image):
    volume = read_series([write_image(slice_pixels(0), ImagerPixelSpacing=[0.2, 0.1])])
    np.testing.assert_array_equal(volume.affine_lps, np.diag([0.1, 0.2, 1, 1]))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_give_a_volume_or_a_reason_and_nothing_else(axial, write_image, seed):
    rng = np.random.default_rng(seed)
    for path in (axial(0, RescaleSlope=1, RescaleIntercept=0), enhanced(write_image, (0, 1, 2))):
        sound = path.read_bytes()
        for _ in range(40):
            damaged = bytearray(sound)
            for at in rng.integers(132, len(sound), 3):
                damaged[at] = rng.integers(0, 256)
            path.write_bytes(damaged[: rng.integers(140, 2 * len(sound))])
            try:
                assert read_series([path]).stored.ndim == 3
            except ItemError as error:
                assert error.detail or error.reason is Reason.NOT_DICOM


def pydicom_bundled(name):
    return Path(get_testdata_file(name, download=False))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm"])
def test_bundled_images_equal_what_simpleitk_reads(name):
    path = pydicom_bundled(name)
    assert_judged_equal(read_series([path]), sitk.ReadImage(str(path)), has_step=False)


SERIES = (
    "canon_galan_dti",
    "ge_hdxt_fruit",
    "siemens_biograph40_ct_jp2k",
    "siemens_espree_t1post",
    "siemens_prisma_xa30_jpegll",
)


@pytest.mark.parametrize("folder", SERIES)
def test_vendor_series_equal_what_simpleitk_reads(shared, folder):
    files = [file for file in (shared / "vendors" / folder).iterdir() if pydicom.misc.is_dicom(file)]
    if folder.endswith("jpegll"):
        pytest.importorskip("pylibjpeg", reason="pylibjpeg, which decodes lossless JPEG, is not installed")
    reader = sitk.ImageSeriesReader()
    (series,) = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(shared / "vendors" / folder))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared / "vendors" / folder), series))
    assert_judged_equal(read_series(files[::-1]), reader.Execute())


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("cps_1023_pet", "not regular"),
        ("ge_mr750_epi", "share a position"),
        ("philips_achieva_epi", "not regular"),
        ("siemens_skyra_mosaic", "mosaic"),
    ],
)
def test_vendor_series_that_are_no_volume_are_refused(shared, folder, why):
    with pytest.raises(ItemError, match=why) as caught:
        read_series(sorted((shared / "vendors" / folder).iterdir()))
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_enhanced_mr_equals_what_simpleitk_reads(shared):
    (path,) = (shared / "vendors" / "siemens_prisma_xa30_enhanced").iterdir()
    volume, judged = read_series([path]), sitk.ReadImage(str(path))
    if np.array(judged.GetDirection()[2::3]) @ volume.affine_lps[:3, 2] < 0:
        judged = judged[:, :, ::-1]  # SimpleITK keeps frames as stored, we order them along the normal
    assert_judged_equal(volume, judged)


def assert_judged_equal(volume, judged, *, has_step=True):
    linear = np.array(judged.GetDirection()).reshape(3, 3) * np.array(judged.GetSpacing())
    columns = 3 if has_step else 2  # SimpleITK has a rule of its own for the thickness of one slice
    np.testing.assert_allclose(volume.affine_lps[:3, :columns], linear[:, :columns], atol=1e-5)
    np.testing.assert_allclose(volume.affine_lps[:3, 3], judged.GetOrigin(), atol=1e-4)
    physical = volume.stored * volume.rescale_slope + volume.rescale_intercept
    np.testing.assert_allclose(physical, sitk.GetArrayFromImage(judged), atol=1e-3)
