"""Runs under the option clean-recognizable-visual-features: workers, resumption, what is sabotaged, both options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archive_samples import contents, rows
from head_samples import OPTION, Heads, fatal_head, head_study, release_head_elsewhere, use_stand_in
from pydicom import dcmread

from curator.jobs.faces import masked, work
from curator.testing.leak_search import find_leaks

BOTH = (*OPTION, "--option", "clean-pixel-data")


@pytest.fixture
def heads(tmp_path: Path, run_curator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Heads:
    """An empty folder of sources and a workspace."""
    use_stand_in(monkeypatch)
    made = Heads(tmp_path, run_curator)
    assert run_curator("init", made.workspace, "--keys", tmp_path / "keys" / "key.json").code == 0
    return made


def test_two_workers_write_what_one_writes(heads: Heads, monkeypatch: pytest.MonkeyPatch) -> None:
    for patient in (1, 2):
        head_study(heads.source, patient=patient)
    assert heads.run().code == 0
    once = contents(heads.out)
    monkeypatch.setattr(work, "release_head", release_head_elsewhere)
    other = Heads(heads.root / "other", heads.run_curator)
    (other.root).mkdir()
    other.source.symlink_to(heads.source)
    assert heads.run_curator("init", other.workspace, "--keys", heads.root / "keys" / "key.json").code == 0
    assert other.run(workers=2).code == 0
    assert contents(other.out) == once
    assert contents(other.workspace / "faces") == contents(heads.workspace / "faces")


def test_a_study_that_ends_its_worker_is_held_and_nothing_of_it_stays(
    heads: Heads, monkeypatch: pytest.MonkeyPatch
) -> None:
    head_study(heads.source, patient=1)
    _, pet = head_study(heads.source, patient=2, contrast="pet")
    with monkeypatch.context() as patched:
        patched.setattr(work, "release_head", fatal_head)
        done = heads.run(workers=2)
    assert done.json()["quarantined"] == {"internal_error": len(pet.files)}
    assert len(heads.released()) == done.json()["released"] > 0
    assert heads.released("PT") == []
    assert heads.run().json()["quarantined"] == {}
    assert len(heads.released("PT")) == len(pet.files)


def test_a_slice_that_came_later_makes_the_whole_study_new(heads: Heads) -> None:
    _, written = head_study(heads.source)
    last = written.files[-1]
    kept = last.read_bytes()
    last.unlink()
    assert heads.run().json()["released_new"] == len(written.files) - 1
    last.write_bytes(kept)
    assert heads.run().json()["released_new"] == len(written.files)


def test_F01_what_was_shown_to_have_no_face_goes_as_it_is_and_says_so(heads: Heads) -> None:
    head_study(heads.source, contrast="ct")
    assert heads.run().code == 0
    sources = {float(one.ImagePositionPatient[2]): one for one in map(dcmread, heads.source.rglob("*.dcm"))}
    released = heads.released("CT")
    assert len(released) == len(sources)
    for one in released:
        assert one.PixelData == sources[float(one.ImagePositionPatient[2])].PixelData
        assert one.RecognizableVisualFeatures == "NO"
    assert not (heads.workspace / "faces").exists()


@pytest.mark.parametrize("sabotage", ["written", "drawn"])
def test_what_is_written_otherwise_than_proven_is_held_and_gone(
    heads: Heads, monkeypatch: pytest.MonkeyPatch, sabotage: str
) -> None:
    _, written = head_study(heads.source)
    if sabotage == "written":
        monkeypatch.setattr(masked.Masked, "is_in", lambda *_: False)
    else:
        monkeypatch.setattr(masked, "patch_problem", lambda *_: "a pixel is other")
    done = heads.run()
    assert done.json()["quarantined"]["face_unproven"] >= len(written.files) // 2
    untouched = len(written.files) - done.json()["quarantined"]["face_unproven"]
    assert len(list(heads.out.rglob("*.dcm"))) == untouched
    assert not list((heads.workspace / "faces").rglob("*.dcm"))


def test_what_may_have_text_too_needs_both_options_and_gets_both_markers(heads: Heads) -> None:
    _, written = head_study(heads.source)
    slice_ = dcmread(written.files[20])
    slice_.BurnedInAnnotation = "YES"
    slice_.save_as(written.files[20])
    one_option = heads.run("--what-if").json()
    assert one_option["would_quarantine"] == {"burned_in_text_possible": 1}
    assert heads.run(options=BOTH).code == 0
    said = [(one.get("BurnedInAnnotation"), one.RecognizableVisualFeatures) for one in heads.released()]
    assert sorted(said, key=str) == [("NO", "NO"), *[(None, "NO")] * (len(written.files) - 1)]
    (both,) = (one for one in heads.released() if one.get("BurnedInAnnotation"))
    assert {"113101", "113102"} <= {code.CodeValue for code in both.DeidentificationMethodCodeSequence}
    source = slice_.pixel_array
    assert np.array_equal(source[-10:], both.pixel_array[-10:])
    assert not np.array_equal(source[:20], both.pixel_array[:20])


def test_nothing_planted_is_left_in_what_a_job_keeps(heads: Heads) -> None:
    visit, _ = head_study(heads.source)
    assert heads.run().code == 0
    assert list((heads.workspace / "faces").rglob("*.dcm"))
    for folder in (heads.workspace, heads.out):
        assert find_leaks(folder, visit.hospital.key()) == []
    assert all(str(heads.source) not in str(row) for row in rows(heads.workspace))


def test_pictures_and_choices_are_refused_where_they_are_not_safe_or_not_one(heads: Heads) -> None:
    head_study(heads.source)
    run = heads.run_curator
    assert run("deid", "faces", heads.source).code == 2
    assert run("deid", "faces", heads.source, "--what-if", "--audit").code == 2
    assert run("deid", "faces", heads.source, "--out", heads.out).code == 2
    refused = run("deid", "faces", heads.source, "--out", heads.out, "-w", heads.workspace)
    assert (refused.code, "clean-recognizable-visual-features" in refused.err) == (2, True)
    inside = heads.workspace / "released" / "pictures"
    assert run("deid", "faces", heads.source, "--audit", "--png", inside, "-w", heads.workspace).code == 3
    assert run("deid", "faces", heads.source, "--audit", "--png", heads.root / "png").code == 2
