"""The hospital holds all that a rehearsal needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from made_hospital import MadeHospital, digests

from curator.errors import UsageError
from curator.testing import make_hospital
from curator.testing.abdomen import PROTOCOLS, make_abdomen
from curator.testing.people import cast


def test_another_seed_gives_other_people_and_bodies(hospital: MadeHospital):
    here, other = set(hospital.key.values_to_search()), cast(1)
    for patient in other.patients:
        assert not here & {*patient.name.parts, patient.record_number, patient.phone, patient.street}
    devices = {device.uid_root for vendor in other.devices for device in vendor.values()}
    assert not here & devices
    assert not np.array_equal(
        make_abdomen(0, 0, protocol=PROTOCOLS[0]).truth, make_abdomen(1, 0, protocol=PROTOCOLS[0]).truth
    )


def test_every_file_on_disk_is_in_the_key_and_the_other_way_round(hospital: MadeHospital):
    assert set(digests(hospital.root)) == {made.file for made in hospital.key.files}


def test_enough_of_everything(hospital: MadeHospital):
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in hospital.dicom()]
    assert len({header.InstitutionName for header in headers}) >= 4
    assert {"SIEMENS", "Siemens Healthineers", "GE MEDICAL SYSTEMS", "Philips", "TOSHIBA"} <= {
        header.Manufacturer for header in headers
    }
    abdomens = {header.PatientID for header in headers if header.Modality == "SEG"}
    assert len(abdomens) == 16
    assert len({header.PatientID for header in headers}) == 18
    assert {"CT", "MR", "PT", "US", "DX", "OT", "SR", "SEG", "RTSTRUCT", "PR", "DOC"} == {h.Modality for h in headers}
    parts = {header.get("BodyPartExamined") for header in headers if header.Modality == "MR"}
    assert parts == {"HEAD", "BRAIN", None}
    assert {str(header.get("SpecificCharacterSet", "")) for header in headers} >= {"", "ISO_IR 100", "ISO_IR 192"}


def test_vendors_and_centres_are_crossed(hospital: MadeHospital):
    headers = [pydicom.dcmread(hospital.root / made.file, stop_before_pixels=True) for made in hospital.files("SEG")]
    per_centre: dict[str, set[str]] = {}
    for header in headers:
        per_centre.setdefault(header.InstitutionName, set()).add(header.ManufacturerModelName)
    assert all(len(models) >= 4 for models in per_centre.values())


def test_faces_and_texts_are_declared(hospital: MadeHospital):
    faces = {made.patient for made in hospital.key.files if made.shows_face}
    texts = [made for made in hospital.key.files if made.shows_text]
    assert len(faces) == 6
    assert len(texts) == 13
    assert {made.modality for made in texts} == {"US", "OT", "DX"}


def test_one_file_is_there_twice(hospital: MadeHospital):
    (twin,) = (made for made in hospital.key.files if made.duplicate_of)
    assert (hospital.root / twin.file).read_bytes() == (hospital.root / twin.duplicate_of).read_bytes()


def test_a_folder_in_use_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError):
        make_hospital(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
