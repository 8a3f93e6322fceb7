"""Files made of the frozen pictures, as curator and its peers read them.

The law: what stands in the pixels stands in the header only where `hints` are asked for.
"""

from __future__ import annotations

import io

from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from curator.model.identity import Identifier, IdentifierKind
from curator.testing.captioned import Captioned, Hints

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ROOT = "1.2.826.0.1.3680043.10.1"
_KINDS = {
    "PatientName": (IdentifierKind.PERSON_NAME, "name"),
    "PatientID": (IdentifierKind.ID, "record_number"),
    "PatientBirthDate": (IdentifierKind.DATE, "birth_date"),
    "InstitutionName": (IdentifierKind.TEXT, "institution"),
    "AccessionNumber": (IdentifierKind.ID, "accession"),
    "ReferringPhysicianName": (IdentifierKind.PERSON_NAME, "referring"),
    "OperatorsName": (IdentifierKind.PERSON_NAME, "operator"),
    "StudyDate": (IdentifierKind.DATE, "study_date"),
}


def dicom_file(picture: Captioned, *, hints: bool, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A Secondary Capture of the picture; with `hints` the header names whoever the picture names."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = _SECONDARY_CAPTURE
    uid = f"{_ROOT}.{ord(picture.half)}.{picture.number + 1}"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{uid}.3"
    data.StudyInstanceUID, data.SeriesInstanceUID = f"{uid}.1", f"{uid}.2"
    data.Modality, data.ConversionType = "OT", "WSD"
    data.PatientName, data.PatientID = "", f"P{picture.number}"
    if hints and picture.hints is not None:
        for keyword, (_, name) in _KINDS.items():
            setattr(data, keyword, getattr(picture.hints, name))
    _put_pixels(data, picture)
    if syntax != ExplicitVRLittleEndian:
        # GDCM's own RLE encoder ends the process on some shapes.
        plugin = "pydicom" if syntax == RLELossless else ""
        data.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    target = io.BytesIO()
    dcmwrite(target, data, enforce_file_format=True)
    return target.getvalue()


def identifiers_of(hints: Hints | None) -> frozenset[Identifier]:
    """What the header with hints says, as a scan takes it from there; nothing for no hints."""
    if hints is None:
        return frozenset()
    return frozenset(Identifier(kind, getattr(hints, name)) for kind, name in _KINDS.values())


def _put_pixels(data: Dataset, picture: Captioned) -> None:
    pixels = picture.pixels
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = pixels.shape[2] if pixels.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = 8 * pixels.dtype.itemsize
    data.BitsStored, data.HighBit, data.PixelRepresentation = picture.bits_stored, picture.bits_stored - 1, 0
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    data.add_new(0x7FE00010, "OB" if data.BitsAllocated == 8 else "OW", content + b"\0" * (len(content) % 2))
