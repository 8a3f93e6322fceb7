"""`curator deid faces`: what defacing would make of volumes, NIfTI files without a face, and an attack on both."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.jobs.faces.asked import FaceRow
    from curator.model.faces import FaceWish

_MODES = ("smooth", "noise", "zero")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--what-if", is_flag=True, help="Say what would become of every volume and write nothing.")
@click.option(
    "--audit", is_flag=True, help="Attack volumes that are said to be defaced; exit code 1 where one has a face."
)
@click.option("--out", type=click.Path(path_type=Path), help="Where NIfTI files without a face go; needs -w.")
@click.option(
    "--png", type=click.Path(path_type=Path), help="Draw what is seen into this folder; needs -w and its key."
)
@click.option("-w", "--workspace", type=click.Path(path_type=Path), help="By this workspace's key.")
@click.option(
    "--mode", type=click.Choice(_MODES), default="smooth", show_default=True, help="What takes a face's place."
)
@click.option("--ears", is_flag=True, help="Take the ears out, too; held where one may be kept.")
@click.option("--teeth", is_flag=True, help="Take the teeth out, too.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def faces(
    paths: tuple[Path, ...],
    out: Path | None,
    png: Path | None,
    workspace: Path | None,
    mode: str,
    *,
    what_if: bool,
    audit: bool,
    ears: bool,
    teeth: bool,
    as_json: bool,
) -> None:
    """Show what defacing would make of the volumes under PATHS, attack them, or write NIfTI files without a face.

    DICOM is defaced by `deid run --option clean-recognizable-visual-features`, together with its headers. Exit code 1
    where a volume would be held back, or has a face. Volumes are told by numbers, in the order of files.
    """
    from curator.errors import UsageError
    from curator.model.faces import FaceMode, FaceWish

    if [what_if, audit, out is not None].count(True) != 1:
        raise UsageError("choose one of --what-if, --audit and --out")
    if workspace is None and (out is not None or png is not None):
        raise UsageError("--out and --png need -w, the workspace whose key is used")
    wish = FaceWish(mode=FaceMode(mode), ears=ears, teeth=teeth)
    absolute = tuple(path.absolute() for path in paths)
    if png is not None:
        from curator.jobs.faces.pictures import draw_heads

        assert workspace is not None
        draw_heads(absolute, out=png.absolute(), workspace=workspace, report=_to_stderr)
    rows = _rows(absolute, out=out and out.absolute(), audit=audit, workspace=workspace, wish=wish)
    if as_json:
        click.echo(json.dumps([row.to_json() for row in rows], indent=1))
    else:
        _print(rows)
    sys.exit(1 if any(row.is_finding for row in rows) else 0)


def _rows(
    paths: Sequence[Path], *, out: Path | None, audit: bool, workspace: Path | None, wish: FaceWish
) -> list[FaceRow]:
    from curator.jobs.faces.view import audit_faces, deface_files, view_faces

    if audit:
        return audit_faces(paths, report=_to_stderr)
    if out is not None:
        assert workspace is not None
        return deface_files(paths, out=out, workspace=workspace, wish=wish, report=_to_stderr)
    return view_faces(paths, workspace=workspace, wish=wish, report=_to_stderr)


def _print(rows: Sequence[FaceRow]) -> None:
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        numbers = row.numbers
        said = (
            f"{what} {numbers[name]:.{digits}f}"
            for name, what, digits in (
                ("before_best", "score before", 2),
                ("before_hits", "hits before", 0),
                ("after_best", "score after", 2),
                ("after_hits", "hits after", 0),
                ("rank", "rank", 0),
            )
            if name in numbers
        )
        place = f"{row.kind.value} {row.study}.{row.series}.{row.part}"
        parts = (
            f"{place:<14}",
            f"{row.status:<14}",
            row.modality,
            shape,
            row.why,
            *said,
            f"{row.seconds:.1f} s",
            row.out,
        )
        click.echo("  ".join(part for part in parts if part.strip()))
    click.echo(f"{len(rows)} volumes")


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)
