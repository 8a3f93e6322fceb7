"""People, institutions, devices and numbers: what of them stays under which option (rows I03 to I13)."""

from __future__ import annotations

import csv

import pytest
from deid_samples import MANY_OPTIONS, PSEUDONYMS, Writer, made, policy, read, subject_of, written
from pydicom.datadict import dictionary_VR, tag_for_keyword

from curator.bundled import bundled_folder
from curator.model.decision import Action, ElementRef
from curator.policy.header import decide

WRITER = Writer()
CHARACTERISTICS = "retain-patient-characteristics"
DEVICE = "retain-device-identity"
INSTITUTION = "retain-institution-identity"
with (bundled_folder("rules") / "header" / "basic_profile.csv").open(encoding="utf-8", newline="") as stream:
    ROWS = list(csv.DictReader(stream))
NAME = b"Quendolyn^Q "


def tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tag


def text(keyword: str, value: bytes) -> dict[int, bytes]:
    tag = tag_of(keyword)
    return {tag: WRITER.element(tag, dictionary_VR(tag), value)}


def after(keyword: str, value: bytes, *options: str) -> str | None:
    """What a value of an attribute becomes; None where the element goes."""
    dataset = read(written(WRITER.file(text(keyword, value)), *options))
    return None if keyword not in dataset else str(dataset.get(keyword) or "")


@pytest.mark.parametrize("options", [(), MANY_OPTIONS])
def test_I03_other_ids_and_issuers_go(options: tuple[str, ...]) -> None:
    inside = WRITER.element(0x00100020, "LO", b"OTHER-4711") + WRITER.element(0x00100021, "LO", b"Wuppen")
    elements = text("OtherPatientIDs", b"OTHER-4711") | text("IssuerOfPatientID", b"Wuppen")
    for keyword in ("OtherPatientIDsSequence", "GroupOfPatientsIdentificationSequence"):
        elements[tag_of(keyword)] = WRITER.sequence(tag_of(keyword), inside)
    output = written(WRITER.file(elements), *options)
    assert b"OTHER-4711" not in output
    assert b"Wuppen" not in output
    assert not {"OtherPatientIDs", "OtherPatientIDsSequence", "IssuerOfPatientID"} & set(read(output).dir())


@pytest.mark.parametrize("tag", [*range(0x00100011, 0x00100017), *range(0x00100041, 0x00100048)], ids="{:08X}".format)
def test_I04_names_of_use_pronouns_and_gender_identity_go(tag: int) -> None:
    row = next(row for row in ROWS if row["tag"] == f"{tag:08X}")
    element = ElementRef(tag, row["vr"])
    assert decide(policy(), element).action is Action.REMOVE
    kept = decide(policy(CHARACTERISTICS), element).action
    assert kept is (Action.KEEP if row[CHARACTERISTICS] == "K" else Action.REMOVE)
    content = WRITER.element(0x00100012, "LT", b"Quendolyn ")
    made_of = WRITER.sequence(tag, content) if row["vr"] == "SQ" else WRITER.element(tag, row["vr"], b"Quendolyn ")
    for options in ((), ("retain-uids",), (DEVICE,)):
        assert b"Quendolyn" not in written(WRITER.file({tag: made_of}), *options)


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (b"045Y", "045Y"),
        (b"089Y", "089Y"),
        (b"090Y", "090Y"),
        (b"091Y", "090Y"),
        (b"117Y", "090Y"),
        (b"006M", "006M"),
        (b"012W", "012W"),
        (b"003D", "003D"),
        (b"45Y ", ""),
        (b"about 90", ""),
        (b"", ""),
    ],
)
def test_I05_ages_above_89_are_one_and_malformed_ones_are_dropped(age: bytes, kept: str) -> None:
    assert after("PatientAge", age) is None
    assert after("PatientAge", age, CHARACTERISTICS) == kept


@pytest.mark.parametrize("options", [(), (CHARACTERISTICS,), ("retain-long-full-dates",), MANY_OPTIONS])
def test_I06_no_birth_date_stays_so_that_no_age_above_89_follows(options: tuple[str, ...]) -> None:
    elements = text("PatientBirthDate", b"19250101") | text("StudyDate", b"20200115") | text("PatientAge", b"095Y")
    elements |= text("PatientBirthDateInAlternativeCalendar", b"19250101") | text("PatientBirthTime", b"101500")
    output = written(WRITER.file(elements), *options)
    dataset = read(output)
    assert b"19250101" not in output
    assert dataset.PatientBirthDate == ""
    assert dataset.get("PatientAge", "090Y") == "090Y"
    assert not dataset.get("PatientBirthTime")


def test_I07_characteristics_stay_only_under_their_option() -> None:
    elements = (
        text("PatientSex", b"F ")
        | text("PatientWeight", b"61.5")
        | text("PatientSize", b"1.64")
        | text("SmokingStatus", b"NO")
        | text("EthnicGroup", b"Elbonian")
    )
    plain, kept = read(written(WRITER.file(elements))), read(written(WRITER.file(elements), CHARACTERISTICS))
    assert plain.PatientSex == ""
    assert not {"PatientWeight", "PatientSize", "SmokingStatus", "EthnicGroup"} & set(plain.dir())
    assert (kept.PatientSex, kept.PatientWeight, kept.PatientSize, kept.SmokingStatus) == ("F", 61.5, 1.64, "NO")


@pytest.mark.parametrize(
    "keyword",
    ["Allergies", "MedicalAlerts", "AdditionalPatientHistory", "PatientState", "SpecialNeeds", "PatientComments"],
)
def test_I08_what_is_told_of_a_patient_goes_unless_it_is_cleaned(keyword: str) -> None:
    for options in ((), (CHARACTERISTICS,), MANY_OPTIONS):
        assert after(keyword, b"Quendolyn has asthma", *options) is None


def test_I09_names_go_from_every_attribute_that_can_hold_one() -> None:
    names = [row for row in ROWS if row["vr"] == "PN"]
    assert len(names) >= 28
    elements = {int(row["tag"], 16): WRITER.element(int(row["tag"], 16), "PN", NAME) for row in names}
    elements |= {tag: WRITER.element(tag, "PN", NAME) for tag in (0x00142006, 0x0040A123, 0x300E0008)}
    nested = b"".join(elements[tag] for tag in sorted(elements))
    for content in (
        elements,
        {0x00081049: WRITER.sequence(0x00081049, nested), 0x00082218: WRITER.sequence(0x00082218, nested)},
    ):
        for options in ((), MANY_OPTIONS):
            output = written(WRITER.file(content), *options)
            assert b"Quendolyn" not in output
    kept = read(written(WRITER.file(elements)))
    assert {str(element.value) for element in kept if element.VR == "PN"} <= {"", "REMOVED^", subject_of().patient_code}


def test_I10_institutions_go_and_a_keyed_centre_code_stays_in_the_catalogue() -> None:
    elements = text("InstitutionName", b"St. Nowhere ") | text("InstitutionAddress", b"1 Elm Street")
    elements |= text("InstitutionalDepartmentName", b"Radiology X ")
    done = made(WRITER.file(elements))
    output = b"".join(done.chunks)
    assert b"Nowhere" not in output
    assert b"Elm" not in output
    assert done.record.centre_code == PSEUDONYMS.centre_code("St. Nowhere") != ""
    assert after("InstitutionName", b"St. Nowhere ", INSTITUTION) == "St. Nowhere"


def test_I11_devices_go_and_a_keyed_device_code_stays_in_the_catalogue() -> None:
    elements = text("StationName", b"CTROOM3 ") | text("DeviceSerialNumber", b"SN-47110815 ")
    elements |= text("GantryID", b"G-47110815") | text("PlateID", b"P-47110815")
    elements |= text("DetectorID", b"D-47110815") | text("DeviceUID", b"1.2.3.47110815")
    done = made(WRITER.file(elements | text("RetrieveAETitle", b"PACSNOWHERE ")))
    output = b"".join(done.chunks)
    assert b"CTROOM3" not in output and b"47110815" not in output and b"PACSNOWHERE" not in output
    assert done.record.device_code.startswith("D-")
    kept = read(written(WRITER.file(elements), DEVICE))
    assert (kept.StationName, kept.DeviceSerialNumber, kept.GantryID) == ("CTROOM3", "SN-47110815", "G-47110815")


@pytest.mark.parametrize(
    "keyword",
    [
        "AccessionNumber",
        "StudyID",
        "PlacerOrderNumberImagingServiceRequest",
        "FillerOrderNumberImagingServiceRequest",
        "AdmissionID",
        "ServiceEpisodeID",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "PerformedProcedureStepID",
        "SpecimenIdentifier",
        "ContainerIdentifier",
    ],
)
def test_I12_numbers_of_visits_orders_and_specimens_go(keyword: str) -> None:
    tag = tag_of(keyword)
    data = WRITER.file(
        text(keyword, b"ACC-4711081") | {0x00400275: WRITER.sequence(0x00400275, text(keyword, b"ACC-4711081")[tag])}
    )
    for options in ((), MANY_OPTIONS):
        assert b"ACC-4711081" not in written(data, *options)
    assert after(keyword, b"ACC-4711081") == after(keyword, b"ACC-9999999")


def test_I13_nothing_of_a_clinical_trial_comes_from_the_source() -> None:
    trial = [row for row in ROWS if row["keyword"].startswith("ClinicalTrial")]
    assert len(trial) == 14
    elements = {int(row["tag"], 16): WRITER.element(int(row["tag"], 16), row["vr"], b"TRIAL-4711") for row in trial}
    for options in ((), MANY_OPTIONS):
        output = written(WRITER.file(elements), *options)
        assert b"TRIAL-4711" not in output
    assert {str(element.value or "") for element in read(output) if element.tag.group == 0x0012} <= {
        "",
        "REMOVED",
        "YES",
        *(str(element.value) for element in read(output) if element.tag in (0x00120063, 0x00120064)),
    }
