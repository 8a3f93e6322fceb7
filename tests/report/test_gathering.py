"""What workspaces, datasets and runs are said to hold, against what was put there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from gathering_samples import DIGEST, evaluated_run, filled_workspace, frozen_dataset

from curator.bundled import bundled_folder
from curator.errors import EXIT_USAGE, IntegrityError, UsageError
from curator.jobs.summaries.agreement import agreement_summary
from curator.jobs.summaries.dataset import dataset_summary, shown_body_parts
from curator.jobs.summary import store_report, summarize_path, summarize_run, summarize_workspace, write_report
from curator.jobs.workspace import Workspace, create_workspace
from curator.model.quarantine import REMEDY, Reason
from curator.model.summary import JobSummary, Verification
from curator.policy.csv_tables import parse_csv


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return filled_workspace(tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_dataset(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, dataset: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    evaluated_run(folder, dataset)
    return folder


def test_a_workspace_is_counted_file_by_file(workspace: Workspace) -> None:
    release = summarize_workspace(workspace).release
    assert (release.files_in, release.released, release.held_count, release.unaccounted) == (6, 4, 2, 0)
    assert {each.reason: each.count for each in release.held} == {Reason.FACE_POSSIBLE: 1, Reason.DISK_FULL: 1}
    assert release.masks_imported == 1
    assert [each.reason for each in release.masks_held] == [Reason.REFERENCE_UNRESOLVED]
    assert (release.patients, release.studies, release.series) == (2, 4, 4)
    assert release.key_id == workspace.key_id and release.audit_entries == 1 and len(release.audit_head) == 64


def test_the_policy_is_what_the_files_state(workspace: Workspace) -> None:
    (policy,) = summarize_workspace(workspace).release.policies
    assert (policy.digest, policy.files, policy.dates) == (DIGEST, 4, "MODIFIED")
    assert policy.method == "curator; basic; PS3.15 2026d"
    assert policy.options == ("113100 Basic Application Confidentiality Profile",)


def test_released_files_that_are_elsewhere_are_looked_for_there(workspace: Workspace, tmp_path: Path) -> None:
    (policy,) = summarize_workspace(workspace, released=tmp_path).release.policies
    assert (policy.digest, policy.method, policy.options) == (DIGEST, "", ())


def test_what_was_searched_just_now_is_told(workspace: Workspace) -> None:
    assert summarize_workspace(workspace).release.verification is None
    found = summarize_workspace(workspace, residuals=2).release.verification
    assert found == Verification(files=4, residuals=2)


def test_diversity_is_by_series(workspace: Workspace) -> None:
    diversity = summarize_workspace(workspace).diversity
    vendors = {tally.name: tally.count for tally in diversity.attributes[0].counts}
    assert vendors == {"Siemens": 2, "GE": 2}
    assert sum(map(sum, diversity.vendor_by_centre.cells)) == diversity.series == 4


def test_reading_leaves_the_workspace_as_it_was(workspace: Workspace) -> None:
    def digests() -> dict[str, str]:
        files = sorted(path for path in workspace.root.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = digests()
    summarize_workspace(workspace)
    assert digests() == before


def test_a_new_workspace_without_a_database_is_told_what_to_do(tmp_path: Path) -> None:
    fresh = create_workspace(tmp_path / "w", key_file=tmp_path / "k" / "key.json")
    with pytest.raises(UsageError, match="curator db upgrade"):
        summarize_workspace(fresh)


def test_a_dataset_is_told_by_its_manifest(dataset: Path) -> None:
    found = dataset_summary(dataset)
    assert (found.name, found.version, found.items, found.patients, found.annotations) == ("toy", "1.0.0", 8, 8, 16)
    assert found.policy_digests == {"header": DIGEST} and found.consensus == ("majority",)
    assert [label.name for label in found.labels] == ["liver", "spleen"]
    for grid in found.by_split:
        assert grid.columns == ("train", "validation", "test")
        assert [sum(column) for column in zip(*grid.cells, strict=True)] == [4, 2, 2]
    assert found.l1 is not None and found.l1 >= found.l1_bound >= 0


def test_agreement_is_the_closed_form(dataset: Path) -> None:
    found = agreement_summary(dataset)
    liver, spleen = found.labels
    voxel_ml = 5.0 * 2.0 * 2.0 / 1000
    # 128 voxels against 144, all of the first within the second; a tie is background, so the consensus is the first.
    assert liver.dice[0][1] == liver.dice[1][0] == pytest.approx(2 * 128 / (128 + 144))
    assert liver.bias_ml == pytest.approx((0.0, 16 * voxel_ml))
    assert spleen.dice[0][1] == 1.0 and spleen.bias_ml == (0.0, 0.0)
    assert [(each.author_code, each.roles, each.masks) for each in found.authors] == [
        ("A-1", ("radiologist",), 8),
        ("A-2", ("student",), 8),
    ]
    assert found.items == found.items_with_several == 8 and 0.9 < found.kappa < 1 and 0.9 < found.alpha < 1


def test_one_author_agrees_with_nobody(tmp_path: Path) -> None:
    found = agreement_summary(frozen_dataset(tmp_path, authors=1))
    assert (found.items, found.kappa, found.alpha) == (0, None, None)
    assert [label.bias_ml for label in found.labels] == [(None,), (None,)]


def test_examples_are_of_different_vendors_and_hold_their_masks(dataset: Path) -> None:
    examples = dataset_summary(dataset).examples
    assert sorted(each.vendor for each in examples) == ["GE", "Siemens"]
    assert all(one.mask.any() and one.spacing_mm == (2.0, 2.0) for each in examples for one in each.slices)


@pytest.mark.parametrize(
    "body_part", ["HEAD", "BRAIN", "SKULL", "NECK", "HEADNECK", "WHOLEBODY", "FACE", "ORBIT", "", "X"]
)
def test_no_head_and_nothing_unnamed_is_ever_shown(tmp_path: Path, body_part: str) -> None:
    assert body_part not in shown_body_parts(bundled_folder("rules"))
    assert dataset_summary(frozen_dataset(tmp_path, count=4, body_part=body_part)).examples == ()


def test_every_shown_body_part_has_its_reason_and_example() -> None:
    name = "report/shown_body_parts.csv"
    columns = ("id", "body_part", "meaning", "why", "source", "example")
    rows = parse_csv((bundled_folder("rules") / name).read_bytes(), name=name, columns=columns)
    assert all(row["example"] in shown_body_parts(bundled_folder("rules")) for row in rows)
    assert len({row["id"] for row in rows}) == len({row["body_part"] for row in rows}) == len(rows)
    assert all(all(row.cells.values()) for row in rows)


def test_a_run_is_told_with_its_dataset(run: Path) -> None:
    found = summarize_run(run)
    assert found.dataset is not None and found.dataset.merkle_root == found.training.merkle_root
    assert [(point.step, point.loss_train, point.dice_validation) for point in found.training.points] == [
        (2, 1.5, 0.25),
        (4, 0.5, 0.75),
    ]
    assert (found.training.best_step, found.training.dice_validation) == (4, 0.75)
    assert found.evaluation.labels == found.training.labels == ("liver", "spleen")
    overall = {group.label: group for group in found.evaluation.groups if not group.group_by}
    # The reference is 8 rows of liver, the prediction 7 of them; the spleen is whole.
    assert overall["liver"].dice_mean == pytest.approx(2 * 7 / 15) and overall["spleen"].dice_mean == 1.0
    assert (found.evaluation.items, found.evaluation.splits) == (2, ("test",))


def test_a_run_without_its_dataset_or_its_end_is_told_as_far_as_it_went(tmp_path: Path) -> None:
    source = frozen_dataset(tmp_path / "datasets")
    evaluated_run(tmp_path / "run", source, is_finished=False)
    shutil.rmtree(source)
    found = summarize_run(tmp_path / "run")
    assert found.dataset is None and found.evaluation is None and found.training.best_step is None
    assert b"not complete" in _page(found, tmp_path)


def _page(summary: JobSummary, folder: Path) -> bytes:
    store_report(summary, folder / "page.html")
    return (folder / "page.html").read_bytes()


def test_the_report_of_a_job_is_the_same_wherever_it_lies(
    workspace: Workspace, dataset: Path, run: Path, tmp_path: Path
) -> None:
    stored = write_report(workspace, tmp_path / "one.html", dataset=dataset, run=run, residuals=0)
    content = (tmp_path / "one.html").read_bytes()
    assert stored.sha256 == hashlib.sha256(content).hexdigest() and stored.size_bytes == len(content)
    moved = tmp_path / "elsewhere"
    shutil.copytree(workspace.root, moved / "workspace")
    shutil.copytree(workspace.key_file.parent, moved / "keys")
    shutil.copytree(dataset, moved / "data" / dataset.name)
    shutil.copytree(run, moved / "run")
    again = Workspace(
        root=moved / "workspace",
        key_file=moved / "keys" / "key.json",
        key_id=workspace.key_id,
        database_url=f"sqlite:///{moved / 'workspace' / 'curator.sqlite'}",
    )
    other = write_report(
        again, moved / "two.html", dataset=moved / "data" / dataset.name, run=moved / "run", residuals=0
    )
    assert other.sha256 == stored.sha256
    for text in (REMEDY[Reason.FACE_POSSIBLE], DIGEST, workspace.key_id, "C-2"):
        assert text.encode() in content
    for secret in (b"secret", str(tmp_path).encode(), workspace.root.name.encode() + b"/"):
        assert secret not in content


def test_a_path_that_is_nothing_is_refused(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(UsageError, match="nothing to report on") as refused:
        summarize_path(tmp_path)
    assert refused.value.exit_code == EXIT_USAGE
    with pytest.raises(UsageError, match="only for the report of a workspace"):
        summarize_path(dataset, run=tmp_path)


def test_a_report_may_not_lie_inside_a_dataset(dataset: Path) -> None:
    before = sorted(dataset.rglob("*"))
    with pytest.raises(UsageError, match="never changes"):
        store_report(JobSummary(title="t", curator_version="0"), dataset / "manifest" / "report.html")
    assert sorted(dataset.rglob("*")) == before


def test_a_damaged_curve_is_named(tmp_path: Path, dataset: Path) -> None:
    evaluated_run(tmp_path / "run", dataset, is_finished=False)
    (tmp_path / "run" / "metrics.jsonl").write_text("{\n")
    with pytest.raises(IntegrityError, match=r"metrics\.jsonl"):
        summarize_run(tmp_path / "run")


def test_the_numbers_are_canonical_json_without_pixels(workspace: Workspace, dataset: Path, run: Path) -> None:
    summary = summarize_workspace(workspace, dataset=dataset, run=run, residuals=0)
    text = json.dumps(summary.to_json(), allow_nan=False, sort_keys=True)
    content = json.loads(text)
    assert content["schema"] == 1
    assert {each["reason"] for each in content["release"]["held"]} == {"face_possible", "disk_full"}
    assert all("slices" not in example for example in content["dataset"]["examples"]) and len(text) < 20_000
