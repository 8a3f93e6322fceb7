"""Small DICOM files as bytes, and a key to scan them under."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.identity.pseudonyms import key_id_of
from curator.ingest.scan import ScanTask
from curator.model.keys import Key

SECRET = bytes(range(32))
KEY = Key(key_id_of(SECRET), "release", SECRET)
TASK = ScanTask(KEY, bundled_folder("rules"))


def sample(**attributes: object) -> Dataset:
    """A minimal CT instance; `attributes` overrule, None removes."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = "1.2.3.4.1"
    dataset.StudyInstanceUID = "1.2.3.4.2"
    dataset.SeriesInstanceUID = "1.2.3.4.3"
    dataset.PatientID = "4711-0815"
    dataset.PatientName = "Planted^Person"
    dataset.Modality = "CT"
    for name, value in attributes.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    return dataset


def as_bytes(dataset: Dataset, *, syntax: str = ExplicitVRLittleEndian, **meta: str) -> bytes:
    """The dataset as a file; `meta` overrules what the file meta group says of it."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.FileMetaInformationGroupLength = 0  # pydicom fills it in
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3.4.1")
    for name, value in meta.items():
        setattr(dataset.file_meta, name, value)
    file = io.BytesIO()
    # Enforcing the format would put the data set's own UIDs into the file meta.
    dataset.preamble = bytes(128)
    dataset.save_as(file, enforce_file_format=False)
    return file.getvalue()
