"""`curator annotate`: how far authors agree, and one mask out of many.

Authors are numbered in the order in which their masks are given; no file is named in what is printed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from curator.errors import EXIT_FINDINGS

if TYPE_CHECKING:
    from curator.annotate.agreement import Agreement
    from curator.annotate.consensus import Consensus
    from curator.annotate.votes import JointVotes, Region
    from curator.model.volume import Volume

_METHODS = ("majority", "staple")
_MASKS = click.argument("masks", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group("annotate")
def group() -> None:
    """Masks by several authors."""


@group.command("import")
@click.argument("index", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--labels", required=True, type=click.Path(path_type=Path, exists=True), help="The label table, TOML.")
@click.option("-w", "--workspace", required=True, type=click.Path(path_type=Path), help="Made with `curator init`.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--what-if", is_flag=True, help="Check the index and the label table, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def import_(index: Path, labels: Path, workspace: Path, workers: int, *, what_if: bool, as_json: bool) -> None:
    """Import the masks that INDEX lists, and those of released DICOM SEG, under their authors' codes."""
    if what_if:
        from curator.annotate.readers.index import read_index
        from curator.annotate.readers.labels import read_labels

        found = {"masks_in_index": len(read_index(index)), "labels": len(read_labels(labels).labels)}
        click.echo(json.dumps(found) if as_json else "\n".join(f"{name:16} {count}" for name, count in found.items()))
        return
    from curator.jobs.parts import import_annotations

    counts = import_annotations(
        workspace,
        index=index,
        labels=labels,
        workers=workers,
        report=lambda line: click.echo(line, err=True),
    )
    held = {reason.value: count for reason, count in counts.quarantined.items()}
    record = {"masks": counts.masks, "imported": counts.imported, "imported_new": counts.new, "quarantined": held}
    if as_json:
        click.echo(json.dumps(record, indent=1))
    else:
        click.echo(f"{counts.imported} of {counts.masks} masks imported, {counts.new} of them new")
        for reason, count in held.items():
            click.echo(f"  {reason:<26}{count}")
    if held:
        raise SystemExit(EXIT_FINDINGS)


@group.command("agreement")
@_MASKS
@click.option(
    "--method", type=click.Choice(_METHODS), default="majority", show_default=True, help="Consensus for the bias."
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def agreement(masks: tuple[Path, ...], method: str, *, as_json: bool) -> None:
    """Compare MASKS of one image, NIfTI label maps by different authors."""
    from curator.annotate.agreement import measured
    from curator.annotate.consensus import joined, parse_method

    grid, votes = _read(masks)
    consensus = joined(votes, parse_method(method))
    z_mm, y_mm, x_mm = grid.spacing_mm
    found = measured(votes, consensus.entries, region=consensus.region, voxel_mm3=z_mm * y_mm * x_mm)
    if as_json:
        click.echo(json.dumps(_agreement_record(found, method), indent=1))
        return
    click.echo(f"authors             {found.authors}")
    click.echo(f"Fleiss kappa        {found.kappa:.4f}")
    click.echo(f"Krippendorff alpha  {found.alpha:.4f}")
    click.echo(f"counted voxels      {found.region.voxels}")
    for label in found.labels:
        click.echo(f"label {label.label}: mean Dice {label.mean_dice:.4f}")
        for author, (volume_ml, bias_ml) in enumerate(zip(label.volumes_ml, label.bias_ml, strict=True), start=1):
            dice = "  ".join(f"{value:.3f}" for value in label.dice[author - 1])
            click.echo(f"  author {author}: {volume_ml:10.3f} ml, {bias_ml:+10.3f} ml to the {method}; Dice {dice}")


@group.command("consensus")
@_MASKS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The mask to write, .nii.gz.")
@click.option(
    "--method", type=click.Choice(_METHODS), default="majority", show_default=True, help="How masks are joined."
)
@click.option("--what-if", is_flag=True, help="Say what would be written and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def consensus(masks: tuple[Path, ...], out: Path, method: str, *, what_if: bool, as_json: bool) -> None:
    """Join MASKS of one image, NIfTI label maps by different authors, into one; a tie is background."""
    from curator.adapters.local_disk import LocalDisk
    from curator.annotate.consensus import joined, parse_method
    from curator.errors import UsageError
    from curator.imaging.nifti import nifti_bytes
    from curator.model.volume import Volume

    if not out.name.endswith(".nii.gz"):
        raise UsageError("--out must end in .nii.gz")
    if any(out.resolve() == mask.resolve() for mask in masks):
        raise UsageError("--out is one of the masks; sources are never written to")
    grid, votes = _read(masks)
    result = joined(votes, parse_method(method))
    if not what_if:
        content = nifti_bytes(Volume(stored=result.mask, affine_lps=grid.affine_lps))
        LocalDisk(out.absolute().parent).write(out.name, [content])
    record = _consensus_record(result, votes, is_written=not what_if)
    if as_json:
        click.echo(json.dumps(record, indent=1))
        return
    for name, value in record.items():
        click.echo(f"{name:16} {value}")


def _read(masks: tuple[Path, ...]) -> tuple[Volume, JointVotes]:
    """The grid of the first mask, and the joint votes of all on it.

    Raises:
        ItemError: a mask cannot be read, is no label map or lies on another grid; its number is in the message.
    """
    from curator.annotate.readers.nifti import label_values
    from curator.annotate.votes import joint_votes
    from curator.errors import ItemError
    from curator.imaging.nifti import read_nifti

    grid, values = None, []
    for number, path in enumerate(masks, start=1):
        try:
            volume = read_nifti(path)
            grid = grid or volume
            values.append(label_values(volume, grid=grid))
        except ItemError as error:
            raise ItemError(error.reason, f"mask {number} of {len(masks)}: {error.detail}") from None
    if grid is None:
        raise click.UsageError("no masks")
    return grid, joint_votes(values)


def _agreement_record(found: Agreement, method: str) -> dict[str, object]:
    return {
        "authors": found.authors,
        "fleiss_kappa": _plain(found.kappa),
        "krippendorff_alpha": _plain(found.alpha),
        "region": _region_record(found.region),
        "consensus": method,
        "labels": [
            {
                "value": label.label,
                "dice": [[_plain(value) for value in row] for row in label.dice.tolist()],
                "mean_dice": _plain(label.mean_dice),
                "volume_ml": [_plain(value) for value in label.volumes_ml.tolist()],
                "bias_ml": [_plain(value) for value in label.bias_ml.tolist()],
            }
            for label in found.labels
        ],
    }


def _consensus_record(result: Consensus, votes: JointVotes, *, is_written: bool) -> dict[str, object]:
    import numpy as np

    values, counts = np.unique(result.mask, return_counts=True)
    return {
        "authors": votes.palette.shape[1],
        "method": result.method.value,
        "region": _region_record(result.region),
        "joint_votes": len(votes.palette),
        "voxels": {str(value): int(count) for value, count in zip(values.tolist(), counts.tolist(), strict=True)},
        "written": is_written,
    }


def _region_record(region: Region) -> dict[str, object]:
    return {"lower_zyx": list(region.lower), "upper_zyx": list(region.upper), "voxels": region.voxels}


def _plain(value: float) -> float | None:
    """Rounded so that two builds of numpy print the same; JSON has no NaN."""
    return None if math.isnan(value) else round(value, 10)
