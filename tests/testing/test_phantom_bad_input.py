"""Each bad input is bad in the way its name says."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from made_hospital import MadeHospital
from pydicom.errors import InvalidDicomError

from curator.testing.bad_input import MEDIA_DIRECTORY, make_bad_inputs


@pytest.fixture
def bad(hospital: MadeHospital, tmp_path: Path):
    template = hospital.root / hospital.files("CT")[5].file
    before = template.read_bytes()
    made = make_bad_inputs(tmp_path / "bad", template)
    yield made
    made["unreadable_folder"].chmod(0o700)
    assert template.read_bytes() == before


def test_each_is_bad_in_its_own_way(bad: dict[str, Path]):
    assert bad["empty"].stat().st_size == 0
    for name in ("text", "empty"):
        with pytest.raises((InvalidDicomError, EOFError)):
            pydicom.dcmread(bad[name])
    assert pydicom.dcmread(bad["dicomdir"]).file_meta.MediaStorageSOPClassUID == MEDIA_DIRECTORY
    assert "PatientID" not in pydicom.dcmread(bad["missing_patient_id"])
    with pytest.raises(OSError, match="symbolic links"):
        (bad["symlink_loop"] / Path("/".join(["again"] * 60))).stat()
    assert not bad["unreadable_folder"].stat().st_mode & 0o777


def test_the_truncated_file_ends_inside_its_pixels(bad: dict[str, Path]):
    with pytest.raises((ValueError, EOFError)):
        _ = pydicom.dcmread(bad["truncated"]).pixel_array


def test_pairs_contradict_each_other(bad: dict[str, Path]):
    same = [pydicom.dcmread(path) for path in sorted(bad["sop_instance_uid_conflict"].iterdir())]
    assert same[0].SOPInstanceUID == same[1].SOPInstanceUID
    assert same[0].InstanceNumber != same[1].InstanceNumber
    two = [pydicom.dcmread(path) for path in sorted(bad["patient_id_conflict"].iterdir())]
    assert two[0].StudyInstanceUID == two[1].StudyInstanceUID
    assert two[0].PatientID != two[1].PatientID
