"""`curator phantom make`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_hospital import MadeHospital, digests

from curator.cli.phantom import group
from curator.errors import UsageError
from curator.testing import AnswerKey


def test_writes_hospital_and_key_side_by_side(hospital: MadeHospital, tmp_path: Path):
    folder = tmp_path / "rehearsal"
    result = CliRunner().invoke(group, ["make", str(folder), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    counts = json.loads(result.stdout)
    key = AnswerKey.from_json((tmp_path / "rehearsal-answer-key.json").read_text(encoding="utf-8"))
    assert counts["files"] == len(key.files) == len(hospital.key.files)
    assert digests(folder) == digests(hospital.root)


@pytest.mark.parametrize("inside", ["rehearsal/key.json", "rehearsal/deep/../key.json"])
def test_refuses_a_key_inside_the_hospital(tmp_path: Path, inside: str):
    folder = tmp_path / "rehearsal"
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(group, ["make", str(folder), "--key", str(tmp_path / inside)], catch_exceptions=False)
    assert caught.value.exit_code == 2
    assert not folder.exists()
