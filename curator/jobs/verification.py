"""The proof over a folder: every file in it is searched for the identifiers of the person it belongs to.

The law: an instance that cannot be tied to a known person is a finding, not a pass; what is no DICOM is searched for
everybody's identifiers. What is reported names replacements and places, never a value and never a file name that could
hold one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.catalog.query import instances
from curator.deid.instance import keeps_uid
from curator.deid.verify import Defect, Residual, residuals
from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.parse import looks_like_dicom, parse
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import Needles, found_in, needles_of
from curator.jobs.context import JobContext
from curator.jobs.progress import Progress, Report
from curator.jobs.workspace import open_workspace
from curator.policy.header import HeaderPolicy, load_header_policy
from curator.ports import Executor

_HEAD = 132
_TEXT_HEAD = 4096
_ESCAPE = 0x1B


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of one file; `file` is its path in the folder, or a keyed name where the path itself is a finding."""

    file: str
    defect: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched and by which rules; a worker makes its tools of it once."""

    folder: Path = field(repr=False)
    workspace: Path = field(repr=False)
    rules: Path
    profile: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Tools:
    persons: Mapping[str, Needles] = field(repr=False)
    everybody: Needles = field(repr=False)
    policy: HeaderPolicy
    pseudonyms: Pseudonyms


def verify_folder(search: Search, *, executor: Executor, report: Report) -> tuple[int, tuple[Finding, ...]]:
    """How many files were searched and what was found in them, sorted; (0, ()) for an empty folder.

    Raises:
        KeyMaterialError: the key or the vault beside it cannot be used.
    """
    # What an earlier search in this process knew may be out of date.
    _tools.cache_clear()
    _tools(search)
    paths = list(LocalDisk(search.folder).walk())
    progress = Progress("verify", len(paths), report)
    found: list[Finding] = []
    for findings in executor.map(partial(_verify_file, search), paths):
        progress.step(held=bool(findings))
        found += findings
    return len(paths), tuple(sorted(found, key=lambda one: (one.file, one.defect, one.place)))


def verify_released(context: JobContext) -> int:
    """How many findings there are in all that the job has released."""
    with context.engine.connect() as connection:
        if not instances(connection):
            return 0
    search = Search(
        folder=context.released,
        workspace=context.workspace.root,
        rules=context.rules,
        profile=context.job.profile,
        options=context.job.options,
    )
    _, findings = verify_folder(search, executor=context.executor, report=context.report)
    return len(findings)


def _verify_file(search: Search, path: str) -> list[Finding]:
    tools = _tools(search)
    # A path that holds an identifier is a finding itself and may not be printed.
    leaks = found_in(tools.everybody, path.encode("utf-8", "surrogateescape")) > 0
    file = tools.pseudonyms.item_id(path) if leaks else path
    found = [Residual(Defect.IDENTIFIER, "file name")] if leaks else []
    return [
        Finding(file=file, defect=one.defect.value, place=one.place)
        for one in (*found, *_residuals(search, path, tools))
    ]


def _residuals(search: Search, path: str, tools: _Tools) -> Iterator[Residual]:
    try:
        data = LocalDisk(search.folder).read(path)
    except ItemError:
        yield Residual(Defect.UNREADABLE, "file")
        return
    if not looks_like_dicom(data[:_HEAD]):
        if found_in(tools.everybody, data, bulk=not _is_text(data)):
            yield Residual(Defect.IDENTIFIER, "file")
        return
    needles = tools.persons.get(_patient_code(data))
    if needles is None:
        yield Residual(Defect.UNKNOWN_PERSON, tag_text(tag_of("PatientID")))
        needles = tools.everybody
    yield from residuals(data, needles, keeps_uid=partial(keeps_uid, tools.policy))


def _is_text(data: bytes) -> bool:
    """Whether the first bytes can be read as text; what is too short to hold anything by chance counts as text too."""
    head = data[:_TEXT_HEAD]
    return len(data) < _TEXT_HEAD or not any(byte < 9 or 13 < byte < 32 for byte in head if byte != _ESCAPE)


def _patient_code(data: bytes) -> str:
    try:
        data_set = parse(data)
    except ItemError:
        return ""
    element = data_set.first(tag_of("PatientID"))
    return data_set.raw(element).decode("latin-1").strip(" \0") if element is not None else ""


@lru_cache(maxsize=1)
def _tools(search: Search) -> _Tools:
    workspace = open_workspace(search.workspace)
    pseudonyms = Pseudonyms(workspace.load_key())
    known = workspace.vault(pseudonyms).recall()
    return _Tools(
        persons={code: needles_of(identifiers) for code, identifiers in known.items()},
        everybody=needles_of(identifier for identifiers in known.values() for identifier in identifiers),
        policy=load_header_policy(search.rules, profile=search.profile, options=search.options),
        pseudonyms=pseudonyms,
    )
