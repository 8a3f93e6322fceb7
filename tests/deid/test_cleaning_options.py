"""The three cleaning options on whole files: descriptors, structured content, graphics."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import highdicom
import pytest
from cleaning_samples import SHIFT_DAYS, cleaned_bytes, cleaned_file, name
from deid_samples import BUNDLED, CT, PATIENT_ID, PATIENT_NAME, SHARED, SYNTAXES, Writer, made, policy, read, written
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.errors import ItemError, UsageError
from curator.model.decision import Action, ElementRef
from curator.policy.header import decide
from curator.policy.structured import ContentItemRef

TEXT, STRUCTURE, GRAPHICS = "clean-descriptors", "clean-structured-content", "clean-graphics"
ALL = (TEXT, STRUCTURE, GRAPHICS)
STANDARDS = SHARED.parent / "standards"
CODES = {TEXT: "113105", STRUCTURE: "113104", GRAPHICS: "113103"}
SR = "1.2.840.10008.5.1.4.1.1.88.33"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def profile_rows() -> list[dict[str, str]]:
    with (bundled_folder("rules") / "header" / "basic_profile.csv").open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if "x" not in row["tag"] and "g" not in row["tag"]]


def file_of(dataset: Dataset, sop_class: str = CT) -> bytes:
    """A whole file of the sample's patient."""
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, "1.2.3.4.5"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4.1", "1.2.3.4.2"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT_NAME, PATIENT_ID, "19570312"
    dataset.file_meta = highdicom.base.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = sop_class, "1.2.3.4.5"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    target = BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def code(value: str, scheme: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def entry(value_type: str, concept: tuple[str, str, str], **values: object) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", value_type
    item.ConceptNameCodeSequence = code(*concept)
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def report(*items: Dataset) -> bytes:
    dataset = Dataset()
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
    dataset.ContentSequence = Sequence(items)
    return file_of(dataset, SR)


def reference(uid: str = "1.9.8.7") -> Sequence:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
    return Sequence([item])


def length(value: str = "143.50") -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = code("mm", "UCUM", "millimeter")
    return entry("NUM", ("410668003", "SCT", "Length"), MeasuredValueSequence=Sequence([measured]))


# --- without an option -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in profile_rows() if row[TEXT]], ids=lambda row: row["keyword"])
def test_X01_without_the_option_a_descriptor_goes_by_the_table(row: dict[str, str]) -> None:
    tag = int(row["tag"], 16)
    decision = decide(policy(), ElementRef(tag, row["vr"], sop_class_uid=CT))
    assert decision.action.value in {*row["basic"].split("/"), "D"} or decision.rule_id.startswith("basic/type-1")
    with_option = decide(policy(TEXT), ElementRef(tag, row["vr"], sop_class_uid=CT))
    assert with_option.action in ((Action.CLEAN,) if row["vr"] != "OB" else (decision.action,))
    assert row["vr"] == "OB" or with_option.otherwise is decision.action


def test_an_option_that_cleans_needs_an_engine() -> None:
    with pytest.raises(UsageError, match="no text engine"):
        made(Writer().file({}), TEXT)


@pytest.mark.parametrize("option", ALL)
def test_a_method_is_claimed_where_it_is_applied(option: str) -> None:
    codes = {
        item.CodeValue for item in read(cleaned_bytes(Writer().file({}), option)).DeidentificationMethodCodeSequence
    }
    assert codes == {"113100", CODES[option]}


# --- descriptors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_X02_descriptors_are_cleaned_in_every_syntax(syntax: str) -> None:
    writer = Writer(syntax)
    data = writer.file(
        {
            0x00081030: writer.element(0x00081030, "LO", b"CT Head of Zwetschge 3.4.2020"),
            0x0008103E: writer.element(0x0008103E, "LO", b"Knoedel"),
            0x00181030: writer.element(0x00181030, "LO", b"t1_vibe_tra"),
            0x00204000: writer.element(0x00204000, "LT", b"PATID0815\r\nno contrast"),
        }
    )
    output = read(cleaned_bytes(data, TEXT))
    assert output.StudyDescription == "CT Head"
    assert "SeriesDescription" not in output or output.SeriesDescription == ""
    assert output.ProtocolName == "t1_vibe_tra"
    assert output.ImageComments == "no contrast"


def test_X02_nothing_left_falls_back_to_the_basic_action() -> None:
    rows = [row for row in profile_rows() if row[TEXT] and row["vr"] in ("LO", "SH", "ST", "LT", "UT")]
    writer = Writer()
    for row in rows:
        tag = int(row["tag"], 16)
        data = writer.file({tag: writer.element(tag, row["vr"], b"Zwetschge")})
        assert b"Zwetschge" not in cleaned_bytes(data, TEXT), row["keyword"]
        assert [*read(cleaned_bytes(data, TEXT)).get(tag, "")] == [*read(written(data)).get(tag, "")], row["keyword"]


CHARACTER_SETS = {
    "ISO_IR 100": "Schädel Müller nativ",
    "ISO_IR 144": "грудь Иванова КТ",
    "ISO_IR 192": "Schädel 頭部 Иванова",
    "GB18030": "头颅 張三豐 增强",
    "GBK": "颈部 張三豐 CT",
    "ISO 2022 IR 6\\ISO 2022 IR 87": "頭部 造影 山田太郎 CT",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "腹部 単純 山田太郎",
    "ISO 2022 IR 6\\ISO 2022 IR 149": "CT 김철수 head",
}


@pytest.mark.parametrize("terms", CHARACTER_SETS)
def test_X04_cleaned_text_is_written_in_the_declared_character_set(terms: str) -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = terms.split("\\") if "\\" in terms else terms
    dataset.StudyDescription = CHARACTER_SETS[terms]
    dataset.SeriesDescription = "liver"
    nested = Dataset()
    nested.RequestedProcedureDescription = CHARACTER_SETS[terms]
    dataset.RequestAttributesSequence = Sequence([nested])
    output = read(cleaned_bytes(file_of(dataset), TEXT))
    output.decode()
    strangers = ("Müller", "Иванова", "張三豐", "山田太郎", "김철수")
    expected = " ".join(word for word in CHARACTER_SETS[terms].split() if word not in strangers)
    assert output.SpecificCharacterSet == dataset.SpecificCharacterSet
    assert output.StudyDescription == expected
    assert output.RequestAttributesSequence[0].RequestedProcedureDescription == expected


def test_X04_an_item_with_its_own_character_set() -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    nested = Dataset()
    nested.SpecificCharacterSet = "ISO_IR 192"
    nested.RequestedProcedureDescription = "頭部 Иванова Schädel"
    dataset.RequestAttributesSequence = Sequence([nested])
    output = read(cleaned_bytes(file_of(dataset), TEXT))
    assert output.RequestAttributesSequence[0].RequestedProcedureDescription == "頭部 Schädel"


def test_X05_values_keep_their_places() -> None:
    writer = Writer()
    data = writer.file({0x00181400: writer.element(0x00181400, "LO", b"Zwetschge\\liver\\\x1b[0m\\T1")})
    output = read(cleaned_bytes(data, TEXT))
    assert [*output[0x00181400].value][1] == "liver"
    assert len(output[0x00181400].value) == 4


def test_X06_text_that_the_table_does_not_list_goes_and_is_reported() -> None:
    with (bundled_folder("rules") / "header" / "dictionary.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if "x" not in row["tag"]]
    listed = {row["tag"] for row in profile_rows()}
    seen = 0
    for row in rows:
        tag = int(row["tag"], 16)
        if row["tag"] in listed or row["vr"] not in ("LO", "SH", "ST", "LT", "UC", "UT", "PN", "AE", "DA", "DT", "TM"):
            continue
        if tag >> 16 in (0x0000, 0x0002, 0x0004, 0x0006) or tag in (0x00080005, 0x00120063):
            continue
        decision = decide(policy(*ALL), ElementRef(tag, row["vr"], sop_class_uid=CT))
        seen += 1
        assert decision.action is not Action.KEEP or decision.rule_id.startswith(("kept-text/", "basic/")), row
        assert decision.rule_id.startswith(("kept-text/", "unlisted/", "basic/")), row
    assert seen > 300


def test_X03_own_values_in_a_real_description_go() -> None:
    dataset = Dataset()
    dataset.StudyDescription = "Brain MRI ZWETSCHGE PATID0815 12.03.1957"
    dataset.SeriesDescription = "Spinal t1 knoedel"
    dataset.ReferringPhysicianName = "Spinal^Otto"
    output = cleaned_bytes(file_of(dataset), TEXT)
    assert read(output).StudyDescription == "Brain MRI"
    assert read(output).SeriesDescription == "t1"


def real_files() -> list[Path]:
    vendors = sorted((SHARED / "vendors").glob("*/*.dcm"))
    first = {path.parent: path for path in reversed(vendors)}
    return sorted(first.values())


@pytest.mark.skipif(not (SHARED / "vendors").is_dir(), reason="the shared vendor data lie beside the project")
def test_X02_real_descriptions_of_every_vendor_stay_useful() -> None:
    kept = asked = 0
    for path in real_files():
        data = path.read_bytes()
        try:
            output = read(cleaned_bytes(data, *ALL))
        except ItemError:
            continue
        source = dcmread(BytesIO(data), stop_before_pixels=True)
        for keyword in ("SeriesDescription", "ProtocolName"):
            if source.get(keyword):
                asked += 1
                kept += output.get(keyword) == source.get(keyword)
    assert asked > 15
    assert kept / asked > 0.6


def test_a_second_pass_changes_nothing_but_markers() -> None:
    dataset = Dataset()
    dataset.StudyDescription = "CT head Zwetschge 3.4.2020 T1"
    once = cleaned_bytes(file_of(dataset), *ALL)
    assert cleaned_bytes(once, *ALL, identifiers=[name(PATIENT_NAME)]) != b""
    assert read(cleaned_bytes(once, *ALL)).StudyDescription == read(once).StudyDescription


# --- structured content ------------------------------------------------------------------------------------------


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


# --- graphics ----------------------------------------------------------------------------------------------------


def annotated() -> bytes:
    dataset = Dataset()
    layer, annotation, text = Dataset(), Dataset(), Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder, layer.GraphicLayerDescription = "LAYER1", 1, "Muster"
    text.UnformattedTextValue = "Cyst seen by Mustermann 3.4.2020"
    text.BoundingBoxTopLeftHandCorner = [1.0, 2.0]
    annotation.GraphicLayer, annotation.TextObjectSequence = "LAYER1", Sequence([text])
    annotation.ReferencedImageSequence = reference()
    dataset.GraphicLayerSequence = Sequence([layer])
    dataset.GraphicAnnotationSequence = Sequence([annotation])
    dataset.add_new(0x60003000, "OW", b"\1\0" * 8)
    dataset.add_new(0x60004000, "LT", "Mustermann")
    dataset.add_new(0x50003000, "OW", b"Mustermann")
    return file_of(dataset, GSPS)


def test_G01_annotations_are_cleaned_and_drawn_text_goes() -> None:
    output = read(cleaned_bytes(annotated(), GRAPHICS))
    (annotation,) = output.GraphicAnnotationSequence
    assert annotation.TextObjectSequence[0].UnformattedTextValue == "Cyst"
    assert annotation.TextObjectSequence[0].BoundingBoxTopLeftHandCorner == [1.0, 2.0]
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID.startswith("2.25.")
    assert not [element for element in output if element.tag.group in (0x5000, 0x6000)]
    assert b"Muster" not in cleaned_bytes(annotated(), GRAPHICS)


def test_G01_without_the_option_nothing_is_read() -> None:
    output = written(annotated())
    assert b"Muster" not in output
    assert b"Cyst" not in output


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
