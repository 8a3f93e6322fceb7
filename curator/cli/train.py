"""`curator train`: plan, fit and resume a segmentation network on a frozen dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trainers.config import TrainConfig
    from trainers.plan import Plan
    from trainers.runs import FitResult

_FOLDER = click.Path(path_type=Path)
_what_if = click.option("--what-if", is_flag=True, help="Say what would be written and write nothing.")
_json = click.option("--json", "as_json", is_flag=True, help="For machines.")
_config = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="TOML file with a table [train]."
)


@click.group("train")
def group() -> None:
    """Train a segmentation network on a frozen dataset."""


@group.command("plan")
@click.argument("dataset", type=_FOLDER)
@click.option("--out", type=click.Path(path_type=Path), help="Write the plan to this file as JSON.")
@_config
@_what_if
@_json
def plan(dataset: Path, *, out: Path | None, config_file: Path | None, what_if: bool, as_json: bool) -> None:
    """Show what a run on DATASET would do: grid, patch, batch, network, intensities."""
    from trainers.files import json_bytes, write_bytes
    from trainers.plan import plan as plan_run

    made = plan_run(dataset, _settings(config_file))
    _show_plan(made, as_json=as_json)
    if out is not None:
        _announce([out], what_if=what_if, as_json=as_json)
        if not what_if:
            write_bytes(out, json_bytes(made.to_json()))


@group.command("fit")
@click.argument("dataset", type=_FOLDER)
@click.option("--out", "run", required=True, type=_FOLDER, help="Folder of the run.")
@_config
@click.option("--steps", type=click.IntRange(min=1), help="Budget in optimizer steps; wins over the file.")
@click.option("--seed", type=click.IntRange(min=0), help="Wins over the file.")
@_what_if
@_json
def fit(
    dataset: Path,
    *,
    run: Path,
    config_file: Path | None,
    steps: int | None,
    seed: int | None,
    what_if: bool,
    as_json: bool,
) -> None:
    """Train on DATASET; called again it goes on where it stopped."""
    config = _settings(config_file, steps=steps, seed=seed)
    if what_if:
        from trainers.plan import plan as plan_run

        _show_plan(plan_run(dataset, config), as_json=as_json)
        _announce(_run_files(run), what_if=True, as_json=as_json)
        return
    from trainers.fit import fit as fit_run

    _show_result(fit_run(dataset, run, config, progress=stage_progress("fit")), as_json=as_json)


@group.command("resume")
@click.argument("run", type=_FOLDER)
@click.option("--dataset", type=_FOLDER, help="Where the run's dataset lies now, if it was moved.")
@_what_if
@_json
def resume(run: Path, *, dataset: Path | None, what_if: bool, as_json: bool) -> None:
    """Go on with RUN to the end of its budget."""
    if what_if:
        from trainers.runs import run_plan

        _show_plan(run_plan(run), as_json=as_json)
        _announce(_run_files(run), what_if=True, as_json=as_json)
        return
    from trainers.fit import resume as resume_run

    _show_result(resume_run(run, dataset, progress=stage_progress("fit")), as_json=as_json)


def stage_progress(stage: str) -> Callable[[int, int], None]:
    """A callback that writes (done, total) of `stage` to stderr with rate and time left."""
    from curator.jobs.progress import Progress

    shown: list[Progress] = []

    def tell(done: int, total: int) -> None:
        if not shown:
            shown.append(Progress(stage, total, lambda line: click.echo(line, err=True)))
        shown[0].at(done)

    return tell


def _settings(file: Path | None, *, steps: int | None = None, seed: int | None = None) -> TrainConfig:
    from dataclasses import replace

    from trainers.config import TrainConfig, load_config

    config = load_config(file) if file is not None else TrainConfig()
    if steps is not None:
        config = replace(config, steps=steps)
    return config if seed is None else replace(config, seed=seed)


def _run_files(run: Path) -> list[Path]:
    from trainers.runs import FILE_NAMES

    return [run / name for name in FILE_NAMES]


def _announce(paths: list[Path], *, what_if: bool, as_json: bool) -> None:
    """On stderr where stdout is one JSON document."""
    for path in paths:
        click.echo(f"{'would write' if what_if else 'writing'} {path}", err=as_json)


def _show_plan(made: Plan, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made.to_json(), indent=2, sort_keys=True))
        return
    scheme = "each image by its own mean and deviation"
    if not made.normalisation.per_case:
        scheme = f"clipped to {made.normalisation.low:.0f}..{made.normalisation.high:.0f}, then standardised"
    for name, value in (
        ("dataset", f"{made.dataset.name}@{made.dataset.version}"),
        ("labels", ", ".join(label.name for label in made.labels)),
        ("training items", made.training_items),
        ("spacing (z y x)", " ".join(f"{length:.3g}" for length in made.spacing_mm) + " mm"),
        ("patch (z y x)", " ".join(map(str, made.patch_size))),
        ("batch", made.batch_size),
        ("network", f"{made.network}, channels {' '.join(map(str, made.channels))}"),
        ("intensities", scheme),
    ):
        click.echo(f"{name:16} {value}")


def _show_result(result: FitResult, *, as_json: bool) -> None:
    record = {
        "run": str(result.run),
        "steps": result.steps,
        "best_step": result.best_step,
        "dice_validation": result.dice_validation,
        "resumed_at_step": result.resumed_at_step,
    }
    if as_json:
        click.echo(json.dumps(record, indent=2, sort_keys=True))
        return
    for name, value in record.items():
        shown = f"{value:.4f}" if isinstance(value, float) else "not measured" if value is None else value
        click.echo(f"{name:16} {shown}")
