"""What defacing would make of files that somebody asks about, and whether a face is left in what claims to have none.

The law: volumes are told by numbers; nothing is written but where it was asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.bundled import bundled_folder
from curator.deid.faces.audit import AuditVerdict, audit_scan
from curator.deid.faces.tools import FaceTools
from curator.errors import ItemError, RefusedError, UsageError
from curator.identity.pseudonyms import Pseudonyms
from curator.ingest.recognize import FileKind
from curator.jobs.faces.asked import HELD, FaceRow, asked_about, each_scan, held_row, key_of
from curator.jobs.faces.nifti import nifti_faces
from curator.jobs.faces.tools import face_tools
from curator.jobs.faces.treat import study_faces
from curator.jobs.faces.work import wish_of
from curator.jobs.progress import Progress, Report
from curator.model.faces import FaceWish
from curator.model.instance import SourceInstance
from curator.policy.gates import load_gates, names_head


def view_faces(paths: Sequence[Path], *, workspace: Path | None, wish: FaceWish, report: Report) -> list[FaceRow]:
    """What a job would make of every volume under some paths; nothing for none, and nothing is written.

    Without a workspace a key is drawn that nobody keeps: the relief of the skin is then another one than in a job.

    Raises:
        UsageError: a path does not exist.
        RefusedError: the workspace's key cannot be used.
    """
    rules = bundled_folder("rules")
    pseudonyms = Pseudonyms(key_of(workspace))
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


def deface_files(paths: Sequence[Path], *, out: Path, workspace: Path, wish: FaceWish, report: Report) -> list[FaceRow]:
    """Write every NIfTI file under some paths without its face into `out`, by a keyed name, or say why not.

    Raises:
        UsageError: a path does not exist, or there is DICOM under one.
        RefusedError: the workspace's key cannot be used; `out` and an input lie within each other.
    """
    pseudonyms = Pseudonyms(key_of(workspace))
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


def audit_faces(paths: Sequence[Path], *, report: Report) -> list[FaceRow]:
    """What an attack sees in every volume under some paths, which are said to have no face; nothing for none.

    Raises:
        UsageError: a path does not exist.
    """
    tools = face_tools(bundled_folder("rules"))
    asked = asked_about(paths, Pseudonyms(key_of(None)))
    rows = []
    for row, scan in each_scan(asked):
        started = time.process_time()
        if scan is None:
            rows.append(replace(row, status=AuditVerdict.UNCLEAR.value))
        else:
            seen = audit_scan(scan, tools)
            seconds = time.process_time() - started
            rows.append(replace(row, status=seen.verdict.value, why=seen.why, numbers=seen.numbers, seconds=seconds))
        report(f"audit      {len(rows)} volumes")
    return rows


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
        yield held_row(FileKind.DICOM, number, error)
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
        yield held_row(FileKind.NIFTI, number, error)
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


def _refuse_within(out: Path, paths: Iterable[Path]) -> None:
    target = out.resolve()
    for path in (one.resolve() for one in paths):
        if target.is_relative_to(path) or path.is_relative_to(target):
            raise RefusedError("an output folder and an input lie within each other; choose another output")
