"""A job file: which stages run, on what, with which choices.

The law: what a job does stands in its file; an unknown key is refused before anything is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curator.dataset.spec import spec_from_table
from curator.errors import ConfigurationError
from curator.model.faces import AS_USUAL, FaceMode, FaceWish
from curator.policy.recipe.lines import Recipe
from curator.policy.recipe.read import read_recipe
from curator.strict import Table, read_toml
from trainers.config import TrainConfig

_FACE_OPTION = "clean-recognizable-visual-features"
_STAGES = ("ingest", "deid", "faces", "annotate", "dataset", "train", "report")
# Dates shift unless a job says otherwise: intervals are what longitudinal data is for.
DEFAULT_OPTIONS = ("retain-long-modified-dates",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationSource:
    """Masks from outside DICOM: an index of files and the label table that also names DICOM SEG segments."""

    index: Path | None = field(repr=False)
    labels: Path = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A read job file. Paths are absolute; `dataset` and `train` are tables that their packages have accepted.

    A stage whose table is missing does not run; without `annotate` only what is in the catalogue already is used.
    `out` is where released instances go, the workspace's own folder where it is None. `events` is a file with the day
    from which each person's days are counted; `recipe` decides before the profile. `faces` is how faces are replaced
    where the option says that they are.
    """

    name: str
    workspace: Path = field(repr=False)
    paths: tuple[Path, ...] = field(repr=False)
    ignore: tuple[str, ...] = ()
    profile: str = "basic"
    options: tuple[str, ...] = DEFAULT_OPTIONS
    annotate: AnnotationSource | None = None
    dataset: Mapping[str, object] | None = None
    train: Mapping[str, object] | None = None
    report: Path | None = field(repr=False, default=None)
    out: Path | None = field(repr=False, default=None)
    events: Path | None = field(repr=False, default=None)
    recipe: Recipe | None = field(repr=False, default=None)
    faces: FaceWish = AS_USUAL


def read_job(path: Path) -> Job:
    """The job in a TOML file; its relative paths count from the file's folder.

    Raises:
        ConfigurationError: it cannot be read, has an unknown key, or a stage lacks what it needs.
    """
    table = read_toml(path, name="job")
    table.only(("name", "workspace", *_STAGES))
    base = path.absolute().parent
    ingest, deid, report = table.table("ingest"), table.table("deid"), table.table("report")
    ingest.only(("paths", "ignore"))
    deid.only(("profile", "options", "out", "events", "recipe", "recipe_values"))
    report.only(("out",))
    if "ingest" in table.values and not ingest.texts("paths"):
        raise ingest.wrong("paths", "names no folder to read")
    options = deid.texts("options") if "options" in deid.values else DEFAULT_OPTIONS
    dataset, train = _stage(table, "dataset"), _stage(table, "train")
    if dataset is not None:
        spec_from_table(dataset)
    if train is not None:
        TrainConfig.from_table(train)
        if dataset is None:
            raise ConfigurationError("[job.train] needs a table [dataset]: there is nothing to train on")
    return Job(
        name=table.get("name", str),
        workspace=base / table.get("workspace", str),
        paths=tuple(base / text for text in ingest.texts("paths")),
        ignore=ingest.texts("ignore"),
        profile=deid.get("profile", str, "basic"),
        options=options,
        annotate=_annotations(table.table("annotate"), base) if "annotate" in table.values else None,
        dataset=dataset,
        train=train,
        report=base / report.get("out", str) if "report" in table.values else None,
        out=base / deid.get("out", str) if "out" in deid.values else None,
        events=base / deid.get("events", str) if "events" in deid.values else None,
        recipe=_recipe(deid, base),
        faces=_faces(table.table("faces"), options),
    )


def _faces(table: Table, options: Collection[str]) -> FaceWish:
    table.only(("mode", "ears", "teeth"))
    if table.values and _FACE_OPTION not in options:
        raise ConfigurationError(f"[job.faces] is for the option {_FACE_OPTION}, which [job.deid] does not name")
    return FaceWish(
        mode=FaceMode(table.one_of("mode", [mode.value for mode in FaceMode], FaceMode.SMOOTH.value)),
        ears=table.get("ears", bool, False),
        teeth=table.get("teeth", bool, False),
    )


def _stage(table: Table, name: str) -> Mapping[str, object] | None:
    return table.table(name).values if name in table.values else None


def _recipe(table: Table, base: Path) -> Recipe | None:
    if "recipe" not in table.values:
        if "recipe_values" in table.values:
            raise table.wrong("recipe_values", "are for a recipe, and there is none")
        return None
    values = base / table.get("recipe_values", str) if "recipe_values" in table.values else None
    return read_recipe(base / table.get("recipe", str), values=values)


def _annotations(table: Table, base: Path) -> AnnotationSource:
    table.only(("index", "labels"))
    index = base / table.get("index", str) if "index" in table.values else None
    return AnnotationSource(index=index, labels=base / table.get("labels", str))
