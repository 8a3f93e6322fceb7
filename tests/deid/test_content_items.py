"""Content items of reports, acquisition context and specimens, judged one by one."""

from __future__ import annotations

import csv
from io import BytesIO

import highdicom
import pytest
from cleaning_samples import SHIFT_DAYS, cleaned_bytes, cleaned_file
from content_samples import (
    ALL,
    SR,
    STRUCTURE,
    TEXT,
    code,
    entry,
    file_of,
    length,
    reference,
    report,
)
from deid_samples import BUNDLED, policy, read, written
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence

from curator.bundled import bundled_folder
from curator.model.decision import Action
from curator.policy.structured import ContentItemRef


def concept_rows() -> list[dict[str, str]]:
    with (bundled_folder("rules") / "structured" / "concepts.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def expected_action(row: dict[str, str], option: str) -> str:
    """What Table E.3.4-1 says in our letters, written apart from the engine."""
    cell = row.get(option, "")
    if cell == "K":
        return "K"
    if cell == "C":
        if option == TEXT:
            return "C"
        return "K" if row["value_type"] == "TIME" else "S"
    if row["basic"] == "X":
        return "X"
    return {"UIDREF": "U", "IMAGE": "K", "COMPOSITE": "K", "WAVEFORM": "K"}.get(row["value_type"], "D")


@pytest.mark.parametrize(
    "row", concept_rows(), ids=lambda row: f"{row['scheme']}-{row['code_value']}-{row['value_type']}"
)
def test_S02_each_row_of_the_table_with_each_option(row: dict[str, str]) -> None:
    item = ContentItemRef(row["value_type"], row["scheme"], row["code_value"])
    options = [option for option in row if option.startswith(("retain-", "clean-"))]
    for option in ("", *options):
        chosen = policy(STRUCTURE, *([option] if option else []))
        assert chosen.content is not None
        assert chosen.content.decide(item).action.value == expected_action(row, option), option


def test_S02_there_are_211_rows_and_retired_codes_are_known() -> None:
    assert len(concept_rows()) == 211
    content = policy(STRUCTURE).content
    assert content is not None
    for scheme in ("SRT", "SNM3", "99SDM"):
        decision = content.decide(ContentItemRef("TEXT", scheme, "G-C0E3"))
        assert decision == content.decide(ContentItemRef("TEXT", "SCT", "363698007"))
        assert decision.action is Action.DUMMY


def test_S02_items_go_stay_and_change_at_every_depth() -> None:
    def items() -> list[Dataset]:
        return [
            entry("TEXT", ("121022", "DCM", "Accession Number"), TextValue="A4711"),
            entry("TEXT", ("121071", "DCM", "Finding"), TextValue="Cyst in liver of Zwetschge on 3.4.2020"),
            entry("PNAME", ("121008", "DCM", "Person Observer Name"), PersonName="Evil^Doctor"),
            entry("DATE", ("111060", "DCM", "Study Date"), Date="20200403"),
            entry("DATE", ("121031", "DCM", "Subject Birth Date"), Date="19570312"),
            entry("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), UID="1.9.8.7"),
            length(),
        ]

    deep = items()
    for _ in range(8):
        deep = [*items(), entry("CONTAINER", ("121070", "DCM", "Findings"), ContentSequence=Sequence(deep))]
    output = cleaned_bytes(report(*deep), STRUCTURE, TEXT, "retain-long-modified-dates")
    for gone in (b"A4711", b"Zwetschge", b"Evil", b"20200403", b"3.4.2020", b"19570312", b"1.9.8.7"):
        assert gone not in output
    level, depth = read(output), 0
    while level is not None:
        texts = [item.TextValue for item in level.ContentSequence if item.ValueType == "TEXT"]
        assert texts == ["Cyst in liver"]
        dates = [item.Date for item in level.ContentSequence if item.ValueType == "DATE"]
        assert dates == ["20200124"]
        assert next(item for item in level.ContentSequence if item.ValueType == "PNAME").PersonName == "REMOVED^"
        containers = [item for item in level.ContentSequence if item.ValueType == "CONTAINER"]
        level, depth = (containers[0] if containers else None), depth + 1
    assert depth == 9
    assert SHIFT_DAYS == 70


@pytest.mark.parametrize(
    ("item", "options", "expected"),
    [
        (entry("TEXT", ("9", "99X", "free"), TextValue="Liver of Mustermann"), (), "Liver"),
        (entry("TEXT", ("9", "99X", "free"), TextValue="Mustermann"), (), "REMOVED"),
        (entry("PNAME", ("9", "99X", "free"), PersonName="Muster^Mann"), ("retain-uids",), "REMOVED^"),
        (entry("DATE", ("9", "99X", "free"), Date="20200403"), (), "19000101"),
        (entry("DATE", ("9", "99X", "free"), Date="20200403"), ("retain-long-full-dates",), "20200403"),
        (
            entry("DATETIME", ("9", "99X", "free"), DateTime="202004031200"),
            ("retain-long-modified-dates",),
            "202001241200",
        ),
        (entry("TIME", ("9", "99X", "free"), Time="120000"), (), "000000"),
        (entry("TIME", ("9", "99X", "free"), Time="120000"), ("retain-long-modified-dates",), "120000"),
        (entry("UIDREF", ("9", "99X", "free"), UID="1.9.8.7"), ("retain-uids",), "1.9.8.7"),
    ],
)
def test_S03_items_that_are_not_listed_go_by_value_type(item: Dataset, options: tuple[str, ...], expected: str) -> None:
    output = read(cleaned_bytes(report(item), STRUCTURE, *options)).ContentSequence[0]
    keyword = {"PNAME": "PersonName", "DATE": "Date", "DATETIME": "DateTime", "TIME": "Time", "UIDREF": "UID"}
    assert str(output[keyword.get(item.ValueType, "TextValue")].value) == expected


def test_S03_an_unknown_value_type_goes() -> None:
    mystery = entry("MYSTERY", ("9", "99X", "free"), TextValue="Muster")
    output = read(cleaned_bytes(report(mystery, length()), STRUCTURE))
    assert [item.ValueType for item in output.ContentSequence] == ["NUM"]
    assert "ContentSequence" not in read(cleaned_bytes(report(mystery), STRUCTURE))


def test_S04_references_are_remapped_like_the_evidence() -> None:
    image = entry("IMAGE", ("121112", "DCM", "Source of Measurement"), ReferencedSOPSequence=reference())
    best = entry("IMAGE", ("121080", "DCM", "Best illustration of finding"), ReferencedSOPSequence=reference())
    dataset = dcmread(BytesIO(report(image, best)))
    evidence, series = Dataset(), Dataset()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = "1.9.8", reference()
    evidence.StudyInstanceUID, evidence.ReferencedSeriesSequence = "1.9", Sequence([series])
    dataset.CurrentRequestedProcedureEvidenceSequence = Sequence([evidence])
    output = read(cleaned_bytes(file_of(dataset, SR), STRUCTURE))
    listed = output.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    (item,) = output.ContentSequence
    assert item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == listed.ReferencedSOPInstanceUID
    assert listed.ReferencedSOPInstanceUID.startswith("2.25.")
    kept = read(cleaned_bytes(file_of(dataset, SR), STRUCTURE, "retain-uids"))
    assert [item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in kept.ContentSequence] == ["1.9.8.7"] * 2


def test_S02_items_that_are_counted_keep_their_places() -> None:
    by_reference = Dataset()
    by_reference.RelationshipType, by_reference.ReferencedContentItemIdentifier = "SELECTED FROM", [1, 3]
    number = length()
    number.ContentSequence = Sequence([by_reference])
    accession = entry("TEXT", ("121022", "DCM", "Accession Number"), TextValue="A4711")
    image = entry("IMAGE", ("121080", "DCM", "Best illustration of finding"), ReferencedSOPSequence=reference())
    age = entry("NUM", ("121033", "DCM", "Subject Age"), MeasuredValueSequence=length().MeasuredValueSequence)
    output = read(cleaned_bytes(report(accession, number, image, age), STRUCTURE))
    assert [item.ValueType for item in output.ContentSequence] == ["TEXT", "NUM", "IMAGE", "NUM"]
    assert output.ContentSequence[0].TextValue == "REMOVED"
    assert len(output.ContentSequence[3].MeasuredValueSequence) == 0


def test_S02_an_age_above_89_goes_although_ages_stay() -> None:
    def age(years: str, unit: str) -> Dataset:
        measured = Dataset()
        measured.NumericValue, measured.MeasurementUnitsCodeSequence = years, code(unit, "UCUM", "year")
        return entry("NUM", ("121033", "DCM", "Subject Age"), MeasuredValueSequence=Sequence([measured]))

    for years, unit, stays in (("89", "a", True), ("93", "a", False), ("1100", "mo", False), ("900", "mo", True)):
        output = read(cleaned_bytes(report(age(years, unit), length()), STRUCTURE, "retain-patient-characteristics"))
        assert (len(output.ContentSequence) == 2) is stays, (years, unit)


def elements_of(data: bytes, keyword: str) -> list[bytes]:
    dataset = dcmread(BytesIO(data))
    found: list[bytes] = []

    def note(_: Dataset, element: object) -> None:
        if getattr(element, "keyword", "") == keyword:
            one = Dataset()
            one.add(element)
            target = BytesIO()
            one.save_as(target, implicit_vr=False, little_endian=True)
            found.append(target.getvalue())

    dataset.walk(note)
    return found


@pytest.mark.parametrize("path", ["reportsi.dcm", "test-SR.dcm"])
def test_S05_numbers_and_coordinates_stay_byte_for_byte(path: str) -> None:
    data = (BUNDLED / path).read_bytes()
    output = cleaned_bytes(data, *ALL)
    for keyword in ("NumericValue", "GraphicData", "FloatingPointValue", "ReferencedFrameNumber"):
        assert elements_of(output, keyword) == elements_of(data, keyword)


def test_S05_a_measurement_group_stays_but_for_its_names() -> None:
    group = entry(
        "CONTAINER",
        ("125007", "DCM", "Measurement Group"),
        ContentSequence=Sequence(
            [
                entry("TEXT", ("112039", "DCM", "Tracking Identifier"), TextValue="Liver lesion 1 Zwetschge"),
                entry(
                    "CODE", ("363698007", "SCT", "Finding Site"), ConceptCodeSequence=code("10200004", "SCT", "Liver")
                ),
                length("12.25"),
            ]
        ),
    )
    observer = entry("PNAME", ("121008", "DCM", "Person Observer Name"), PersonName="Evil^Doctor")
    data = report(observer, group)
    output = cleaned_bytes(data, STRUCTURE)
    for keyword in ("MeasuredValueSequence", "ConceptCodeSequence"):
        assert elements_of(output, keyword) == elements_of(data, keyword)
    inner = read(output).ContentSequence[1].ContentSequence
    assert inner[0].TextValue == "Liver lesion"


def test_S06_acquisition_context_and_specimen_preparation() -> None:
    dataset = Dataset()
    dataset.AcquisitionContextSequence = Sequence(
        [
            entry("TEXT", ("109054", "DCM", "Patient State"), TextValue="Mustermann at rest"),
            entry("PNAME", ("9", "99X", "by"), PersonName="Muster^Mann"),
        ]
    )
    step = Dataset()
    step.SpecimenPreparationStepContentItemSequence = Sequence(
        [
            entry("TEXT", ("121041", "DCM", "Specimen Identifier"), TextValue="S-4711"),
            entry("TEXT", ("111703", "DCM", "Processing step description"), TextValue="Biopsy of Mustermann"),
        ]
    )
    specimen = Dataset()
    specimen.SpecimenPreparationSequence = Sequence([step])
    dataset.SpecimenDescriptionSequence = Sequence([specimen])
    data = file_of(dataset)
    basic = read(written(data))
    assert len(basic.get("AcquisitionContextSequence", [])) == 0
    assert len(basic.SpecimenDescriptionSequence[0].SpecimenPreparationSequence) == 0
    output = cleaned_bytes(data, STRUCTURE, TEXT)
    assert b"Muster" not in output
    assert b"S-4711" not in output
    context = read(output).AcquisitionContextSequence
    assert [item.ValueType for item in context] == ["TEXT", "PNAME"]
    assert context[0].TextValue.split() == ["at", "rest"]
    steps = read(output).SpecimenDescriptionSequence[0].SpecimenPreparationSequence[0]
    texts = [item.TextValue for item in steps.SpecimenPreparationStepContentItemSequence]
    assert texts == ["REMOVED", "Biopsy"]


def test_T06_dates_in_reports_and_annotations_are_found() -> None:
    items = [
        entry("TEXT", ("121071", "DCM", "Finding"), TextValue=f"Cyst {date} liver")
        for date in ("3.4.2020", "20200403", "April 3rd, 2020", "2020-04-03 12:15")
    ]
    output = read(cleaned_bytes(report(*items), STRUCTURE, TEXT))
    assert {item.TextValue for item in output.ContentSequence} == {"Cyst liver"}


def test_counts_name_rules_and_no_values() -> None:
    done = cleaned_file(report(entry("TEXT", ("121071", "DCM", "Finding"), TextValue="Zwetschge")), STRUCTURE, TEXT)
    rules = {rule for rule, _ in done.applied}
    assert any(rule.startswith("PS3.15-E.3.4-1/121071/TEXT") for rule in rules)
    assert "Zwetschge" not in repr(rules)


def test_S02_highdicom_reads_what_is_left() -> None:
    data = report(
        entry("TEXT", ("121022", "DCM", "Accession Number"), TextValue="A4711"),
        entry("TEXT", ("121071", "DCM", "Finding"), TextValue="Cyst of Mustermann"),
        entry("PNAME", ("121008", "DCM", "Person Observer Name"), PersonName="Evil^Doctor"),
        entry("DATE", ("111060", "DCM", "Study Date"), Date="20200403"),
        entry("UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), UID="1.9.8.7"),
        entry("IMAGE", ("121112", "DCM", "Source of Measurement"), ReferencedSOPSequence=reference()),
        length(),
    )
    dataset = read(cleaned_bytes(data, *ALL))
    content = highdicom.sr.ContentSequence.from_sequence(dataset.ContentSequence, is_root=False, is_sr=True)
    assert [item.value_type.value for item in content] == ["TEXT", "PNAME", "DATE", "UIDREF", "IMAGE", "NUM"]
