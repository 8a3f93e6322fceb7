"""Bad input of every kind a job meets, each made from one good instance.

The law: each file or folder is bad in exactly one way, and the template is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileDataset

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_UID_ROOT = "1.2.826.0.1.3680043.8.498.77"


def make_bad_inputs(folder: Path, template: Path) -> dict[str, Path]:
    """Write one example of each kind into `folder` and name them; `template` is a good DICOM file with pixels.

    Pairs are folders with two files each. The account `root` reads folders without read permission all the same; set
    their mode back before removing them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "text": _write(folder / "text.dcm", b"This is no image.\n"),
        "empty": _write(folder / "empty.dcm", b""),
        "truncated": _write(folder / "truncated.dcm", _truncated(template)),
        "dicomdir": _write(folder / "DICOMDIR", _changed(template, _as_media_directory)),
        "missing_patient_id": _write(folder / "missing_patient_id.dcm", _changed(template, _without_patient_id)),
        "sop_instance_uid_conflict": _pair(folder / "same_uid", template, _same_uid),
        "patient_id_conflict": _pair(folder / "two_patient_ids", template, _two_patient_ids),
    }
    loop = folder / "loop"
    loop.mkdir()
    (loop / "again").symlink_to(loop, target_is_directory=True)
    made["symlink_loop"] = loop / "again"
    locked = folder / "locked"
    locked.mkdir()
    _write(locked / "inside.dcm", template.read_bytes())
    locked.chmod(0o000)
    made["unreadable_folder"] = locked
    return made


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _truncated(template: Path) -> bytes:
    """Cut inside the pixels, where the header still reads well."""
    content = template.read_bytes()
    return content[: len(content) - min(1000, len(content) // 4)]


def _changed(template: Path, change: Callable[[FileDataset], None]) -> bytes:
    dataset = dcmread(template)
    change(dataset)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _identify(dataset: FileDataset, study: int, instance: int) -> None:
    """UIDs of its own, so that a bad file clashes with no other but its twin."""
    dataset.StudyInstanceUID = f"{_UID_ROOT}.{study}"
    dataset.SeriesInstanceUID = f"{_UID_ROOT}.{study}.1"
    dataset.SOPInstanceUID = f"{_UID_ROOT}.{study}.1.{instance}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _as_media_directory(dataset: FileDataset) -> None:
    dataset.clear()
    dataset.file_meta.MediaStorageSOPClassUID = MEDIA_DIRECTORY  # type: ignore[assignment]  # pydicom makes a UID of it
    dataset.SOPClassUID = MEDIA_DIRECTORY
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.FileSetID = "DISC"
    dataset.DirectoryRecordSequence = []


def _without_patient_id(dataset: FileDataset) -> None:
    _identify(dataset, 1, 1)
    del dataset.PatientID


def _same_uid(dataset: FileDataset, number: int) -> None:
    _identify(dataset, 2, 1)
    dataset.InstanceNumber = number


def _two_patient_ids(dataset: FileDataset, number: int) -> None:
    _identify(dataset, 3, number)
    dataset.PatientID = f"900000000{number}"


def _numbered(change: Callable[[FileDataset, int], None], number: int, dataset: FileDataset) -> None:
    change(dataset, number)


def _pair(folder: Path, template: Path, change: Callable[[FileDataset, int], None]) -> Path:
    for number in (1, 2):
        _write(folder / f"{number}.dcm", _changed(template, partial(_numbered, change, number)))
    return folder
