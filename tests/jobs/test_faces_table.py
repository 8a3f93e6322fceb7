"""The table [faces] of a job file."""

from __future__ import annotations

from pathlib import Path

import pytest

from curator.errors import ConfigurationError
from curator.jobs.job import read_job
from curator.model.faces import AS_USUAL, FaceMode, FaceWish

OPTION = '[deid]\noptions = ["clean-recognizable-visual-features"]\n'


def job(folder: Path, more: str) -> FaceWish:
    path = folder / "job.toml"
    path.write_text(f'name = "sample"\nworkspace = "w"\n[ingest]\npaths = ["in"]\n{more}', encoding="utf-8")
    return read_job(path).faces


def test_a_steward_says_how_faces_are_replaced(tmp_path: Path) -> None:
    assert job(tmp_path, OPTION) == job(tmp_path, "") == AS_USUAL
    wanted = job(tmp_path, f'{OPTION}[faces]\nmode = "zero"\nears = true\n')
    assert wanted == FaceWish(mode=FaceMode.ZERO, ears=True, teeth=False)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (f'{OPTION}[faces]\nmode = "smoth"\n', "did you mean 'smooth'"),
        (f"{OPTION}[faces]\nnose = true\n", "nose"),
        ("[faces]\nears = true\n", "is for the option clean-recognizable-visual-features"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        job(tmp_path, more)
