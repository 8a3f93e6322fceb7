"""`curator deid pixels`: what would be blacked out of one image, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from curator.jobs.pixel_view import PixelView


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--what-if", is_flag=True, help="Needed: this command only shows what a job would do.")
@click.option("--png", type=click.Path(path_type=Path), help="Draw a frame with its boxes, red for what goes.")
@click.option("--frame", type=click.IntRange(0), help="The frame to draw, from 0; the first one with a box by default.")
@click.option("-w", "--workspace", type=click.Path(path_type=Path), help="Judge by all that it knows of the person.")
@click.option("--show-text", is_flag=True, help="With -w, on a terminal: show what was read, too.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def pixels(
    file: Path,
    png: Path | None,
    frame: int | None,
    workspace: Path | None,
    *,
    what_if: bool,
    show_text: bool,
    as_json: bool,
) -> None:
    """Show which boxes of FILE the option clean-pixel-data would make black, which it would keep, and by which rule.

    Exit code 1 where the image would be held for a person to look at. The picture shows the image as it is: treat it
    like the image.
    """
    from curator.errors import UsageError

    if not what_if:
        raise UsageError(
            "`deid pixels` only shows: give --what-if; pixels are scrubbed by `deid run --option clean-pixel-data`"
        )
    if show_text and (workspace is None or as_json or not sys.stdout.isatty()):
        raise UsageError("--show-text goes with -w, and shows what was read on a terminal only")
    from curator.jobs.pixel_view import view_pixels

    view = view_pixels(file.absolute(), workspace=workspace, frame=frame)
    if png is not None:
        png.write_bytes(view.png)
    if as_json:
        click.echo(json.dumps(view.to_json(), indent=1))
    else:
        _print(view, show_text=show_text)
    sys.exit(1 if view.needs_review else 0)


def _print(view: PixelView, *, show_text: bool) -> None:
    from curator.deid.pixels.evidence import runs_of

    for one, text in zip(view.judged, view.texts, strict=True):
        box = f"{one.box.top},{one.box.left}-{one.box.bottom},{one.box.right}"
        printable = "".join(each if each.isprintable() else " " for each in text)
        said = f"  {printable}" if show_text and text else ""
        click.echo(f"{one.verdict:<7} {box:<20} frames {runs_of(one.frames)}  {one.route}  [{one.rule_id}]{said}")
    click.echo(
        f"{view.rows} x {view.columns}, {view.frames} frames, {len(view.judged)} boxes; "
        f"in a job: {view.handling}{f' [{view.rule_id}]' if view.rule_id else ''}"
    )
