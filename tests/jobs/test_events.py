"""Days counted from an event of each person (T07)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from archive_samples import SECRETS, Slice, contents, leaks_under, save, write_job
from pydicom import Dataset, dcmread

MODE = '[deid]\noptions = ["retain-long-modified-dates"]\nevents = "keys/events.csv"\n'
HEADER = "PatientID,IssuerOfPatientID,event_date,event_type\n"
EPOCH = date(1960, 1, 1)


def events(site, *lines: str, header: str = HEADER) -> Path:
    path = site.root / "keys" / "events.csv"
    path.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    path.chmod(0o600)
    return path


def released(site) -> list[Dataset]:
    return [dcmread(path) for path in sorted(site.released.rglob("*.dcm"))]


def by_code(site) -> dict[str, list[Dataset]]:
    found: dict[str, list[Dataset]] = {}
    for dataset in released(site):
        found.setdefault(dataset.PatientID, []).append(dataset)
    return found


def test_T07_dates_are_normalised_to_the_epoch_and_days_from_the_event_written(site) -> None:
    later = Slice(patient=1, study=8, instance=1).dataset()
    later.StudyDate, later.AcquisitionDateTime = "20200301", "20200301120000.5+0100"
    save(later, site.source / "later.dcm")
    events(site, f"{SECRETS[2]}1,,20190420,DIAGNOSIS", f" {SECRETS[2]}2 ,,20190510,ENROLLMENT")
    write_job(site.job, site.workspace, [site.source], MODE)
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released"]) == (0, 7), done.err
    facts = {
        (one.LongitudinalTemporalEventType, one.LongitudinalTemporalOffsetFromEvent, one.StudyDate)
        for one in released(site)
    }
    day = {days: (EPOCH + timedelta(days=days)).strftime("%Y%m%d") for days in (10, 316, -10)}
    assert facts == {
        ("DIAGNOSIS", 10.0, day[10]),
        ("DIAGNOSIS", 316.0, day[316]),
        ("ENROLLMENT", -10.0, day[-10]),
    }
    (moved,) = [one for one in released(site) if "AcquisitionDateTime" in one]
    assert moved.AcquisitionDateTime == f"{day[316]}120000.5+0100"
    assert {one.LongitudinalTemporalInformationModified for one in released(site)} == {"MODIFIED"}
    assert {one.StudyTime for one in released(site)} == {"101500"}
    assert leaks_under(site.released) == []


def test_T07_who_has_no_event_is_held_back(site) -> None:
    events(site, f"{SECRETS[2]}1,,20190420,DIAGNOSIS")
    write_job(site.job, site.workspace, [site.source], MODE)
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert done.code == 1
    assert (done.json()["released"], done.json()["quarantined"]) == (3, {"patient_not_mapped": 3})
    assert len(by_code(site)) == 1


def test_T07_another_event_day_releases_that_person_again(site) -> None:
    events(site, f"{SECRETS[2]}1,,20190420,DIAGNOSIS", f"{SECRETS[2]}2,,20190420,DIAGNOSIS")
    write_job(site.job, site.workspace, [site.source], MODE)
    assert site.run("run", site.job, "--workers", 1).code == 0
    before = contents(site.released)
    events(site, f"{SECRETS[2]}1,,20190420,DIAGNOSIS", f"{SECRETS[2]}2,,20190421,DIAGNOSIS")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released_new"]) == (0, 3)
    assert len(set(before.items()) & set(contents(site.released).items())) == 3


def test_T07_the_command_takes_the_same_file(site) -> None:
    path = events(site, f"{SECRETS[2]}1,,20190420,DIAGNOSIS", f"{SECRETS[2]}2,,20190420,DIAGNOSIS")
    done = site.run(
        "deid", "run", site.source, "--out", site.root / "out", "-w", site.workspace, "--events", path, "--workers", 1
    )
    assert done.code == 0, done.err
    assert {dcmread(one).LongitudinalTemporalOffsetFromEvent for one in (site.root / "out").rglob("*.dcm")} == {10.0}


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        ((), "PatientID,event_date\n", "the first line must be"),
        (("A,,20190230,BASELINE",), HEADER, "line 2: event_date is no date"),
        (("A,,2019-02-20,BASELINE",), HEADER, "line 2: event_date is no date"),
        (("A,,20190220,baseline",), HEADER, "line 2: event_type is up to 16 capitals"),
        ((",,20190220,BASELINE",), HEADER, "line 2: the PatientID is empty"),
        (("A,,20190220,BASELINE", "a ,,20190221,BASELINE"), HEADER, "line 3: the person stands there twice"),
        (("A,20190220,BASELINE",), HEADER, "line 2: 3 cells"),
    ],
)
def test_T07_a_wrong_events_file_is_refused_without_its_values(site, lines, header, said) -> None:
    events(site, *lines, header=header)
    write_job(site.job, site.workspace, [site.source], MODE)
    done = site.run("run", site.job, "--workers", 1)
    assert done.code == 2
    assert said in done.err
    assert "20190230" not in done.err
    assert not list(site.released.rglob("*.dcm"))


def test_T07_events_need_dates_that_move(site) -> None:
    events(site)
    write_job(site.job, site.workspace, [site.source], MODE.replace("retain-long-modified-dates", "retain-uids"))
    done = site.run("run", site.job, "--workers", 1)
    assert done.code == 2
    assert "retain-long-modified-dates" in done.err


def test_T07_a_file_that_others_can_read_is_refused(site) -> None:
    events(site).chmod(0o644)
    write_job(site.job, site.workspace, [site.source], MODE)
    assert site.run("run", site.job, "--workers", 1).code == 3
