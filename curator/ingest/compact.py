"""Records of a whole scan, kept small: what many files say alike is in memory once.

A worker's answer brings a copy of every text in it; a job keeps a hundred thousand answers.

The law: a compact record equals the one it was made of in all but `identifiers`, and `all_identifiers` is the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from curator.ingest.scanned import Scanned
from curator.model.identity import Identifier, IdentifierKind
from curator.model.instance import PlaneGeometry, SourceInstance

Value = TypeVar("Value", bound=Hashable)
_REPEATED = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPClassUID",
    "TransferSyntaxUID",
    "FrameOfReferenceUID",
    "PatientName",
    "Modality",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "device",
    "author",
    "BurnedInAnnotation",
    "ImageType",
    "descriptors",
    "references",
    "subject",
)


def compacted(scanned: Iterable[Scanned]) -> Iterator[Scanned]:
    """The same records in the same order, sharing what they have in common; nothing for none."""
    known: dict[Hashable, Hashable] = {}
    for one in scanned:
        yield _compact(one, known) if isinstance(one, SourceInstance) else one


def _compact(one: SourceInstance, known: dict[Hashable, Hashable]) -> SourceInstance:
    mine = {one.SOPInstanceUID, *one.references}
    own = frozenset(
        identifier
        for identifier in one.identifiers
        if identifier.kind is IdentifierKind.UID and identifier.value in mine
    )
    values = {name: _shared(getattr(one, name), known) for name in _REPEATED}
    return replace(
        one,
        **values,
        plane=one.plane and _shared_plane(one.plane, known),
        identifiers=_shared_identifiers(one.identifiers - own, known),
        own_uids=tuple(sorted(_same(uid.value, one.SOPInstanceUID) for uid in own)),
    )


def _shared(value: Value, known: dict[Hashable, Hashable]) -> Value:
    shared = known.setdefault((type(value), value), value)
    assert isinstance(shared, type(value))
    return shared


def _shared_identifiers(identifiers: frozenset[Identifier], known: dict[Hashable, Hashable]) -> frozenset[Identifier]:
    if (frozenset, identifiers) not in known:
        identifiers = frozenset(_shared(identifier, known) for identifier in identifiers)
    return _shared(identifiers, known)


def _shared_plane(plane: PlaneGeometry, known: dict[Hashable, Hashable]) -> PlaneGeometry:
    """Slices of a series differ in their position alone."""
    return replace(
        plane,
        ImageOrientationPatient=_shared(plane.ImageOrientationPatient, known),
        PixelSpacing=_shared(plane.PixelSpacing, known),
        SliceThickness=_shared(plane.SliceThickness, known),
    )


def _same(uid: str, known: str) -> str:
    """The known object where the two are equal."""
    return known if uid == known else uid
