"""The demonstration: a make-believe hospital and the real files that pydicom bundles, taken all the way.

The law: it is an ordinary job on ordinary commands; only its input is made up, so that what must not survive is known.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pydicom

from curator.adapters.local_disk import LocalDisk
from curator.adapters.processes import executor
from curator.adapters.rapid_text import RapidText
from curator.errors import UsageError
from curator.jobs.annotations import annotate
from curator.jobs.datasets import build_dataset
from curator.jobs.job import read_job
from curator.jobs.later import LaterStages
from curator.jobs.progress import Report
from curator.jobs.run import JobResult, run_job
from curator.jobs.summary import summarize_workspace, write_report
from curator.jobs.training import train
from curator.jobs.workspace import CONFIGURATION, create_workspace, default_key_file, open_workspace
from curator.model.summary import RehearsalSummary
from curator.testing import AnswerKey, make_hospital
from curator.testing.leak_search import Leak, find_leaks
from curator.testing.pixel_search import find_pixel_leaks

_HOSPITAL = "hospital"
_WORKSPACE = "workspace"
_KEY = "answer-key.json"
_REPORT = "report.html"
_SUMMARY = "summary.json"
_JOB = "demo.toml"
# Beside these lie pydicom's own modules and JSON, which are no images.
_PYDICOM_FOLDERS = ("test_files", "charset_files")

_JOB_TEXT = """\
# The job behind `curator demo`; run it again with `curator run` and it finds everything done.
name = "demo"
workspace = "{workspace}"

[ingest]
paths = {paths}

[deid]
profile = "basic"
options = ["retain-long-modified-dates", "clean-pixel-data"]

[annotate]
index = "{hospital}/annotations/annotations.csv"
labels = "{hospital}/annotations/labels.toml"

[dataset]
name = "abdomen"
version = "1.0.0"
seed = {seed}
size = "all"
balance_by = ["vendor", "centre_code"]
stratify_by = ["vendor", "centre_code"]
consensus = "staple"
filters = {{ Modality = ["CT"], BodyPartExamined = ["ABDOMEN"], require_annotations = true, minimum_annotators = 2 }}
split = {{ train = 0.6, validation = 0.15, test = 0.25 }}

[train]
seed = {seed}
steps = {steps}

[report]
out = "{report}"
"""
_STEPS = 250


def _whole_hospital(folder: Path, seed: int) -> AnswerKey:
    return make_hospital(folder, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demonstration showed; `planted` values were searched and `surviving` places found with one.

    `pixels_read` images were read again for planted texts, of which `pixels_surviving` could be read.
    """

    job: JobResult
    planted: int
    surviving: int
    pixels_read: int
    pixels_surviving: int
    folder: Path = field(repr=False)

    @property
    def exit_code(self) -> int:
        """0 where nothing survived: quarantined items are what a demonstration is meant to show."""
        return 1 if self.surviving or self.pixels_surviving or self.job.residual else 0

    def to_json(self) -> Mapping[str, object]:
        """The result for machines."""
        return {
            **self.job.to_json(),
            "planted_values": self.planted,
            "planted_surviving": self.surviving,
            "pixels_read": self.pixels_read,
            "pixels_surviving": self.pixels_surviving,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is demonstrated: `make` writes a hospital of a seed into a folder, `steps` is the training budget.

    `bundled`: the real files that pydicom bundles go the same way.
    """

    make: Callable[[Path, int], AnswerKey] = _whole_hospital
    steps: int = _STEPS
    bundled: bool = True


def demonstrate(
    out: Path, *, seed: int, workers: int, keys: Path | None, report: Report, scale: Scale | None = None
) -> DemoResult:
    """Make the hospital under `out`, run the job on it, and search all it wrote for what was planted.

    A folder that an earlier demonstration made is gone on with; without `scale` the whole hospital is made.

    Raises:
        UsageError: `out` holds something else, or a demonstration of another seed.
        KeyPlacementError: the key file would lie where data may leave.
    """
    out = out.absolute()
    report("phantom    making a hospital")
    key = _prepared(out, seed=seed, keys=keys, scale=scale or Scale())
    stages = LaterStages(annotate=annotate, dataset=build_dataset, train=train, report=write_report)
    result = run_job(read_job(out / _JOB), workers=workers, report=report, stages=stages)
    report("search     everything the job wrote, for what was planted")
    leaks = find_leaks(out / _WORKSPACE, key)
    report("search     the pixels of released images, for texts that were planted")
    read, seen = _pixel_leaks(open_workspace(out / _WORKSPACE).released, key, workers=workers)
    shown = DemoResult(
        job=result,
        planted=len(key.values_to_search()),
        surviving=len(leaks),
        pixels_read=read,
        pixels_surviving=len(seen),
        folder=out,
    )
    (out / _SUMMARY).write_text(_summary(out, shown), encoding="utf-8")
    return shown


def _pixel_leaks(released: Path, key: AnswerKey, *, workers: int) -> tuple[int, list[Leak]]:
    pool = executor(workers)
    try:
        return find_pixel_leaks(released, key, reader=RapidText(), mapped=pool.map)
    finally:
        pool.close()


def _summary(out: Path, shown: DemoResult) -> str:
    """The numbers of the whole journey, in the report's own shape."""
    workspace = open_workspace(out / _WORKSPACE)
    searched = sum(1 for path in workspace.root.rglob("*") if path.is_file())
    summary = summarize_workspace(
        workspace,
        dataset=shown.job.dataset,
        run=shown.job.run,
        released=workspace.released,
        residuals=shown.job.residual,
    )
    rehearsal = RehearsalSummary(
        planted=shown.planted, files_searched=searched, surviving=shown.surviving + shown.pixels_surviving
    )
    return json.dumps(replace(summary, rehearsal=rehearsal).to_json(), indent=1) + "\n"


def _prepared(out: Path, *, seed: int, keys: Path | None, scale: Scale) -> AnswerKey:
    job, answer_key = out / _JOB, out / _KEY
    if not job.is_file() and out.exists() and any(out.iterdir()):
        raise UsageError("the demo needs a new or empty folder, or one that an earlier demo made")
    if answer_key.is_file():
        key = AnswerKey.from_json(answer_key.read_text(encoding="utf-8"))
        if key.seed != seed:
            raise UsageError(f"this folder holds the demo of seed {key.seed}; choose another folder")
        return key
    workspace = out / _WORKSPACE
    if not (workspace / CONFIGURATION).is_file():
        create_workspace(workspace, key_file=keys or default_key_file(workspace))
    folder = LocalDisk(out)
    # The job comes first and the answer key last: in between, the hospital is not whole.
    folder.write(_JOB, [_job_text(seed, scale).encode()])
    shutil.rmtree(out / _HOSPITAL, ignore_errors=True)
    key = scale.make(out / _HOSPITAL, seed)
    folder.write(_KEY, [key.to_json().encode()])
    return key


def _job_text(seed: int, scale: Scale) -> str:
    bundled = Path(pydicom.__file__).parent / "data"
    real = (str(bundled / name) for name in _PYDICOM_FOLDERS if (bundled / name).is_dir())
    paths = [f"{_HOSPITAL}/dicom", *(real if scale.bundled else ())]
    return _JOB_TEXT.format(
        workspace=_WORKSPACE,
        hospital=_HOSPITAL,
        paths=json.dumps(paths),
        seed=seed,
        steps=scale.steps,
        report=f"{_WORKSPACE}/{_REPORT}",
    )
