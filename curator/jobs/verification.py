"""The proof over a folder: nothing of a person is left in any of its files, and what they say of each other agrees.

The law: an instance that cannot be tied to a known person is a finding, not a pass; what is no DICOM is searched for
everybody's identifiers. What is reported names replacements and places, never a value and never a file name that could
hold one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from curator.adapters.local_disk import LocalDisk
from curator.catalog.database import open_engine
from curator.catalog.revision import current_revision
from curator.deid.instance import allows_private, keeps_uid
from curator.deid.marked import claims_clean_pixels, claims_no_face, missing_markers
from curator.deid.pixels.evidence import runs_of
from curator.deid.references import Compaction, Links, check_references, links_of
from curator.deid.verify import Defect, Residual, residuals
from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet
from curator.dicom.parse import looks_like_dicom, parse
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import Needles, found_in, needles_of
from curator.jobs.context import JobContext
from curator.jobs.ledger import evidence_of_done
from curator.jobs.progress import Progress, Report
from curator.jobs.proof import Finding, Proof
from curator.jobs.release.looking import load_pixel_cleaner
from curator.jobs.release.record import STAGE as RELEASE
from curator.jobs.workspace import Workspace, open_workspace
from curator.model.identity import Identifier
from curator.policy.dependents import load_dependents
from curator.policy.header import HeaderPolicy
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe
from curator.ports import Executor

if TYPE_CHECKING:
    from curator.deid.pixels.clean import PixelCleaner

_HEAD = 132
_TEXT_HEAD = 4096
_ESCAPE = 0x1B
_PIXELS = tag_text(tag_of("PixelData"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched and by which rules; a worker makes its tools of it once.

    `reads_pixels`: images that say they are clean are read again, too; `audits_faces`: volumes that say that they show
    nobody are attacked.
    """

    folder: Path = field(repr=False)
    workspace: Path = field(repr=False)
    rules: Path
    profile: str
    options: tuple[str, ...]
    recipe: Recipe | None = field(repr=False, default=None)
    reads_pixels: bool = False
    audits_faces: bool = False


@dataclass(frozen=True, slots=True)
class _Verified:
    """What is wrong with the file at `path`, what it refers to (None: nothing can be said), what it claims."""

    path: str
    findings: list[Finding]
    links: Links | None = None
    claims_no_face: bool = False
    claims_pixels: bool = False
    read_pixels: bool = False


@dataclass(frozen=True, slots=True)
class _Tools:
    """`evidence` is by path in the folder what was seen when a file was released."""

    persons: Mapping[str, Needles] = field(repr=False)
    identifiers: Mapping[str, frozenset[Identifier]] = field(repr=False)
    evidence: Mapping[str, Mapping[str, object]] = field(repr=False)
    pixels: PixelCleaner | None
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
    without_face: list[str] = []
    claimed = read = 0
    for one in executor.map(partial(_verify_file, search), paths):
        progress.step(held=bool(one.findings))
        found += one.findings
        claimed += one.claims_pixels
        read += one.read_pixels
        without_face += [one.path] if one.claims_no_face else []
        if one.links is not None:
            linked.append(compaction.compacted(one.links))
    linked.sort(key=lambda one: one.file)
    references = check_references(linked, needs_images=load_dependents(search.rules).__contains__)
    found += [
        Finding(file=_shown(path, tools), defect=one.defect.value, place=one.place)
        for path, wrong in references.wrong.items()
        for one in wrong
    ]
    audited = 0
    if search.audits_faces:
        faces, audited = _audited(search, without_face, executor=executor, report=report)
        found += [Finding(file=_shown(path, tools), defect=defect.value, place=_PIXELS) for path, defect in faces]
    return Proof(
        files=len(paths),
        findings=tuple(sorted(found, key=lambda one: (one.file, one.defect, one.place))),
        references_resolved=references.resolved,
        references_outside=references.outside,
        pixels_claimed=claimed,
        pixels_read=read,
        faces_claimed=len(without_face),
        faces_audited=audited,
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


def _verify_file(search: Search, path: str) -> _Verified:
    tools = _tools(search)
    file = _shown(path, tools)
    found = [Residual(Defect.IDENTIFIER, "file name")] if file != path else []
    data_set, residual = _residuals(search, path, tools)
    claims = data_set is not None and claims_clean_pixels(data_set)
    seen = _pixels_left(data_set, path, tools) if data_set is not None and claims and tools.pixels is not None else None
    findings = [
        Finding(file=file, defect=one.defect.value, place=one.place) for one in (*found, *residual, *(seen or ()))
    ]
    links = None if data_set is None else links_of(data_set, file=path)
    shows_nobody = data_set is not None and claims_no_face(data_set)
    return _Verified(
        path, findings, links, claims_no_face=shows_nobody, claims_pixels=claims, read_pixels=seen is not None
    )


def _audited(
    search: Search, files: list[str], *, executor: Executor, report: Report
) -> tuple[list[tuple[str, Defect]], int]:
    """The files of volumes in which a face is seen, or that cannot be read, and how many volumes were attacked."""
    released = importlib.import_module("curator.jobs.faces.released")
    studies = released.by_study(search.folder, search.rules, files)
    progress = Progress("audit", len(studies), report)
    found: list[tuple[str, Defect]] = []
    volumes = 0
    for one in executor.map(released.audit_study, studies):
        found += [(path, Defect.FACE) for path in one.faces] + [(path, Defect.UNREADABLE) for path in one.unreadable]
        volumes += one.volumes
        progress.step(held=bool(one.faces))
    return found, volumes


def _pixels_left(data_set: DataSet, path: str, tools: _Tools) -> list[Residual]:
    """What is read in the pixels of a released image and should not be there."""
    assert tools.pixels is not None
    identifiers = tools.identifiers.get(_patient_code(data_set), frozenset())
    try:
        left = tools.pixels.left(
            bytes(data_set.meta_data), evidence=tools.evidence.get(path, {}), identifiers=identifiers
        )
    except ItemError:
        return [Residual(Defect.UNREADABLE, _PIXELS)]
    frames = sorted({runs_of(one.frames) for one in left})
    return [Residual(Defect.BURNED_IN_TEXT, f"frames {frame}") for frame in frames]


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
        identifiers=known,
        evidence=_evidence(workspace) if search.reads_pixels else {},
        pixels=load_pixel_cleaner(search.rules) if search.reads_pixels else None,
        everybody=needles_of(identifier for identifiers in known.values() for identifier in identifiers),
        policy=load_policy(search.rules, profile=search.profile, options=search.options, recipe=search.recipe),
        pseudonyms=pseudonyms,
    )


def _evidence(workspace: Workspace) -> dict[str, dict[str, object]]:
    """What was seen in the pixels of everything that was released; nothing where no job has run."""
    engine = open_engine(workspace.database_url)
    try:
        if not current_revision(engine):
            return {}
        with engine.connect() as connection:
            return evidence_of_done(connection, RELEASE)
    finally:
        engine.dispose()
