"""Files to measure with: invented CT series of 531 KB a file, and one multi-frame object of any size.

Slices differ as slices do (UIDs, numbers, positions, times, dose, pixels, and with their values their lengths), series
and persons as they do, so that nothing is fast only because it was seen before.
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
# A narrower image could be a head.
_WIDE_MM = 400.0
# Two series of one person, and then the next person's.
_SLICES = (15, 35)
_ROOT = "1.3.6.1.4.1.99999.7"


def make_series(folder: Path, *, files: int, side: int = SIDE) -> list[Path]:
    """`files` slices of series of `_SLICES` slices, sorted; `side` pixels wide, for jobs of many files."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(7)
    base = _base()
    base.Rows = base.Columns = side
    if side != SIDE:
        base.PixelSpacing = [_WIDE_MM / side] * 2
    made = []
    for number in range(files):
        person, series, slice_number = _placed(number)
        _identify(base, person)
        _describe(base, person, series)
        _place(base, series, slice_number)
        base.PixelData = _pixels(random, slice_number)[: 2 * side**2]
        made.append(folder / f"{number:06d}.dcm")
        base.save_as(made[-1], enforce_file_format=True)
    return made


def _placed(number: int) -> tuple[int, int, int]:
    """Whose file it is, in which series of all, and its place there."""
    person, within = divmod(number, sum(_SLICES))
    series = 0
    while within >= _SLICES[series]:
        within -= _SLICES[series]
        series += 1
    return person, person * len(_SLICES) + series, within


def _pixels(random: np.random.Generator, slice_number: int) -> bytes:
    """A body in air, both with noise: what a scanner stores for air is small and never quite the same."""
    down, across = np.ogrid[:SIDE, :SIDE]
    body = (down - SIDE / 2) ** 2 + (across - SIDE / 2) ** 2 < (150 + slice_number) ** 2
    values = np.where(body, 1064.0, 24.0) + random.normal(0, 20, (SIDE, SIDE))
    return values.clip(0, 4095).astype("<i2").tobytes()


def make_multiframe(path: Path, *, size_bytes: int) -> Path:
    """An enhanced CT of about `size_bytes`, its pixel data a hole in the file, which costs no disk."""
    data = _base()
    _identify(data, 0)
    _describe(data, 0, 0)
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
    data.FrameOfReferenceUID = f"{_ROOT}.3.{person}"
    data.PatientWeight = 60 + person


def _describe(data: Dataset, person: int, series: int) -> None:
    data.SeriesInstanceUID = f"{_ROOT}.2.{series}"
    data.SeriesNumber = series % len(_SLICES) + 2
    data.SeriesTime = f"10{10 + series % 50}00"
    data.SeriesDescription = f"Thorax {1.25 * (1 + series % 2)} mm"
    data.ConvolutionKernel = ("B30f", "B70f")[series % 2]
    data.WindowCenter, data.WindowWidth = ((40, 400), (-600, 1500))[series % 2]
    data.ReferencedImageSequence = [_reference(person, number) for number in range(4)]


def _place(data: Dataset, series: int, number: int) -> None:
    # Hardly two slices of an archive lie at one place or were made at one time.
    height = round(12.5 + 0.7 * (series + 1) - 1.25 * number, 3)
    minute = f"{8 + series % 12:02d}{series % 60:02d}"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{_ROOT}.4.{series}.{number * 7 + 1}"
    data.InstanceNumber = number + 1
    data.ImagePositionPatient = [-250.0 - series, -250.0, height]
    data.SliceLocation = height
    data.ContentTime = data.AcquisitionTime = f"{minute}{number:02d}.{number * 31 % 97}"
    data.InstanceCreationTime = f"{minute}{number + 1:02d}"
    data.XRayTubeCurrent = 80 + number * 5
    data.Exposure = 90 + number * 3
    data.WindowCenterWidthExplanation = "WINDOW1"
    data.add_new("SmallestImagePixelValue", "SS", 0)
    data.add_new("LargestImagePixelValue", "SS", 1100 + number)


def _code(number: int) -> Dataset:
    item = Dataset()
    item.CodeValue = f"CTX{number:03d}"
    item.CodingSchemeDesignator = "99SITE"
    item.CodeMeaning = f"Local procedure {number}"
    return item


def _reference(person: int, number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = CTImageStorage
    item.ReferencedSOPInstanceUID = f"{_ROOT}.5.{person}.{number}"
    return item


_TEXTS = {
    "BodyPartExamined": "CHEST",
    "InstitutionAddress": "Steinweg 7, 99999 Quarzhausen",
    "InstitutionalDepartmentName": "Radiology West",
    "PhysiciansOfRecord": "Feldspat^Frieda",
    "PerformingPhysicianName": "Glimmer^Gustav",
    "OperatorsName": "Basalt^Berta",
    "NameOfPhysiciansReadingStudy": "Granit^Gerda",
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
    "LossyImageCompression": "00",
    "BurnedInAnnotation": "NO",
    "RescaleType": "HU",
    "RotationDirection": "CW",
    "ExposureModulationType": "XYZ_EC",
    "PatientSpeciesDescription": "Homo sapiens",
}
