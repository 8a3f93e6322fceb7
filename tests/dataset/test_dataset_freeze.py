"""Freezing: the same bytes for the same input, whole or not at all, nothing dropped in silence."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from dataset_samples import (
    annotation_of,
    annotations_of,
    catalogue,
    consensus,
    frozen_at,
    series_of,
    spec_of,
    volume_of,
)

from curator.dataset.freeze import freeze
from curator.dataset.read import (
    read_annotations,
    read_array,
    read_items,
    read_lock,
    read_palette,
    read_splits,
)
from curator.dataset.verify import verify
from curator.errors import IntegrityError, ItemError, UsageError
from curator.model.annotation import Label
from curator.model.manifest import Split
from curator.model.quarantine import Reason


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_frozen_dataset_verifies_and_reads_back(tmp_path):
    candidates = catalogue()
    frozen = frozen_at(tmp_path, spec_of(), candidates)
    assert frozen.is_new
    assert frozen.path == tmp_path / "abdomen@1.2.0"
    assert frozen.excluded == ()
    assert verify(frozen.path) == []
    items = read_items(frozen.path)
    assert {item.SeriesInstanceUID for item in items} == {series.SeriesInstanceUID for series in candidates}
    by_uid = {series.SeriesInstanceUID: series for series in candidates}
    palette = read_palette(frozen.path)
    for item in items:
        volume = volume_of(by_uid[item.SeriesInstanceUID])
        np.testing.assert_array_equal(read_array(frozen.path / item.volume_path), volume.stored)
        assert item.spacing_mm == (3.0, 0.6, 0.5)
        assert np.array(item.affine_lps).reshape(4, 4).tolist() == volume.affine_lps.tolist()
        agreed = consensus(annotations_of([by_uid[item.SeriesInstanceUID]])[item.SeriesInstanceUID])
        np.testing.assert_array_equal(read_array(frozen.path / item.mask_path), agreed.mask)
        # Looking each author's vote up in the palette gives the author's mask back.
        votes = read_array(frozen.path / item.votes_path)
        table = np.array([row.label_values for row in palette if row.item_id == item.item_id])
        for number, author in enumerate(("A1", "A2")):
            mask = annotation_of(by_uid[item.SeriesInstanceUID], author, (3, 5)[number]).mask
            np.testing.assert_array_equal(table[:, number][votes], mask)
    assert {row.split for row in read_splits(frozen.path)} == set(Split)
    assert len(read_annotations(frozen.path)) == 2 * len(items)
    assert read_lock(frozen.path) == frozen.lock
    assert [label.name for label in frozen.lock.labels] == ["liver", "spleen"]


def test_same_input_in_any_order_gives_the_same_bytes(tmp_path):
    candidates = catalogue()
    first = frozen_at(tmp_path / "a", spec_of(size=11), candidates)
    random.Random(1).shuffle(candidates)
    reversed_masks = {uid: masks[::-1] for uid, masks in annotations_of(candidates).items()}
    second = frozen_at(tmp_path / "b", spec_of(size=11), candidates, reversed_masks)
    assert tree(first.path) == tree(second.path)


def test_another_process_with_another_hash_seed_gives_the_same_bytes(tmp_path):
    here = frozen_at(tmp_path / "here", spec_of(size=11), catalogue())
    code = (
        "import sys; from pathlib import Path; from dataset_samples import *;"
        "frozen_at(Path(sys.argv[1]), spec_of(size=11), catalogue())"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": str(Path(__file__).parent),
        "BLOSC_NTHREADS": "2",
        "BLOSC_CLEVEL": "9",
        "BLOSC_SHUFFLE": "NOSHUFFLE",
        "MALLOC_PERTURB_": "77",
    }
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], env=environment, check=True)
    assert tree(here.path) == tree(tmp_path / "there" / "abdomen@1.2.0")


def test_sha256sum_agrees(tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this machine")
    frozen = frozen_at(tmp_path, spec_of(), catalogue())
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=frozen.path, check=True)
    listed = {line.split("  ", 1)[1] for line in (frozen.path / "SHA256SUMS").read_text().splitlines()}
    assert listed == set(tree(frozen.path)) - {"SHA256SUMS"}


def test_an_identical_dataset_is_left_untouched(tmp_path):
    first = frozen_at(tmp_path, spec_of(), catalogue())
    stamps = {path: path.stat().st_mtime_ns for path in first.path.rglob("*")}
    second = frozen_at(tmp_path, spec_of(), catalogue())
    assert not second.is_new
    assert second.lock == first.lock
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*")} == stamps
    assert [path.name for path in tmp_path.iterdir()] == ["abdomen@1.2.0"]


def test_a_version_never_changes(tmp_path):
    first = frozen_at(tmp_path, spec_of(), catalogue())
    before = tree(first.path)
    with pytest.raises(IntegrityError, match=r"1 items removed.*raise the version, for instance to 1\.3\.0") as refused:
        frozen_at(tmp_path, spec_of(), catalogue(17))
    assert "added" not in str(refused.value)
    assert tree(first.path) == before
    (first.path / "README.md").write_text("other")
    with pytest.raises(IntegrityError, match="damaged"):
        frozen_at(tmp_path, spec_of(), catalogue())
    assert [path.name for path in tmp_path.iterdir()] == ["abdomen@1.2.0"]


def test_a_version_stands_while_its_selection_does(tmp_path):
    """A series that the specification cannot choose changes the catalogue and not the dataset."""
    first = frozen_at(tmp_path, spec_of(), catalogue())
    before = tree(first.path)
    unfit = series_of(40, Modality="SEG")
    again = frozen_at(tmp_path, spec_of(), [*catalogue(), unfit])
    assert not again.is_new
    assert again.lock == first.lock
    assert tree(first.path) == before
    other = frozen_at(tmp_path / "other", spec_of(), [*catalogue(), unfit])
    assert other.lock.catalogue_sha256 != first.lock.catalogue_sha256


def test_another_specification_under_the_same_version_is_named(tmp_path):
    frozen_at(tmp_path, spec_of(), catalogue())
    with pytest.raises(IntegrityError, match="another specification"):
        frozen_at(tmp_path, spec_of(seed=99), catalogue())


def test_an_unreadable_series_is_excluded_with_its_reason_and_replaced(tmp_path):
    broken = series_of(30, Modality="MR", vendor="Hitachi")
    frozen = frozen_at(tmp_path, spec_of(size=12), [*catalogue(), broken])
    assert [(each.SeriesInstanceUID, each.reason) for each in frozen.excluded] == [
        (broken.SeriesInstanceUID, Reason.UNSUPPORTED_OBJECT)
    ]
    assert len(read_items(frozen.path)) == 12
    assert verify(frozen.path) == []
    certificate = json.loads((frozen.path / "selection/certificate.json").read_text())
    assert [each["reason"] for each in certificate["excluded"]] == ["unsupported_object"]
    assert len(certificate["left_out"]) + len(certificate["excluded"]) + certificate["chosen"] == 19


def test_nothing_usable_is_said_with_reasons(tmp_path):
    with pytest.raises(UsageError, match=r"none of 2 series can be used \(2 unsupported_object\)"):
        frozen_at(tmp_path, spec_of(), [series_of(0, Modality="MR"), series_of(1, Modality="MR")])
    assert list(tmp_path.iterdir()) == []


def test_a_mask_off_the_grid_is_excluded_and_its_image_stays(tmp_path):
    candidates = catalogue()
    masks = annotations_of(candidates)
    uid = candidates[0].SeriesInstanceUID
    bad = annotation_of(candidates[0], "A3", 2)
    object.__setattr__(bad, "mask", np.zeros((5, 20, 17), np.uint8))
    masks[uid].append(bad)
    frozen = frozen_at(tmp_path, spec_of(), candidates, masks)
    assert [(each.SeriesInstanceUID, each.author_code, each.reason) for each in frozen.excluded] == [
        (uid, "A3", Reason.GEOMETRY_MISMATCH)
    ]
    assert len(read_items(frozen.path)) == len(candidates)


def test_required_authors_are_counted_after_bad_masks_went(tmp_path):
    candidates = catalogue()
    masks = annotations_of(candidates)
    uid = candidates[0].SeriesInstanceUID
    object.__setattr__(masks[uid][0], "labels", (Label(1, "liver"),))
    spec = spec_of(filters={"minimum_annotators": 2})
    frozen = frozen_at(tmp_path, spec, candidates, masks)
    assert [(each.SeriesInstanceUID, each.reason) for each in frozen.excluded] == [(uid, Reason.ANNOTATION_INVALID)]
    assert uid not in {item.SeriesInstanceUID for item in read_items(frozen.path)}


def test_items_without_masks_have_empty_paths(tmp_path):
    candidates = [*catalogue(), series_of(40, annotators=())]
    frozen = frozen_at(tmp_path, spec_of(), candidates)
    (item,) = [item for item in read_items(frozen.path) if item.SeriesInstanceUID == "2.25.41"]
    assert (item.mask_path, item.mask_sha256, item.votes_path, item.votes_sha256, item.consensus) == ("",) * 5
    assert verify(frozen.path) == []


def test_a_shared_volume_is_stored_once_and_its_patients_stay_together(tmp_path):
    candidates = catalogue()

    def same_for_two(series):
        return volume_of(candidates[0] if series.SeriesInstanceUID == candidates[9].SeriesInstanceUID else series)

    assert candidates[0].patient_code != candidates[9].patient_code
    for seed in range(6):
        frozen = freeze(
            tmp_path / str(seed),
            spec_of(seed=seed),
            candidates,
            volume_of=same_for_two,
            annotations=annotations_of(candidates),
            consensus=consensus,
        )
        assert verify(frozen.path) == []
        assert len(list((frozen.path / "volumes").rglob("*.b2nd"))) == len(candidates) - 1


def test_a_failed_build_leaves_nothing(tmp_path):
    def full(series):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        freeze(tmp_path, spec_of(), catalogue(), volume_of=full, annotations={}, consensus=consensus)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(28, "No space left on device", "/a/secret/path")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ItemError) as caught:
        frozen_at(tmp_path, spec_of(), catalogue())
    assert (caught.value.reason, caught.value.detail) == (Reason.DISK_FULL, "ENOSPC")
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ItemError) as caught:
        frozen_at(tmp_path / "file", spec_of(), catalogue())
    assert (caught.value.reason, caught.value.detail) == (Reason.OUTPUT_UNWRITABLE, "EEXIST")


def test_two_builds_at_once_make_one_dataset(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        builds = [pool.submit(frozen_at, tmp_path, spec_of(), catalogue()) for _ in range(2)]
        frozen = [build.result() for build in builds]
    assert sorted(each.is_new for each in frozen) == [False, True]
    assert [path.name for path in tmp_path.iterdir()] == ["abdomen@1.2.0"]
    assert verify(tmp_path / "abdomen@1.2.0") == []


def test_a_killed_build_leaves_no_dataset_and_the_next_clears_it_away(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; import dataset_samples as s\n"
        "from curator.dataset.freeze import freeze\n"
        "made = []\n"
        "def slow(series):\n"
        "    made.append(series)\n"
        "    if len(made) == 5: print('half', flush=True); time.sleep(60)\n"
        "    return s.volume_of(series)\n"
        "c = s.catalogue()\n"
        "masks = s.annotations_of(c)\n"
        "freeze(Path(sys.argv[1]), s.spec_of(), c, volume_of=slow, annotations=masks, consensus=s.consensus)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")], env=environment, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        (partial,) = (tmp_path / "a").iterdir()
        assert partial.name.startswith(".abdomen@1.2.0.partial-")
        # A build that still runs is not taken for an abandoned one.
        frozen_at(tmp_path / "a", spec_of(version="1.2.0"), catalogue())
        assert partial.is_dir()
        shutil.rmtree(tmp_path / "a" / "abdomen@1.2.0")
        child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    frozen = frozen_at(tmp_path / "a", spec_of(), catalogue())
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["abdomen@1.2.0"]
    assert tree(frozen.path) == tree(frozen_at(tmp_path / "b", spec_of(), catalogue()).path)


def test_nothing_in_the_dataset_says_when_or_where(tmp_path):
    frozen = frozen_at(tmp_path, spec_of(), catalogue())
    for path in frozen.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(tmp_path).encode() not in content
            assert b"a/0.dcm" not in content
