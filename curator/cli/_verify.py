"""`curator deid verify`: the proof over a folder, any time later."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from curator.cli._deid_options import JSON, OPTION, PROFILE, RECIPE, VALUES, WORKERS, WORKSPACE, recipe_of, to_stderr


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@PROFILE
@OPTION
@RECIPE
@VALUES
@click.option("--pixels", "reads_pixels", is_flag=True, help="Read the images again that say they are clean; slow.")
@click.option("--faces", "audits_faces", is_flag=True, help="Attack the volumes that say they show nobody; slow.")
@WORKSPACE
@WORKERS
@JSON
def verify(
    folder: Path,
    profile: str,
    options: tuple[str, ...],
    workspace: Path,
    workers: int,
    *,
    recipe: Path | None,
    recipe_values: Path | None,
    reads_pixels: bool,
    audits_faces: bool,
    as_json: bool,
) -> None:
    """Search every file in FOLDER for the identifiers of its person, and check that references between them agree.

    Exit code 1 where anything is found. Images that say of themselves that their pixels are clean are counted, and
    read again with --pixels; volumes that say that they show nobody are counted, and attacked with --faces. References
    to instances that are not in FOLDER are counted, and a finding only for objects that make no sense without their
    images.
    """
    from curator.adapters.processes import executor
    from curator.bundled import bundled_folder
    from curator.jobs.verification import Search, verify_folder

    search = Search(
        folder=folder.absolute(),
        workspace=workspace.absolute(),
        rules=bundled_folder("rules"),
        profile=profile,
        options=options,
        recipe=recipe_of(recipe, recipe_values),
        reads_pixels=reads_pixels,
        audits_faces=audits_faces,
    )
    pool = executor(workers)
    try:
        proof = verify_folder(search, executor=pool, report=to_stderr)
    finally:
        pool.close()
    if as_json:
        click.echo(json.dumps(proof.to_json(), indent=1))
    else:
        for one in proof.findings:
            click.echo(f"{one.file}  {one.defect}  {one.place}")
        click.echo(f"{proof.references_resolved} references resolve, {proof.references_outside} point outside")
        click.echo(f"{proof.pixels_claimed} images say that their pixels are clean, {proof.pixels_read} read again")
        click.echo(
            f"{proof.faces_claimed} images say that they show nobody, {proof.faces_audited} volumes attacked again"
        )
        click.echo(f"{proof.files} files searched, {len(proof.findings)} findings")
    sys.exit(1 if proof.findings else 0)
