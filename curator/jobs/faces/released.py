"""The attack on released volumes that say of themselves that nobody can be recognized in them.

The law: what is attacked are the files as they lie there, read by their own headers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curator.deid.faces.audit import AuditVerdict, audit_scan
from curator.deid.faces.dependents import dependent_of
from curator.deid.faces.stack_scans import scan_of
from curator.errors import ItemError
from curator.imaging.slices import opened
from curator.imaging.stacks import StackReader, stacks_of
from curator.jobs.faces.tools import face_tools


@dataclass(frozen=True, slots=True)
class StudyToAudit:
    """Files of one study that claim to show nobody, by their paths in `folder`."""

    folder: Path = field(repr=False)
    rules: Path
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditedStudy:
    """The files in which a face is seen, those that cannot be read, and how many volumes were attacked."""

    faces: tuple[str, ...]
    unreadable: tuple[str, ...]
    volumes: int


def by_study(folder: Path, rules: Path, files: Iterable[str]) -> list[StudyToAudit]:
    """Released files by study: a release has a folder for each, below that of its person. None for no files."""
    studies: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(files):
        studies["/".join(file.split("/")[:2])].append(file)
    return [StudyToAudit(folder, rules, tuple(found)) for _, found in sorted(studies.items())]


def audit_study(study: StudyToAudit) -> AuditedStudy:
    """What an attack sees in the volumes of a study; masks and doses lie on volumes and show nothing by themselves."""
    tools = face_tools(study.rules)
    files = [file for file in study.files if not _is_dependent(study.folder / file)]
    paths = [study.folder / file for file in files]
    found, reader = stacks_of(paths), StackReader(paths)
    faces: set[str] = set()
    unreadable = {files[number] for problem in found.problems for number in problem.instances}
    for stack in found.stacks:
        try:
            seen = audit_scan(scan_of(stack, reader.read(stack)), tools)
        except ItemError:
            unreadable |= _named(files, stack.instances)
            continue
        if seen.verdict is AuditVerdict.FACE:
            faces |= _named(files, stack.instances)
    return AuditedStudy(tuple(sorted(faces)), tuple(sorted(unreadable)), len(found.stacks))


def _is_dependent(path: Path) -> bool:
    try:
        return dependent_of(str(opened(path, with_pixels=False).get("SOPClassUID", ""))) is not None
    except ItemError:
        return False


def _named(files: Sequence[str], numbers: Iterable[int]) -> set[str]:
    return {files[number] for number in numbers}
