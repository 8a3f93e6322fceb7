"""Files as stacks: whatever order they come in, whatever is wrong with them."""

from __future__ import annotations

import io
import math
import mmap
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage
from slice_samples import SHARED, image_dataset

from curator.errors import ItemError
from curator.imaging.rescales import Rescales
from curator.imaging.stacks import read_stack, stacks_of
from curator.model.quarantine import Reason

AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]
SERIES, FRAME = "2.25.10", "2.25.20"


def written(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def pixels(number: int, *, shape=(5, 7), kind="<i2") -> np.ndarray:
    return np.random.default_rng(number).integers(0, 1000, shape).astype(kind)


def slice_file(number: int, at_mm=(0.0, 0.0, 0.0), *, orientation=AXIAL, **attributes: object) -> bytes:
    """A slice whose pixels are those of its number."""
    said = {
        "ImagePositionPatient": list(at_mm),
        "ImageOrientationPatient": orientation,
        "PixelSpacing": [0.5, 0.75],
        "SliceThickness": 2,
        "SeriesInstanceUID": SERIES,
        "FrameOfReferenceUID": FRAME,
        "InstanceNumber": number,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        **attributes,
    }
    dataset = image_dataset(pixels(number), **{key: value for key, value in said.items() if value is not None})
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{100 + number}"
    return written(dataset)


def row(count: int, *, first: int = 1, step=(0.0, 0.0, 2.0), **attributes: object) -> list[bytes]:
    return [slice_file(first + index, np.array(step) * index, **attributes) for index in range(count)]


@given(st.permutations(range(6)))
@settings(deadline=None, max_examples=20)
def test_the_order_of_files_has_no_say(order):
    files = row(6)
    (stack,) = stacks_of([files[index] for index in order]).stacks
    volume = read_stack(stack, [files[index] for index in order])
    assert [order[instance] for instance, _ in stack.places] == list(range(6))
    np.testing.assert_array_equal(volume.stored, [pixels(number) for number in range(1, 7)])
    np.testing.assert_allclose(volume.affine_lps[:3], [[0.75, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 2, 0]])
    assert stack.limits == (-32768, 32767)
    assert (stack.series, stack.part, stack.kind.FrameOfReferenceUID) == (0, 0, FRAME)


@pytest.mark.parametrize(
    "told",
    [
        {"EchoTime": ("10", "95")},
        {"TemporalPositionIdentifier": (9, 10)},
        {"ImageType": (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])},
        {"DiffusionBValue": (50.0, 800.0)},
        {"AcquisitionNumber": (1, 2)},
    ],
    ids=lambda told: next(iter(told)),
)
def test_the_same_places_twice_are_told_apart_by_what_differs(told):
    ((keyword, (low, high)),) = told.items()
    one, other = row(4, first=11, **{keyword: low}), row(4, first=1, **{keyword: high})
    files = [file for pair in zip(other, one, strict=True) for file in pair]
    stacks = stacks_of(files).stacks
    assert [stack.part for stack in stacks] == [0, 1]
    first, second = (read_stack(stack, files).stored for stack in stacks)
    np.testing.assert_array_equal(first, [pixels(number) for number in range(11, 15)])
    np.testing.assert_array_equal(second, [pixels(number) for number in range(1, 5)])


def test_what_nothing_tells_apart_is_dealt_by_instance_number():
    files = [*row(4, first=5), *row(4, first=1)]
    first, second = (read_stack(stack, files).stored for stack in stacks_of(files).stacks)
    np.testing.assert_array_equal(first, [pixels(number) for number in range(1, 5)])
    np.testing.assert_array_equal(second, [pixels(number) for number in range(5, 9)])


def test_what_varies_with_the_slice_tells_no_volumes_apart():
    files = [slice_file(n, (0, 0, 2.0 * (n % 4)), TriggerTime=str(n % 4)) for n in range(8)]
    assert [stack.shape[0] for stack in stacks_of(files).stacks] == [4, 4]


def test_a_last_volume_that_broke_off_is_a_shorter_stack():
    files = [file for time in (1, 2) for file in row(4, first=10 * time, TemporalPositionIdentifier=time)]
    files += row(2, first=30, TemporalPositionIdentifier=3)
    assert [stack.shape[0] for stack in stacks_of(files).stacks] == [4, 4, 2]


def test_a_localizer_of_three_planes():
    files = [
        slice_file(1, orientation=AXIAL), slice_file(2, orientation=CORONAL), slice_file(3, orientation=SAGITTAL),
        slice_file(4, (0, 11, 0), orientation=CORONAL), slice_file(5, (0, 30, 0), orientation=CORONAL),
    ]  # fmt: skip
    found = stacks_of(files)
    assert not found.problems
    assert sorted(stack.shape[0] for stack in found.stacks) == [1, 1, 1, 1, 1]
    assert sorted(instance for stack in found.stacks for instance in stack.instances) == [0, 1, 2, 3, 4]


def test_two_orientations_of_one_series_are_two_stacks():
    files = [*row(3, first=1), *row(3, first=4, step=(0, 2, 0), orientation=CORONAL)]
    assert sorted(stack.instances for stack in stacks_of(files).stacks) == [(0, 1, 2), (3, 4, 5)]


def test_series_of_a_study_stay_apart():
    files = [
        *row(3, first=1),
        *row(3, first=4, SeriesInstanceUID="2.25.11"),
        *row(2, first=8, FrameOfReferenceUID="2.25.21"),
    ]
    found = sorted((stack.series, stack.kind.FrameOfReferenceUID, stack.shape[0]) for stack in stacks_of(files).stacks)
    assert found == [(0, FRAME, 3), (0, "2.25.21", 2), (1, FRAME, 3)]


def test_a_tilted_gantry_shears():
    step = (0.0, 2 * math.tan(math.radians(15)), 2.0)
    (stack,) = stacks_of(row(5, step=step)).stacks
    np.testing.assert_allclose(stack.affine_lps[:3, 2], step, atol=1e-9)
    uneven = [slice_file(n, (0, (0, 1, 5, 6)[n], 2.0 * n)) for n in range(4)]
    assert "sideways" in stacks_of(uneven).problems[0].detail


def test_pet_keeps_its_stored_values_and_says_what_each_slice_means():
    slopes = [0.5, 1.25, 3.0]
    files = [slice_file(n, (0, 0, 2.0 * n), RescaleSlope=slopes[n], RescaleIntercept=n) for n in range(3)]
    (stack,) = stacks_of(files).stacks
    volume = read_stack(stack, files)
    assert volume.stored.dtype == np.int16
    assert (volume.rescale_slope, volume.rescale_intercept) == (1, 0)
    physical = stack.rescales.physical(volume.stored)
    np.testing.assert_allclose(physical[2], pixels(2) * 3.0 + 2)
    back = stack.rescales.stored(physical, volume.stored.dtype, limits=stack.limits)
    np.testing.assert_array_equal(back, volume.stored)
    same = row(3, RescaleSlope=2, RescaleIntercept=-5)
    volume = read_stack(stacks_of(same).stacks[0], same)
    assert (volume.rescale_slope, volume.rescale_intercept) == (2, -5)


def test_stored_values_are_kept_within_what_fits():
    rescales = Rescales.of([(2.0, 1.0)])
    found = rescales.stored(np.array([[[-9e9, 4.1, 9e9]]]), np.dtype("i2"), limits=(-2048, 2047))
    np.testing.assert_array_equal(found, [[[-2048, 2, 2047]]])


GAP = [slice_file(n, (0, 0, z)) for n, z in enumerate((0, 2, 4, 8, 10))]


def test_a_missing_slice_is_a_problem_or_is_bridged_where_that_is_asked_for():
    found = stacks_of(GAP)
    assert not found.stacks
    assert found.problems[0].reason is Reason.GEOMETRY_INCONSISTENT
    assert found.problems[0].instances == (0, 1, 2, 3, 4)
    (stack,) = stacks_of(GAP, most_missing=1).stacks
    assert stack.places == ((0, 0), (1, 0), (2, 0), None, (3, 0), (4, 0))
    assert stack.missing == (3,)
    volume = read_stack(stack, GAP)
    np.testing.assert_allclose(volume.stored[3], (pixels(2) + pixels(3)) / 2, atol=0.5)
    np.testing.assert_array_equal(volume.stored[4], pixels(3))
    np.testing.assert_allclose(stack.affine_lps[:3, 2], [0, 0, 2])
    wide = [slice_file(n, (0, 0, z)) for n, z in enumerate((0, 2, 4, 10, 12))]
    assert not stacks_of(wide, most_missing=1).stacks
    odd = [slice_file(n, (0, 0, z)) for n, z in enumerate((0, 2, 4, 7, 9))]
    assert not stacks_of(odd, most_missing=1).stacks


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"ImagePositionPatient": None}, Reason.GEOMETRY_INCONSISTENT),
        ({"ImageOrientationPatient": None}, Reason.GEOMETRY_INCONSISTENT),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, Reason.GEOMETRY_INCONSISTENT),
        ({"PixelSpacing": [0, 1]}, Reason.GEOMETRY_INCONSISTENT),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MOSAIC"]}, Reason.GEOMETRY_INCONSISTENT),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, Reason.UNSUPPORTED_OBJECT),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Reason.UNSUPPORTED_OBJECT),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, Reason.MALFORMED),
        ({"BitsStored": 40}, Reason.MALFORMED),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, Reason.UNSUPPORTED_OBJECT),
        ({"NumberOfFrames": 7}, Reason.GEOMETRY_INCONSISTENT),
    ],
    ids=str,
)
def test_what_is_no_slice_is_a_problem_and_the_rest_a_stack(attributes, reason):
    files = [*row(3), slice_file(9, (0, 0, 50), SeriesInstanceUID="2.25.77", **attributes)]
    found = stacks_of(files)
    assert [stack.instances for stack in found.stacks] == [(0, 1, 2)]
    assert [(one.instances, one.reason) for one in found.problems] == [((3,), reason)]


def test_mixed_spacing_is_a_problem():
    (problem,) = stacks_of([*row(3), slice_file(8, (0, 0, 6), PixelSpacing=[1, 1])]).problems
    assert problem.reason is Reason.GEOMETRY_INCONSISTENT
    assert len(problem.instances) == 4


def test_numbers_that_are_none_are_a_problem():
    good = slice_file(3, (0, 0, 4.0))
    bad = good.replace(b"0.0\\0.0\\4.0", b"nan\\0.0\\4.0")
    assert bad != good
    far = slice_file(4, (0, 0, 1e200))
    assert stacks_of([far]).problems[0].reason is Reason.GEOMETRY_INCONSISTENT
    found = stacks_of([*row(2), bad])
    assert [one.instances for one in found.problems] == [(2,)]
    assert found.problems[0].reason in (Reason.GEOMETRY_INCONSISTENT, Reason.MALFORMED)


def test_one_uid_twice_is_a_problem_of_both():
    files = [*row(3), slice_file(2, (0, 0, 6.0))]
    found = stacks_of(files)
    assert [
        (one.instances, one.reason) for one in found.problems if one.reason is Reason.SOP_INSTANCE_UID_CONFLICT
    ] == [((1, 3), Reason.SOP_INSTANCE_UID_CONFLICT)]


def test_what_is_no_dicom_is_a_problem(tmp_path):
    found = stacks_of([b"", b"no dicom", tmp_path / "none", bytes(500)])
    assert [one.reason for one in found.problems] == [
        Reason.NOT_DICOM, Reason.NOT_DICOM, Reason.UNREADABLE, Reason.NOT_DICOM,
    ]  # fmt: skip
    assert stacks_of([]) == stacks_of(())


def test_paths_bytes_and_mapped_files_are_the_same(tmp_path):
    files = row(3)
    paths = [tmp_path / str(number) for number in range(3)]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
    opened = [path.open("rb") for path in paths]
    mapped = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in opened]
    volumes = [read_stack(stacks_of(sources).stacks[0], sources).stored for sources in (files, paths, mapped)]
    np.testing.assert_array_equal(volumes[0], volumes[1])
    np.testing.assert_array_equal(volumes[0], volumes[2])
    for one in (*mapped, *opened):
        one.close()


def test_frames_of_one_value_are_no_volume():
    dataset = pydicom.dcmread(io.BytesIO(slice_file(1)))
    dataset.PixelData = bytes(len(dataset.PixelData))
    files = [written(dataset)]
    (stack,) = stacks_of(files).stacks
    with pytest.raises(ItemError) as caught:
        read_stack(stack, files)
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_bits_above_a_value_do_not_count():
    words = pixels(1, kind="<u2")
    dataset = pydicom.dcmread(io.BytesIO(slice_file(1, BitsStored=12, HighBit=11, PixelRepresentation=0)))
    dataset.PixelData = (words | 0x5000).astype("<u2").tobytes()
    files = [written(dataset)]
    (stack,) = stacks_of(files).stacks
    assert stack.limits == (0, 4095)
    np.testing.assert_array_equal(read_stack(stack, files).stored[0], words)
    dataset.HighBit = 15
    assert stacks_of([written(dataset)]).problems[0].reason is Reason.UNSUPPORTED_OBJECT


def test_slices_may_differ_in_padding_and_bits():
    said = [{"BitsStored": 12, "HighBit": 11}, {"BitsStored": 16, "HighBit": 15}]
    files = [slice_file(n, (0, 0, 2.0 * n), **said[n]) for n in range(2)]
    dataset = pydicom.dcmread(io.BytesIO(files[1]))
    dataset.add_new(0x00280120, "SS", -9)
    dataset.add_new(0x00280121, "SS", -20)
    (stack,) = stacks_of([files[0], written(dataset)]).stacks
    assert stack.limits == (-2048, 2047)
    assert stack.paddings == ((-20, -9),)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_files_are_stacks_or_problems(data):
    files = [bytearray(file) for file in row(3)]
    for _ in range(data.draw(st.integers(1, 4))):
        file = files[data.draw(st.integers(0, 2))]
        at = data.draw(st.integers(128, len(file) - 90))
        file[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    sources = [bytes(file) for file in files]
    found = stacks_of(sources)
    assert {n for one in found.problems for n in one.instances} | {
        n for stack in found.stacks for n in stack.instances
    } == {0, 1, 2}
    for stack in found.stacks:
        try:
            assert read_stack(stack, sources).shape == stack.shape
        except ItemError as error:
            assert error.reason is not Reason.INTERNAL_ERROR


def enhanced(count: int, times: int) -> bytes:
    """`times` volumes of `count` slices in one instance, last slice first, times interleaved."""
    values = np.stack([pixels(100 * time + z) for z in reversed(range(count)) for time in range(times)])
    dataset = image_dataset(values, SOPClassUID=EnhancedMRImageStorage, Modality="MR", SeriesInstanceUID=SERIES)
    dataset.FrameOfReferenceUID, dataset.ImageType = FRAME, ["ORIGINAL", "PRIMARY", "M", "NONE"]
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.5, 0.75], 2
    orientation.ImageOrientationPatient = AXIAL
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], []
    for z in reversed(range(count)):
        for time in range(times):
            groups, position, content, values_of = Dataset(), Dataset(), Dataset(), Dataset()
            position.ImagePositionPatient = [0, 0, 2 * z]
            content.TemporalPositionIndex = time + 1
            values_of.RescaleSlope, values_of.RescaleIntercept = 1 + z, 0
            groups.PlanePositionSequence, groups.FrameContentSequence = [position], [content]
            groups.PixelValueTransformationSequence = [values_of]
            dataset.PerFrameFunctionalGroupsSequence.append(groups)
    return written(dataset)


def test_an_enhanced_instance_of_several_times():
    file = enhanced(4, 3)
    stacks = stacks_of([file]).stacks
    assert [stack.shape for stack in stacks] == [(4, 5, 7)] * 3
    for time, stack in enumerate(stacks):
        assert stack.places == tuple((0, 3 * (3 - z) + time) for z in range(4))
        np.testing.assert_array_equal(read_stack(stack, [file]).stored, [pixels(100 * time + z) for z in range(4)])
        np.testing.assert_array_equal(stack.rescales.slopes, [1, 2, 3, 4])


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_real_files_are_stacks_or_problems_each_frame_once():
    folders = [*sorted((SHARED / "vendors").iterdir()), SHARED / "heads" / "siemens_prisma_sag_thick"]
    for folder in filter(Path.is_dir, folders):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        found = stacks_of(files)
        places = [place for stack in found.stacks for place in stack.places]
        places += [place for one in found.problems for place in one.places]
        assert len(set(places)) == len(places)
        covered = {place[0] for place in places if place} | {n for one in found.problems for n in one.instances}
        assert covered == set(range(len(files)))


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_a_real_head_that_lacks_one_slice():
    files = sorted((SHARED / "heads" / "siemens_trio_t1_B").glob("*.dcm"))
    assert not stacks_of(files).stacks
    (stack,) = stacks_of(files, most_missing=1).stacks
    assert stack.shape == (176, 192, 192)
    assert stack.missing == (114,)
