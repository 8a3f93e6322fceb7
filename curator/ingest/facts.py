"""What a scan learns of one DICOM file, its pixels left alone.

The law: an instance whose bytes, class or identity cannot be vouched for is refused here; what is taken carries every
value that identifies somebody, from every depth, so that the search in what is written can miss none.

Sources: DICOM PS3.10 7.1 (file meta against data set), PS3.4 B.5 (storage classes, through pydicom's UID dictionary),
PS3.3 C.7.6.16 (functional groups).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from curator.dicom.dictionary import TEXT_VRS, tag_of, tag_text
from curator.dicom.elements import Buffer, DataSet, Element
from curator.dicom.parse import parse
from curator.dicom.references import POINT_TO_NO_INSTANCE, REFERENCED_INSTANCE
from curator.dicom.tables import UIDS
from curator.dicom.walk import Placed, values_at, walk
from curator.errors import ItemError
from curator.identity.pseudonyms import is_well_known, normalized_id
from curator.ingest.descriptors import DescriptorPlaces, bundled_descriptors, is_descriptor
from curator.ingest.header import GEOMETRY, Header
from curator.model.decision import Action, ElementRef
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy, identifier_kind
from curator.policy.identifiers import kind_of
from curator.policy.recipe.laid import decided_over

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_MEDIA_STORAGE_CLASS = 0x00020002
_MEDIA_STORAGE_INSTANCE = 0x00020003
_CONTENT_CREATOR = tag_of("ContentCreatorName")
_ROI_INTERPRETER = tag_of("ROIInterpreter")
_MOST_REMEMBERED = 1 << 14
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
ASKED = GEOMETRY | frozenset(
    map(
        tag_of,
        (
            "BitsAllocated",
            "BodyPartExamined",
            "BurnedInAnnotation",
            "DeviceSerialNumber",
            "DirectoryRecordSequence",
            "EncapsulatedDocument",
            "FrameOfReferenceUID",
            "ImageType",
            "InstitutionName",
            "IssuerOfPatientID",
            "Manufacturer",
            "ManufacturerModelName",
            "Modality",
            "NumberOfFrames",
            "PatientID",
            "PatientName",
            "PhotometricInterpretation",
            "Rows",
            "Columns",
            "SOPClassUID",
            "SOPInstanceUID",
            "SamplesPerPixel",
            "SeriesInstanceUID",
            "StationName",
            "StudyInstanceUID",
            *_PIXELS,
        ),
    )
)
"""All elements of the top level that a header is asked for by name."""


def instance_facts(
    data: Buffer,
    *,
    reference: str,
    content_id: str,
    policy: HeaderPolicy,
    places: DescriptorPlaces | None = None,
) -> SourceInstance:
    """The facts of the DICOM file whose bytes are `data`; `places` are the bundled ones where they are not given.

    Raises:
        ItemError: EMPTY_FILE, NOT_DICOM, TRUNCATED, MALFORMED, UNSUPPORTED_TRANSFER_SYNTAX, DICOMDIR or
            UNSUPPORTED_OBJECT.
    """
    asking = Asking(policy, bundled_descriptors() if places is None else places)
    return facts_of(parse(data), reference=reference, content_id=content_id, asking=asking)


def facts_of(
    data_set: DataSet,
    *,
    reference: str,
    content_id: str,
    asking: Asking,
    beside: Said | None = None,
) -> SourceInstance:
    """The facts of a file taken apart; `beside` is what elements said that were left out of it, in no order.

    Raises:
        ItemError: MALFORMED, DICOMDIR or UNSUPPORTED_OBJECT.
    """
    header = Header(data_set)
    _refuse_media_directory(data_set, header)
    sop_class_uid, sop_instance_uid = header.required_uid("SOPClassUID"), header.required_uid("SOPInstanceUID")
    _refuse_contradiction(data_set, _MEDIA_STORAGE_CLASS, sop_class_uid)
    _refuse_contradiction(data_set, _MEDIA_STORAGE_INSTANCE, sop_instance_uid)
    # The policy's tables are of a newer edition and know classes that pydicom does not.
    if not (is_storage_class(sop_class_uid) or sop_class_uid in asking.policy.standard.types.top_level):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "the SOP Class is not a storage class of the standard")
    said = asking.said_in(data_set, sop_class_uid)
    if beside is not None:
        said.identifiers |= beside.identifiers
        said.references |= beside.references
    return SourceInstance(
        reference=reference,
        content_id=content_id,
        size_bytes=len(data_set.meta_data),
        subject=_subject(header),
        StudyInstanceUID=header.required_uid("StudyInstanceUID"),
        SeriesInstanceUID=header.required_uid("SeriesInstanceUID"),
        SOPInstanceUID=sop_instance_uid,
        SOPClassUID=sop_class_uid,
        TransferSyntaxUID=data_set.syntax.uid,
        FrameOfReferenceUID=header.text("FrameOfReferenceUID"),
        PatientName=header.text("PatientName"),
        Modality=header.text("Modality"),
        BodyPartExamined=header.text("BodyPartExamined"),
        Manufacturer=header.text("Manufacturer"),
        ManufacturerModelName=header.text("ManufacturerModelName"),
        InstitutionName=header.text("InstitutionName"),
        device=header.text("DeviceSerialNumber") or header.text("StationName"),
        author=said.content_creator or said.roi_interpreter,
        BurnedInAnnotation=header.text("BurnedInAnnotation"),
        ImageType=header.values("ImageType"),
        Rows=header.unsigned("Rows"),
        Columns=header.unsigned("Columns"),
        NumberOfFrames=header.count("NumberOfFrames"),
        SamplesPerPixel=header.unsigned("SamplesPerPixel"),
        PhotometricInterpretation=header.text("PhotometricInterpretation"),
        BitsAllocated=header.unsigned("BitsAllocated"),
        has_pixel_data=any(name in header for name in _PIXELS),
        has_encapsulated_document="EncapsulatedDocument" in header,
        plane=header.plane(),
        descriptors=tuple(dict.fromkeys(said.descriptors)),
        identifiers=frozenset(said.identifiers),
        references=frozenset(said.references),
    )


@lru_cache(maxsize=512)
def is_storage_class(uid: str) -> bool:
    """Whether instances of this SOP Class are stored as files, says the edition of the standard that pydicom knows."""
    name, kind, *_ = UIDS.get(uid, ("", ""))
    return kind == "SOP Class" and "Storage" in name and "Commitment" not in name and uid != MEDIA_DIRECTORY


@dataclass(slots=True)
class Said:
    """What elements at any depth say."""

    content_creator: str = ""
    roi_interpreter: str = ""
    descriptors: list[str] = field(default_factory=list)
    identifiers: set[Identifier] = field(default_factory=set)
    references: set[str] = field(default_factory=set)


class Asking:
    """Asks the elements of one file after the other what they say, under one policy."""

    __slots__ = ("_kinds", "places", "policy")

    def __init__(self, policy: HeaderPolicy, places: DescriptorPlaces) -> None:
        self.policy = policy
        self.places = places
        # Frames and files repeat the same places; the policy is asked once for each.
        self._kinds: dict[ElementRef, IdentifierKind | None] = {}

    def said_in(self, data_set: DataSet, sop_class_uid: str) -> Said:
        """What the elements of a data set say, each by itself, its private creator and the character set at hand."""
        said = Said()
        overlay = decided_over(self.policy, data_set).decisions
        for placed in walk(data_set):
            element, path = placed.element, placed.path
            if element.length == 0 or element.items is not None:
                continue
            place = ElementRef(element.tag, element.vr, path, sop_class_uid, placed.private_creator)
            kind = self._kind(place, placed.vr)
            decision = overlay.get(element.start)
            if decision is not None:
                # What a recipe removes is searched as well as what the profile does.
                also = kind_of(self.policy.identifiers, replace(place, vr=placed.vr), decision)
                kind = None if decision.action is Action.KEEP else kind or also
            if kind is not None:
                said.identifiers.update(_identifiers(kind, _texts(data_set, placed)))
            if element.tag == REFERENCED_INSTANCE and not POINT_TO_NO_INSTANCE.intersection(path[-1:]):
                said.references.update(filter(None, values_at(data_set, placed)))
            elif element.tag == _CONTENT_CREATOR and not path:
                said.content_creator = _first(data_set, placed)
            elif element.tag == _ROI_INTERPRETER:
                said.roi_interpreter = said.roi_interpreter or _first(data_set, placed)
            elif is_descriptor(self.places, path, element.tag):
                said.descriptors.extend(filter(None, values_at(data_set, placed)))
        return said

    def is_ordered(self, data_set: DataSet, element: Element) -> bool:
        """Whether something of what an element of the top level says has a place among what the others say."""
        if element.items is None:
            return element.tag in (_CONTENT_CREATOR, _ROI_INTERPRETER) or is_descriptor(self.places, (), element.tag)
        said = self.said_in(data_set._replace(elements=(element,)), "")
        return bool(said.descriptors or said.roi_interpreter)

    def _kind(self, place: ElementRef, dictionary_vr: str) -> IdentifierKind | None:
        """The kind as written, or else as the dictionary says that it should have been written."""
        try:
            return self._kinds[place]
        except KeyError:
            kind = identifier_kind(self.policy, place)
        if kind is None and place.vr != dictionary_vr:
            kind = identifier_kind(self.policy, replace(place, vr=dictionary_vr))
        # Paths are the file's to choose; a hostile one may not fill the memory.
        if len(self._kinds) >= _MOST_REMEMBERED:
            self._kinds.clear()
        self._kinds[place] = kind
        return kind


def _identifiers(kind: IdentifierKind, values: tuple[str, ...]) -> Iterator[Identifier]:
    for value in values:
        # The standard's own UIDs name kinds of things.
        if value and not (kind is IdentifierKind.UID and is_well_known(value)):
            yield Identifier(kind, value)


def _subject(header: Header) -> SubjectKey | None:
    """Whose instance it is; None without a Patient ID. A Patient ID with a backslash is one, however odd."""
    patient_id = "\\".join(header.values("PatientID"))
    return SubjectKey(patient_id, header.text("IssuerOfPatientID")) if normalized_id(patient_id) else None


def _first(data_set: DataSet, placed: Placed) -> str:
    return next(iter(values_at(data_set, placed)), "")


def _texts(data_set: DataSet, placed: Placed) -> tuple[str, ...]:
    """The text of an identifier; an unknown VR is text where every character of it can be printed."""
    if placed.vr in TEXT_VRS:
        return values_at(data_set, placed)
    if placed.vr != "UN":
        return ()
    text = data_set.raw(placed.element).decode("latin-1").strip(" \0")
    return tuple(text.split("\\")) if text.isprintable() else ()


def _refuse_media_directory(data_set: DataSet, header: Header) -> None:
    if _meta_text(data_set, _MEDIA_STORAGE_CLASS) == MEDIA_DIRECTORY or "DirectoryRecordSequence" in header:
        raise ItemError(Reason.DICOMDIR)


def _refuse_contradiction(data_set: DataSet, tag: int, said_in_data_set: str) -> None:
    said_in_meta = _meta_text(data_set, tag)
    if said_in_meta and said_in_meta != said_in_data_set:
        raise ItemError(Reason.MALFORMED, f"{tag_text(tag)} of the file meta contradicts the data set")


def _meta_text(data_set: DataSet, tag: int) -> str:
    for element in data_set.meta:
        if element.tag == tag:
            value = bytes(data_set.meta_data[element.value : element.value + element.length])
            return value.decode("latin-1").strip(" \0")
    return ""
