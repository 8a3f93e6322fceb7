"""Reports and annotations item by item, as files of the sample's patient."""

from __future__ import annotations

from io import BytesIO

import highdicom
from deid_samples import CT, PATIENT_ID, PATIENT_NAME
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

TEXT, STRUCTURE, GRAPHICS = "clean-descriptors", "clean-structured-content", "clean-graphics"
ALL = (TEXT, STRUCTURE, GRAPHICS)
CODES = {TEXT: "113105", STRUCTURE: "113104", GRAPHICS: "113103"}
SR = "1.2.840.10008.5.1.4.1.1.88.33"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def file_of(dataset: Dataset, sop_class: str = CT) -> bytes:
    """A whole file of the sample's patient."""
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, "1.2.3.4.5"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4.1", "1.2.3.4.2"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT_NAME, PATIENT_ID, "19570312"
    dataset.file_meta = highdicom.base.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.4.5"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def code(value: str, scheme: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def entry(value_type: str, concept: tuple[str, str, str], **values: object) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", value_type
    item.ConceptNameCodeSequence = code(*concept)
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def report(*items: Dataset) -> bytes:
    dataset = Dataset()
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
    dataset.ContentSequence = Sequence(items)
    return file_of(dataset, SR)


def reference(uid: str = "1.9.8.7") -> Sequence:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
    return Sequence([item])


def length(value: str = "143.50") -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = code("mm", "UCUM", "millimeter")
    return entry("NUM", ("410668003", "SCT", "Length"), MeasuredValueSequence=Sequence([measured]))
