"""`curator evaluate`: score a run's predictions by class, vendor, centre and author."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trainers.evaluate import Evaluation

# What users call a grouping, and the column it is.
GROUPINGS = {
    "manufacturer": "vendor",
    "vendor": "vendor",
    "site": "centre_code",
    "centre": "centre_code",
    "author": "author_code",
}


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, type=click.Path(path_type=Path), help="The dataset that was predicted.")
@click.option("--by", default="Manufacturer,site", show_default=True, help="Groupings: Manufacturer, site, author.")
@click.option("--what-if", is_flag=True, help="Score and say what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def group(run: Path, *, dataset: Path, by: str, what_if: bool, as_json: bool) -> None:
    """Score what RUN predicted on DATASET: Dice and 95th percentile surface distance."""
    from curator.cli.train import stage_progress
    from trainers.evaluate import CASES_NAME, SUMMARY_NAME, evaluate_run, summary_of
    from trainers.runs import EVALUATION_NAME

    columns = _columns(by)
    result = evaluate_run(run, dataset, by=columns, write=not what_if, progress=stage_progress("evaluate"))
    if as_json:
        click.echo(json.dumps(summary_of(result), indent=2, sort_keys=True))
    else:
        _show(result)
    for name in (CASES_NAME, SUMMARY_NAME) if what_if else ():
        click.echo(f"would write {run / EVALUATION_NAME / name}", err=as_json)


def _columns(by: str) -> tuple[str, ...]:
    from curator.errors import ConfigurationError
    from curator.strict import nearest

    columns: list[str] = []
    for word in filter(None, (part.strip() for part in by.split(","))):
        if word.casefold() not in GROUPINGS:
            raise ConfigurationError(f"--by knows no {word!r}{nearest(word, tuple(GROUPINGS))}")
        columns.append(GROUPINGS[word.casefold()])
    return tuple(dict.fromkeys(columns))


def _show(result: Evaluation) -> None:
    click.echo(f"{'group':32} {'class':20} {'cases':>5} {'Dice':>7} {'95 % interval':>17} {'HD95 mm':>8}")
    for row in result.groups:
        name = f"{row.group_by} {row.group or 'unknown'}" if row.group_by else "all"
        distance = f"{row.hd95_mm_median:8.2f}" if math.isfinite(row.hd95_mm_median) else "infinite"
        interval = f"{row.dice_low:.4f} - {row.dice_high:.4f}"
        click.echo(f"{name:32} {row.label:20} {row.cases:5} {row.dice_mean:7.4f} {interval:>17} {distance:>8}")
    click.echo(f"mean Dice {result.mean_dice:.4f}")
