"""`curator predict`: segment the images of a frozen dataset with a trained run."""

from __future__ import annotations

import json
from pathlib import Path

import click

ALL = "all"


@click.command("predict")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, type=click.Path(path_type=Path), help="A frozen dataset.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test", ALL]),
    default="test",
    show_default=True,
    help="Which items.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the masks, by default RUN/predictions.")
@click.option("--what-if", is_flag=True, help="Say what would be written and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def group(run: Path, *, dataset: Path, split: str, out: Path | None, what_if: bool, as_json: bool) -> None:
    """Write one NIfTI mask per image of DATASET, on the image's own grid."""
    from curator.cli.train import stage_progress
    from curator.model.manifest import Split

    chosen = None if split == ALL else Split(split)
    if what_if:
        from trainers.dataset import read_dataset
        from trainers.predictions import prediction_paths
        from trainers.runs import PREDICTIONS_NAME, run_plan

        run_plan(run)
        paths = prediction_paths(out or run / PREDICTIONS_NAME, read_dataset(dataset).members(chosen))
    else:
        from trainers.infer import predict

        paths = predict(run, dataset, split=chosen, out=out, progress=stage_progress("predict"))
    if as_json:
        click.echo(json.dumps({"written": not what_if, "predictions": [str(path) for path in paths]}, indent=2))
        return
    for path in paths:
        click.echo(f"would write {path}" if what_if else str(path))
    click.echo(f"{len(paths)} predictions {'would be written' if what_if else 'written'}")
