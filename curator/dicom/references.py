"""Where a data set points to: other stored instances, each with what the data set says of them.

The law: every Referenced SOP Instance UID at every depth is met, and what stands around it (its SOP Class, the series,
the study and the frame of reference of the sequences it lies in) is read from the innermost item that says it.

Sources: DICOM PS3.3 10.8 (SOP Instance Reference Macro), C.18.3, C.18.4 (references in content trees), C.8.8.5
(structure sets), C.17.2 (evidence sequences).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet, Element

REFERENCED_INSTANCE = tag_of("ReferencedSOPInstanceUID")
_REFERENCED_CLASS = tag_of("ReferencedSOPClassUID")
_REFERENCED_FRAME = tag_of("ReferencedFrameOfReferenceUID")
_STUDY = tag_of("StudyInstanceUID")
_SERIES = tag_of("SeriesInstanceUID")
_FRAME = tag_of("FrameOfReferenceUID")
_SAID_ABOUT_THE_INSIDE = frozenset({_STUDY, _SERIES, _FRAME})
# A study by its UID, in the place where an instance's would stand (retired Detached Study Management).
_STUDY_BY_INSTANCE_UID = tag_of("RTReferencedStudySequence")
POINT_TO_NO_INSTANCE = frozenset(
    map(
        tag_of,
        (
            "ReferencedStudySequence",
            "ReferencedPatientSequence",
            "ReferencedVisitSequence",
            "ReferencedPerformedProcedureStepSequence",
            "RTReferencedStudySequence",
        ),
    )
)
"""Their items point to studies, patients, visits and procedure steps, which are no stored instances."""


class Reference(NamedTuple):
    """One instance that a data set points to; a part is "" where nothing around the reference says it.

    `place` is the tags from the top level down, without item numbers.
    """

    place: str
    sop_instance_uid: str
    sop_class_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""


class _Around(NamedTuple):
    place: str
    sequence: int
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str


def references(data_set: DataSet) -> tuple[Reference, ...]:
    """Every reference once, in file order; one that is repeated has the place where it stands first."""
    top = _Around("", 0, "", "", "")
    first: dict[tuple[str, ...], Reference] = {}
    for found in _within(data_set, data_set.elements, top):
        first.setdefault(found[1:], found)
    return tuple(first.values())


def frames_of_reference(data_set: DataSet) -> tuple[frozenset[str], frozenset[str]]:
    """The frames of reference that a data set states at any depth, and those that it refers to."""
    stated: set[str] = set()
    referred: set[str] = set()
    for element in _all(data_set.elements):
        if element.tag == _FRAME:
            stated.add(uid_of(data_set, element))
        elif element.tag == _REFERENCED_FRAME:
            referred.add(uid_of(data_set, element))
    return frozenset(stated - {""}), frozenset(referred - {""})


def uid_of(data_set: DataSet, element: Element) -> str:
    """The one UID that an element holds, "" for an empty one."""
    return data_set.raw(element).decode("latin-1").strip(" \0")


def _within(data_set: DataSet, elements: Iterable[Element], around: _Around) -> Iterator[Reference]:
    own = {element.tag: element for element in elements if element.items is None}
    if around.sequence:
        # At the top level these are the instance's own and say nothing of others.
        around = _narrowed(data_set, own, around)
    pointer = own.get(REFERENCED_INSTANCE)
    if pointer is not None and around.sequence not in POINT_TO_NO_INSTANCE and pointer.length:
        kind = own.get(_REFERENCED_CLASS)
        # One item may name several instances, though none of the standard's does.
        for uid in filter(None, uid_of(data_set, pointer).split("\\")):
            yield Reference(
                place=around.place + tag_text(REFERENCED_INSTANCE),
                sop_instance_uid=uid,
                sop_class_uid="" if kind is None else uid_of(data_set, kind),
                series_uid=around.series_uid,
                study_uid=around.study_uid,
                frame_of_reference_uid=around.frame_of_reference_uid,
            )
    for element in elements:
        inside = around._replace(place=f"{around.place}{tag_text(element.tag)}/", sequence=element.tag)
        for item in element.items or ():
            yield from _within(data_set, item.elements, inside)


def _narrowed(data_set: DataSet, own: dict[int, Element], around: _Around) -> _Around:
    said = {tag: uid_of(data_set, own[tag]) for tag in _SAID_ABOUT_THE_INSIDE & own.keys()}
    if around.sequence == _STUDY_BY_INSTANCE_UID and REFERENCED_INSTANCE in own:
        said[_STUDY] = uid_of(data_set, own[REFERENCED_INSTANCE])
    return around._replace(
        study_uid=said.get(_STUDY) or around.study_uid,
        series_uid=said.get(_SERIES) or around.series_uid,
        frame_of_reference_uid=said.get(_FRAME) or around.frame_of_reference_uid,
    )


def _all(elements: Iterable[Element]) -> Iterator[Element]:
    for element in elements:
        yield element
        for item in element.items or ():
            yield from _all(item.elements)
