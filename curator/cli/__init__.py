"""The command line: one file per command group, named as the package it drives.

The law: stdout is the result, stderr the progress; a command's imports are paid for only when it runs.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from curator import __version__
from curator.errors import EXIT_USAGE, CuratorError

# Every group and what it is for, so that `--help` needs none of their imports. A test compares this with the groups.
COMMANDS = {
    "annotate": "Masks by several authors: import, agreement, consensus.",
    "catalog": "What was kept: query, diversity, risk.",
    "dataset": "Frozen datasets: select, freeze, verify, card, diff.",
    "db": "The workspace's database: upgrade.",
    "deid": "De-identify instances and prove it: run, verify, explain, sample, attest.",
    "demo": "The whole journey on generated phantoms and real DICOM.",
    "evaluate": "Score predictions per class, vendor and centre.",
    "ingest": "Find and read images: scan.",
    "init": "Make a workspace and a key file.",
    "jobs": "What a workspace's jobs did: status, quarantine.",
    "keys": "A workspace's keys: new, list, rotate, shred, reidentify, audit.",
    "phantom": "A make-believe hospital to rehearse with: make.",
    "predict": "Segment the images of a dataset.",
    "report": "One self-contained HTML page.",
    "rules": "The rules a workspace decides by: check, conformance.",
    "run": "A whole curation job, resumable.",
    "train": "Train a segmentation network: plan, fit, resume.",
}


class _LazyCommands(click.Group):
    """Imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"curator.cli.{cmd_name}").group
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=_LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="curator")
def root() -> None:
    """Turn a pile of medical images into datasets that may leave and that train well."""


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - what click returns never gets here
    """Run the command line; errors become one sentence on stderr and the exit code of `curator.errors`."""
    try:
        return root.main(args=arguments, prog_name="curator", standalone_mode=True)
    except CuratorError as error:
        click.echo(f"curator: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the process ends here; a traceback would print paths and values
        places = traceback.extract_tb(error.__traceback__)
        place = f"{Path(places[-1].filename).name}:{places[-1].lineno}"
        click.echo(f"curator: unexpected {type(error).__name__} at {place}; please report this", err=True)
        sys.exit(EXIT_USAGE)
