"""What of a job follows from heads: which studies decide it, and what it may then not reach into.

The law: what was made from images of a head goes only where it is known what became of its own frame of reference in
every study it follows from, and never with what was taken out of them.

Sources: DICOM PS3.3 C.7.4.1 (Frame of Reference UID), C.8.8.5 (structure sets may name none).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from curator.errors import ItemError
from curator.model.instance import SourceInstance
from curator.model.positions import Positions
from curator.model.quarantine import Reason

Frames = Mapping[str, str | None]
"""By frame of reference the file with its zone, None where there is no face in any of it."""


class Ties:
    """Which head studies a dependent object follows from, by the number of the study."""

    __slots__ = ("_by_frame", "_by_instance", "_frames")

    def __init__(self, heads: Iterable[Iterable[SourceInstance]]) -> None:
        self._by_instance = Positions()
        self._by_frame: defaultdict[str, set[int]] = defaultdict(set)
        self._frames: defaultdict[int, set[str]] = defaultdict(set)
        for number, sources in enumerate(heads):
            for source in sources:
                self._by_instance.add(source.SOPInstanceUID, number)
                self._frames[number].add(source.FrameOfReferenceUID)
                if source.FrameOfReferenceUID:
                    self._by_frame[source.FrameOfReferenceUID].add(number)

    def holds(self, uid: str) -> bool:
        """Whether an instance is a slice of a head."""
        return uid in self._by_instance

    def studies(self, source: SourceInstance) -> tuple[int, ...]:
        """The studies that decide what becomes of a dependent object, sorted; () for one that follows from no head."""
        referred = {number for uid in source.references for number in self._by_instance.find(uid)}
        return tuple(sorted(referred | self._by_frame.get(source.FrameOfReferenceUID, set())))

    def frames(self, source: SourceInstance) -> frozenset[str]:
        """The frames of reference that a dependent object may lie in."""
        if source.FrameOfReferenceUID:
            return frozenset({source.FrameOfReferenceUID})
        return frozenset(frame for number in self.studies(source) for frame in self._frames[number])


@dataclass(frozen=True, slots=True)
class Treatment:
    """What became of all head studies of a run that something follows from, by their numbers."""

    frames: Mapping[int, Frames] = field(repr=False)

    def zones(self, source: SourceInstance, ties: Ties, *, is_shape: Callable[[str], bool]) -> tuple[str, ...]:
        """The files with the zones that a dependent object may not reach into; () where nothing has to be cut.

        `is_shape` says of a SOP Class whether its objects show shapes at all.

        Raises:
            ItemError: FACE_POSSIBLE, it cannot be told.
        """
        studies = ties.studies(source)
        found: Sequence[Frames] = [self.frames.get(number, {}) for number in studies]
        if not studies or not is_shape(source.SOPClassUID):
            return ()
        if not all(found):
            raise ItemError(Reason.FACE_POSSIBLE, "it follows from a head that is held")
        own = ties.frames(source)
        known = {frame: zone for one in found for frame, zone in one.items() if frame in own}
        if known.keys() != own:
            raise ItemError(Reason.FACE_POSSIBLE, "no zone of its frame of reference is known")
        zones = {one[frame] for one in found for frame in own if frame in one}
        if len(own) > 1 and zones != {None}:
            raise ItemError(Reason.FACE_POSSIBLE, "it does not say in which of several frames of reference it lies")
        return tuple(sorted(zone for zone in zones if zone is not None))
