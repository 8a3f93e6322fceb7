"""Files to measure with: invented CT series of 531 KB a file, and one multi-frame object of any size.

Slices differ as slices do (UIDs, positions, times, pixels), so that nothing is fast only because it was seen before.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

SIDE = 512
SLICES_A_SERIES = 25
_ROOT = "1.3.6.1.4.1.99999.7"


def make_series(folder: Path, *, files: int) -> list[Path]:
    """`files` slices of persons with `SLICES_A_SERIES` slices each, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    base = _base()
    made = []
    for number in range(files):
        person, slice_number = divmod(number, SLICES_A_SERIES)
        _identify(base, person)
        _place(base, person, slice_number)
        base.PixelData = random.normal(1024, 200, (SIDE, SIDE)).clip(0, 4095).astype("<i2").tobytes()
        made.append(folder / f"{number:06d}.dcm")
        base.save_as(made[-1], enforce_file_format=True)
    return made


def make_multiframe(path: Path, *, size_bytes: int) -> Path:
    """An enhanced CT of about `size_bytes`, its pixel data a hole in the file, which costs no disk."""
    data = _base()
    _identify(data, 0)
    _place(data, 0, 0)
    # A value has at most 4 GiB less two bytes.
    frames = min(size_bytes, (1 << 32) - 1) // (SIDE * SIDE * 2)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data.NumberOfFrames = frames
    del data.PixelData
    data.save_as(path, enforce_file_format=True)
    with path.open("ab") as stream:
        stream.write(struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", frames * SIDE * SIDE * 2))
        stream.flush()
        os.truncate(stream.fileno(), stream.tell() + frames * SIDE * SIDE * 2)
    return path


def element_count(path: Path) -> int:
    """How many elements a file has at all depths."""
    return sum(1 for _ in pydicom.dcmread(path).iterall())


def _base() -> Dataset:
    data = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    data.Rows = data.Columns = SIDE
    data.SOPClassUID = CTImageStorage
    if "DataSetTrailingPadding" in data:
        del data.DataSetTrailingPadding
    # The sample's private blocks make two thirds of its elements; a few stay, the rest gives way to what scanners send.
    for tag in [element.tag for element in data if element.tag.is_private][90:]:
        del data[tag]
    for name, value in _TEXTS.items():
        setattr(data, name, value)
    for name in ("ProcedureCodeSequence", "RequestAttributesSequence", "PerformedProtocolCodeSequence"):
        setattr(data, name, [_code(number) for number in range(2)])
    data.RequestAttributesSequence[0].ScheduledProtocolCodeSequence = [_code(7), _code(8)]
    data.ReferencedImageSequence = [_reference(number) for number in range(4)]
    data.CTDIPhantomTypeCodeSequence = [_code(3)]
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    return data


def _identify(data: Dataset, person: int) -> None:
    data.PatientName = f"Quarzberg{person:04d}^Ottokar"
    data.PatientID = f"MRN7{person:06d}"
    data.PatientBirthDate = f"19{50 + person % 40}0{1 + person % 9}1{person % 9}"
    data.AccessionNumber = f"ACC55{person:05d}"
    data.StudyID = f"ST{person:05d}"
    data.StudyInstanceUID = f"{_ROOT}.1.{person}"
    data.SeriesInstanceUID = f"{_ROOT}.2.{person}"
    data.FrameOfReferenceUID = f"{_ROOT}.3.{person}"


def _place(data: Dataset, person: int, number: int) -> None:
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{_ROOT}.4.{person}.{number}"
    data.InstanceNumber = number + 1
    data.ImagePositionPatient = [-250.0, -250.0, 12.5 + 1.25 * number]
    data.SliceLocation = 12.5 + 1.25 * number
    data.ContentTime = data.AcquisitionTime = data.InstanceCreationTime = f"1012{number:02d}.5"
    data.XRayTubeCurrent = 180 + number
    data.Exposure = 90 + number


def _code(number: int) -> Dataset:
    item = Dataset()
    item.CodeValue = f"CTX{number:03d}"
    item.CodingSchemeDesignator = "99SITE"
    item.CodeMeaning = f"Local procedure {number}"
    return item


def _reference(number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = CTImageStorage
    item.ReferencedSOPInstanceUID = f"{_ROOT}.5.{number}"
    return item


_TEXTS = {
    "BodyPartExamined": "CHEST",
    "InstitutionAddress": "Steinweg 7, 99999 Quarzhausen",
    "InstitutionalDepartmentName": "Radiology West",
    "PhysiciansOfRecord": "Feldspat^Frieda",
    "PerformingPhysicianName": "Glimmer^Gustav",
    "OperatorsName": "Basalt^Berta",
    "NameOfPhysiciansReadingStudy": "Granit^Gerda",
    "SeriesDescription": "Thorax 1.25 mm",
    "ProtocolName": "Thorax routine",
    "PatientAddress": "Kiesgasse 3, Quarzhausen",
    "PatientTelephoneNumbers": "0999 1234567",
    "PatientMotherBirthName": "Schotter",
    "OtherPatientNames": "Quarz^Otto",
    "EthnicGroup": "none given",
    "Occupation": "Stonemason",
    "MedicalAlerts": "none",
    "Allergies": "none",
    "PatientComments": "seen by Dr. Feldspat",
    "DeviceSerialNumber": "SN998877",
    "PerformedStationName": "CTWEST",
    "PerformedProcedureStepID": "PPS4411",
    "PerformedProcedureStepDescription": "CT thorax",
    "PerformedProcedureStepStartDate": "20200302",
    "PerformedProcedureStepStartTime": "101200",
    "RequestingPhysician": "Marmor^Minna",
    "RequestingService": "Ward 7",
    "RequestedProcedureDescription": "CT thorax with contrast",
    "CurrentPatientLocation": "Ward 7 bed 2",
    "AdmissionID": "ADM7788",
    "ReasonForStudy": "cough",
    "DetectorID": "DET4",
    "GantryID": "G7",
    "DateOfLastCalibration": "20200101",
    "WindowCenter": "40",
    "WindowWidth": "400",
    "LossyImageCompression": "00",
    "BurnedInAnnotation": "NO",
    "RescaleType": "HU",
    "RotationDirection": "CW",
    "ExposureModulationType": "XYZ_EC",
    "PatientSpeciesDescription": "Homo sapiens",
}
