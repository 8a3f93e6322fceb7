"""Independent readers accept every object, and agree on where it lies."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from pathlib import Path

import highdicom
import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from made_hospital import MadeHospital
from pydicom.uid import UID

from curator.testing.abdomen import LABELS, PROTOCOLS, make_abdomen
from curator.testing.annotators import HABITS, draw_mask

_SOME_PATIENTS = (0, 5, 12)


def _ct_files(hospital: MadeHospital, patient: int) -> list[str]:
    headers = [
        (header, path)
        for path in (hospital.root / made.file for made in hospital.files("CT") if made.patient == patient)
        for header in [pydicom.dcmread(path, stop_before_pixels=True)]
        if header.BodyPartExamined == "ABDOMEN" and "AXIAL" in header.ImageType and "copy" not in path.name
    ]
    return [str(path) for header, path in sorted(headers, key=lambda pair: float(pair[0].SliceLocation))]


def _index(hospital: MadeHospital) -> list[dict[str, str]]:
    text = (hospital.root / "annotations/annotations.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _ct_image(hospital: MadeHospital, patient: int) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(_ct_files(hospital, patient))
    return reader.Execute()


def test_every_instance_opens_and_its_file_meta_is_right(hospital: MadeHospital):
    for number, path in enumerate(hospital.dicom()):
        dataset = pydicom.dcmread(path)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert not UID(dataset.SOPClassUID).is_private
        if number % 12 == 0:  # decoding every element of every file takes long
            assert str(dataset)


@pytest.mark.parametrize("patient", _SOME_PATIENTS)
def test_itk_reads_the_ct_as_the_phantom_made_it(hospital: MadeHospital, patient: int):
    image = _ct_image(hospital, patient)
    made = make_abdomen(0, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), made.hounsfield)
    assert image.GetSpacing() == (4.0, 4.0, 5.0)
    assert image.GetSize()[0] * image.GetSpacing()[0] >= 380


@pytest.mark.parametrize("patient", _SOME_PATIENTS)
def test_highdicom_reads_the_segmentation_on_the_grid_of_the_ct(hospital: MadeHospital, patient: int):
    (made,) = (made for made in hospital.files("SEG") if made.patient == patient)
    seg = highdicom.seg.segread(hospital.root / made.file)
    volume = seg.get_volume(combine_segments=True)
    truth = make_abdomen(0, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)]).truth
    expected = draw_mask(truth, 0, patient, 0)
    image = _ct_image(hospital, patient)
    # highdicom leaves empty slices at both ends out, so compare voxel by voxel through patient space.
    found = np.zeros_like(expected)
    corner = volume.map_indices_to_reference(np.array([[0, 0, 0]]))[0]
    x, y, z = image.TransformPhysicalPointToIndex([float(value) for value in corner])
    step = volume.map_indices_to_reference(np.array([[1, 0, 0]]))[0] - corner
    assert (x, y) == (0, 0)
    assert abs(step[2]) == 5.0
    for index in range(volume.array.shape[0]):
        found[z + index * (1 if step[2] > 0 else -1)] = volume.array[index]
    np.testing.assert_array_equal(found, expected)
    types = [seg.get_segment_description(label.value).segmented_property_type for label in LABELS]
    assert [(code.value, code.scheme_designator) for code in types] == [
        (label.code_value, label.coding_scheme) for label in LABELS
    ]


@pytest.mark.parametrize("patient", _SOME_PATIENTS)
def test_nifti_masks_lie_on_the_grid_of_the_ct(hospital: MadeHospital, patient: int):
    image = _ct_image(hospital, patient)
    rows = _index(hospital)
    uid = pydicom.dcmread(_ct_files(hospital, patient)[0], stop_before_pixels=True).SeriesInstanceUID
    mine = [row for row in rows if row["SeriesInstanceUID"] == uid]
    assert sorted(row["role"] for row in mine) == ["resident", "student"]
    for row in mine:
        path = hospital.root / "annotations" / row["path"]
        mask = sitk.ReadImage(str(path))
        assert mask.GetSize() == image.GetSize()
        np.testing.assert_allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-4)
        np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-6)
        assert set(np.unique(sitk.GetArrayFromImage(mask))) == {0, 1, 2, 3}


def test_label_table_and_index_name_what_the_masks_hold(hospital: MadeHospital):
    table = tomllib.loads((hospital.root / "annotations/labels.toml").read_text(encoding="utf-8"))
    assert {entry["value"]: entry["code_value"] for entry in table["label"]} == {
        label.value: label.code_value for label in LABELS
    }
    rows = _index(hospital)
    assert len(rows) == 32
    assert all((hospital.root / "annotations" / row["path"]).is_file() for row in rows)


def test_authors_differ_and_the_third_is_biased():
    for patient in range(4):
        truth = make_abdomen(0, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)]).truth
        sizes = [int((draw_mask(truth, 0, patient, author) > 0).sum()) for author in range(len(HABITS))]
        real = int((truth > 0).sum())
        assert abs(sizes[0] / real - 1) < 0.08
        assert sizes[2] > 1.15 * real
        assert sizes[1] < 0.99 * real


def test_organs_lie_where_they_do_in_people():
    for patient in range(16):
        made = make_abdomen(0, patient, protocol=PROTOCOLS[patient % len(PROTOCOLS)])
        x = {label.name: np.nonzero(made.truth == label.value)[2].mean() for label in LABELS}
        assert x["Liver"] < 40 < 56 < x["Spleen"]
        millilitres = {label.name: (made.truth == label.value).sum() * 0.08 for label in LABELS}
        assert 500 < millilitres["Liver"] < 1800
        assert 60 < millilitres["Spleen"] < 350
        assert 80 < millilitres["Kidney"] < 350


def test_pictures_decode_and_text_is_where_the_key_says(hospital: MadeHospital):
    for made in hospital.files("US", "OT", "DX"):
        dataset = pydicom.dcmread(hospital.root / made.file)
        pixels = dataset.pixel_array
        assert sitk.ReadImage(str(hospital.root / made.file)).GetSize()[:2] == (dataset.Columns, dataset.Rows)
        bright = pixels[..., 0] if dataset.SamplesPerPixel == 3 else pixels
        bright = bright[0] if dataset.get("NumberOfFrames", 1) > 1 else bright
        assert (int(bright[:60].max()) > 235) is made.shows_text


def test_references_lead_to_instances_of_the_hospital(hospital: MadeHospital):
    by_class: dict[str, set[str]] = defaultdict(set)
    for path in hospital.dicom():
        header = pydicom.dcmread(path, stop_before_pixels=True)
        by_class[header.SOPClassUID].add(header.SOPInstanceUID)
    counted = 0
    for made in hospital.files("SEG", "SR", "RTSTRUCT", "PR"):
        for item in _items(pydicom.dcmread(hospital.root / made.file, stop_before_pixels=True)):
            if item.get("ReferencedSOPClassUID") in by_class:
                assert item.ReferencedSOPInstanceUID in by_class[item.ReferencedSOPClassUID]
                counted += 1
    assert counted > 400


def _items(dataset: pydicom.Dataset) -> list[pydicom.Dataset]:
    found = [dataset]
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                found += _items(item)
    return found


def test_names_in_other_scripts_read_back(hospital: MadeHospital):
    names = {str(pydicom.dcmread(path, stop_before_pixels=True).PatientName) for path in hospital.dicom()}
    assert sum(name.count("=") == 2 for name in names) == 2
    assert any("ü" in name for name in names)
    assert any("а" <= name[1] <= "я" for name in names)


def test_nifti_files_name_author_and_patient(hospital: MadeHospital):
    made = next(made for made in hospital.key.files if made.file.endswith(".nii.gz"))
    header = nib.load(hospital.root / made.file).header
    words = bytes(header["descrip"].tobytes()).rstrip(b"\0").decode()
    assert all(plant.value in words for plant in hospital.key.plants_in(made.file) if plant.place == "descrip")
    assert Path(made.file).suffixes[-2:] == [".nii", ".gz"]
