"""Masks whose index, content, author or image changes between two runs of one job."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_hospital import contents, tables

MASKS = """
[annotate]
index = "{folder}/annotations/annotations.csv"
labels = "{folder}/annotations/labels.toml"
"""
Row = dict[str, str]


@dataclass(frozen=True)
class Desk:
    """A workspace with one patient's released CT and SEG, and two NIfTI masks of it in a folder that may change."""

    root: Path
    source: Path
    run_curator: Callable[..., Any]

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def index(self) -> Path:
        return self.root / "annotations" / "annotations.csv"

    def rows(self) -> list[Row]:
        with self.index.open(newline="") as stream:
            return list(csv.DictReader(stream))

    def list_only(self, rows: list[Row]) -> None:
        with self.index.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["path", "SeriesInstanceUID", "author", "role", "tool"])
            writer.writeheader()
            writer.writerows(rows)

    def run(self) -> dict[str, Any]:
        job = self.root / "job.toml"
        head = f'name = "masks"\nworkspace = "{self.workspace}"\n[ingest]\npaths = ["{self.source}"]\n'
        job.write_text(head + MASKS.format(folder=self.root))
        found: dict[str, Any] = self.run_curator("run", job, "--workers", 1, "--json").json()["annotations"]
        return found

    def masks(self) -> set[tuple[str, str]]:
        """Author and tool of every mask in the catalogue; each has its file, and there is no other."""
        recorded = tables(self.workspace)["annotation"]
        files = {name for name in contents(self.workspace) if name.startswith("annotations/")}
        assert files == {str(value) for row in recorded for value in row if str(value).endswith(".nii.gz")}
        author = {str(value) for row in recorded for value in row if str(value).startswith("A-")}
        assert len(recorded) == len(files)
        return {(code, str(row)) for row in recorded for code in author if code in row}

    def counts(self) -> tuple[int, int]:
        """Masks in the catalogue, and masks held."""
        held = [row for row in tables(self.workspace)["quarantine"] if "annotate" in row]
        return len(self.masks()), len(held)


@pytest.fixture(scope="module")
def desk_model(hospital, tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]) -> Desk:
    root = tmp_path_factory.mktemp("model")
    patient = next(made for made in hospital.key.files if made.patient == 1 and made.modality == "SEG")
    series = (hospital.root / patient.file).parent
    assert run_curator("init", root / "workspace", "--keys", root / "key.json").code == 0
    done = run_curator(
        "deid", "run", series, "--out", root / "workspace" / "released", "-w", root / "workspace", "--workers", 1
    )
    assert done.code in (0, 1), done.err
    return Desk(root, series, run_curator)


@pytest.fixture
def desk(desk_model: Desk, hospital, tmp_path: Path) -> Desk:
    """With all three masks imported."""
    root = tmp_path / "desk"
    shutil.copytree(desk_model.root, root)
    shutil.copytree(hospital.root / "annotations", root / "annotations")
    configuration = root / "workspace" / "curator.toml"
    configuration.write_text(configuration.read_text().replace(str(desk_model.root), str(root)))
    made = Desk(root, desk_model.source, desk_model.run_curator)
    patient = next(one for one in hospital.key.files if one.patient == 1 and one.file.endswith(".nii.gz"))
    number = Path(patient.file).name.partition("_")[0]
    made.list_only([row for row in made.rows() if row["path"].startswith(number)])
    found = made.run()
    assert (found["masks"], found["imported"], found["imported_new"]) == (3, 3, 3)
    assert made.counts() == (3, 0)
    return made


def test_a_second_run_imports_nothing(desk: Desk) -> None:
    before = contents(desk.workspace)
    assert desk.run()["imported_new"] == 0
    assert contents(desk.workspace) == before


def test_a_row_that_is_taken_out_takes_its_mask_along(desk: Desk) -> None:
    desk.list_only(desk.rows()[:1])
    found = desk.run()
    assert (found["masks"], found["imported"], found["imported_new"]) == (2, 2, 0)
    assert desk.counts() == (2, 0)


def test_an_author_who_is_corrected_is_not_counted_beside_the_wrong_one(desk: Desk) -> None:
    before = desk.masks()
    first, *others = desk.rows()
    desk.list_only([first | {"author": "Quasi, Modo"}, *others])
    found = desk.run()
    assert (found["imported"], found["imported_new"]) == (3, 1)
    assert desk.counts() == (3, 0)
    assert len({code for code, _ in desk.masks()} - {code for code, _ in before}) == 1


def test_a_mask_that_is_drawn_again_takes_the_place_of_the_old_one(desk: Desk) -> None:
    first, second = desk.rows()
    before = contents(desk.workspace / "annotations")
    folder = desk.index.parent
    shutil.copy(folder / second["path"], folder / first["path"])
    assert desk.run()["imported_new"] == 1
    after = contents(desk.workspace / "annotations")
    assert before.keys() == after.keys()
    assert sum(before[name] != after[name] for name in before) == 1
    assert desk.counts() == (3, 0)


def test_a_mask_that_becomes_invalid_is_held_and_comes_again(desk: Desk) -> None:
    mask = desk.index.parent / desk.rows()[0]["path"]
    content = mask.read_bytes()
    mask.write_bytes(content[:100])
    found = desk.run()
    assert (found["imported"], sum(found["quarantined"].values())) == (2, 1)
    assert desk.counts() == (2, 1)
    mask.unlink()
    assert desk.run()["quarantined"] == {"unreadable": 1}
    mask.write_bytes(content)
    assert (desk.run()["imported_new"], desk.counts()) == (1, (3, 0))


def test_a_held_mask_that_is_taken_out_leaves_the_quarantine(desk: Desk) -> None:
    rows = desk.rows()
    desk.list_only([*rows, rows[0] | {"path": "no such file.nii.gz"}, rows[0] | {"path": "labels.toml"}])
    found = desk.run()
    assert (found["masks"], found["imported"]) == (5, 3)
    assert desk.counts() == (3, 2)
    desk.list_only(rows)
    desk.run()
    assert desk.counts() == (3, 0)


def test_masks_wait_for_their_image_and_go_with_it(desk: Desk, tmp_path: Path) -> None:
    """One slice less is another image: masks of it do not fit; without images they wait."""
    copy = tmp_path / "archive"
    shutil.copytree(desk.source, copy)
    desk = Desk(desk.root, copy, desk.run_curator)
    found = desk.run()
    # The other folder's files are the same bytes, and their masks stay as they are.
    assert (found["imported"], found["imported_new"]) == (3, 0)
    series = desk.rows()[0]["SeriesInstanceUID"]
    desk.list_only([row | {"SeriesInstanceUID": series + ".99"} for row in desk.rows()])
    found = desk.run()
    assert found["quarantined"] == {"reference_unresolved": 2}
    assert desk.counts() == (1, 2)


def test_other_labels_make_all_masks_anew(desk: Desk) -> None:
    labels = desk.index.with_name("labels.toml")
    labels.write_text(labels.read_text() + '\n[[label]]\nvalue = 77\nname = "gall bladder"\n')
    found = desk.run()
    assert (found["imported"], found["imported_new"]) == (3, 3)
    assert desk.counts() == (3, 0)


def test_labels_that_leave_one_out_hold_the_masks_that_show_it(desk: Desk) -> None:
    labels = desk.index.with_name("labels.toml")
    labels.write_text('[[label]]\nvalue = 99\nname = "no organ"\n')
    found = desk.run()
    assert found["quarantined"] == {"annotation_invalid": 3}
    assert desk.counts() == (0, 3)
