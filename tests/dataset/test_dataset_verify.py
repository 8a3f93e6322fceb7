"""Verification finds one changed byte wherever it is, and tables that lie."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from dataset_samples import catalogue, frozen_at, spec_of

from curator.dataset.read import read_items, read_lock, read_splits
from curator.dataset.rows import rows_bytes
from curator.dataset.seal import lock_bytes, merkle_root, sums_bytes
from curator.dataset.verify import Fault, verify
from curator.errors import UsageError
from curator.model.manifest import ITEMS_NAME, LOCK_NAME, SPLITS_NAME, SUMS_NAME, Item, Split, SplitRow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return frozen_at(tmp_path_factory.mktemp("whole"), spec_of(), catalogue(8)).path


@pytest.fixture
def dataset(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "dataset"))


def reseal(dataset: Path, **changes: object) -> None:
    """Give a tampered dataset a lock and sums that agree with its files, as one who knows the construction could."""
    lock = replace(read_lock(dataset), **changes)
    files = {
        path.relative_to(dataset).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in dataset.rglob("*")
        if path.is_file() and path.name not in (LOCK_NAME, SUMS_NAME)
    }
    lock = replace(lock, files=files, merkle_root=merkle_root(files))
    (dataset / LOCK_NAME).write_bytes(lock_bytes(lock))
    (dataset / SUMS_NAME).write_bytes(sums_bytes(files, lock_bytes(lock)))


def test_one_flipped_bit_in_any_file_is_found(dataset):
    files = [path for path in sorted(dataset.rglob("*")) if path.is_file()]
    assert len(files) > 20
    for path in files:
        content = path.read_bytes()
        for at in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[at] ^= 1
            path.write_bytes(changed)
            assert verify(dataset), f"{path.relative_to(dataset)} at {at}"
        path.write_bytes(content)
    assert verify(dataset) == []


@pytest.mark.parametrize("name", [LOCK_NAME, SUMS_NAME])
def test_every_single_byte_of_lock_and_sums_counts(dataset, name):
    path = dataset / name
    content = path.read_bytes()
    for at in range(0, len(content), 97):
        changed = bytearray(content)
        changed[at] ^= 0x20
        path.write_bytes(changed)
        assert any(finding.path in (LOCK_NAME, SUMS_NAME) for finding in verify(dataset)), at
    path.write_bytes(content)


def test_appended_and_removed_bytes_are_found(dataset):
    for name in (LOCK_NAME, SUMS_NAME, "README.md"):
        path = dataset / name
        content = path.read_bytes()
        for other in (content + b"\n", content[:-1], b""):
            path.write_bytes(other)
            assert verify(dataset)
        path.write_bytes(content)


def test_missing_and_extra_files_are_found(dataset):
    for path in [path for path in sorted(dataset.rglob("*")) if path.is_file()]:
        content = path.read_bytes()
        path.unlink()
        assert verify(dataset)
        path.write_bytes(content)
    (dataset / ".hidden").write_bytes(b"")
    (dataset / "empty").mkdir()
    (dataset / "link").symlink_to("README.md")
    assert [(finding.path, finding.fault) for finding in verify(dataset)] == [
        (".hidden", Fault.EXTRA),
        ("empty", Fault.EXTRA),
        ("link", Fault.EXTRA),
    ]


def test_no_dataset_at_all(tmp_path):
    with pytest.raises(UsageError):
        verify(tmp_path / "nothing")
    assert {finding.fault for finding in verify(tmp_path)} == {Fault.MISSING, Fault.LOCK}


def test_a_lock_of_another_form_is_found(dataset):
    values = json.loads((dataset / LOCK_NAME).read_bytes())
    for content in (
        json.dumps(values).encode(),
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        lock_bytes(read_lock(dataset)).replace(b'"files": {', b'"files": {"../x": "zz",'),
        json.dumps({**values, "files": 3}, indent=2, sort_keys=True).encode() + b"\n",
        json.dumps({**values, "labels": [3]}, indent=2, sort_keys=True).encode() + b"\n",
    ):
        (dataset / LOCK_NAME).write_bytes(content)
        assert any(finding.path == LOCK_NAME for finding in verify(dataset)), content[:40]


def faults(dataset: Path) -> set[Fault]:
    return {finding.fault for finding in verify(dataset)}


def test_a_patient_in_two_splits_is_found_though_every_digest_fits(dataset):
    rows = read_splits(dataset)
    codes = [row.patient_code for row in rows]
    torn = next(row for row in rows if codes.count(row.patient_code) == 2)
    other = next(split for split in Split if split is not torn.split)
    rows[rows.index(torn)] = replace(torn, split=other)
    (dataset / SPLITS_NAME).write_bytes(rows_bytes(SplitRow, rows))
    counts = dict(read_lock(dataset).counts)
    counts[torn.split] -= 1
    counts[other] += 1
    reseal(dataset, counts=counts)
    assert faults(dataset) == {Fault.LEAK}


def test_rows_that_lie_are_found_though_every_digest_fits(dataset):
    items, splits = read_items(dataset), read_splits(dataset)
    whole = (dataset / ITEMS_NAME).read_bytes(), (dataset / SPLITS_NAME).read_bytes()
    for changed, placed, fault in (
        ([replace(items[0], shape=(1, 2, 3)), *items[1:]], splits, Fault.REFERENCE),
        ([replace(items[0], volume_path=items[1].volume_path), *items[1:]], splits, Fault.REFERENCE),
        ([replace(items[0], mask_path="../../outside.b2nd"), *items[1:]], splits, Fault.REFERENCE),
        ([replace(items[0], patient_code="P9999"), *items[1:]], splits, Fault.TABLE),
        (items[::-1], splits, Fault.TABLE),
        (items, splits[1:], Fault.TABLE),
        ([*items, items[-1]], splits, Fault.TABLE),
        (items[:-1], splits[:-1], Fault.REFERENCE),
    ):
        (dataset / ITEMS_NAME).write_bytes(rows_bytes(Item, changed))
        (dataset / SPLITS_NAME).write_bytes(rows_bytes(SplitRow, placed))
        reseal(dataset)
        assert fault in faults(dataset)
    (dataset / ITEMS_NAME).write_bytes(whole[0])
    (dataset / SPLITS_NAME).write_bytes(whole[1])
    reseal(dataset)
    assert verify(dataset) == []


def test_another_specification_is_found_though_every_digest_fits(dataset):
    path = dataset / "selection/spec.toml"
    path.write_text(path.read_text().replace("seed = 7", "seed = 8"))
    reseal(dataset)
    assert faults(dataset) == {Fault.LOCK}
