from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from archive_samples import save_series, write_job


@dataclass(frozen=True)
class Site:
    """A source folder, a workspace with its key, and a job over both."""

    root: Path
    job: Path
    run: Callable[..., Any]

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def released(self) -> Path:
        return self.workspace / "released"

    @property
    def key(self) -> Path:
        return self.root / "keys" / "key.json"


@pytest.fixture
def site(tmp_path: Path, run_curator: Callable[..., Any]) -> Site:
    """Two patients with three slices each."""
    made = Site(tmp_path, tmp_path / "job.toml", run_curator)
    for patient in (1, 2):
        save_series(made.source, patient=patient)
    assert run_curator("init", made.workspace, "--keys", made.key).code == 0
    write_job(made.job, made.workspace, [made.source])
    return made
