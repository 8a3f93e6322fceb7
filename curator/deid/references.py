"""Whether written instances that point to each other agree. Pure.

The law: a reference resolves to a released instance of the same person that is what the reference says it is, or it
points outside, and that is counted. An object that makes no sense without its images (a segmentation, a structure
set, a dose) may not point outside.

Sources: DICOM PS3.15 E.1.1 (UIDs replaced consistently), PS3.3 A.51 (Segmentation), C.8.8.5 (structure sets), C.17.2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from curator.deid.verify import Defect, Residual
from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet
from curator.dicom.references import Reference, frames_of_reference, references, uid_of

_FRAME_POINTER = tag_of("ReferencedFrameOfReferenceUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What one written instance says of itself and of others.

    `frames_stated` are all frames of reference that it defines or repeats, `frames_referred` those it points to.
    """

    file: str
    patient_code: str
    SOPClassUID: str
    SOPInstanceUID: str
    SeriesInstanceUID: str
    StudyInstanceUID: str
    FrameOfReferenceUID: str
    frames_stated: frozenset[str] = frozenset()
    frames_referred: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """References of all instances: how many resolve, how many point outside, and what is wrong by file."""

    resolved: int
    outside: int
    wrong: Mapping[str, tuple[Residual, ...]]


def links_of(data_set: DataSet, *, file: str) -> Links:
    """What a data set says of itself and of others; a part it does not state is ""."""

    def uid(keyword: str) -> str:
        element = data_set.first(tag_of(keyword))
        return uid_of(data_set, element) if element is not None and element.items is None else ""

    stated, referred = frames_of_reference(data_set)
    return Links(
        file=file,
        patient_code=uid("PatientID"),
        SOPClassUID=uid("SOPClassUID"),
        SOPInstanceUID=uid("SOPInstanceUID"),
        SeriesInstanceUID=uid("SeriesInstanceUID"),
        StudyInstanceUID=uid("StudyInstanceUID"),
        FrameOfReferenceUID=uid("FrameOfReferenceUID"),
        frames_stated=stated,
        frames_referred=referred,
        references=references(data_set),
    )


class Compaction:
    """Lets many `Links` share what they say alike, for a release has more instances than series and frames."""

    __slots__ = ("_texts", "_uids")

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._uids: dict[frozenset[str], frozenset[str]] = {}

    def compacted(self, links: Links) -> Links:
        """The same links with shared parts."""
        return replace(
            links,
            patient_code=self._text(links.patient_code),
            SOPClassUID=self._text(links.SOPClassUID),
            SeriesInstanceUID=self._text(links.SeriesInstanceUID),
            StudyInstanceUID=self._text(links.StudyInstanceUID),
            FrameOfReferenceUID=self._text(links.FrameOfReferenceUID),
            frames_stated=self._uids.setdefault(links.frames_stated, links.frames_stated),
            frames_referred=self._uids.setdefault(links.frames_referred, links.frames_referred),
            references=tuple(Reference(*map(self._text, one)) for one in links.references),
        )

    def _text(self, text: str) -> str:
        return self._texts.setdefault(text, text)


def check_references(instances: Iterable[Links], *, needs_images: Callable[[str], bool]) -> ReferenceCheck:
    """Whether all references agree; nothing but zeros for no instances.

    `needs_images` says of a SOP Class whether its objects make no sense without what they refer to. An object whose
    images are wrong themselves is for the caller to ask again about, with those left out.
    """
    known: dict[str, Links] = {}
    wrong: dict[str, tuple[Residual, ...]] = {}
    everything = list(instances)
    for one in everything:
        first = known.setdefault(one.SOPInstanceUID, one)
        if first is not one:
            wrong[one.file] = (Residual(Defect.SAME_INSTANCE_TWICE, tag_text(tag_of("SOPInstanceUID"))),)
    frames = frozenset(frame for one in everything for frame in (one.FrameOfReferenceUID, *one.frames_stated))
    resolved = outside = 0
    for one in everything:
        found = [one_reference for one_reference in one.references if one_reference.sop_instance_uid in known]
        resolved += len(found)
        outside += len(one.references) - len(found)
        defects = dict.fromkeys(_defects(one, known, frames, needs_images=needs_images(one.SOPClassUID)))
        if defects:
            wrong[one.file] = (*wrong.get(one.file, ()), *defects)
    return ReferenceCheck(resolved=resolved, outside=outside, wrong=wrong)


def _defects(
    one: Links, known: Mapping[str, Links], frames: Collection[str], *, needs_images: bool
) -> Iterator[Residual]:
    if needs_images and not one.references:
        yield Residual(Defect.REFERENCE_MISSING, "no reference")
    for reference in one.references:
        target = known.get(reference.sop_instance_uid)
        if target is not None:
            yield from _contradictions(one, reference, target)
        elif needs_images:
            yield Residual(Defect.REFERENCE_MISSING, reference.place)
    if not one.frames_referred <= {*one.frames_stated, *frames}:
        yield Residual(Defect.REFERENCE_CONTRADICTS, tag_text(_FRAME_POINTER))


def _contradictions(one: Links, reference: Reference, target: Links) -> Iterator[Residual]:
    """What a reference says of an instance against what that instance says of itself."""
    said = (
        (one.patient_code, target.patient_code, "PatientID"),
        (reference.sop_class_uid, target.SOPClassUID, "ReferencedSOPClassUID"),
        (reference.series_uid, target.SeriesInstanceUID, "SeriesInstanceUID"),
        (reference.study_uid, target.StudyInstanceUID, "StudyInstanceUID"),
        (reference.frame_of_reference_uid, target.FrameOfReferenceUID, "FrameOfReferenceUID"),
    )
    for claimed, true, keyword in said:
        # What either of the two does not say cannot contradict.
        if claimed and true and claimed != true:
            yield Residual(Defect.REFERENCE_CONTRADICTS, f"{reference.place} {keyword}")
