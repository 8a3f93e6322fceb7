"""What a worker does with one instance: read, de-identify, prove, write.

Everything here crosses process borders; a worker makes its tools once and decides nothing about other files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.adapters.source_file import SourceFile, read_source
from curator.deid.instance import Deidentified, deidentify, path_of, with_file
from curator.deid.subject import Subject
from curator.deid.swift import Swift
from curator.deid.text.cleaner import Cleaner
from curator.deid.text.engine import load_cleaner
from curator.dicom.tokens import Stored
from curator.dicom.windows import windows
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import needles_of
from curator.model.identity import Alias, Identifier, IdentifierKind
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe

_CHANGED = "changed while the job ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSettings:
    """What all instances of one job share."""

    key: Key
    rules: Path
    profile: str
    options: tuple[str, ...]
    released: Path = field(repr=False)
    longest_shift_weeks: int
    recipe: Recipe | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTask:
    """One instance to release as `alias`; `identifiers` are those of its person across all files."""

    settings: ReleaseSettings
    source: SourceInstance
    alias: Alias
    identifiers: frozenset[Identifier] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one instance: a record, or a reason with its structural detail.

    `applied` counts elements by rule id and action.
    """

    source: SourceInstance
    record: ReleasedInstance | None = None
    reason: Reason | None = None
    detail: str = ""
    applied: tuple[tuple[str, str, int], ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class _Tools:
    pseudonyms: Pseudonyms
    policy: HeaderPolicy
    storage: LocalDisk
    cleaner: Cleaner | None
    swift: Swift


def policy_of(settings: ReleaseSettings) -> HeaderPolicy:
    """The policy that all instances of a job are judged by.

    Raises:
        ConfigurationError, RuleError, IntegrityError: as `load_policy`.
    """
    return load_policy(settings.rules, profile=settings.profile, options=settings.options, recipe=settings.recipe)


def release_one(task: ReleaseTask) -> Outcome:
    """Release one instance. This is the job boundary: whatever goes wrong with an item stays with the item."""
    try:
        return _release(task)
    except ItemError as error:
        return Outcome(source=task.source, reason=error.reason, detail=error.detail)
    except Exception as error:  # noqa: BLE001 - one item's defect must not end the job; its type says where to look
        # Not the message: an exception of a library may quote the value it failed on.
        return Outcome(source=task.source, reason=Reason.INTERNAL_ERROR, detail=type(error).__name__)


def _release(task: ReleaseTask) -> Outcome:
    source, done = _deidentified(task)
    storage = _tools(task.settings).storage
    stored = storage.write(path_of(done.record), done.chunks)
    if not source.is_settled():
        storage.remove(stored.path)
        raise ItemError(Reason.UNREADABLE, _CHANGED)
    record = with_file(done.record, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes)
    applied = tuple(sorted((rule_id, action.value, count) for (rule_id, action), count in done.applied.items()))
    return Outcome(source=task.source, record=record, applied=applied)


def deidentified(task: ReleaseTask) -> tuple[Stored, Deidentified]:
    """The bytes of an instance and what is made of them; nothing is written.

    Raises:
        ItemError: as `deidentify`; or the source cannot be read, or is not what was scanned.
    """
    source, done = _deidentified(task)
    return source.data, done


def _deidentified(task: ReleaseTask) -> tuple[SourceFile, Deidentified]:
    tools = _tools(task.settings)
    source = _scanned_file(task.source, tools.pseudonyms)
    own = task.source.all_identifiers - task.identifiers
    done = None
    if all(one.kind is IdentifierKind.UID for one in own):
        subject = _person(task.alias, task.identifiers)
        done = tools.swift.deidentify(source.data, task.source, subject=subject, own=[one.value for one in own])
    return source, done or _deidentified_alone(task, source.data, tools)


def _deidentified_alone(task: ReleaseTask, data: Stored, tools: _Tools) -> Deidentified:
    return deidentify(
        data if isinstance(data, bytes) else memoryview(data),
        task.source,
        subject=_person(task.alias, task.identifiers | task.source.all_identifiers),
        policy=tools.policy,
        pseudonyms=tools.pseudonyms,
        cleaner=tools.cleaner,
    )


def _scanned_file(source: SourceInstance, pseudonyms: Pseudonyms) -> SourceFile:
    """The source's bytes, which are those that were judged: the file system vouches for them, or their digest does."""
    file = read_source(source.reference)
    if file.stamp != source.stamp and pseudonyms.content_id(windows(memoryview(file.data))) != source.content_id:
        raise ItemError(Reason.UNREADABLE, _CHANGED)
    return file


@lru_cache(maxsize=1)
def _tools(settings: ReleaseSettings) -> _Tools:
    policy = policy_of(settings)
    cleaner = load_cleaner(settings.rules) if policy.cleans else None
    pseudonyms = Pseudonyms(settings.key)
    return _Tools(pseudonyms, policy, LocalDisk(settings.released), cleaner, Swift(policy, pseudonyms))


@lru_cache(maxsize=64)
def _person(alias: Alias, identifiers: frozenset[Identifier]) -> Subject:
    return Subject(
        patient_code=alias.patient_code,
        shift_days=alias.shift_days,
        needles=needles_of(identifiers),
        identifiers=identifiers,
        origin=alias.origin,
    )
