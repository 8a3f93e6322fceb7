"""The same seed gives the same bytes; the hospital holds all that a rehearsal needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from made_hospital import MadeHospital, digests

from curator.errors import UsageError
from curator.testing import make_hospital

_MAKE = (
    "import sys; from pathlib import Path; from curator.testing import make_hospital; make_hospital(Path(sys.argv[1]))"
)


def test_same_seed_gives_the_same_bytes_in_another_process_and_hash_seed(hospital: MadeHospital, tmp_path: Path):
    again = tmp_path / "elsewhere"
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", _MAKE, str(again)], check=True, env=environment)
    assert digests(again) == digests(hospital.root)


def test_another_seed_gives_other_people(hospital: MadeHospital, tmp_path: Path):
    other = make_hospital(tmp_path / "other", seed=1)
    shared = set(other.values_to_search()) & set(hospital.key.values_to_search())
    assert not shared
    assert not set(digests(tmp_path / "other").values()) & set(digests(hospital.root).values()) - _label_table(hospital)


def _label_table(hospital: MadeHospital) -> set[str]:
    """The meaning of label values is the one thing all hospitals share."""
    return {digests(hospital.root)["annotations/labels.toml"]}


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
