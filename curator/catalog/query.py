"""What the catalogue says, as records.

The law: answers are sorted here and not by the database, whose collation differs by product, so that equal catalogues
give equal answers everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields

from sqlalchemy import Connection, Row, select

from curator.catalog.record import AnnotationRecord
from curator.catalog.rows import canonical_json
from curator.catalog.tables import annotation, characteristics, instance, reference
from curator.catalog.vendors import VendorNames, bundled_vendor_names
from curator.errors import UsageError
from curator.model.annotation import Label
from curator.model.instance import ReleasedInstance
from curator.model.series import CatalogSeries
from curator.strict import nearest

_AGREED = (
    "FrameOfReferenceUID",
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "centre_code",
    "device_code",
    "author_code",
)
"""What a series has one of. Where its instances differ the most frequent value stands, then the first by code point."""


def series(connection: Connection, *, vendors: VendorNames | None = None) -> list[CatalogSeries]:
    """Every recorded series, sorted by patient, study and series; nothing for an empty catalogue."""
    names = vendors or bundled_vendor_names()
    authors = _authors(connection)
    grouped: dict[tuple[str, str, str], list[ReleasedInstance]] = defaultdict(list)
    for one in instances(connection):
        grouped[one.patient_code, one.StudyInstanceUID, one.SeriesInstanceUID].append(one)
    return [_series(grouped[key], authors.get(key[2], ()), names) for key in sorted(grouped)]


def instances(connection: Connection) -> list[ReleasedInstance]:
    """Every recorded instance, sorted by SOP Instance UID."""
    referenced = _references(connection)
    kept = {row.SOPInstanceUID: row._asdict() for row in connection.execute(select(characteristics))}
    return sorted(
        (_instance(row, referenced, kept) for row in connection.execute(select(instance))),
        key=lambda one: one.SOPInstanceUID,
    )


def released_paths(connection: Connection) -> dict[str, str]:
    """Where each recorded instance lies in the release folder, by SOP Instance UID, sorted by it."""
    rows = connection.execute(select(instance.c.SOPInstanceUID, instance.c.path)).all()
    return dict(sorted((str(uid), str(path)) for uid, path in rows))


def policy_digests(connection: Connection) -> dict[str, str]:
    """Under which policy each recorded instance was made, by its path in the release folder, sorted by it."""
    rows = connection.execute(select(instance.c.path, instance.c.policy_digest)).all()
    return dict(sorted((str(path), str(digest)) for path, digest in rows))


def annotation_records(connection: Connection) -> list[AnnotationRecord]:
    """Every annotation whose series is recorded, sorted."""
    recorded = select(instance.c.SeriesInstanceUID)
    query = select(annotation).where(annotation.c.SeriesInstanceUID.in_(recorded))
    return sorted(_annotation(row) for row in connection.execute(query))


def snapshot_digest(connection: Connection, *, vendors: VendorNames | None = None) -> str:
    """SHA-256 of all that stages can read from the catalogue, 64 hex digits, whatever order it was recorded in."""
    names = vendors or bundled_vendor_names()
    digest = hashlib.sha256()
    for one in instances(connection):
        facts = {field.name: getattr(one, field.name) for field in fields(one)}
        digest.update(canonical_json(["instance", facts, names.vendor(one.Manufacturer)]).encode() + b"\n")
    for mask in annotation_records(connection):
        labels = [[label.value, label.name, label.code_value, label.coding_scheme] for label in mask.labels]
        text = [mask.annotation_id, mask.SeriesInstanceUID, mask.author_code, mask.role, mask.tool, mask.kind]
        digest.update(canonical_json(["annotation", *text, labels, mask.mask_path, mask.mask_sha256]).encode() + b"\n")
    return digest.hexdigest()


def release_digest(connection: Connection) -> str:
    """SHA-256 of which files are released, 64 hex digits: of their paths and contents, whatever else is recorded."""
    rows = connection.execute(select(instance.c.path, instance.c.sha256))
    # Digests and not the lines: of a hundred thousand files these would fill the memory.
    lines = sorted(hashlib.sha256(f"{path} {sha256}".encode()).digest() for path, sha256 in rows)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def matching(candidates: Iterable[CatalogSeries], conditions: Mapping[str, str]) -> list[CatalogSeries]:
    """Those for which every attribute that `conditions` names has the value it names; all for no conditions.

    Raises:
        UsageError: a condition names no text attribute of a series.
    """
    known = sorted(field.name for field in fields(CatalogSeries) if field.type == "str")
    for name in conditions:
        if name not in known:
            raise UsageError(f"a series has no attribute {name!r}{nearest(name, known)}")
    return [one for one in candidates if all(getattr(one, name) == value for name, value in conditions.items())]


def _series(members: list[ReleasedInstance], annotators: tuple[str, ...], names: VendorNames) -> CatalogSeries:
    first = members[0]
    agreed = {name: _most_frequent(getattr(one, name) for one in members) for name in _AGREED}
    files = sorted((one.path, one.sha256) for one in members)
    return CatalogSeries(
        SeriesInstanceUID=first.SeriesInstanceUID,
        StudyInstanceUID=first.StudyInstanceUID,
        patient_code=first.patient_code,
        vendor=names.vendor(agreed["Manufacturer"]),
        instance_count=len(members),
        paths=tuple(path for path, _ in files),
        sha256s=tuple(sha256 for _, sha256 in files),
        references=tuple(sorted({uid for one in members for uid in one.references})),
        annotators=annotators,
        **agreed,
    )


def _most_frequent(values: Iterable[str]) -> str:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def _instance(
    row: Row[tuple[object, ...]], referenced: Mapping[str, tuple[str, ...]], kept: Mapping[str, dict[str, str]]
) -> ReleasedInstance:
    facts = row._asdict()
    facts |= kept.get(facts["SOPInstanceUID"], {})
    return ReleasedInstance(**facts, references=referenced.get(facts["SOPInstanceUID"], ()))


def _annotation(row: Row[tuple[object, ...]]) -> AnnotationRecord:
    facts = row._asdict()
    del facts["annotation_id"]
    labels = tuple(Label(**label) for label in json.loads(facts.pop("labels")))
    return AnnotationRecord(**facts, labels=labels)


def _references(connection: Connection) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for uid, referenced in connection.execute(select(reference)):
        found[uid].append(referenced)
    return {uid: tuple(sorted(uids)) for uid, uids in found.items()}


def _authors(connection: Connection) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for uid, code in connection.execute(select(annotation.c.SeriesInstanceUID, annotation.c.author_code)):
        found[uid].add(code)
    return {uid: tuple(sorted(codes)) for uid, codes in found.items()}
