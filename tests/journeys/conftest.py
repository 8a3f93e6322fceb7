from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ran_jobs import Ran
from small_hospital import SmallHospital, make_small_hospital, write_job


@dataclass(frozen=True)
class Journey(Ran):
    """A job over the small hospital."""

    hospital: SmallHospital

    @property
    def job(self) -> Path:
        return self.root / "job.toml"

    @property
    def released(self) -> Path:
        return self.workspace / "released"

    @property
    def dataset(self) -> Path:
        return self.workspace / "datasets" / "abdomen@1.0.0"


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> SmallHospital:
    return make_small_hospital(tmp_path_factory.mktemp("small") / "hospital")


@pytest.fixture(scope="session")
def journey(
    hospital: SmallHospital, tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]
) -> Journey:
    """Nobody may change it; `own_journey` gives a copy that one may."""
    root = tmp_path_factory.mktemp("journey")
    assert run_curator("init", root / "workspace", "--keys", root / "keys" / "key.json").code == 0
    job = write_job(root / "job.toml", root / "workspace", hospital.root)
    return Journey(root, run_curator("run", job, "--workers", 1, "--json"), hospital)


@pytest.fixture
def own_journey(journey: Journey, tmp_path: Path) -> Journey:
    """The same workspace in a place of its own, with its own copy of the key."""
    root = tmp_path / "copy"
    shutil.copytree(journey.root, root)
    configuration = root / "workspace" / "curator.toml"
    configuration.write_text(configuration.read_text().replace(str(journey.root), str(root)))
    write_job(root / "job.toml", root / "workspace", journey.hospital.root)
    return Journey(root, journey.done, journey.hospital)
