"""What seals a dataset: the Merkle root, the lock and `SHA256SUMS`.

The law: the lock and the sums are pure functions of the files, so a change in any file, in the lock or in the sums
contradicts one of the other two.

The Merkle root is the tree hash of RFC 6962 2.1 over the files sorted by path. A file's leaf is its path in UTF-8, a
zero byte and the 32 bytes of its SHA-256; `leaf = SHA-256(00 | data)`, `node = SHA-256(01 | left | right)`, the left
side of n leaves holds the greatest power of two below n.

Sources: RFC 6962 2.1; GNU coreutils `sha256sum`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from curator.dataset.canonical import canonical_json
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.lock import DatasetLock
from curator.model.manifest import LOCK_NAME

LAYOUT_VERSION = 1
"""Which layout of `curator.model.manifest` this copy writes and reads."""


def merkle_root(files: Mapping[str, str]) -> str:
    """The root over `files` (path to SHA-256), 64 hex digits; the SHA-256 of nothing where there are none."""
    return _tree([path.encode() + b"\0" + bytes.fromhex(files[path]) for path in sorted(files)]).hex()


def _tree(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _tree(leaves[:left]) + _tree(leaves[left:])).digest()


def lock_bytes(lock: DatasetLock) -> bytes:
    """`lock` as it stands in `dataset.lock.json`."""
    return canonical_json(asdict(lock))


def lock_from(content: bytes) -> DatasetLock:
    """The lock that `content` states.

    Raises:
        IntegrityError: it is not a lock, not in canonical form, or of another layout.
    """
    try:
        values = json.loads(content)
        values["labels"] = tuple(Label(**label) for label in values["labels"])
        lock = DatasetLock(**values)
        is_canonical = lock_bytes(lock) == content
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{LOCK_NAME} is not a dataset lock") from error
    if not is_canonical or not _is_well_typed(lock):
        raise IntegrityError(f"{LOCK_NAME} is not in canonical form")
    if lock.layout_version != LAYOUT_VERSION:
        raise IntegrityError(f"{LOCK_NAME} is of layout {lock.layout_version}, this copy reads layout {LAYOUT_VERSION}")
    return lock


def _is_well_typed(lock: DatasetLock) -> bool:
    texts = [lock.name, lock.version, lock.spec_sha256, lock.catalogue_sha256, lock.merkle_root]
    tables = [lock.tools, lock.policy_digests, lock.files]
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(table, dict) and all(isinstance(v, str) for v in table.values()) for table in tables)
        and isinstance(lock.counts, dict)
        and all(isinstance(getattr(lock, each.name), int) for each in fields(lock) if each.type == "int")
    )


def sums_bytes(files: Mapping[str, str], lock_content: bytes) -> bytes:
    """`SHA256SUMS` over all `files` and the lock, as `sha256sum --check` reads it."""
    digests = {**files, LOCK_NAME: hashlib.sha256(lock_content).hexdigest()}
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()
