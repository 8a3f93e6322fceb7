"""A scan takes a file or says why not, whatever the file is, and leaves it as it was."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_samples import KEY, TASK, as_bytes, sample

from curator.identity.pseudonyms import Pseudonyms
from curator.ingest import scan
from curator.ingest.find import find
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Found, Held, Scanned
from curator.ingest.triage import triage
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


def scanned(path: Path, content: bytes | None = None) -> Scanned:
    if content is not None:
        path.write_bytes(content)
    return TASK(Found(reference=str(path)))


def held(path: Path, content: bytes | None = None) -> Held:
    found = scanned(path, content)
    assert isinstance(found, Held)
    return found


def test_a_dicom_file_under_any_name_is_taken(tmp_path: Path) -> None:
    data = as_bytes(sample())
    found = scanned(tmp_path / "report.pdf", data)
    assert isinstance(found, SourceInstance)
    assert found.content_id == Pseudonyms(KEY).content_id([data])
    assert found.size_bytes == len(data)
    assert found.reference == str(tmp_path / "report.pdf")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"hello", Reason.NOT_DICOM),
        (as_bytes(sample())[:-3], Reason.TRUNCATED),
        (bytes(128) + b"DICM", Reason.TRUNCATED),
        (as_bytes(sample(StudyInstanceUID=None)), Reason.MALFORMED),
        (as_bytes(sample(SOPClassUID="1.2.3")), Reason.UNSUPPORTED_OBJECT),
        ((BUNDLED / "dicomdirtests" / "DICOMDIR").read_bytes(), Reason.DICOMDIR),
        (
            as_bytes(sample()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0"),
            Reason.UNSUPPORTED_TRANSFER_SYNTAX,
        ),
    ],
)
def test_what_cannot_be_taken_has_its_reason(tmp_path: Path, content: bytes, reason: Reason) -> None:
    found = held(tmp_path / "file", content)
    assert found.reason is reason
    assert found.content_id == Pseudonyms(KEY).content_id([content])
    assert found.size_bytes == len(content)


@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz"])
def test_a_nifti_image_is_held_as_if_it_were_a_head(tmp_path: Path, name: str) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / name)
    found = held(tmp_path / name)
    assert found.reason is Reason.FACE_POSSIBLE
    assert "names no person" in found.detail


def test_what_changed_since_it_was_found_is_held_and_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert held(tmp_path / "pipe").reason is Reason.NOT_DICOM
    assert held(tmp_path / "gone").reason is Reason.UNREADABLE
    assert held(tmp_path).reason in (Reason.NOT_DICOM, Reason.UNREADABLE)
    (tmp_path / "loop").symlink_to("loop")
    assert held(tmp_path / "loop").reason is Reason.SYMLINK_LOOP


def test_a_problem_of_the_search_is_passed_on_unopened(tmp_path: Path) -> None:
    found = TASK(Found(reference=str(tmp_path / "not-there"), problem=Reason.SYMLINK_LOOP, detail="why"))
    assert found == Held(reference=str(tmp_path / "not-there"), reason=Reason.SYMLINK_LOOP, detail="why")


def test_a_mapped_file_gives_what_a_copied_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        path.name: path for path in (BUNDLED / "CT_small.dcm", BUNDLED / "image_dfl.dcm", BUNDLED / "MR_truncated.dcm")
    }
    copied = {name: scanned(path) for name, path in files.items()}
    monkeypatch.setattr(scan, "_LARGEST_COPIED", 0)
    assert {name: scanned(path) for name, path in files.items()} == copied
    (tmp_path / "removable").write_bytes(as_bytes(sample()))
    assert isinstance(scanned(tmp_path / "removable"), SourceInstance)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc to count open files in")
def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number, content in enumerate((b"", b"hello", as_bytes(sample()), as_bytes(sample())[:-3])):
        scanned(tmp_path / str(number), content)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_source_stays_as_it_was(tmp_path: Path) -> None:
    for name in ("CT_small.dcm", "MR_truncated.dcm", "README.txt"):
        shutil.copy(BUNDLED / name, tmp_path / name)
        (tmp_path / name).chmod(stat.S_IRUSR)
    before = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in tmp_path.iterdir()
    }
    for found in find([tmp_path]):
        TASK(found)
    after = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in tmp_path.iterdir()
    }
    assert after == before


def test_every_bundled_file_is_accounted_for() -> None:
    found = list(find([BUNDLED]))
    assert len(found) == sum(path.is_file() for path in BUNDLED.rglob("*"))
    sorted_out = triage([TASK(one) for one in found])
    references = [one.reference for one in (*sorted_out.candidates, *sorted_out.held)]
    assert sorted(references) == [one.reference for one in found]
    reasons = {Path(one.reference).name: one.reason for one in sorted_out.held}
    assert reasons["README.txt"] is Reason.NOT_DICOM
    assert reasons["MR_truncated.dcm"] is Reason.TRUNCATED
    assert reasons["DICOMDIR-implicit"] is Reason.DICOMDIR
    assert reasons["badVR.dcm"] is Reason.MALFORMED
    assert reasons["MR_small.dcm"] is Reason.SOP_INSTANCE_UID_CONFLICT
    assert reasons["SC_jpeg_no_color_transform.dcm"] is Reason.PATIENT_ID_MISSING
    assert Reason.INTERNAL_ERROR not in reasons.values()


def test_a_task_crosses_processes_and_shows_no_secret() -> None:
    again = pickle.loads(pickle.dumps(TASK))
    assert again == TASK
    found = Found(reference=str(BUNDLED / "CT_small.dcm"))
    assert again(found) == TASK(found)
    assert str(KEY.secret)[2:-1] not in repr(TASK)


def test_two_keys_name_one_content_differently() -> None:
    other_domain = ScanTask(type(KEY)(KEY.key_id, "another", KEY.secret), TASK.rules)
    found = Found(reference=str(BUNDLED / "CT_small.dcm"))
    assert other_domain(found).content_id != TASK(found).content_id


_SMALL = [(BUNDLED / name).read_bytes() for name in ("rtplan.dcm", "test-SR.dcm", "SC_rgb_small_odd_jpeg.dcm")]
_SMALL.append(as_bytes(sample(NumberOfFrames=2, PixelSpacing=[1, 1], ImageType=["A", "B"])))


@settings(deadline=None, max_examples=250)
@given(
    data=st.sampled_from(_SMALL),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_a_scan_never_raises(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, changes: list[tuple[int, int]]
) -> None:
    changed = bytearray(data)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    folder = tmp_path_factory.getbasetemp()
    assert isinstance(scanned(folder / "changed", bytes(changed)), SourceInstance | Held)
