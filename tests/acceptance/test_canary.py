"""Nothing that is planted in the canary survives: not in what the engine returns, and not in what the program writes.

What an option exists to keep is named here, value by value, and is all that may stay under it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from canary import EXPLICIT, IMPLICIT, LEVELS, PATIENT_ID, Canary, canary
from canary_attributes import CHARACTER_SETS

from curator.bundled import bundled_folder
from curator.deid.instance import deidentify
from curator.deid.subject import Subject
from curator.deid.text.cleaner import Cleaner
from curator.deid.text.engine import load_cleaner
from curator.errors import RuleError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.search import needles_of
from curator.ingest.facts import instance_facts
from curator.model.identity import SubjectKey
from curator.model.keys import Key
from curator.policy.header import load_header_policy
from curator.policy.standard import OPTION_COLUMNS

SECRET = bytes(range(32, 64))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "canary", SECRET))
PROFILES = sorted(path.stem for path in (bundled_folder("rules") / "profiles").glob("*.toml"))
OPTIONS = [(option,) for option in OPTION_COLUMNS]
DATES = {"retain-long-full-dates", "retain-long-modified-dates"}
PAIRS = [pair for pair in combinations(OPTION_COLUMNS, 2) if set(pair) != DATES]
ALL = [tuple(option for option in OPTION_COLUMNS if option != date) for date in sorted(DATES)]
# What each option keeps, and so is no survivor under it: the table says K (or, for a time of day, that it may stand
# where its date is moved). No other option keeps anything that is planted.
KEPT = {
    "retain-uids": {
        "StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID DeviceUID IrradiationEventUID "
        "TransactionUID SynchronizationFrameOfReferenceUID": "UIDs of the source are what the option is for",
    },
    "retain-device-identity": {
        "StationName DeviceSerialNumber PlateID CassetteID GantryID DetectorID GeneratorID PerformedStationName "
        "ScheduledStationName DeviceUID": "they tell devices apart",
        "DateOfLastCalibration": "a day of the device's life",
    },
    "retain-institution-identity": {
        "ClinicalTrialSiteID InstitutionName InstitutionAddress InstitutionalDepartmentName ClinicalTrialSiteName": (
            "they name the institution"
        ),
    },
    "retain-patient-characteristics": {"EthnicGroup": "a characteristic that the option names"},
    "retain-long-full-dates": {
        "StudyDate SeriesDate AcquisitionDate ContentDate InstanceCreationDate AdmittingDate LastMenstrualDate "
        "DateOfLastCalibration PerformedProcedureStepStartDate DateOfSecondaryCapture AcquisitionDateTime StudyTime": (
            "dates and times stay as they are; the birth date goes all the same"
        ),
    },
    "retain-long-modified-dates": {"StudyTime": "the time of day stays, its date is moved"},
}
# Places that are no attribute of the top level, by the attribute whose cell in the table speaks for them.
UIDS_BELOW = {
    "UID of a referenced study": "ReferencedSOPInstanceUID",
    "UID of a referenced series": "SeriesInstanceUID",
    **{f"level {level}: UID": "ReferencedSOPInstanceUID" for level in range(1, LEVELS + 1)},
}


def kept_by(option: str) -> set[str]:
    named = {name for names in KEPT.get(option, {}) for name in names.split()}
    return named | set(UIDS_BELOW) if option == "retain-uids" else named


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return load_cleaner(bundled_folder("rules"))


def released(bird: Canary, *options: str, profile: str = "basic", cleaner: Cleaner | None = None) -> bytes:
    """What the engine makes of the file, by no other knowledge of the person than the file's own."""
    policy = load_header_policy(bundled_folder("rules"), profile=profile, options=options)
    source = instance_facts(bird.data, reference="source", content_id="", policy=policy)
    key = SubjectKey(PATIENT_ID)
    subject = Subject(
        patient_code=PSEUDONYMS.patient_code(key),
        shift_days=PSEUDONYMS.date_shift_days(key, longest_weeks=521),
        needles=needles_of(source.identifiers),
        identifiers=source.identifiers,
    )
    done = deidentify(bird.data, source, subject=subject, policy=policy, pseudonyms=PSEUDONYMS, cleaner=cleaner)
    return b"".join(done.chunks)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_every_planted_value_is_in_the_source(syntax: str) -> None:
    bird = canary(syntax=syntax)
    assert len(bird.planted) >= 200
    assert bird.survivors(bird.data) == list(bird.planted)
    assert len(set(bird.planted.values())) == len(bird.planted)
    assert {f"{name}: person name" for name in CHARACTER_SETS} <= bird.planted.keys()
    assert f"level {LEVELS}: name" in bird.planted and LEVELS == 8
    assert bird.survivors(bird.planted["PatientName"]) == ["PatientName"]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_survives_a_shipped_profile(profile: str, syntax: str) -> None:
    bird = canary(syntax=syntax)
    assert bird.survivors(released(bird, profile=profile)) == []


@pytest.mark.parametrize("options", OPTIONS, ids="+".join)
def test_under_an_option_stays_what_it_is_for_and_nothing_else(options: tuple[str, ...], cleaner: Cleaner) -> None:
    bird = canary()
    assert set(bird.survivors(released(bird, *options, cleaner=cleaner))) == kept_by(*options)


@pytest.mark.parametrize("options", [*PAIRS, *ALL], ids="+".join)
def test_options_together_keep_no_more_than_each_alone(options: tuple[str, ...], cleaner: Cleaner) -> None:
    bird = canary()
    allowed = set().union(*map(kept_by, options))
    assert set(bird.survivors(released(bird, *options, cleaner=cleaner))) <= allowed


def test_the_two_options_for_dates_exclude_each_other() -> None:
    with pytest.raises(RuleError, match="exclude each other"):
        released(canary(), *sorted(DATES))


def test_the_table_itself_keeps_what_is_named_as_kept() -> None:
    with (bundled_folder("rules") / "header" / "basic_profile.csv").open(encoding="utf-8", newline="") as stream:
        cells = {row["keyword"]: row for row in csv.DictReader(stream)}
    assert set(KEPT) <= set(OPTION_COLUMNS)
    for option in KEPT:
        for place in kept_by(option):
            cell = cells[UIDS_BELOW.get(place, place)][option]
            # C for a time under modified dates: cleaned, which for a time of day without its date is to leave it.
            assert cell == ("C" if option == "retain-long-modified-dates" else "K"), (option, place)


@pytest.fixture
def site(tmp_path: Path, run_curator: Callable[..., Any]) -> Path:
    assert run_curator("init", tmp_path / "workspace", "--keys", tmp_path / "keys" / "key.json").code == 0
    (tmp_path / "source").mkdir()
    return tmp_path


def survivors_under(root: Path, bird: Canary) -> set[str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    names = "\n".join(path.relative_to(root).as_posix() for path in files).encode()
    return {place for content in (names, *(path.read_bytes() for path in files)) for place in bird.survivors(content)}


def run_deid(site: Path, bird: Canary, run_curator: Callable[..., Any]) -> Any:
    (site / "source" / "canary.dcm").write_bytes(bird.data)
    return run_curator(
        "deid", "run", site / "source", "--out", site / "out", "-w", site / "workspace", "--workers", 1, "--json"
    )


def test_nothing_survives_the_program_itself(site: Path, run_curator: Callable[..., Any]) -> None:
    bird = canary(with_document=False)
    done = run_deid(site, bird, run_curator)
    assert (done.code, done.json()["released"]) == (0, 1)
    assert len(list((site / "out").rglob("*.dcm"))) == 1
    # `deid run` moves dates unless it is told otherwise, and then the time of day stays.
    assert survivors_under(site / "out", bird) == kept_by("retain-long-modified-dates")
    # The ledger and the catalogue know the person by a code; the key escrow is sealed.
    assert survivors_under(site / "workspace", bird) == set()
    assert survivors_under(site / "keys", bird) == set()
    assert bird.survivors((done.out + done.err).encode()) == []
    assert run_curator("deid", "verify", site / "out", "-w", site / "workspace", "--workers", 1).code == 0


def test_a_document_inside_is_held_back_because_nobody_reads_it(site: Path, run_curator: Callable[..., Any]) -> None:
    bird = canary()
    done = run_deid(site, bird, run_curator)
    assert (done.code, done.json()["quarantined"]) == (1, {"encapsulated_document": 1})
    assert not list((site / "out").rglob("*.dcm"))
    assert survivors_under(site / "workspace", bird) == set()
