"""Records of several files, kept small: what they say alike stands once.

A worker's answer brings a copy of every text in it; a job keeps a hundred thousand answers.

The law: a record that was packed comes out equal in all but `identifiers`, and `all_identifiers` is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from curator.ingest.scanned import Held, Scanned
from curator.model.identity import Identifier, IdentifierKind
from curator.model.instance import SourceInstance

_Position = tuple[float, float, float] | None
_NOWHERE = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Alone:
    """What one file says alone; `alike` is the number of what it shares with others."""

    alike: int
    reference: str = field(repr=False)
    content_id: str
    size_bytes: int
    SOPInstanceUID: str = field(repr=False)
    position: _Position
    references: frozenset[str] = field(repr=False)
    stamp: bytes = field(repr=False)
    own_uids: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Packed:
    """Records in their order."""

    alike: tuple[SourceInstance, ...] = field(repr=False)
    each: tuple[_Alone | Held, ...] = field(repr=False)


def packed(scanned: Iterable[Scanned]) -> Packed:
    """The records without what they repeat; empty for none."""
    numbers: dict[SourceInstance, int] = {}
    each: list[_Alone | Held] = []
    for one in scanned:
        if isinstance(one, Held):
            each.append(one)
            continue
        own = _own_uids(one)
        number = numbers.setdefault(shared_part(one), len(numbers))
        position = one.plane.ImagePositionPatient if one.plane is not None else None
        each.append(
            _Alone(
                number,
                one.reference,
                one.content_id,
                one.size_bytes,
                one.SOPInstanceUID,
                position,
                one.references,
                one.stamp,
                own,
            )
        )
    return Packed(tuple(numbers), tuple(each))


def unpacked(packed: Packed) -> tuple[Scanned, ...]:
    """The records again."""
    return tuple(one if isinstance(one, Held) else _whole(packed.alike[one.alike], one) for one in packed.each)


def shared_part(one: SourceInstance) -> SourceInstance:
    """A record without what is one file's own; slices of a series differ in their position alone."""
    own = {Identifier(IdentifierKind.UID, uid) for uid in _own_uids(one)}
    # The same object where it can be: it knows its hash.
    shared = one.identifiers if own.isdisjoint(one.identifiers) else one.identifiers - own
    return replace(
        one,
        reference="",
        content_id="",
        size_bytes=0,
        SOPInstanceUID="",
        plane=one.plane and replace(one.plane, ImagePositionPatient=_NOWHERE),
        references=frozenset(),
        identifiers=shared,
        stamp=b"",
        own_uids=(),
    )


def _own_uids(one: SourceInstance) -> tuple[str, ...]:
    mine = {one.SOPInstanceUID, *one.references}
    stated = {uid for uid in mine if Identifier(IdentifierKind.UID, uid) in one.identifiers}
    return tuple(sorted(stated.union(one.own_uids)))


def _whole(alike: SourceInstance, one: _Alone) -> SourceInstance:
    plane = alike.plane
    if plane is not None and one.position is not None:
        plane = replace(plane, ImagePositionPatient=one.position)
    return replace(
        alike,
        reference=one.reference,
        content_id=one.content_id,
        size_bytes=one.size_bytes,
        SOPInstanceUID=one.SOPInstanceUID,
        plane=plane,
        references=one.references,
        stamp=one.stamp,
        own_uids=one.own_uids,
    )
