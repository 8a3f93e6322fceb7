"""`curator deid verify` passes on what was released, and finds what a test plants there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from small_hospital import PATIENTS

from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.workspace import open_workspace

_ENCODINGS = "utf-8", "iso8859-5", "koi8-r", "shift_jis", "iso2022_jp", "gb18030", "utf-16-le", "utf-16-be"


def verify(journey, run_curator, folder: Path):
    return run_curator("deid", "verify", folder, "-w", journey.workspace, "--workers", 1, "--json")


def released_slice(journey, patient: int = 0) -> tuple[Path, Dataset]:
    """A released CT slice of a patient, and its source."""
    files = (one for one in journey.hospital.key.files if (one.modality, one.patient) == ("CT", patient))
    made = next(one for one in files if "_CT1/IM00005" in one.file)
    source = dcmread(journey.hospital.root / made.file, stop_before_pixels=True)
    uid = Pseudonyms(open_workspace(journey.workspace).load_key()).uid(str(source.SOPInstanceUID))
    return next(journey.released.rglob(f"{uid}.dcm")), source


@pytest.fixture
def one_file(journey, tmp_path: Path) -> tuple[Path, Dataset]:
    """A copy of one released slice in a folder of its own, and its source."""
    path, source = released_slice(journey)
    copy = tmp_path / "sent" / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    return copy, source


def put(path: Path, element: bytes) -> None:
    """Insert an encoded element after the Patient ID, in tag order: (0010,1040) or above."""
    content = path.read_bytes()
    start = content.index(b"\x10\x00\x20\x00LO")
    end = start + 8 + int.from_bytes(content[start + 6 : start + 8], "little")
    path.write_bytes(content[:end] + element + content[end:])


def element(tag: bytes, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    if vr in (b"OB", b"UN", b"UT"):
        return tag + vr + b"\0\0" + len(value).to_bytes(4, "little") + value
    return tag + vr + len(value).to_bytes(2, "little") + value


COMMENTS = b"\x10\x00\x00\x40"
OCCUPATION = b"\x10\x00\x80\x21"


def test_X03_nothing_is_found_in_what_was_released(journey, run_curator) -> None:
    done = verify(journey, run_curator, journey.released)
    assert (done.code, done.json()["findings"]) == (0, []), done.out
    assert done.json()["files"] == journey.done.json()["released"]


def test_a_clean_copy_of_one_file_passes(journey, run_curator, one_file) -> None:
    assert verify(journey, run_curator, one_file[0].parent).code == 0


@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_a_name_in_any_case_is_found(journey, run_curator, one_file, case) -> None:
    path, source = one_file
    family = case(str(source.PatientName).partition("^")[0])
    put(path, element(COMMENTS, b"LT", f"seen with {family} on Monday".encode()))
    done = verify(journey, run_curator, path.parent)
    assert done.code == 1
    assert {finding["defect"] for finding in done.json()["findings"]} == {"identifier"}
    assert family not in done.out + done.err


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_a_name_in_any_encoding_is_found(journey, run_curator, tmp_path: Path, encoding: str) -> None:
    """Of every patient the least Latin part of the name that can be written so, each in a file of its own."""
    planted = set()
    for patient in range(PATIENTS):
        path, source = released_slice(journey, patient)
        parts = [
            part for part in str(source.PatientName).replace("=", "^").split("^") if _can_be_written(part, encoding)
        ]
        if parts:
            copy = tmp_path / f"{patient}.dcm"
            shutil.copy(path, copy)
            name = max(parts, key=lambda part: (not part.isascii(), len(part)))
            put(copy, element(COMMENTS, b"LT", name.encode(encoding)))
            planted.add(copy.name)
    assert planted
    done = verify(journey, run_curator, tmp_path)
    assert done.code == 1
    assert {finding["file"] for finding in done.json()["findings"] if finding["defect"] == "identifier"} == planted


def _can_be_written(part: str, encoding: str) -> bool:
    try:
        return len(part.encode(encoding)) >= 4
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize(
    "value",
    [
        lambda source: str(source.PatientID),
        lambda source: f"MRN{source.PatientID};",
        lambda source: str(source.StudyInstanceUID),
        lambda source: f"born {source.PatientBirthDate}",
        lambda source: "born {2}.{1}.{0}".format(*_date(source.PatientBirthDate)),
        lambda source: str(source.AccessionNumber),
    ],
    ids=["patient id", "within text", "study uid", "birth date", "birth date written", "accession number"],
)
def test_numbers_and_dates_are_found(journey, run_curator, one_file, value) -> None:
    path, source = one_file
    put(path, element(OCCUPATION, b"SH", value(source).encode()))
    done = verify(journey, run_curator, path.parent)
    assert done.code == 1, done.out


def _date(value: str) -> tuple[str, str, str]:
    return value[:4], value[4:6], value[6:]


def test_places_where_no_element_is_are_searched(journey, run_curator, one_file, tmp_path: Path) -> None:
    path, source = one_file
    whole, patient_id = path.read_bytes(), str(source.PatientID).encode()
    header = whole.index(b"\xe0\x7f\x10\x00")
    spoilt = {
        "preamble": patient_id.ljust(128, b"\0") + whole[128:],
        "pixels": whole[: header + 400] + patient_id + whole[header + 400 + len(patient_id) :],
        "after the end": whole + patient_id,
    }
    for content in spoilt.values():
        path.write_bytes(content)
        assert verify(journey, run_curator, path.parent).code == 1
    path.write_bytes(whole)
    assert verify(journey, run_curator, path.parent).code == 0


def test_a_file_name_and_a_folder_name_are_findings_and_are_not_printed(journey, run_curator, one_file) -> None:
    path, source = one_file
    folder = path.parent
    for name in (f"{source.PatientID}.dcm", f"{source.PatientName}".partition("^")[0] + "/1.dcm"):
        moved = folder / name
        moved.parent.mkdir(exist_ok=True)
        path = path.rename(moved)
        done = verify(journey, run_curator, folder)
        assert done.code == 1
        assert {finding["place"] for finding in done.json()["findings"]} == {"file name"}
        assert str(source.PatientID) not in done.out + done.err
        assert str(source.PatientName).partition("^")[0] not in done.out + done.err


@pytest.mark.parametrize(("encoding", "length"), [("utf-8", 0), ("utf-8", 9000), ("utf-16-le", 0)])
def test_a_stray_file_that_is_no_image_is_searched(journey, run_curator, one_file, encoding: str, length: int) -> None:
    path, source = one_file
    note = path.parent / "note.txt"
    note.write_text("nothing of anybody. " + "x " * length, encoding=encoding)
    assert verify(journey, run_curator, path.parent).code == 0
    note.write_text(f"call about {source.PatientID}. " + "x " * length, encoding=encoding)
    found = verify(journey, run_curator, path.parent)
    assert (found.code, len(found.json()["findings"])) == (1, 1)


def test_an_instance_of_nobody_known_is_a_finding(journey, run_curator, one_file) -> None:
    path, _ = one_file
    content = path.read_bytes()
    code = str(dcmread(path, stop_before_pixels=True).PatientID).encode()
    path.write_bytes(content.replace(code, b"P-" + b"0" * (len(code) - 2)))
    done = verify(journey, run_curator, path.parent)
    assert done.code == 1
    assert "unknown_person" in {finding["defect"] for finding in done.json()["findings"]}


def test_the_source_itself_is_full_of_findings(journey, run_curator) -> None:
    done = verify(journey, run_curator, journey.hospital.root / "dicom")
    assert done.code == 1
    files = {finding["file"] for finding in done.json()["findings"]}
    assert len(files) >= 0.9 * done.json()["files"]
    known = [value for value in journey.hospital.key.values_to_search() if len(value) > 5]
    assert [value for value in known if value in done.out + done.err] == []


def test_without_the_key_nothing_can_be_proven(own_journey, run_curator) -> None:
    own_journey.key.unlink()
    assert verify(own_journey, run_curator, own_journey.released).code == 3
