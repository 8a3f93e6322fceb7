"""The volumes under some paths, for who asks about their faces.

The law: volumes are told by numbers: no name of a file, a person or a series is shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from curator.bundled import bundled_folder
from curator.deid.faces.audit import AuditVerdict
from curator.deid.faces.scan import Scan
from curator.deid.faces.stack_scans import scan_of
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.imaging.nifti_series import read_nifti_series
from curator.imaging.stacks import StackReader, stacks_of
from curator.ingest.find import find
from curator.ingest.recognize import HEAD_BYTES, FileKind, kind_of
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Found
from curator.jobs.faces.nifti import scans_of
from curator.jobs.workspace import open_workspace
from curator.model.faces import FaceStatus
from curator.model.instance import SourceInstance
from curator.model.keys import Key
from curator.policy.dependents import load_dependents

HELD = FaceStatus.QUARANTINED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRow:
    """What would become of one volume, or of files that are in none.

    `study` and `series` number what was found; `seconds` are those of the whole study or file. `out` is what was
    written of a NIfTI file.
    """

    kind: FileKind
    study: int
    series: int = 0
    part: int = 0
    modality: str = ""
    shape: tuple[int, ...] = ()
    status: str
    why: str
    rung: int = 0
    numbers: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    out: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether a person has something to do about it: it would be held, or a face is left in it."""
        return self.status in (HELD, AuditVerdict.FACE.value)

    def to_json(self) -> dict[str, object]:
        """The row for machines."""
        return {
            "kind": self.kind.value,
            "study": self.study,
            "series": self.series,
            "part": self.part,
            "modality": self.modality,
            "shape": list(self.shape),
            "status": self.status,
            "why": self.why,
            "rung": self.rung,
            "numbers": {name: round(float(value), 4) for name, value in sorted(self.numbers.items())},
            "seconds": round(self.seconds, 1),
            "out": self.out,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """The files that somebody asks about: DICOM by study, NIfTI one by one, and how many are neither."""

    studies: tuple[tuple[SourceInstance, ...], ...] = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    others: int


def asked_about(paths: Sequence[Path], pseudonyms: Pseudonyms) -> Asked:
    """What lies under some paths; empty for nothing.

    Raises:
        UsageError: a path does not exist.
    """
    rules = bundled_folder("rules")
    scan, dependents = ScanTask(pseudonyms.key, rules), load_dependents(rules)
    studies: dict[str, list[SourceInstance]] = {}
    files: list[Path] = []
    others = 0
    for found in find(paths):
        kind = _kind(found)
        scanned = scan(found) if kind is FileKind.DICOM else None
        if kind is FileKind.NIFTI:
            files.append(found.path)
        elif not isinstance(scanned, SourceInstance) or not scanned.has_pixel_data or scanned.SOPClassUID in dependents:
            others += 1
        else:
            studies.setdefault(scanned.StudyInstanceUID, []).append(scanned)
    ordered = (tuple(sorted(one, key=lambda each: each.SOPInstanceUID)) for one in studies.values())
    return Asked(tuple(ordered), tuple(files), others)


def _kind(found: Found) -> FileKind:
    if found.problem is not None:
        return FileKind.OTHER
    try:
        with found.path.open("rb") as file:
            return kind_of(file.read(HEAD_BYTES))
    except OSError:
        return FileKind.OTHER


def each_scan(asked: Asked) -> Iterator[tuple[FaceRow, Scan | None]]:
    """Every volume, told by a row, and None for one that cannot be read; the row then says why."""
    for number, sources in enumerate(asked.studies, start=1):
        paths = [Path(one.reference) for one in sources]
        found, reader = stacks_of(paths), StackReader(paths)
        for stack in found.stacks:
            row = FaceRow(
                kind=FileKind.DICOM,
                study=number,
                series=stack.series,
                part=stack.part,
                modality=stack.kind.Modality,
                shape=stack.shape,
                status=HELD,
                why="",
            )
            try:
                yield row, scan_of(stack, reader.read(stack))
            except ItemError as error:
                yield replace(row, why=f"{error.reason.value}: {error.detail}"), None
        for one in found.problems:
            yield held_row(FileKind.DICOM, number, ItemError(one.reason, one.detail)), None
    for number, path in enumerate(asked.files, start=len(asked.studies) + 1):
        try:
            scans = scans_of(read_nifti_series(path))
        except ItemError as error:
            yield held_row(FileKind.NIFTI, number, error), None
            continue
        for part, scan in enumerate(scans):
            row = FaceRow(kind=FileKind.NIFTI, study=number, part=part, shape=scan.volume.shape, status=HELD, why="")
            yield row, scan


def held_row(kind: FileKind, number: int, error: ItemError) -> FaceRow:
    """The row of what cannot be looked at."""
    return FaceRow(kind=kind, study=number, status=HELD, why=f"{error.reason.value}: {error.detail}")


def key_of(workspace: Path | None) -> Key:
    """The workspace's key; without a workspace one that nobody keeps.

    Raises:
        RefusedError: the workspace's key cannot be used.
    """
    if workspace is not None:
        return open_workspace(workspace).load_key()
    secret = secrets.token_bytes(32)
    return Key(key_id_of(secret), "nobody's", secret)
