from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_hospital import SmallHospital, make_small_hospital, write_job


@dataclass(frozen=True)
class Journey:
    """A job over the small hospital that was run to its end, and what it said."""

    hospital: SmallHospital
    root: Path
    done: Any

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def job(self) -> Path:
        return self.root / "job.toml"

    @property
    def released(self) -> Path:
        return self.workspace / "released"

    @property
    def dataset(self) -> Path:
        return self.workspace / "datasets" / "abdomen@1.0.0"

    @property
    def key(self) -> Path:
        return self.root / "keys" / "key.json"


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
    return Journey(hospital, root, run_curator("run", job, "--workers", 1, "--json"))


@pytest.fixture
def own_journey(journey: Journey, tmp_path: Path) -> Journey:
    """The same workspace in a place of its own, with its own copy of the key."""
    root = tmp_path / "copy"
    shutil.copytree(journey.root, root)
    configuration = root / "workspace" / "curator.toml"
    configuration.write_text(configuration.read_text().replace(str(journey.root), str(root)))
    write_job(root / "job.toml", root / "workspace", journey.hospital.root)
    return Journey(journey.hospital, root, journey.done)
