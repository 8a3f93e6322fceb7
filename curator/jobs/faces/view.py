"""What defacing would make of files that somebody asks about, and whether a face is left in what claims to have none.

The law: volumes are told by numbers: no name of a file, a person or a series is shown; nothing is written but where asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.bundled import bundled_folder
from curator.deid.faces.tools import FaceTools
from curator.errors import ItemError, RefusedError, UsageError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.ingest.find import find
from curator.ingest.recognize import HEAD_BYTES, FileKind, kind_of
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Found, Held
from curator.jobs.faces.nifti import nifti_faces
from curator.jobs.faces.tools import face_tools
from curator.jobs.faces.treat import study_faces
from curator.jobs.faces.work import wish_of
from curator.jobs.progress import Progress, Report
from curator.jobs.workspace import open_workspace
from curator.model.faces import FaceStatus, FaceWish
from curator.model.instance import SourceInstance
from curator.model.keys import Key
from curator.policy.dependents import load_dependents
from curator.policy.gates import load_gates, names_head

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


def view_faces(paths: Sequence[Path], *, workspace: Path | None, wish: FaceWish, report: Report) -> list[FaceRow]:
    """What a job would make of every volume under some paths; nothing for none, and nothing is written.

    Without a workspace a key is drawn that nobody keeps: the relief of the skin is then another one than in a job.

    Raises:
        UsageError: a path does not exist.
        RefusedError: the workspace's key cannot be used.
    """
    rules = bundled_folder("rules")
    pseudonyms = Pseudonyms(_key(workspace))
    asked, tools = asked_about(paths, pseudonyms), face_tools(rules)
    progress = Progress("faces", len(asked.studies) + len(asked.files), report)
    rows: list[FaceRow] = []
    for number, sources in enumerate(asked.studies, start=1):
        rows += _study_rows(number, sources, tools, wish, pseudonyms)
        progress.step()
    for number, path in enumerate(asked.files, start=len(asked.studies) + 1):
        rows += _nifti_rows(number, path, tools, wish, pseudonyms, out=None)
        progress.step()
    return rows


def deface_files(
    paths: Sequence[Path], *, out: Path, workspace: Path, wish: FaceWish, report: Report
) -> list[FaceRow]:
    """Write every NIfTI file under some paths without its face into `out`, by a keyed name, or say why not.

    Raises:
        UsageError: a path does not exist, or there is DICOM under one.
        RefusedError: the workspace's key cannot be used; `out` and an input lie within each other.
    """
    pseudonyms = Pseudonyms(_key(workspace))
    _refuse_within(out, paths)
    asked, tools = asked_about(paths, pseudonyms), face_tools(bundled_folder("rules"))
    if asked.studies:
        raise UsageError(
            "DICOM is defaced by a job, which cleans its headers too: "
            "`curator deid run --option clean-recognizable-visual-features`"
        )
    progress = Progress("faces", len(asked.files), report)
    rows: list[FaceRow] = []
    for number, path in enumerate(asked.files, start=1):
        rows += _nifti_rows(number, path, tools, wish, pseudonyms, out=LocalDisk(out))
        progress.step()
    return rows


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
        elif scanned is None or isinstance(scanned, Held) or not scanned.has_pixel_data:
            others += 1
        elif scanned.SOPClassUID in dependents:
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


def _study_rows(
    number: int, sources: Sequence[SourceInstance], tools: FaceTools, wish: FaceWish, pseudonyms: Pseudonyms
) -> Iterator[FaceRow]:
    gates = load_gates(bundled_folder("rules"))
    started = time.process_time()
    try:
        faces = study_faces(
            [Path(one.reference) for one in sources],
            [names_head(gates, one) for one in sources],
            tools,
            wish=wish_of(wish),
            secret=pseudonyms.relief_secret(sources[0].StudyInstanceUID),
        )
    except ItemError as error:
        yield _held(FileKind.DICOM, number, error)
        return
    seconds = time.process_time() - started
    for one in faces.seen:
        yield FaceRow(
            kind=FileKind.DICOM,
            study=number,
            series=one.stack.series,
            part=one.stack.part,
            modality=one.stack.kind.Modality,
            shape=one.stack.shape,
            status=one.treated.outcome.status.value,
            why=one.treated.outcome.why,
            rung=one.treated.outcome.rung,
            numbers=one.treated.outcome.numbers,
            seconds=seconds,
        )
    for (reason, detail), count in _counted(faces.unseen).items():
        yield FaceRow(kind=FileKind.DICOM, study=number, status=HELD, why=f"{reason}: {detail}; {count} instances")


def _counted(problems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for problem in problems:
        counts[problem] = counts.get(problem, 0) + 1
    return counts


def _nifti_rows(
    number: int, path: Path, tools: FaceTools, wish: FaceWish, pseudonyms: Pseudonyms, *, out: LocalDisk | None
) -> Iterator[FaceRow]:
    started = time.process_time()
    try:
        name = pseudonyms.item_id("nifti " + pseudonyms.content_id([path.read_bytes()]))
        faces = nifti_faces(path, tools, wish=wish_of(wish), secret=pseudonyms.relief_secret(name))
        written = ""
        if out is not None and faces.content is not None:
            written = out.write(f"{name}.nii.gz", [faces.content]).path
    except ItemError as error:
        yield _held(FileKind.NIFTI, number, error)
        return
    seconds = time.process_time() - started
    for part, one in enumerate(faces.treated):
        outcome = one.outcome
        yield FaceRow(
            kind=FileKind.NIFTI,
            study=number,
            part=part,
            status=outcome.status.value,
            why=outcome.why,
            rung=outcome.rung,
            numbers=outcome.numbers,
            seconds=seconds,
            out=written,
        )


def _held(kind: FileKind, number: int, error: ItemError) -> FaceRow:
    return FaceRow(kind=kind, study=number, status=HELD, why=f"{error.reason.value}: {error.detail}")


def _key(workspace: Path | None) -> Key:
    if workspace is not None:
        return open_workspace(workspace).load_key()
    secret = secrets.token_bytes(32)
    return Key(key_id_of(secret), "nobody's", secret)


def _refuse_within(out: Path, paths: Iterable[Path]) -> None:
    target = out.resolve()
    for path in (one.resolve() for one in paths):
        if target.is_relative_to(path) or path.is_relative_to(target):
            raise RefusedError("an output folder and an input lie within each other; choose another output")
