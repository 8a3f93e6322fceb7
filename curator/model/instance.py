"""One DICOM instance, as found and as released.

The law: `SourceInstance` never leaves the job that read it and shows nothing of the patient in its `repr`;
`ReleasedInstance` holds only what may stand in a catalogue that leaves the house.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.model.identity import Identifier, IdentifierKind, SubjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneGeometry:
    """Where an image lies: DICOM's row-column direction cosines, position and spacing in millimetres, LPS."""

    ImageOrientationPatient: tuple[float, float, float, float, float, float]
    ImagePositionPatient: tuple[float, float, float]
    PixelSpacing: tuple[float, float]
    SliceThickness: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInstance:
    """What the scan learns of one DICOM file without keeping its pixels.

    `reference` is the path as given by the storage, `content_id` a keyed SHA-256 of all bytes, `descriptors` the free
    text that gates look for head words in, `identifiers` all values that may not survive, `references` the SOP
    Instance UIDs that the instance points to, `device` its serial number or station name. `stamp` is what the file
    system said of the file, empty where it cannot vouch for its bytes. `own_uids` are identifiers that were taken out
    of `identifiers` because no other file says them.
    """

    reference: str = field(repr=False)
    content_id: str
    size_bytes: int
    subject: SubjectKey | None = field(repr=False)
    StudyInstanceUID: str = field(repr=False)
    SeriesInstanceUID: str = field(repr=False)
    SOPInstanceUID: str = field(repr=False)
    SOPClassUID: str
    TransferSyntaxUID: str
    FrameOfReferenceUID: str = field(repr=False, default="")
    PatientName: str = field(repr=False, default="")
    Modality: str = ""
    BodyPartExamined: str = ""
    Manufacturer: str = ""
    ManufacturerModelName: str = ""
    InstitutionName: str = field(repr=False, default="")
    device: str = field(repr=False, default="")
    author: str = field(repr=False, default="")
    BurnedInAnnotation: str = ""
    ImageType: tuple[str, ...] = ()
    Rows: int = 0
    Columns: int = 0
    NumberOfFrames: int = 1
    SamplesPerPixel: int = 0
    PhotometricInterpretation: str = ""
    BitsAllocated: int = 0
    has_pixel_data: bool = False
    has_encapsulated_document: bool = False
    plane: PlaneGeometry | None = None
    descriptors: tuple[str, ...] = field(repr=False, default=())
    identifiers: frozenset[Identifier] = field(repr=False, default=frozenset())
    references: frozenset[str] = field(repr=False, default=frozenset())
    stamp: bytes = field(repr=False, compare=False, default=b"")
    own_uids: tuple[str, ...] = field(repr=False, default=())

    @property
    def all_identifiers(self) -> frozenset[Identifier]:
        """All values that may not survive, those of `own_uids` too."""
        return self.identifiers | {Identifier(IdentifierKind.UID, uid) for uid in self.own_uids}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedInstance:
    """One written instance as the catalogue knows it; every UID is a replacement.

    `path` is relative to the release folder. `centre_code`, `device_code` and `author_code` are keyed codes, empty
    where the source said nothing. What may single a person out (the last fields) is as the written file says it, empty
    where it says nothing; `StudyDate` is empty too where dates were moved, for then it tells nobody the year.
    """

    SOPInstanceUID: str
    SOPClassUID: str
    SeriesInstanceUID: str
    StudyInstanceUID: str
    FrameOfReferenceUID: str
    TransferSyntaxUID: str
    patient_code: str
    centre_code: str
    device_code: str
    author_code: str
    Modality: str
    BodyPartExamined: str
    Manufacturer: str
    ManufacturerModelName: str
    Rows: int
    Columns: int
    NumberOfFrames: int
    references: tuple[str, ...]
    path: str
    sha256: str
    size_bytes: int
    policy_digest: str
    PatientSex: str = ""
    PatientAge: str = ""
    EthnicGroup: str = ""
    PatientWeight: str = ""
    PatientSize: str = ""
    StudyDate: str = ""
