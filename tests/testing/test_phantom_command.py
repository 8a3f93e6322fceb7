"""`curator phantom make`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_hospital import MadeHospital, digests

from curator.cli.phantom import group
from curator.errors import UsageError
from curator.testing import AnswerKey

_RUN = "from curator.cli.phantom import group; group()"


def test_same_seed_gives_the_same_bytes_in_another_process_and_the_key_beside(hospital: MadeHospital, tmp_path: Path):
    folder = tmp_path / "rehearsal"
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-c", _RUN, "make", str(folder), "--json"]
    result = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    counts = json.loads(result.stdout)
    text = (tmp_path / "rehearsal-answer-key.json").read_text(encoding="utf-8")
    assert text == hospital.key.to_json()
    assert counts["files"] == len(AnswerKey.from_json(text).files)
    assert digests(folder) == digests(hospital.root)


@pytest.mark.parametrize("inside", ["rehearsal/key.json", "rehearsal/deep/../key.json"])
def test_refuses_a_key_inside_the_hospital(tmp_path: Path, inside: str):
    folder = tmp_path / "rehearsal"
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(group, ["make", str(folder), "--key", str(tmp_path / inside)], catch_exceptions=False)
    assert caught.value.exit_code == 2
    assert not folder.exists()
