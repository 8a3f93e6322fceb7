"""What the proof finds has consequences: the instance leaves the release, its item has a reason, the job says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_samples import CT, ROOT, SECRETS, Slice, contents, leaks, leaks_under, rows, save, write_job
from pydicom import dcmread
from pydicom.dataset import Dataset

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
PRESENTATION = "1.2.840.10008.5.1.4.1.1.11.1"


def pointing(sop_class: str, modality: str, targets: list[str], *, number: int = 1) -> Dataset:
    """An object of patient 1 that refers to instances of the first series."""
    dataset = Slice(patient=1, study=1, instance=1).dataset()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.Modality = modality
    dataset.SeriesInstanceUID = f"{ROOT}.1.{modality}".replace("SEG", "7").replace("PR", "8")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SeriesInstanceUID}.{number}"
    series = Dataset()
    series.SeriesInstanceUID = f"{ROOT}.1.1"
    items = []
    for uid in targets:
        item = Dataset()
        item.ReferencedSOPClassUID = CT
        item.ReferencedSOPInstanceUID = uid
        items.append(item)
    if sop_class == SEGMENTATION:
        series.ReferencedInstanceSequence = items
        dataset.ImageType = ["DERIVED", "PRIMARY"]
    else:
        series.ReferencedImageSequence = items
        del dataset.PixelData
    dataset.ReferencedSeriesSequence = [series]
    return dataset


def run(site, *more: str, job: Path | None = None):
    return site.run("run", job or site.job, "--workers", 1, *more)


def image(number: int) -> str:
    return f"{ROOT}.1.1.{number}"


def alter(path: Path, keyword: str, value: object) -> None:
    dataset = dcmread(path)
    setattr(dataset, keyword, value)
    dataset.save_as(path)


def released_images(site) -> list[Path]:
    paths = sorted(site.released.rglob("*.dcm"))
    return [path for path in paths if dcmread(path, stop_before_pixels=True).SOPClassUID == CT]


def test_X03_O01_a_finding_withdraws_the_instance_and_fails_the_job(site) -> None:
    assert run(site).code == 0
    before = contents(site.released)
    victim = released_images(site)[0]
    alter(victim, "ManufacturerModelName", f"of {SECRETS[0]}")

    done = run(site, "--json")
    assert done.code == 1
    result = done.json()
    assert (result["residual_findings"], result["residual_findings_remaining"], result["withdrawn"]) == (1, 0, 1)
    assert (result["released"], result["quarantined"]) == (5, {"residual_identifier": 1})
    assert not victim.exists()
    assert leaks(done.out + done.err) == []
    assert rows(site.workspace, "SELECT reason, detail FROM quarantine") == [
        ("residual_identifier", "identifier in header")
    ]
    assert rows(site.workspace, "SELECT count(*) FROM instance") == [(5,)]

    # Made anew from its source it is clean, and the same as ever.
    assert run(site).code == 0
    assert contents(site.released) == before
    assert rows(site.workspace, "SELECT count(*) FROM quarantine") == [(0,)]


def test_S04_what_stands_on_a_withdrawn_image_goes_with_it(site) -> None:
    save(pointing(SEGMENTATION, "SEG", [image(1), image(2)]), site.source / "seg.dcm")
    first = run(site, "--json")
    assert first.code == 0
    # Two from the sequence; the image keeps none.
    assert first.json()["references"] == {"resolved": 2, "outside": 0}
    before = contents(site.released)
    target = dcmread(next(p for p in site.released.rglob("*.dcm") if dcmread(p).SOPClassUID == SEGMENTATION))
    referred = target.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    alter(next(site.released.rglob(f"{referred}.dcm")), "PatientComments", SECRETS[1])

    done = run(site, "--json")
    assert done.code == 1
    assert done.json()["quarantined"] == {"reference_unresolved": 1, "residual_identifier": 1}
    details = dict(rows(site.workspace, "SELECT reason, detail FROM quarantine"))
    assert details["reference_unresolved"] == "reference_missing in (0008,1115)/(0008,114A)/(0008,1155)"

    assert run(site).code == 0
    assert contents(site.released) == before


def test_U05_references_to_what_is_not_here_are_counted_and_later_resolve(site) -> None:
    outside = f"{ROOT}.1.1.4"
    save(pointing(PRESENTATION, "PR", [image(1), outside]), site.source / "pr.dcm")
    assert (first := run(site, "--json")).code == 0
    assert first.json()["references"] == {"resolved": 1, "outside": 1}
    written = contents(site.released)

    Slice(patient=1, study=1, instance=4).save(site.root / "later" / "4.dcm")
    write_job(site.root / "later.toml", site.workspace, [site.root / "later"])
    assert (second := run(site, "--json", job=site.root / "later.toml")).code == 0
    assert second.json()["references"] == {"resolved": 2, "outside": 0}
    assert written.items() <= contents(site.released).items()


def test_U05_a_segmentation_of_images_that_are_not_here_is_held(site) -> None:
    save(pointing(SEGMENTATION, "SEG", [image(1), f"{ROOT}.1.1.9"]), site.source / "seg.dcm")
    done = run(site, "--json")
    assert (done.code, done.json()["quarantined"]) == (1, {"reference_unresolved": 1})


def test_a_file_that_no_job_wrote_is_a_finding_and_stays(site) -> None:
    assert run(site).code == 0
    stray = site.released / "note.txt"
    stray.write_text(f"call {SECRETS[0]}", encoding="utf-8")
    done = run(site, "--json")
    assert (done.code, done.json()["withdrawn"], done.json()["residual_findings_remaining"]) == (1, 0, 1)
    assert stray.exists()
    stray.unlink()
    assert run(site).code == 0


@pytest.mark.parametrize(
    ("keyword", "value", "defect"),
    [
        ("PatientID", "P-UNKNOWN", "unknown_person"),
        ("SeriesInstanceUID", "1.2.3.4", "foreign_uid"),
        ("PatientComments", SECRETS[1], "identifier"),
        ("PatientIdentityRemoved", "NO", "marker"),
        ("DeidentificationMethod", "by hand", "marker"),
        ("DeidentificationMethodCodeSequence", [], "marker"),
        ("LongitudinalTemporalInformationModified", "", "marker"),
    ],
)
def test_X03_M01_verify_alone_finds_what_was_altered(site, keyword: str, value: str, defect: str) -> None:
    assert run(site).code == 0
    assert site.run("deid", "verify", site.released, "-w", site.workspace, "--workers", 1).code == 0
    alter(released_images(site)[0], keyword, value)
    done = site.run("deid", "verify", site.released, "-w", site.workspace, "--workers", 1, "--json")
    assert done.code == 1
    assert defect in {one["defect"] for one in json.loads(done.out)["findings"]}
    assert leaks(done.out + done.err) == []


def test_X03_U07_verify_alone_checks_references(site) -> None:
    save(pointing(PRESENTATION, "PR", [image(1)]), site.source / "pr.dcm")
    assert run(site).code == 0
    state = next(one for one in map(dcmread, site.released.rglob("*.dcm")) if one.SOPClassUID == PRESENTATION)
    referred = state.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID
    alter(next(site.released.rglob(f"{referred}.dcm")), "SeriesInstanceUID", "2.25.1234567890123456789012345678901")
    done = site.run("deid", "verify", site.released, "-w", site.workspace, "--workers", 1, "--json")
    found = done.json()["findings"]
    assert done.code == 1
    assert {(one["defect"], one["place"]) for one in found} >= {
        ("reference_contradicts", "(0008,1115)/(0008,1140)/(0008,1155) SeriesInstanceUID")
    }


def test_X03_file_meta_that_contradicts_the_data_set_is_withdrawn(site) -> None:
    assert run(site).code == 0
    victim = released_images(site)[0]
    data = victim.read_bytes()
    dataset = dcmread(victim)
    own = dataset.SOPInstanceUID.encode()
    place = data.index(own)
    # The last digit of the copy in the file meta group.
    end = place + len(own) - 1
    victim.write_bytes(data[:end] + (b"1" if data[end : end + 1] != b"1" else b"2") + data[end + 1 :])
    done = run(site, "--json")
    assert (done.code, done.json()["quarantined"]) == (1, {"residual_identifier": 1})
    assert rows(site.workspace, "SELECT detail FROM quarantine") == [("file_meta in (0002,0003)",)]


def test_X03_the_whole_release_holds_none_of_the_secrets(site) -> None:
    save(pointing(SEGMENTATION, "SEG", [image(1)]), site.source / "seg.dcm")
    save(pointing(PRESENTATION, "PR", [image(1)]), site.source / "pr.dcm")
    assert run(site).code == 0
    assert len(contents(site.released)) == 8
    assert leaks_under(site.released) == []


def test_X03_what_another_job_learns_of_a_person_is_kept_out_of_earlier_outputs_too(site) -> None:
    """A name that stands in a kept value of one file, and is known as a name from another file only."""
    for path in site.source.rglob("*-1/1.dcm"):
        alter(path, "ManufacturerModelName", "Wackelburg")
    assert run(site).code == 0
    assert any(b"Wackelburg" in path.read_bytes() for path in site.released.rglob("*.dcm"))

    dataset = Slice(patient=1, study=5).dataset()
    dataset.PatientName = "Wackelburg^Q"
    save(dataset, site.root / "later" / "one.dcm")
    write_job(site.root / "later.toml", site.workspace, [site.root / "later"])
    learned = run(site, "--json", job=site.root / "later.toml")
    assert (learned.code, learned.json()["withdrawn"]) == (1, 1)
    assert not any(b"Wackelburg" in path.read_bytes() for path in site.released.rglob("*.dcm"))

    assert run(site).code == 0
    assert len(contents(site.released)) == 7
    assert not any(b"Wackelburg" in path.read_bytes() for path in site.released.rglob("*.dcm"))
