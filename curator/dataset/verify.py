"""Checks a frozen dataset to its last byte.

The law: one changed byte in any file is found, whichever file it is, and so is a file too many or too few. Beyond the
bytes: the tables agree with each other and with the files, and no patient and no volume is in two splits.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from curator.dataset.read import open_array, read_annotations, read_items, read_palette, read_splits
from curator.dataset.seal import lock_from, merkle_root, sums_bytes
from curator.dataset.spec import read_spec
from curator.dataset.volumes import content_path
from curator.errors import ConfigurationError, IntegrityError, UsageError
from curator.model.lock import DatasetLock
from curator.model.manifest import (
    ANNOTATIONS_NAME,
    ITEMS_NAME,
    LOCK_NAME,
    PALETTE_NAME,
    SPLITS_NAME,
    SUMS_NAME,
    AnnotationRow,
    Item,
    Split,
    SplitRow,
)

_REQUIRED = (ITEMS_NAME, ANNOTATIONS_NAME, SPLITS_NAME, PALETTE_NAME, "README.md", "selection/spec.toml")
_BUFFER = 1 << 20


class Fault(StrEnum):
    """What is wrong with a dataset."""

    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"
    DIGEST = "digest"
    LOCK = "lock"
    SUMS = "sums"
    MERKLE = "merkle"
    TABLE = "table"
    REFERENCE = "reference"
    LEAK = "leak"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault; `path` is relative to the dataset, or an item's id where no file is to blame."""

    path: str
    fault: Fault
    detail: str


def verify(dataset: Path) -> list[Finding]:
    """Everything that is wrong with the dataset, sorted; empty where it is whole.

    Raises:
        UsageError: there is no such folder.
    """
    if not dataset.is_dir():
        raise UsageError("there is no dataset folder of that name")
    present, findings = _present(dataset)
    for name in (LOCK_NAME, SUMS_NAME):
        if name not in present:
            findings.append(Finding(name, Fault.MISSING, "every dataset has one"))
    try:
        lock_content = (dataset / LOCK_NAME).read_bytes()
        lock = lock_from(lock_content)
    except (OSError, IntegrityError):
        findings.append(Finding(LOCK_NAME, Fault.LOCK, "no lock in canonical form, so nothing else can be trusted"))
        return sorted(set(findings))
    findings += _sealed(dataset, lock, lock_content)
    findings += _files(dataset, lock, present)
    findings += _tables(dataset, lock)
    return sorted(set(findings))


def _present(dataset: Path) -> tuple[set[str], list[Finding]]:
    """All regular files, and a finding for whatever is neither file nor filled folder."""
    files, findings = set(), []
    for path in dataset.rglob("*"):
        name = path.relative_to(dataset).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            findings.append(Finding(name, Fault.EXTRA, "neither a regular file nor a folder"))
        elif path.is_file():
            files.add(name)
        elif not any(path.iterdir()):
            findings.append(Finding(name, Fault.EXTRA, "an empty folder"))
    return files, findings


def _sealed(dataset: Path, lock: DatasetLock, lock_content: bytes) -> Iterator[Finding]:
    """Whether lock, sums and Merkle root say the same."""
    try:
        if merkle_root(lock.files) != lock.merkle_root:
            yield Finding(LOCK_NAME, Fault.MERKLE, "the Merkle root is not that of its file table")
    except ValueError:
        yield Finding(LOCK_NAME, Fault.MERKLE, "the file table holds what is no SHA-256")
    try:
        sums = (dataset / SUMS_NAME).read_bytes()
    except OSError:
        return
    if sums != sums_bytes(lock.files, lock_content):
        yield Finding(SUMS_NAME, Fault.SUMS, "not the canonical sums of the lock and its file table")


def _files(dataset: Path, lock: DatasetLock, present: set[str]) -> Iterator[Finding]:
    """Whether exactly the files of the lock are there, with their digests."""
    listed = set(lock.files)
    for path in sorted(present - listed - {LOCK_NAME, SUMS_NAME}):
        yield Finding(path, Fault.EXTRA, "not in the lock")
    for path in sorted((listed | set(_REQUIRED)) - present):
        yield Finding(path, Fault.MISSING, "in the lock" if path in listed else "every dataset has one")
    for path in sorted(listed & present):
        try:
            if _sha256_of(dataset / path) != lock.files[path]:
                yield Finding(path, Fault.DIGEST, "the content is not what was frozen")
        except OSError:
            yield Finding(path, Fault.UNREADABLE, "cannot be read")


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_BUFFER):
            digest.update(chunk)
    return digest.hexdigest()


def _tables(dataset: Path, lock: DatasetLock) -> Iterator[Finding]:
    """Whether the tables can be read and agree."""
    try:
        items, annotations = read_items(dataset), read_annotations(dataset)
        splits, palette = read_splits(dataset), read_palette(dataset)
    except IntegrityError as error:
        yield Finding("manifest", Fault.TABLE, str(error))
        return
    yield from _keys(items, annotations, splits)
    known = {item.item_id for item in items}
    for row in palette:
        if row.item_id not in known or len(row.author_codes) != len(row.label_values):
            yield Finding(PALETTE_NAME, Fault.TABLE, "a joint vote of no item or of no author")
    yield from _references(dataset, lock, items, annotations)
    yield from _leaks(items, splits)
    counts = dataset_counts(items, annotations, splits)
    if counts != dict(lock.counts):
        yield Finding(LOCK_NAME, Fault.LOCK, "the counts are not those of the tables")
    yield from _specified(dataset, lock)


def _specified(dataset: Path, lock: DatasetLock) -> Iterator[Finding]:
    name = "selection/spec.toml"
    try:
        content = (dataset / name).read_bytes()
        spec = read_spec(content.decode())
    except (OSError, UnicodeDecodeError, ConfigurationError):
        yield Finding(name, Fault.UNREADABLE, "not a dataset specification")
        return
    stated = (spec.name, spec.version, spec.seed, hashlib.sha256(content).hexdigest())
    if stated != (lock.name, lock.version, lock.seed, lock.spec_sha256):
        yield Finding(name, Fault.LOCK, "not the specification that the lock names")


def _keys(items: Sequence[Item], annotations: Sequence[AnnotationRow], splits: Sequence[SplitRow]) -> Iterator[Finding]:
    """Whether every item has one row in each table that should know it, in order."""
    for name, keys in (
        (ITEMS_NAME, [item.item_id for item in items]),
        (SPLITS_NAME, [row.item_id for row in splits]),
        (ANNOTATIONS_NAME, [(row.item_id, row.annotation_id) for row in annotations]),
    ):
        if list(keys) != sorted(set(keys)):  # type: ignore[type-var] # each list holds one kind of key
            yield Finding(name, Fault.TABLE, "its rows are not sorted and distinct")
    known = {item.item_id for item in items}
    if known != {row.item_id for row in splits}:
        yield Finding(SPLITS_NAME, Fault.TABLE, "does not place exactly the items")
    if not {row.item_id for row in annotations} <= known:
        yield Finding(ANNOTATIONS_NAME, Fault.TABLE, "annotates items that are not there")


def _references(
    dataset: Path, lock: DatasetLock, items: Sequence[Item], annotations: Sequence[AnnotationRow]
) -> Iterator[Finding]:
    """Whether rows name files of the lock by their digests, arrays have their items' shapes and no array is idle."""
    shapes = {item.item_id: item.shape for item in items}
    named = [
        *((item.item_id, "volumes", item.volume_path, item.volume_sha256) for item in items),
        *((item.item_id, "masks", item.mask_path, item.mask_sha256) for item in items if item.mask_path),
        *((item.item_id, "votes", item.votes_path, item.votes_sha256) for item in items if item.votes_path),
        *((row.item_id, "masks", row.mask_path, row.mask_sha256) for row in annotations),
    ]
    for item_id, folder, path, sha256 in named:
        if lock.files.get(path) != sha256 or path != content_path(folder, sha256):
            yield Finding(path, Fault.REFERENCE, "a row names it with another digest than the lock's or its name's")
        elif (dataset / path).is_file() and _shape_of(dataset / path) != shapes.get(item_id):
            yield Finding(path, Fault.REFERENCE, "not an array of its item's shape")
    used = {path for _, _, path, _ in named}
    for path in lock.files:
        if path.endswith(".b2nd") and path not in used:
            yield Finding(path, Fault.REFERENCE, "no row names it")


def _shape_of(path: Path) -> tuple[int, ...] | None:
    try:
        return tuple(int(length) for length in open_array(path).shape)
    except IntegrityError:
        return None


def _leaks(items: Sequence[Item], splits: Sequence[SplitRow]) -> Iterator[Finding]:
    """Whether any patient, study or volume is on two sides, of a split or of a fold."""
    places = {row.item_id: row for row in splits}
    owners = {item.item_id: item.patient_code for item in items}
    if any(owners.get(row.item_id, row.patient_code) != row.patient_code for row in splits):
        yield Finding(SPLITS_NAME, Fault.TABLE, "names another patient for an item than the items do")
    for what, name in (("patient", "patient_code"), ("study", "StudyInstanceUID"), ("volume", "volume_sha256")):
        sides: defaultdict[str, set[tuple[Split, int]]] = defaultdict(set)
        by_fold: defaultdict[str, set[int]] = defaultdict(set)
        for item in items:
            row = places.get(item.item_id)
            if row is not None:
                sides[getattr(item, name)].add((row.split, 0))
                by_fold[getattr(item, name)].add(row.fold)
        yield from _torn(sides, what, "splits")
        yield from _torn(by_fold, what, "folds")


def _torn(sides: Mapping[str, Iterable[object]], what: str, into: str) -> Iterator[Finding]:
    torn = sum(len(list(places)) > 1 for places in sides.values())
    if torn:
        yield Finding(SPLITS_NAME, Fault.LEAK, f"{torn} of {len(sides)} {what} codes are in two {into}")


def dataset_counts(
    items: Sequence[Item], annotations: Sequence[AnnotationRow], splits: Sequence[SplitRow]
) -> dict[str, int]:
    """The counts a lock states."""
    placed = Counter(row.split for row in splits)
    return {
        "items": len(items),
        "patients": len({item.patient_code for item in items}),
        "annotations": len(annotations),
        **{split.value: placed[split] for split in Split},
    }
