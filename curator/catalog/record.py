"""Writes released instances and their annotations into the catalogue.

The law: recording is idempotent and order-free; what is forgotten leaves no empty series, study or patient behind.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, select

from curator.catalog.rows import Written, canonical_json, chunks, write_changed
from curator.catalog.tables import annotation, characteristics, instance, patient, reference, series, study
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Reason

_INSTANCE_COLUMNS = tuple(column.name for column in instance.columns)
_CHARACTERISTICS = tuple(column.name for column in characteristics.columns)
_PLACE = ("patient_code", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AnnotationRecord:
    """One author's mask of one series as the catalogue knows it; `mask_path` is relative to the workspace.

    `kind` is `segmentation`, `class`, `landmark` or `box`.
    """

    SeriesInstanceUID: str
    author_code: str
    role: str
    tool: str
    kind: str
    labels: tuple[Label, ...]
    mask_path: str
    mask_sha256: str

    @property
    def annotation_id(self) -> str:
        """64 hex digits from what makes an annotation this one: series, author, tool, kind and mask."""
        parts = [self.SeriesInstanceUID, self.author_code, self.tool, self.kind, self.mask_sha256]
        return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def record_instances(connection: Connection, instances: Iterable[ReleasedInstance]) -> int:
    """How many of `instances` were new or different from what was recorded; the others change nothing.

    Raises:
        IntegrityError: `instances` holds two different ones under one SOP Instance UID.
    """
    wanted = _by_uid(instances)
    rows = [{name: getattr(one, name) for name in _INSTANCE_COLUMNS} for one in wanted.values()]
    for table in (patient, study, series):
        names = [column.name for column in table.columns]
        write_changed(connection, table, [{name: row[name] for name in names} for row in rows])
    written = write_changed(connection, instance, rows)
    changed = {uid for (uid,) in written.keys} | _record_references(connection, wanted)
    changed |= _record_characteristics(connection, wanted)
    if written.altered:
        _prune(connection)
    return len(changed)


def clashes(connection: Connection, instances: Iterable[ReleasedInstance]) -> dict[str, Reason]:
    """Why some of `instances` contradict what is recorded, by SOP Instance UID; nothing where none does.

    A study that is recorded under another patient is `PATIENT_ID_CONFLICT`; an instance that is recorded in another
    series is `SOP_INSTANCE_UID_CONFLICT`. A job asks before it releases.
    """
    wanted = _by_uid(instances)
    found: dict[str, Reason] = {}
    places = {uid: tuple(getattr(one, name) for name in _PLACE) for uid, one in wanted.items()}
    for uids in chunks(sorted(wanted)):
        columns = [instance.c.SOPInstanceUID, *(instance.c[name] for name in _PLACE)]
        for uid, *place in connection.execute(select(*columns).where(instance.c.SOPInstanceUID.in_(uids))):
            if tuple(place) != places[uid]:
                found[uid] = Reason.SOP_INSTANCE_UID_CONFLICT
    patients = defaultdict(set)
    for studies in chunks(sorted({one.StudyInstanceUID for one in wanted.values()})):
        query = select(study.c.StudyInstanceUID, study.c.patient_code).where(study.c.StudyInstanceUID.in_(studies))
        for study_uid, patient_code in connection.execute(query):
            patients[study_uid].add(patient_code)
    for uid, one in wanted.items():
        if patients[one.StudyInstanceUID] - {one.patient_code}:
            found[uid] = Reason.PATIENT_ID_CONFLICT
    return found


def forget_instances(connection: Connection, uids: Iterable[str]) -> int:
    """How many of them were recorded; their references, and series, studies and patients they leave empty, go too."""
    gone = 0
    for part in chunks(sorted(set(uids))):
        gone += connection.execute(delete(instance).where(instance.c.SOPInstanceUID.in_(part))).rowcount
    if gone:
        _prune(connection)
    return gone


def record_annotations(connection: Connection, annotations: Iterable[AnnotationRecord]) -> int:
    """How many of `annotations` were new or different from what was recorded."""
    return len(write_changed(connection, annotation, [_annotation_row(one) for one in sorted(annotations)]).keys)


def forget_annotation(connection: Connection, annotation_id: str) -> bool:
    """Whether it was recorded."""
    return bool(connection.execute(delete(annotation).where(annotation.c.annotation_id == annotation_id)).rowcount)


def _by_uid(instances: Iterable[ReleasedInstance]) -> dict[str, ReleasedInstance]:
    wanted: dict[str, ReleasedInstance] = {}
    for one in instances:
        if wanted.setdefault(one.SOPInstanceUID, one) != one:
            raise IntegrityError("two different instances were given under one SOP Instance UID")
    return wanted


def _annotation_row(one: AnnotationRecord) -> dict[str, str]:
    plain = [column.name for column in annotation.columns if column.name != "labels"]
    labels = canonical_json([asdict(label) for label in one.labels])
    return {name: getattr(one, name) for name in plain} | {"labels": labels}


def _record_references(connection: Connection, wanted: dict[str, ReleasedInstance]) -> set[str]:
    """The SOP Instance UIDs whose references were not stored so."""
    changed: set[str] = set()
    for uids in chunks(sorted(wanted)):
        stored = defaultdict(set)
        for uid, referenced in connection.execute(select(reference).where(reference.c.SOPInstanceUID.in_(uids))):
            stored[uid].add(referenced)
        stale = [uid for uid in uids if stored[uid] - set(wanted[uid].references)]
        if stale:
            connection.execute(delete(reference).where(reference.c.SOPInstanceUID.in_(stale)))
        fresh = _insert_references(connection, [wanted[uid] for uid in uids])
        changed.update(stale, (uid for uid, _ in fresh.inserted))
    return changed


def _record_characteristics(connection: Connection, wanted: dict[str, ReleasedInstance]) -> set[str]:
    """The SOP Instance UIDs of which something else was stored; who has none of them has no row."""
    rows = [{name: getattr(one, name) for name in _CHARACTERISTICS} for one in wanted.values()]
    said = [row for row in rows if any(row[name] for name in _CHARACTERISTICS if name != "SOPInstanceUID")]
    changed = {uid for (uid,) in write_changed(connection, characteristics, said).keys}
    silent = sorted(wanted.keys() - {row["SOPInstanceUID"] for row in said})
    for uids in chunks(silent):
        stored = characteristics.c.SOPInstanceUID
        stale = connection.execute(select(stored).where(stored.in_(uids))).scalars().all()
        if stale:
            connection.execute(delete(characteristics).where(stored.in_(stale)))
            changed.update(stale)
    return changed


def _insert_references(connection: Connection, instances: Sequence[ReleasedInstance]) -> Written:
    pairs = [(one.SOPInstanceUID, referenced) for one in instances for referenced in one.references]
    names = ("SOPInstanceUID", "ReferencedSOPInstanceUID")
    return write_changed(connection, reference, [dict(zip(names, pair, strict=True)) for pair in pairs])


def _prune(connection: Connection) -> None:
    """Drop every series, study and patient that nothing belongs to any more."""
    for parent, child in ((series, instance), (study, series), (patient, study)):
        same = [child.c[column.name] == column for column in parent.primary_key]
        connection.execute(delete(parent).where(~select(child).where(*same).exists()))
