"""`curator phantom`: the make-believe hospital, to rehearse with.

The law: the answer key never lies inside the hospital, or a job over the hospital would read the answers.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click


@click.group(name="phantom")
def group() -> None:
    """Make patients, images and masks that never were, with identifiers planted in them."""


@group.command(name="make")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed makes another hospital."
)
@click.option("--key", "key_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the answer key goes.  [default: beside DIR]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Counts as JSON.")
def make(folder: Path, seed: int, key_file: Path | None, as_json: bool) -> None:
    """Write a hospital into the new or empty folder DIR, and its answer key outside of it."""
    from curator.testing import make_hospital

    key_path = key_file or folder.parent / f"{folder.resolve().name}-answer-key.json"
    _check_key_path(key_path, folder)
    key = make_hospital(folder, seed=seed)
    key_path.parent.mkdir(parents=True, exist_ok=True)
    key_path.write_text(key.to_json(), encoding="utf-8")
    modalities = Counter(made.modality or "other" for made in key.files)
    counts = {
        "files": len(key.files),
        "patients": len({made.patient for made in key.files if made.patient >= 0}),
        "planted": len(key.plants),
        "values_to_search": len(key.values_to_search()),
        "with_face": sum(made.shows_face for made in key.files),
        "with_burned_in_text": sum(made.shows_text for made in key.files),
        "by_modality": dict(sorted(modalities.items())),
        "answer_key": str(key_path),
    }
    click.echo(json.dumps(counts, indent=2) if as_json else _table(counts))


def _check_key_path(key_path: Path, folder: Path) -> None:
    from curator.errors import UsageError

    if key_path.resolve().is_relative_to(folder.resolve()):
        raise UsageError("the answer key may not lie inside the hospital; name another place with --key")
    if key_path.exists():
        raise UsageError("the answer key's file exists already; remove it or name another with --key")


def _table(counts: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<20} {value}" for name, value in counts.items())
