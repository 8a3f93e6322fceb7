"""From a hospital's files to a frozen dataset with its report, and what may not be in any of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pydicom
from small_hospital import PATIENTS, contents, state, tables

from curator.dataset.read import read_array
from curator.testing import AnswerKey
from curator.testing.leak_search import LeakSearch, find_leaks

SEGMENTATION, STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"


def test_every_file_is_released_or_has_a_reason(journey) -> None:
    assert journey.done.code == 1, journey.done.err
    result = journey.done.json()
    files = [path for path in (journey.hospital.root / "dicom").rglob("*") if path.is_file()]
    assert result["files"] == len(files) == result["released"] + sum(result["quarantined"].values())
    assert result["released"] == len(contents(journey.released)) == len(tables(journey.workspace)["instance"])
    assert result["residual_findings"] == 0
    faces = sum(made.shows_face for made in journey.hospital.key.files)
    assert result["quarantined"]["face_possible"] >= faces > 0
    assert result["quarantined"]["burned_in_text_possible"] >= 1
    assert result["quarantined"]["encapsulated_document"] == 1
    # Two structure sets of absent patients, the SEG of a head and the SEG of nothing.
    assert result["quarantined"]["reference_unresolved"] == 4


def test_no_image_of_a_head_and_none_with_burned_in_text_is_released(journey) -> None:
    shown = sum(made.shows_face or made.shows_text for made in journey.hospital.key.files)
    quarantined = journey.done.json()["quarantined"]
    assert quarantined["face_possible"] + quarantined["burned_in_text_possible"] >= shown > 0
    assert {
        (one.Modality, one.BodyPartExamined) for one in _released(journey) if one.Modality in ("CT", "MR", "US")
    } == {("CT", "ABDOMEN")}


def test_contours_and_masks_are_released_where_their_images_are(journey) -> None:
    released = _released(journey)
    images = {dataset.SOPInstanceUID for dataset in released if dataset.Modality == "CT"}
    dependents = [dataset for dataset in released if dataset.SOPClassUID in (SEGMENTATION, STRUCTURE_SET)]
    assert Counter(dataset.Modality for dataset in dependents) == {"SEG": PATIENTS, "RTSTRUCT": 1}
    for dataset in dependents:
        named = {str(one.value) for one in dataset.iterall() if one.keyword == "ReferencedSOPInstanceUID"}
        assert named & images
        # A structure set refers to its study in the same words.
        assert named - images <= {dataset.StudyInstanceUID}


def test_masks_of_three_authors_come_under_codes_and_the_biased_one_shows(journey) -> None:
    rows = pq.read_table(journey.dataset / "manifest" / "annotations.parquet").to_pylist()
    authors = Counter(row["author_code"] for row in rows)
    assert sorted(authors.values()) == [PATIENTS] * 3
    assert all(code.startswith("A-") for code in authors)
    assert {row["tool"] for row in rows} == {"DICOM SEG", "ITK-SNAP", "MITK"}
    counts = journey.done.json()["annotations"]
    assert (counts["masks"], counts["imported"], counts["quarantined"]) == (3 * PATIENTS, 3 * PATIENTS, {})
    voxels: Counter[str] = Counter()
    for row in rows:
        voxels[row["tool"]] += int((read_array(journey.dataset / row["mask_path"]) > 0).sum())
    assert voxels["MITK"] > 1.2 * max(voxels["DICOM SEG"], voxels["ITK-SNAP"])


def test_no_patient_is_in_two_splits(journey) -> None:
    rows = pq.read_table(journey.dataset / "manifest" / "splits.parquet").to_pylist()
    splits = defaultdict(set)
    for row in rows:
        splits[row["patient_code"]].add(row["split"])
    assert len(splits) == PATIENTS
    assert all(len(names) == 1 for names in splits.values())
    assert {name for names in splits.values() for name in names} == {"train", "validation", "test"}


def test_X03_O04_nothing_that_was_planted_is_in_anything_the_job_wrote_or_said(journey, tmp_path: Path) -> None:
    """Released files and their names, database, Parquet pages, masks, report, standard output and error."""
    key = journey.hospital.key
    assert len(key.values_to_search()) > 100
    assert find_leaks(journey.workspace, key) == []
    (tmp_path / "stdout").write_text(journey.done.out)
    (tmp_path / "stderr").write_text(journey.done.err)
    assert find_leaks(tmp_path, key) == []
    names = {made.file.rpartition("/")[2] for made in key.files}
    assert not [name for name in names if name in journey.done.out + journey.done.err]


def test_the_same_search_finds_every_planted_value_in_the_hospital(journey, tmp_path: Path) -> None:
    """A control: a search that finds nothing must be able to find."""
    key = journey.hospital.key
    found = {leak.value for leak in find_leaks(journey.hospital.root, key)}
    # The index of annotations counts all devices of the hospital, of which this part has a few.
    planted = {plant.value for plant in key.plants if plant.searchable and plant.file.startswith("dicom/")}
    assert [value for value in sorted(planted) if not _forms(value, key) & found] == []
    value = next(plant.value for plant in key.plants if plant.kind == "person_name" and plant.value.isascii())
    (tmp_path / value).mkdir()
    table = pq.read_table(journey.dataset / "manifest" / "items.parquet")
    column = table.column_names.index("ManufacturerModelName")
    pq.write_table(
        table.set_column(column, "ManufacturerModelName", [[value] * len(table)]), tmp_path / "table.parquet"
    )
    assert {leak.where for leak in find_leaks(tmp_path, key)} >= {"name", "cells"}
    assert LeakSearch([value.encode()]).find(f"...{value.upper()}...".encode()) == {value.lower().encode()}


def test_the_dataset_is_whole_and_one_flipped_byte_in_any_kind_of_file_is_found(own_journey, run_curator) -> None:
    assert run_curator("dataset", "verify", own_journey.dataset).code == 0
    files = [path for path in sorted(own_journey.dataset.rglob("*")) if path.is_file()]
    kinds = {(path.relative_to(own_journey.dataset).parts[0], path.suffix): path for path in files}
    assert len(kinds) > 8
    for path in kinds.values():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        done = run_curator("dataset", "verify", own_journey.dataset, "--json")
        assert done.code == 1
        assert path.relative_to(own_journey.dataset).as_posix() in {row["path"] for row in done.json()}
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert run_curator("dataset", "verify", own_journey.dataset).code == 0


def test_a_second_run_changes_no_byte_and_no_time(own_journey, run_curator) -> None:
    before = state(own_journey.root)
    done = run_curator("run", own_journey.job, "--workers", 1, "--json").json()
    first = own_journey.done.json()
    assert done == first | {
        "released_new": 0,
        "annotations": first["annotations"] | {"imported_new": 0},
        "report": str(own_journey.workspace / "report.html"),
    }
    after = state(own_journey.root)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()


def test_a_workspace_that_was_moved_writes_nothing_new(own_journey, journey, run_curator) -> None:
    done = run_curator("run", own_journey.job, "--workers", 1, "--json").json()
    assert (done["released_new"], done["annotations"]["imported_new"]) == (0, 0)
    assert contents(own_journey.workspace) == contents(journey.workspace) | {
        "curator.toml": contents(own_journey.workspace)["curator.toml"]
    }


def test_O04_the_source_is_as_it_was(journey, hospital) -> None:
    made = {made.file for made in hospital.key.files}
    found = {path.relative_to(hospital.root).as_posix() for path in hospital.root.rglob("*") if path.is_file()}
    assert made <= found
    assert {name.rpartition("/")[2] for name in found - made} == {"SEG-head.dcm", "SEG-nothing.dcm"}


def test_the_report_tells_the_same_and_needs_nothing_from_outside(journey) -> None:
    page = (journey.workspace / "report.html").read_text()
    result = journey.done.json()
    assert str(result["released"]) in page
    assert 'src="http' not in page and 'href="http' not in page


def test_the_lock_names_no_place(journey) -> None:
    lock = json.loads((journey.dataset / "dataset.lock.json").read_text())
    assert str(journey.root) not in json.dumps(lock)


def _released(journey) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(journey.released.rglob("*.dcm"))]


def _forms(value: str, key: AnswerKey) -> set[bytes]:
    return {value.encode().lower()} | {plant.pattern().lower() for plant in key.plants if plant.value == value}
