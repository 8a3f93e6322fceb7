"""A file that ends its worker, as a defect of a native codec does: it is held by itself, and the rest is released."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from archive_samples import ROOT, contents, rows

from curator.jobs.release import stage
from curator.jobs.release.batch import ReleaseBatch, ReleasedBatch, release_batch

FATAL = f"{ROOT}.1.1.2"


def fatal_batch(batch: ReleaseBatch) -> ReleasedBatch:
    """As `release_batch`, but the worker ends right after it wrote one of them."""
    for number, task in enumerate(batch.tasks, 1):
        if task.source.SOPInstanceUID == FATAL:
            release_batch(replace(batch, tasks=batch.tasks[:number]))
            os._exit(9)
    return release_batch(batch)


def test_a_file_that_ends_its_worker_is_held_and_nothing_of_it_is_released(
    site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(stage, "release_batch", fatal_batch)
        done = site.run("run", site.job, "--workers", 2, "--json")
    assert done.code == 1
    assert (done.json()["released"], done.json()["quarantined"]) == (5, {"internal_error": 1})
    assert len(contents(site.released)) == 5
    assert rows(site.workspace, "SELECT reason, detail FROM quarantine") == [
        ("internal_error", "the worker process ended")
    ]
    again = site.run("run", site.job, "--workers", 1, "--json")
    assert (again.code, again.json()["released"], len(contents(site.released))) == (0, 6, 6)
