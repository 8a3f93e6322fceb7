"""The proof over a folder: nothing of a person is left in any of its files, and what they say of each other agrees.

The law: an instance that cannot be tied to a known person is a finding, not a pass; what is no DICOM is searched for
everybody's identifiers. What is reported names replacements and places, never a value and never a file name that could
hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.deid.instance import allows_private, keeps_uid
from curator.deid.marked import missing_markers
from curator.deid.references import Compaction, Links, check_references, links_of
from curator.deid.verify import Defect, Residual, residuals
from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet
from curator.dicom.parse import looks_like_dicom, parse
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import Needles, found_in, needles_of
from curator.jobs.context import JobContext
from curator.jobs.progress import Progress, Report
from curator.jobs.workspace import open_workspace
from curator.policy.dependents import load_dependents
from curator.policy.header import HeaderPolicy
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe
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
class Proof:
    """What a search over a folder came to.

    `references_outside` point to instances that are not in the folder: allowed where the object makes sense without
    them, and a finding where it does not.
    """

    files: int = 0
    findings: tuple[Finding, ...] = ()
    references_resolved: int = 0
    references_outside: int = 0
    links: tuple[Links, ...] = field(repr=False, default=())

    def to_json(self) -> dict[str, object]:
        """The proof for machines."""
        return {
            "files": self.files,
            "references": {"resolved": self.references_resolved, "outside": self.references_outside},
            "findings": [{"file": one.file, "defect": one.defect, "place": one.place} for one in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched and by which rules; a worker makes its tools of it once."""

    folder: Path = field(repr=False)
    workspace: Path = field(repr=False)
    rules: Path
    profile: str
    options: tuple[str, ...]
    recipe: Recipe | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class _Tools:
    persons: Mapping[str, Needles] = field(repr=False)
    everybody: Needles = field(repr=False)
    policy: HeaderPolicy
    pseudonyms: Pseudonyms


def verify_folder(search: Search, *, executor: Executor, report: Report) -> Proof:
    """What a search over all files of a folder found, sorted; nothing but zeros for an empty folder.

    Raises:
        KeyMaterialError: the key or the vault beside it cannot be used.
    """
    # What an earlier search in this process knew may be out of date.
    _tools.cache_clear()
    tools = _tools(search)
    paths = list(LocalDisk(search.folder).walk())
    progress = Progress("verify", len(paths), report)
    found: list[Finding] = []
    linked: list[Links] = []
    compaction = Compaction()
    for findings, links in executor.map(partial(_verify_file, search), paths):
        progress.step(held=bool(findings))
        found += findings
        if links is not None:
            linked.append(compaction.compacted(links))
    linked.sort(key=lambda one: one.file)
    references = check_references(linked, needs_images=load_dependents(search.rules).__contains__)
    found += [
        Finding(file=_shown(path, tools), defect=one.defect.value, place=one.place)
        for path, wrong in references.wrong.items()
        for one in wrong
    ]
    return Proof(
        files=len(paths),
        findings=tuple(sorted(found, key=lambda one: (one.file, one.defect, one.place))),
        references_resolved=references.resolved,
        references_outside=references.outside,
        links=tuple(linked),
    )


def verify_released(context: JobContext) -> Proof:
    """The proof over all that lies where the job releases to; nothing but zeros where nothing does."""
    search = Search(
        folder=context.released,
        workspace=context.workspace.root,
        rules=context.rules,
        profile=context.job.profile,
        options=context.job.options,
        recipe=context.job.recipe,
    )
    return verify_folder(search, executor=context.executor, report=context.report)


def _verify_file(search: Search, path: str) -> tuple[list[Finding], Links | None]:
    tools = _tools(search)
    file = _shown(path, tools)
    found = [Residual(Defect.IDENTIFIER, "file name")] if file != path else []
    data_set, residual = _residuals(search, path, tools)
    findings = [Finding(file=file, defect=one.defect.value, place=one.place) for one in (*found, *residual)]
    return findings, None if data_set is None else links_of(data_set, file=path)


def _shown(path: str, tools: _Tools) -> str:
    """A path as it may be printed: one that holds an identifier is a finding itself and goes by a keyed name."""
    leaks = found_in(tools.everybody, path.encode("utf-8", "surrogateescape")) > 0
    return tools.pseudonyms.item_id(path) if leaks else path


def _residuals(search: Search, path: str, tools: _Tools) -> tuple[DataSet | None, list[Residual]]:
    """What the file is, None where it is no instance, and what is wrong with it."""
    try:
        data = LocalDisk(search.folder).read(path)
    except ItemError:
        return None, [Residual(Defect.UNREADABLE, "file")]
    if not looks_like_dicom(data[:_HEAD]):
        leaks = found_in(tools.everybody, data, bulk=not _is_text(data)) > 0
        return None, [Residual(Defect.IDENTIFIER, "file")] if leaks else []
    data_set = _parsed(data)
    needles = tools.persons.get(_patient_code(data_set))
    found = []
    if needles is None:
        found.append(Residual(Defect.UNKNOWN_PERSON, tag_text(tag_of("PatientID"))))
        needles = tools.everybody
    found += residuals(
        data,
        needles,
        keeps_uid=partial(keeps_uid, tools.policy),
        allows_private=partial(allows_private, tools.policy),
    )
    if data_set is not None:
        found += missing_markers(data_set)
    return data_set, found


def _parsed(data: bytes) -> DataSet | None:
    try:
        return parse(data)
    except ItemError:
        return None


def _is_text(data: bytes) -> bool:
    """Whether the first bytes can be read as text; what is too short to hold anything by chance counts as text too."""
    head = data[:_TEXT_HEAD]
    return len(data) < _TEXT_HEAD or not any(byte < 9 or 13 < byte < 32 for byte in head if byte != _ESCAPE)


def _patient_code(data_set: DataSet | None) -> str:
    element = None if data_set is None else data_set.first(tag_of("PatientID"))
    if data_set is None or element is None:
        return ""
    return data_set.raw(element).decode("latin-1").strip(" \0")


@lru_cache(maxsize=1)
def _tools(search: Search) -> _Tools:
    workspace = open_workspace(search.workspace)
    pseudonyms = Pseudonyms(workspace.load_key())
    known = workspace.vault(pseudonyms).recall()
    return _Tools(
        persons={code: needles_of(identifiers) for code, identifiers in known.items()},
        everybody=needles_of(identifier for identifiers in known.values() for identifier in identifiers),
        policy=load_policy(search.rules, profile=search.profile, options=search.options, recipe=search.recipe),
        pseudonyms=pseudonyms,
    )
