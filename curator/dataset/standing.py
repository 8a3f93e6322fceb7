"""Whether a frozen version stands, where what it was made from may have changed since.

The law: a version stands as long as the same specification gives the same items, masks, splits and labels, byte for
byte; that the catalogue knows more by now, which the specification does not choose, is nothing to it. Where it does not
stand, it is said what changed, and to which version to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curator.dataset.diff import diff
from curator.dataset.seal import lock_bytes, lock_from
from curator.dataset.verify import verify
from curator.errors import IntegrityError
from curator.model.lock import DatasetLock
from curator.model.manifest import LOCK_NAME

# These tell what was not chosen, too.
_OF_ALL_CANDIDATES = frozenset({"selection/certificate.json", "selection/diversity.json"})


def standing(destination: Path, lock: DatasetLock, made: Path) -> DatasetLock:
    """The lock of the version at `destination`, where it is what `lock` describes and `made` holds.

    Raises:
        IntegrityError: it is something else, or is damaged.
    """
    name = destination.name
    try:
        content = (destination / LOCK_NAME).read_bytes()
        existing = lock_from(content)
    except (OSError, IntegrityError) as error:
        raise IntegrityError(f"{name} exists and has no readable lock; move it away") from error
    if content != lock_bytes(lock) and not _is_same(existing, lock):
        changed = ", ".join(_changed(destination, existing, made, lock))
        raise IntegrityError(
            f"{name} exists with other content ({changed}); a frozen version never changes, so raise the version, "
            f"for instance to {_next(lock.version)}"
        )
    if verify(destination):
        raise IntegrityError(f"{name} exists and is damaged; `curator dataset verify` says where")
    return existing


def _is_same(existing: DatasetLock, lock: DatasetLock) -> bool:
    def own(one: DatasetLock) -> tuple[object, ...]:
        files = {path: digest for path, digest in one.files.items() if path not in _OF_ALL_CANDIDATES}
        return one.layout_version, one.spec_sha256, one.labels, files

    return own(existing) == own(lock)


def _changed(destination: Path, existing: DatasetLock, made: Path, lock: DatasetLock) -> Iterator[str]:
    step = diff(destination, made)
    counts = {
        "items added": len(step.added),
        "items removed": len(step.removed),
        "items changed": len(step.changed),
        "items in another split": len(step.moved),
        "annotations added": len(step.annotations_added),
        "annotations removed": len(step.annotations_removed),
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)
    if existing.spec_sha256 != lock.spec_sha256:
        yield "another specification"
    if existing.labels != lock.labels:
        yield "other labels"
    tools = sorted(name for name in {*existing.tools, *lock.tools} if existing.tools.get(name) != lock.tools.get(name))
    if tools:
        yield f"made by other versions of {' and '.join(tools)}"
    if step.is_empty and not tools and existing.spec_sha256 == lock.spec_sha256:
        yield "files of the same items"


def _next(version: str) -> str:
    """The next minor version."""
    major, minor, *_ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"
