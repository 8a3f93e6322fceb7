"""The root command: cheap help, complete listing, errors as one sentence with an exit code."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest

from curator import __version__
from curator.cli import COMMANDS

HEAVY = ("torch", "monai", "spacy", "matplotlib", "pyarrow", "sqlalchemy", "cv2", "pydicom", "numpy")


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom curator.cli import root\n"
        "root.main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
    assert "Commands:" in printed


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_listed_command_exists_and_has_help(name: str) -> None:
    command = importlib.import_module(f"curator.cli.{name}").group
    assert isinstance(command, click.Command)
    assert command.help or command.callback.__doc__


def test_every_command_file_is_listed() -> None:
    folder = Path(importlib.import_module("curator.cli").__file__).parent
    assert {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} == set(COMMANDS)


def test_version() -> None:
    printed = subprocess.run([sys.executable, "-m", "curator", "--version"], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == f"curator, version {__version__}"


def test_a_usage_error_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "curator", "catalog", "query", "-w", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("curator: ")
