"""Segmentations, doses and structure sets after a zone was taken out."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pixel_samples import bundled_file, file_of, image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from curator.deid.faces.contours import clipped
from curator.deid.faces.dependents import Dependent, dependent_of, followed
from curator.deid.faces.structure_set import outside_zone, points_in_zone
from curator.errors import ItemError
from curator.model.quarantine import Reason

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "seg_rt"
RING = np.array([[np.cos(a) * 50, np.sin(a) * 50, 7.0] for a in np.linspace(0, 2 * np.pi, 90, endpoint=False)])


def front(limit: float):
    """Everything in front of a coronal plane: y below `limit`."""
    return lambda points: points[:, 1] < limit


def nowhere(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), bool)


def follow(data: bytes, kind: Dependent, inside):
    return followed(data, kind, inside, scratch=tempfile.TemporaryFile)


# --- contours


def test_a_ring_is_cut_at_the_border_of_the_zone():
    left = clipped(RING, front(-30.0), is_closed=True)
    assert left is not None
    assert (left.points[:, 1] >= -30).all()
    old = left.numbers >= 0
    np.testing.assert_array_equal(left.points[old], RING[RING[:, 1] >= -30])
    assert int((~old).sum()) == 2
    np.testing.assert_allclose(left.points[~old][:, 1], -30, atol=0.01)
    np.testing.assert_allclose(np.abs(left.points[~old][:, 0]), 40, atol=0.2)
    assert clipped(RING, nowhere, is_closed=True) is None
    everything = clipped(RING, lambda points: ~nowhere(points), is_closed=True)
    assert everything is not None
    assert not len(everything.points)


def test_a_zone_between_two_points_is_met():
    line = np.array([[0.0, 0, 0], [100.0, 0, 0]])
    left = clipped(line, lambda points: np.abs(points[:, 0] - 50) < 5, is_closed=False)
    assert left is not None
    np.testing.assert_allclose(left.points[:, 0], [0, 45, 55, 100], atol=0.01)
    assert left.numbers.tolist() == [0, -1, -1, 1]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(*[st.floats(-80, 80)] * 2), min_size=2, max_size=25),
    st.floats(-60, 60),
    st.floats(5, 60),
    st.booleans(),
)
def test_nothing_that_is_left_lies_in_the_zone(corners, centre, radius, is_closed):
    points = np.array([[x, y, 3.0] for x, y in corners])
    inside = lambda some: np.linalg.norm(some[:, :2] - centre, axis=1) < radius  # noqa: E731
    left = clipped(points, inside, is_closed=is_closed)
    if left is None:
        assert not inside(points).any()
        return
    assert not inside(left.points).any()
    kept = left.numbers[left.numbers >= 0]
    assert kept.tolist() == np.flatnonzero(~inside(points)).tolist()
    np.testing.assert_array_equal(left.points[left.numbers >= 0], points[kept])


def structure_set(rois: list[list[tuple[str, np.ndarray]]], syntax: str = ExplicitVRLittleEndian) -> Dataset:
    dataset = image(b"", syntax)
    for gone in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        del dataset[gone]
    del dataset.PixelRepresentation, dataset.PhotometricInterpretation
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, contours in enumerate(rois, 1):
        roi, item = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ROIVolume = number, f"ROI {number}", "12.5"
        item.ROIDisplayColor, item.ReferencedROINumber = [255, 0, 0], number
        item.ContourSequence = []
        for kind, points in contours:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
            contour.ContourData = [f"{value:.3f}" for value in points.ravel()]
            item.ContourSequence.append(contour)
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(item)
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def points_of(contour: Dataset) -> np.ndarray:
    data = contour.ContourData
    # Of values too long for their VR pydicom gives the bytes.
    numbers = data.split(b"\\") if isinstance(data, bytes) else data
    return np.array([float(number) for number in numbers]).reshape(-1, 3)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("undefined", [False, True])
def test_contours_leave_the_zone_and_the_rest_keeps_its_bytes(syntax, undefined):
    away, within = RING + np.array([0, 200, 0]), RING * [0.1, 0.1, 1] + np.array([0, -45, 0])
    dataset = structure_set(
        [
            [("CLOSED_PLANAR", RING), ("CLOSED_PLANAR", away), ("CLOSED_PLANAR", within)],
            [("POINT", np.array([[0.0, -45, 0]])), ("CLOSED_PLANAR", within)],
            [("OPEN_PLANAR", away)],
        ],
        syntax,
    )
    for sequence in (dataset["ROIContourSequence"], dataset.ROIContourSequence[0]["ContourSequence"]):
        sequence.is_undefined_length = undefined
    for item in dataset.ROIContourSequence:
        item.is_undefined_length_sequence_item = undefined
    file = file_of(dataset)
    done = follow(file, Dependent.STRUCTURES, front(-30.0))
    written = pydicom.dcmread(io.BytesIO(done.data))
    assert (done.contours_cut, done.contours_removed) == (1, 3)
    first, second, third = written.ROIContourSequence
    assert [one.NumberOfContourPoints for one in first.ContourSequence] == [
        len(points_of(one)) for one in first.ContourSequence
    ]
    assert points_of(first.ContourSequence[0])[:, 1].min() >= -30
    assert first.ContourSequence[1] == dataset.ROIContourSequence[0].ContourSequence[1]
    assert "ContourSequence" not in second
    assert second.ReferencedROINumber == 2
    assert third == dataset.ROIContourSequence[2]
    assert ["ROIVolume" in roi for roi in written.StructureSetROISequence] == [False, False, True]
    assert written.ApprovalStatus == "UNAPPROVED"
    at = file.index(b"\x06\x30\x20\x00")
    assert done.data[:at] == file[:at]
    assert points_in_zone(done.data, front(-30.0)) == 0
    assert follow(file, Dependent.STRUCTURES, nowhere).data is file


def test_a_contour_too_long_for_its_vr_is_read_and_written():
    many = np.array([[np.cos(a) * 50, np.sin(a) * 50, 7.0] for a in np.linspace(0, 6.28, 4000)])
    dataset = structure_set([[("CLOSED_PLANAR", many)]])
    with pytest.warns(UserWarning, match="exceeds the size"):
        file = file_of(dataset)
    assert b"\x06\x30\x50\x00UN" in file
    done = follow(file, Dependent.STRUCTURES, front(-45.0))
    left = points_of(pydicom.dcmread(io.BytesIO(done.data)).ROIContourSequence[0].ContourSequence[0])
    assert len(left) > 3000
    assert left[:, 1].min() >= -45
    short = follow(file, Dependent.STRUCTURES, front(45.0))
    assert len(points_of(pydicom.dcmread(io.BytesIO(short.data)).ROIContourSequence[0].ContourSequence[0])) > 100
    assert b"\x06\x30\x50\x00DS" in short.data


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: setattr(one, "ContourData", [1, 2, 3, 4]), Reason.MALFORMED),
        (lambda one: setattr(one, "ContourGeometricType", "SPIRAL"), Reason.UNSUPPORTED_OBJECT),
        (lambda one: one.__delitem__("ContourGeometricType"), Reason.UNSUPPORTED_OBJECT),
    ],
)
def test_contours_that_are_none_are_refused(change, reason):
    dataset = structure_set([[("CLOSED_PLANAR", RING)]])
    change(dataset.ROIContourSequence[0].ContourSequence[0])
    with pytest.raises(ItemError) as caught:
        outside_zone(file_of(dataset), front(0.0), scratch=tempfile.TemporaryFile)
    assert caught.value.reason is reason


def test_a_contour_of_what_is_no_numbers_is_refused():
    file = file_of(structure_set([[("CLOSED_PLANAR", RING)]]))
    for harm in (b"a0.000", b"   nan", b"1e9999"):
        with pytest.raises(ItemError) as caught:
            outside_zone(file.replace(b"50.000", harm, 1), front(0.0), scratch=tempfile.TemporaryFile)
        assert caught.value.reason is Reason.MALFORMED


def test_a_real_structure_set():
    file = bundled_file("rtstruct.dcm")
    dataset = pydicom.dcmread(io.BytesIO(file), force=True)
    points = np.concatenate(
        [points_of(one) for roi in dataset.ROIContourSequence for one in roi.get("ContourSequence", [])]
    )
    middle = float(np.median(points[:, 1]))
    done = follow(file, Dependent.STRUCTURES, front(middle))
    assert done.contours_cut + done.contours_removed
    written = pydicom.dcmread(io.BytesIO(done.data), force=True)
    assert len(written.ROIContourSequence) == len(dataset.ROIContourSequence)
    changed = {0x30060039, 0x30060020}
    assert {one.tag: one for one in written if one.tag not in changed} == {
        one.tag: one for one in dataset if one.tag not in changed
    }


# --- segmentations and doses


def segmentation(kind: str, pixels: np.ndarray) -> Dataset:
    """Frames one millimetre apart from (10, 20, 30) on, pixels 2 mm apart, in reverse order."""
    bits = 1 if kind == "BINARY" else 8
    octets = np.packbits(pixels.ravel(), bitorder="little").tobytes() if bits == 1 else pixels.tobytes()
    count, rows, columns = pixels.shape
    dataset = image(octets, ExplicitVRLittleEndian, rows=rows, columns=columns, NumberOfFrames=count)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.SegmentationType, dataset.MaximumFractionalValue = kind, 255
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [2, 2], 1
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], []
    for index in range(count):
        groups, position, segment = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [10, 20, 30 + count - 1 - index]
        segment.ReferencedSegmentNumber = 1
        groups.PlanePositionSequence, groups.SegmentIdentificationSequence = [position], [segment]
        dataset.PerFrameFunctionalGroupsSequence.append(groups)
    return dataset


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segments_are_gone_in_the_zone_and_stay_elsewhere(kind):
    pixels = np.random.default_rng(6).integers(0, 2 if kind == "BINARY" else 4, (4, 5, 7)).astype(np.uint8)
    file = file_of(segmentation(kind, pixels))
    inside = lambda points: (points[:, 1] < 25) & (points[:, 2] > 31) & (points[:, 0] < 21)  # noqa: E731
    done = follow(file, Dependent.SEGMENTATION, inside)
    z, y, x = np.mgrid[:4, :5, :7]
    zone = (20 + 2 * y < 25) & (30 + 3 - z > 31) & (10 + 2 * x < 21)
    written = pydicom.dcmread(io.BytesIO(done.data)).pixel_array
    np.testing.assert_array_equal(written, np.where(zone, 0, pixels))
    assert done.pixels == int(((pixels != 0) & zone).sum()) > 0
    assert follow(file, Dependent.SEGMENTATION, nowhere).data is file


def test_a_label_map_becomes_what_it_calls_nothing():
    pixels = np.full((2, 3, 4), 3, np.uint8)
    dataset = segmentation("LABELMAP", pixels)
    dataset.add_new(0x00280120, "US", 9)
    done = follow(file_of(dataset), Dependent.SEGMENTATION, front(21.0))
    written = pydicom.dcmread(io.BytesIO(done.data)).pixel_array
    assert (written[:, 0] == 9).all()
    assert (written[:, 1:] == 3).all()


def test_a_segmentation_without_places_is_refused():
    dataset = segmentation("BINARY", np.ones((2, 3, 4), np.uint8))
    del dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence
    with pytest.raises(ItemError) as caught:
        follow(file_of(dataset), Dependent.SEGMENTATION, nowhere)
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


@pytest.mark.parametrize("first_mm", [0.0, 30.0])
def test_no_dose_is_left_in_the_zone(first_mm):
    grey = np.random.default_rng(7).integers(1, 1 << 31, (4, 5, 7)).astype("<u4")
    dataset = image(grey.tobytes(), ExplicitVRLittleEndian, rows=5, columns=7, NumberOfFrames=4)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.2"
    dataset.BitsAllocated = dataset.BitsStored = 32
    dataset.HighBit = 31
    dataset["PixelData"].VR = "OW"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [10, 20, 30], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.DoseGridScaling, dataset.DoseUnits = [2, 2], "1e-9", "GY"
    dataset.GridFrameOffsetVector = [first_mm + 2.5 * index for index in range(4)]
    file = file_of(dataset)
    inside = lambda points: (points[:, 1] < 25) & (points[:, 2] > 31)  # noqa: E731
    done = follow(file, Dependent.DOSE, inside)
    z, y, _ = np.mgrid[:4, :5, :7]
    zone = (20 + 2 * y < 25) & (30 + 2.5 * z > 31)
    written = pydicom.dcmread(io.BytesIO(done.data))
    np.testing.assert_array_equal(written.pixel_array, np.where(zone, 0, grey))
    assert written.DoseGridScaling == dataset.DoseGridScaling
    dataset.GridFrameOffsetVector = [0, 1]
    with pytest.raises(ItemError) as caught:
        follow(file_of(dataset), Dependent.DOSE, inside)
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_a_surface_is_refused():
    assert dependent_of("1.2.840.10008.5.1.4.1.1.66.5") is Dependent.SURFACE
    assert dependent_of("1.2.840.10008.5.1.4.1.1.2") is None
    with pytest.raises(ItemError) as caught:
        follow(b"", Dependent.SURFACE, nowhere)
    assert caught.value.reason is Reason.FACE_POSSIBLE


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_real_segmentations_and_structure_sets_follow_or_say_why_not():
    done = 0
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or path.read_bytes()[128:132] != b"DICM" or path.stat().st_size > 6_000_000:
            continue
        kind = dependent_of(str(pydicom.dcmread(path, specific_tags=["SOPClassUID"]).get("SOPClassUID")))
        if kind is None:
            continue
        try:
            follow(path.read_bytes(), kind, lambda points: points[:, 0] > 0)
            done += 1
        except ItemError as error:
            assert error.reason is not Reason.INTERNAL_ERROR
    assert done > 4
