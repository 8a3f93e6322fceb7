"""`curator demo`: the whole journey on generated phantoms and real DICOM."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="A new folder.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, another hospital.")
@click.option("--keys", type=click.Path(path_type=Path), help="Key file; by default in your configuration folder.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def group(out: Path, seed: int, keys: Path | None, workers: int, *, as_json: bool) -> None:
    """Curate a make-believe hospital and pydicom's own files, from headers to an evaluated model."""
    from curator.jobs.demo import demonstrate
    from curator.jobs.outcome import result_table

    result = demonstrate(out, seed=seed, workers=workers, keys=keys, report=lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=1))
    else:
        click.echo(result_table(result.job))
        click.echo(f"{'planted identifiers searched':<34}{result.planted}")
        click.echo(f"{'planted identifiers surviving':<34}{result.surviving}")
        click.echo(f"{'released images read again':<34}{result.pixels_read}")
        click.echo(f"{'planted texts still legible':<34}{result.pixels_surviving}")
    sys.exit(result.exit_code)
