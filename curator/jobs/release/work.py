"""What a worker does with one instance: read, de-identify, prove, write.

Everything here crosses process borders; a worker makes its tools once and decides nothing about other files.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from curator.adapters.source_file import SourceFile, read_source
from curator.deid.instance import Deidentified, deidentify, path_of, with_file
from curator.deid.pixels.evidence import PixelsHeldError
from curator.deid.pixels.quick import may_declare_overlay
from curator.deid.subject import Subject
from curator.dicom.syntax import transfer_syntax
from curator.dicom.tokens import Stored
from curator.dicom.windows import windows
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import needles_of
from curator.jobs.release.equipment import Equipment, ReleaseSettings, Rows, Way, bare_file, equipment
from curator.jobs.release.looking import FACE_OPTION, PIXEL_OPTION, scratch
from curator.model.identity import Alias, Identifier, IdentifierKind
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.quarantine import Reason
from curator.policy.gates import Handling

if TYPE_CHECKING:
    from curator.deid.pixels.clean import CleanedPixels
    from curator.jobs.faces.masked import Masked
    from curator.jobs.faces.treat import Faced

_CHANGED = "changed while the job ran"
_MASKING = "curator.jobs.faces.masked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTask:
    """One instance to release as `alias`; `identifiers` are those of its person across all files.

    `handling` says whether its pixels have to be looked at first. `zones` are files with the zones that it may not
    reach into, `beside` a keyed digest of the other files that decide what becomes of it, "" for none.
    """

    settings: ReleaseSettings
    source: SourceInstance
    alias: Alias
    identifiers: frozenset[Identifier] = field(repr=False)
    handling: Handling = Handling.PASS
    zones: tuple[str, ...] = field(repr=False, default=())
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one instance: a record, or a reason with its structural detail.

    `applied` counts elements by rule id and action; `evidence` is what was seen in the pixels, None where none looked;
    `beside` is as in the task.
    """

    source: SourceInstance
    record: ReleasedInstance | None = None
    reason: Reason | None = None
    detail: str = ""
    applied: Rows = field(repr=False, default=())
    evidence: Mapping[str, object] | None = field(repr=False, default=None)
    beside: str = ""


def release_one(task: ReleaseTask, faced: Faced | None = None) -> Outcome:
    """Release one instance; `faced` is what its pixels become where it was looked at for a face.

    This is the job boundary: whatever goes wrong with an item stays with the item.
    """
    try:
        return _release(task, faced)
    except PixelsHeldError as error:
        return _held(task, error.reason, error.detail, error.evidence)
    except ItemError as error:
        return _held(task, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - one item's defect must not end the job; its type says where to look
        # Not the message: an exception of a library may quote the value it failed on.
        return _held(task, Reason.INTERNAL_ERROR, type(error).__name__)


def _held(task: ReleaseTask, reason: Reason, detail: str, evidence: Mapping[str, object] | None = None) -> Outcome:
    return Outcome(source=task.source, reason=reason, detail=detail, evidence=evidence, beside=task.beside)


def _release(task: ReleaseTask, faced: Faced | None) -> Outcome:
    tools = equipment(task.settings)
    storage = tools.storage
    source = _scanned_file(task.source, tools.pseudonyms)
    pixels = _cleaned(task, source.data, tools)
    masked = _masked(task, source.data, pixels, faced)
    done = _deidentified(task, source.data, pixels, masked, tools)
    stored = storage.write(path_of(done.record), done.chunks)
    try:
        _check_written(storage.root / stored.path, source, pixels, masked)
    except BaseException:
        # Whatever went wrong, nothing unproven stays in the release.
        storage.remove(stored.path)
        raise
    record = with_file(done.record, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes)
    applied = tools.counts.rows(done.applied)
    evidence = _evidence(pixels, masked)
    return Outcome(source=task.source, record=record, applied=applied, evidence=evidence, beside=task.beside)


def _evidence(pixels: CleanedPixels | None, masked: Masked | None) -> dict[str, object] | None:
    """What was seen of text and of faces; None where nobody looked."""
    seen = {} if pixels is None or pixels.evidence is None else pixels.evidence.to_json()
    return {**seen, **({} if masked is None else {"faces": {**masked.evidence, "proven": masked.is_proven}})} or None


def _check_written(written: Path, source: SourceFile, pixels: CleanedPixels | None, masked: Masked | None) -> None:
    """Nothing, where a written file is made of what was judged and has the pixels that were proven.

    Raises:
        ItemError: UNREADABLE, the source changed or went away; BURNED_IN_TEXT_LEFT or FACE_UNPROVEN; or the file cannot
            be read.
    """
    if not source.is_settled():
        raise ItemError(Reason.UNREADABLE, _CHANGED)
    other = "the pixels written are not those that were proven"
    # What is masked was made of the pixels that were proven clean.
    if masked is not None:
        if not masked.is_in(read_source(str(written)).data):
            raise ItemError(Reason.FACE_UNPROVEN, other)
    elif pixels is not None and pixels.is_proven and not pixels.are_in(read_source(str(written)).data):
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, other)


def deidentified(task: ReleaseTask) -> tuple[Stored, Deidentified]:
    """The bytes of an instance and what is made of them; nothing is written.

    Raises:
        ItemError: as `deidentify`; or the source cannot be read, or is not what was scanned, or its pixels cannot be
            cleaned.
    """
    tools = equipment(task.settings)
    data = _scanned_file(task.source, tools.pseudonyms).data
    pixels = _cleaned(task, data, tools)
    return data, _deidentified(task, data, pixels, None, tools)


def _cleaned(task: ReleaseTask, data: Stored, tools: Equipment) -> CleanedPixels | None:
    """The instance with clean pixels; None where the job cleans none."""
    pixels = tools.pixels
    if pixels is None or not task.source.has_pixel_data:
        return None
    identifiers = task.identifiers | task.source.all_identifiers
    return pixels.clean(data, handling=task.handling, identifiers=identifiers)


def _masked(task: ReleaseTask, data: Stored, pixels: CleanedPixels | None, faced: Faced | None) -> Masked | None:
    """The instance without a face; None where nobody looked for one."""
    if faced is None and not task.zones:
        return None
    if pixels is not None:
        data = pixels.data
    elif task.source.has_pixel_data:
        data = bare_file(task.settings.rules)(data)
    masking = importlib.import_module(_MASKING)
    if faced is not None:
        return cast("Masked", masking.without_face(data, faced, scratch=scratch))
    return cast("Masked", masking.without_zones(data, task.source.SOPClassUID, task.zones, scratch=scratch))


def _is_native(source: SourceInstance) -> bool:
    """Whether pixels stand there as numbers."""
    syntax = transfer_syntax(source.TransferSyntaxUID)
    return syntax is not None and not syntax.encapsulated


def _deidentified(
    task: ReleaseTask, data: Stored, pixels: CleanedPixels | None, masked: Masked | None, tools: Equipment
) -> Deidentified:
    proven = {PIXEL_OPTION} if pixels is not None and pixels.is_proven else set()
    proven |= {FACE_OPTION} if masked is not None and masked.is_proven else set()
    way, source = tools.ways[frozenset(proven)], task.source
    ready = masked or pixels
    if ready is not None:
        data, source = ready.data, replace(source, TransferSyntaxUID=ready.syntax_uid)
    elif source.has_pixel_data:
        done = _swiftly(task, source, data, way) if _is_native(source) else None
        # Where the quick way says how long the header is, no more has to be searched.
        if done is not None and done.has_plain_pixels and not may_declare_overlay(data[: len(data) - len(done.bulk)]):
            return done
        bare = bare_file(task.settings.rules)(data)
        if done is not None and bare is data:
            return done
        data = bare
    done = _swiftly(task, source, data, way)
    if done is not None:
        return done
    return deidentify(
        data if isinstance(data, bytes) else memoryview(data),
        source,
        subject=_person(task.alias, task.identifiers | source.all_identifiers),
        policy=way.policy,
        pseudonyms=tools.pseudonyms,
        cleaner=tools.cleaner,
    )


def _swiftly(task: ReleaseTask, source: SourceInstance, data: Stored, way: Way) -> Deidentified | None:
    """The instance by the quick way; None where that does not take it."""
    own = source.all_identifiers - task.identifiers
    if not all(one.kind is IdentifierKind.UID for one in own):
        return None
    subject = _person(task.alias, task.identifiers)
    return way.swift.deidentify(data, source, subject=subject, own=[one.value for one in own])


def _scanned_file(source: SourceInstance, pseudonyms: Pseudonyms) -> SourceFile:
    """The source's bytes, which are those that were judged: the file system vouches for them, or their digest does."""
    file = read_source(source.reference)
    if file.stamp != source.stamp and pseudonyms.content_id(windows(memoryview(file.data))) != source.content_id:
        raise ItemError(Reason.UNREADABLE, _CHANGED)
    return file


@lru_cache(maxsize=8)
def _person(alias: Alias, identifiers: frozenset[Identifier]) -> Subject:
    return Subject(
        patient_code=alias.patient_code,
        shift_days=alias.shift_days,
        needles=needles_of(identifiers),
        identifiers=identifiers,
        origin=alias.origin,
    )
