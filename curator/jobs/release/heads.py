"""Which instances are defaced together: what may be a head, with all that lies in its frame of reference.

The law: an instance that may show a face is in exactly one group; so are the images of its study that share its frame
of reference, whatever the gates say of them, for the same anatomy has to go from all.

Sources: DICOM PS3.3 C.7.4.1 (what has the same Frame of Reference UID lies in the same coordinates).
"""

from __future__ import annotations

from array import array
from collections import defaultdict

from curator.model.identity import SubjectKey
from curator.model.instance import SourceInstance

Study = tuple[SubjectKey | None, str]


class HeadStudies:
    """Gathers instances by person and study while they are planned."""

    __slots__ = ("_beside", "_frames", "_heads")

    def __init__(self) -> None:
        self._heads: defaultdict[Study, array[int]] = defaultdict(lambda: array("q"))
        self._frames: defaultdict[Study, set[str]] = defaultdict(set)
        self._beside: defaultdict[tuple[Study, str], array[int]] = defaultdict(lambda: array("q"))

    def add(self, number: int, source: SourceInstance, *, defaces: bool) -> None:
        """The next instance that stands on its own, and whether it may show a face."""
        study = (source.subject, source.StudyInstanceUID)
        if defaces:
            self._heads[study].append(number)
            self._frames[study].add(source.FrameOfReferenceUID)
        elif source.has_pixel_data and source.FrameOfReferenceUID:
            self._beside[study, source.FrameOfReferenceUID].append(number)

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of each group, sorted; groups in the order of their first. None where nothing may be a head."""
        found = []
        for study, numbers in self._heads.items():
            others = (self._beside.get((study, frame), ()) for frame in self._frames[study])
            found.append(tuple(sorted((*numbers, *(number for one in others for number in one)))))
        return tuple(sorted(found))
