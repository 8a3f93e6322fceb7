"""One file read, recognised and judged on its own.

The law: a scan never raises for what a file holds and never writes to it; it keeps one file at a time and of a large
one only the pages it looks at.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from curator.dicom.elements import Buffer
from curator.dicom.windows import windows
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.ingest.alike import FactsOfAlike
from curator.ingest.descriptors import load_descriptors
from curator.ingest.recognize import HEAD_BYTES, FileKind, kind_of
from curator.ingest.scanned import Found, Held, Scanned
from curator.ingest.stamp import is_settled, stamp_of
from curator.model.instance import SourceInstance
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe

# Above this a file is mapped, which bounds memory; below it is copied, which no later change of the file can disturb.
_LARGEST_COPIED = 64 << 20
_NIFTI_DETAIL = "a NIfTI image names no person; deface it with `curator deid faces FILE --out DIR`, or leave it out"


@dataclass(frozen=True, slots=True)
class ScanTask:
    """Scans files under one key and policy, in this process or in others.

    Raises:
        KeyMaterialError, RuleError: on the first call, where the key or the rules are wrong.
    """

    key: Key
    rules: Path
    profile: str = "basic"
    options: tuple[str, ...] = ()
    recipe: Recipe | None = None

    def __call__(self, found: Found) -> Scanned:
        """What the file is, or why it is held."""
        return scan_file(found, _tools(self))


@dataclass(frozen=True, slots=True)
class ScanTools:
    """What scanning needs, made once a process."""

    pseudonyms: Pseudonyms
    facts: FactsOfAlike


@lru_cache(maxsize=1)
def _tools(task: ScanTask) -> ScanTools:
    policy = load_policy(task.rules, profile=task.profile, options=task.options, recipe=task.recipe)
    return ScanTools(Pseudonyms(task.key), FactsOfAlike(policy, load_descriptors(task.rules)))


def scan_file(found: Found, tools: ScanTools) -> Scanned:
    """What one file is, or why it is held; its reason is EMPTY_FILE, UNREADABLE or any that `instance_facts` raises."""
    if found.problem is not None:
        return Held(reference=found.reference, reason=found.problem, detail=found.detail)
    try:
        descriptor = _open(found.reference)
    except OSError as error:
        return _unreadable(found, error)
    try:
        return _scan_open(found, descriptor, tools)
    except OSError as error:
        return _unreadable(found, error)
    finally:
        os.close(descriptor)


def _scan_open(found: Found, descriptor: int, tools: ScanTools) -> Scanned:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return Held(reference=found.reference, reason=Reason.NOT_DICOM, detail="no longer a regular file")
    if status.st_size == 0:
        content_id = tools.pseudonyms.content_id(())
        return Held(reference=found.reference, reason=Reason.EMPTY_FILE, content_id=content_id)
    stamp = stamp_of(descriptor)
    if status.st_size <= _LARGEST_COPIED:
        scanned = _scan_bytes(found, _read(descriptor, status.st_size), tools)
    else:
        scanned = _scan_mapped(found, descriptor, tools)
    if isinstance(scanned, SourceInstance) and stamp_of(descriptor) == stamp and is_settled(stamp):
        return replace(scanned, stamp=stamp)
    return scanned


def _scan_mapped(found: Found, descriptor: int, tools: ScanTools) -> Scanned:
    mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    try:
        return _scan_bytes(found, memoryview(mapped), tools)
    finally:
        # A view that a caught error's frames still hold unmaps it when they go.
        with suppress(BufferError):
            mapped.close()


def _scan_bytes(found: Found, data: Buffer, tools: ScanTools) -> Scanned:
    content_id = tools.pseudonyms.content_id(windows(data))
    reason, detail = Reason.NOT_DICOM, ""
    kind = kind_of(bytes(data[:HEAD_BYTES]))
    if kind is FileKind.NIFTI:
        reason, detail = Reason.FACE_POSSIBLE, _NIFTI_DETAIL
    if kind is FileKind.DICOM:
        try:
            return tools.facts.facts(data, reference=found.reference, content_id=content_id)
        except ItemError as error:
            reason, detail = error.reason, error.detail
    return Held(reference=found.reference, reason=reason, detail=detail, content_id=content_id, size_bytes=len(data))


def _open(reference: str) -> int:
    """A descriptor for reading; what became a pipe since it was found must not block."""
    return os.open(reference, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _read(descriptor: int, size: int) -> bytes:
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        parts = []
        while size > 0 and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unreadable(found: Found, error: OSError) -> Held:
    loop = error.errno == errno.ELOOP
    return Held(
        reference=found.reference,
        reason=Reason.SYMLINK_LOOP if loop else Reason.UNREADABLE,
        detail=errno.errorcode.get(error.errno or 0, "unknown error"),
        size_bytes=found.size_bytes,
    )
