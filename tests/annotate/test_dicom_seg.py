"""SEGs written by highdicom and by dcmqi, on the grid of their image."""

from itertools import permutations

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from curator.annotate.readers.dicom_seg import read_seg, referenced_series
from curator.annotate.readers.labels import LabelTable
from curator.errors import ItemError
from curator.imaging.grid import reoriented
from curator.imaging.series import read_series
from curator.model.annotation import Label
from curator.model.quarantine import Reason

Segment = highdicom.seg.SegmentDescription
NUMBER_TYPES = highdicom.seg.SegmentationTypeValues


def slices_of(image):
    """The image as DICOM slices with what highdicom wants to copy from them."""
    slices = []
    for z in range(image.shape[0]):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"2.25.1.{z + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.2", "2.25.3"
        dataset.FrameOfReferenceUID, dataset.Modality = "2.25.4", "CT"
        dataset.PatientID = dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
        dataset.StudyID = dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = ""
        dataset.Rows, dataset.Columns = image.shape[1:]
        affine = image.affine_lps
        row_mm, column_mm = image.spacing_mm[1:]
        dataset.PixelSpacing = [round(row_mm, 6), round(column_mm, 6)]
        cosines = [*(affine[:3, 0] / column_mm), *(affine[:3, 1] / row_mm)]
        dataset.ImageOrientationPatient = [f"{value:.10f}" for value in cosines]
        dataset.ImagePositionPatient = [f"{value:.8f}" for value in (affine @ [0, 0, z, 1])[:3]]
        dataset.SliceThickness = round(image.spacing_mm[0], 6)
        slices.append(dataset)
    return slices


def segment(number, name, code):
    return Segment(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=code,
        algorithm_type="MANUAL",
    )


LIVER = ("liver of mine", codes.SCT.Liver)
SPLEEN = ("spleen of mine", codes.SCT.Spleen)
OTHER = ("Lesion", codes.SCT.Lesion)


@pytest.fixture
def write_seg(tmp_path, image):
    """Writes a SEG of `(Z, Y, X, segments)` pixels; gives its path."""

    def write(pixels, kinds, *, segmentation_type="BINARY", slices=None, path="a.dcm", **options):
        slices = slices or slices_of(image)
        seg = highdicom.seg.Segmentation(
            source_images=slices,
            pixel_array=pixels,
            segmentation_type=NUMBER_TYPES[segmentation_type],
            segment_descriptions=[segment(number, *kind) for number, kind in enumerate(kinds, start=1)],
            series_instance_uid="2.25.5",
            series_number=2,
            sop_instance_uid="2.25.6",
            instance_number=1,
            manufacturer="m",
            manufacturer_model_name="m",
            software_versions="1",
            device_serial_number="1",
            **options,
        )
        seg.save_as(tmp_path / path)
        return tmp_path / path

    return write


@pytest.fixture
def drawn(image):
    """Liver (1) and spleen (2) on the middle slices only; the outer ones stay empty."""
    mask = np.zeros(image.shape, np.uint8)
    mask[1, 1:4, 2:7], mask[2, 2:5, 1:3], mask[3, 0, 0] = 1, 2, 2
    return mask


def as_segments(mask, values):
    return np.stack([mask == value for value in values], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("omit", [True, False])
@pytest.mark.parametrize("kinds", list(permutations([(1, LIVER), (2, SPLEEN)])))
def test_round_trip_whatever_the_segment_numbers(write_seg, image, table, drawn, omit, kinds):
    path = write_seg(as_segments(drawn, [v for v, _ in kinds]), [k for _, k in kinds], omit_empty_frames=omit)
    read = read_seg(path, image=image, table=table)
    np.testing.assert_array_equal(read.mask, drawn)
    assert [label.value for label in read.labels] == [1, 2]
    assert referenced_series(path) == ("2.25.3",)


def test_frames_in_reversed_order(write_seg, image, table, drawn):
    path = write_seg(as_segments(drawn, [1, 2]), [LIVER, SPLEEN])
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array[::-1]
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[::-1]
    dataset.PixelData = pydicom.pixels.utils.pack_bits(frames.ravel())
    dataset.save_as(path)
    np.testing.assert_array_equal(read_seg(path, image=image, table=table).mask, drawn)


@pytest.mark.parametrize(
    ("axes", "flips"), [((0, 1, 2), (True, False, True)), ((1, 0, 2), (False, True, False)), ((1, 0, 2), (True,) * 3)]
)
def test_frames_in_another_orientation_of_the_same_slices(write_seg, image, table, drawn, axes, flips):
    turned = reoriented(image, axes_xyz=axes, reversed_xyz=flips)
    pixels = reoriented(
        type(image)(stored=drawn, affine_lps=image.affine_lps), axes_xyz=axes, reversed_xyz=flips
    ).stored
    path = write_seg(as_segments(pixels, [1, 2]), [LIVER, SPLEEN], slices=slices_of(turned))
    np.testing.assert_array_equal(read_seg(path, image=image, table=table).mask, drawn)


def test_fractional_counts_from_one_half(write_seg, image, table, drawn):
    fractions = np.where(drawn == 1, 0.51, np.where(drawn == 2, 0.49, 0))[..., np.newaxis]
    path = write_seg(
        fractions,
        [LIVER],
        segmentation_type="FRACTIONAL",
        fractional_type="PROBABILITY",
        max_fractional_value=100,
    )
    np.testing.assert_array_equal(read_seg(path, image=image, table=table).mask, drawn == 1)


def test_an_empty_segment_is_an_answer(write_seg, image, table, drawn):
    path = write_seg(as_segments(drawn, [1, 9]), [LIVER, SPLEEN])
    read = read_seg(path, image=image, table=table)
    assert [label.name for label in read.labels] == ["liver", "spleen"]
    assert set(np.unique(read.mask)) == {0, 1}


def test_names_serve_where_codes_do_not(write_seg, image, table, drawn):
    read = read_seg(write_seg(as_segments(drawn, [1]), [OTHER]), image=image, table=table)
    np.testing.assert_array_equal(read.mask, np.where(drawn == 1, 7, 0))


def test_an_undeclared_segment_is_refused_without_its_name(write_seg, image, table, drawn):
    with pytest.raises(ItemError, match=r"segments that no label declares: \[2\]") as caught:
        path = write_seg(as_segments(drawn, [1, 2]), [LIVER, ("Doe's find", codes.SCT.Kidney)])
        read_seg(path, image=image, table=table)
    assert caught.value.reason is Reason.ANNOTATION_INVALID


def test_overlap_is_refused_unless_declared(write_seg, image, table, drawn):
    pixels = as_segments(drawn, [1, 1])
    path = write_seg(pixels, [SPLEEN, LIVER])
    with pytest.raises(ItemError, match="15 voxels") as caught:
        read_seg(path, image=image, table=table)
    assert caught.value.reason is Reason.ANNOTATION_INVALID
    higher = LabelTable(table.labels, higher_value_wins=True)
    np.testing.assert_array_equal(read_seg(path, image=image, table=higher).mask, 2 * (drawn == 1))


def test_two_segments_of_one_label_are_joined(write_seg, image, table, drawn):
    path = write_seg(as_segments(drawn, [1, 2]), [LIVER, LIVER])
    np.testing.assert_array_equal(read_seg(path, image=image, table=table).mask, drawn > 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda affine: affine[:3, 3].__iadd__(affine[:3, 2] * 4),
        lambda affine: affine[:3, 3].__iadd__(affine[:3, 0] * 0.5),
        lambda affine: affine[:3, 3].__iadd__(affine[:3, 2] * 0.5),
        lambda affine: affine[:3, 0].__imul__(1.1),
    ],
)
def test_frames_off_the_grid_are_refused(write_seg, image, table, drawn, spoil):
    path = write_seg(as_segments(drawn, [1, 2]), [LIVER, SPLEEN])
    spoil(image.affine_lps)
    with pytest.raises(ItemError) as caught:
        read_seg(path, image=image, table=table)
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH


def test_a_ct_is_no_seg_and_a_cut_seg_is_malformed(write_seg, image, table, drawn, tmp_path):
    ct = slices_of(image)[0]
    ct.save_as(tmp_path / "ct", enforce_file_format=True)
    with pytest.raises(ItemError, match="no segmentation object"):
        read_seg(tmp_path / "ct", image=image, table=table)
    path = write_seg(as_segments(drawn, [1, 2]), [LIVER, SPLEEN])
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ItemError) as caught:
        read_seg(path, image=image, table=table)
    assert caught.value.reason is Reason.MALFORMED


def test_damaged_bytes_give_a_mask_or_a_reason_and_nothing_else(write_seg, image, table, drawn):
    rng = np.random.default_rng(0)
    path = write_seg(as_segments(drawn, [1, 2]), [LIVER, SPLEEN])
    sound = path.read_bytes()
    for _ in range(120):
        damaged = bytearray(sound)
        for at in rng.integers(132, len(sound), 4):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert read_seg(path, image=image, table=table).mask.shape == image.shape
        except ItemError as error:
            assert error.detail


LIVER_ONLY = LabelTable((Label(1, "liver", "10200004", "SCT"),))


@pytest.fixture
def dcmqi(shared):
    return shared / "seg_rt" / "dcmqi" / "segmentations"


def test_dcmqi_liver_equals_its_nrrd(dcmqi):
    image = read_series(sorted((dcmqi / "ct-3slice").iterdir()))
    read = read_seg(dcmqi / "liver.dcm", image=image, table=LIVER_ONLY)
    truth = sitk.ReadImage(str(dcmqi / "liver_seg.nrrd"))
    np.testing.assert_allclose(truth.GetOrigin(), image.affine_lps[:3, 3], atol=1e-3)
    np.testing.assert_array_equal(read.mask > 0, sitk.GetArrayFromImage(truth) > 0)


@pytest.mark.parametrize("folder", ["23x38x3", "24x38x3"])
def test_dcmqi_odd_sizes_equal_their_nrrd(dcmqi, folder):
    image = read_series(list((dcmqi / folder / "image").iterdir()))
    read = read_seg(dcmqi / folder / "seg" / "label.seg", image=image, table=LIVER_ONLY)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(dcmqi / folder / "nrrd" / "label.nrrd")))
    assert read.mask.any()
    np.testing.assert_array_equal(read.mask > 0, truth > 0)
    multi_frame = read_series([dcmqi / folder / "multiframe" / "mf.dcm"])
    np.testing.assert_array_equal(multi_frame.stored, image.stored)
    np.testing.assert_allclose(multi_frame.affine_lps, image.affine_lps, atol=1e-6)


@pytest.mark.parametrize("name", ["noppv", "ppv5"])
def test_dcmqi_sparse_label_maps_equal_their_nrrd(dcmqi, name):
    image = read_series(list((dcmqi / "24x38x3" / "image").iterdir()))
    read = read_seg(dcmqi / f"sparse-labelmap-{name}.dcm", image=image, table=LIVER_ONLY)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(dcmqi / f"sparse_labelmap_{name}_seg.nrrd")))
    assert read.mask.any()
    np.testing.assert_array_equal(read.mask == 1, truth == 1)


def test_dcmqi_partial_overlaps_are_refused_and_readable_when_declared(dcmqi):
    image = read_series(list((dcmqi / "ct-3slice").iterdir()))
    names = ("GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE")
    labels = tuple(Label(value, name) for value, name in enumerate(names, start=1))
    with pytest.raises(ItemError, match="belong to two labels"):
        read_seg(dcmqi / "partial_overlaps.dcm", image=image, table=LabelTable(labels))
    read = read_seg(dcmqi / "partial_overlaps.dcm", image=image, table=LabelTable(labels, higher_value_wins=True))
    assert set(np.unique(read.mask)) <= {0, 1, 2, 3, 4, 5}
    assert read.mask.any()


def test_a_seg_of_another_image_is_refused(dcmqi):
    image = read_series(list((dcmqi / "23x38x3" / "image").iterdir()))
    with pytest.raises(ItemError) as caught:
        read_seg(dcmqi / "liver.dcm", image=image, table=LIVER_ONLY)
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH
