"""What a worker does with one instance: read, de-identify, prove, write.

Everything here crosses process borders; a worker makes its tools once and decides nothing about other files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.deid.instance import Deidentified, deidentify, path_of, with_file
from curator.deid.subject import Subject
from curator.deid.text.cleaner import Cleaner
from curator.deid.text.engine import load_cleaner
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import Needles, needles_of
from curator.model.identity import Alias, Identifier
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy, load_header_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSettings:
    """What all instances of one job share."""

    key: Key
    rules: Path
    profile: str
    options: tuple[str, ...]
    released: Path = field(repr=False)
    longest_shift_weeks: int


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
    _, done = deidentified(task)
    stored = _tools(task.settings).storage.write(path_of(done.record), done.chunks)
    record = with_file(done.record, path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes)
    applied = tuple(sorted((rule_id, action.value, count) for (rule_id, action), count in done.applied.items()))
    return Outcome(source=task.source, record=record, applied=applied)


def deidentified(task: ReleaseTask) -> tuple[bytes, Deidentified]:
    """The bytes of an instance and what is made of them; nothing is written.

    Raises:
        ItemError: as `deidentify`; or the source cannot be read, or is not what was scanned.
    """
    tools = _tools(task.settings)
    data = _source_bytes(task.source, tools.pseudonyms)
    subject = Subject(
        patient_code=task.alias.patient_code,
        shift_days=task.alias.shift_days,
        needles=_needles(task.identifiers | task.source.identifiers),
        identifiers=task.identifiers | task.source.identifiers,
        origin=task.alias.origin,
    )
    done = deidentify(
        data,
        task.source,
        subject=subject,
        policy=tools.policy,
        pseudonyms=tools.pseudonyms,
        cleaner=tools.cleaner,
    )
    return data, done


def _source_bytes(source: SourceInstance, pseudonyms: Pseudonyms) -> bytes:
    try:
        data = Path(source.reference).read_bytes()
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, error.strerror or "") from error
    if pseudonyms.content_id((data,)) != source.content_id:
        raise ItemError(Reason.UNREADABLE, "changed while the job ran")
    return data


@lru_cache(maxsize=1)
def _tools(settings: ReleaseSettings) -> _Tools:
    policy = load_header_policy(settings.rules, profile=settings.profile, options=settings.options)
    cleaner = load_cleaner(settings.rules) if policy.cleans else None
    return _Tools(Pseudonyms(settings.key), policy, LocalDisk(settings.released), cleaner)


@lru_cache(maxsize=64)
def _needles(identifiers: frozenset[Identifier]) -> Needles:
    return needles_of(identifiers)
