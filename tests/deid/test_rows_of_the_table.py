"""The table through the real rewriting: every row at the top and three sequences deep, and the rules around it."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import struct
from pathlib import Path
from types import ModuleType

import pytest
from deid_samples import BIG, CT, EXPLICIT, IMPLICIT, PSEUDONYMS, Writer, made, policy, read, subject_of, written
from pydicom.config import RAISE
from pydicom.valuerep import VR, validate_value

from curator.bundled import bundled_folder
from curator.deid.headers.dummies import dummy
from curator.dicom.dictionary import KNOWN_VRS, dictionary_vr
from curator.dicom.elements import Element
from curator.dicom.parse import parse
from curator.errors import IntegrityError, ItemError
from curator.ingest.facts import instance_facts
from curator.model.quarantine import Reason
from curator.policy.header import load_header_policy

WRITER = Writer()
STANDARDS = Path(__file__).resolve().parents[3] / "shared" / "standards"
DEEP = (0x00082218, 0x00082218, 0x00082218)
# Something to lose, in the form of each VR.
PLANTED = {
    "AE": b"QUENDOLYN ",
    "AS": b"045Y",
    "CS": b"QUENDOLYN ",
    "DA": b"20200115",
    "DS": b"47.11 ",
    "DT": b"20200115093015",
    "FD": struct.pack("<d", 47.11),
    "FL": struct.pack("<f", 47.11),
    "IS": b"4711",
    "LO": b"Quendolyn ",
    "LT": b"Quendolyn ",
    "OB": b"Quendolyn ",
    "OW": b"Quendolyn ",
    "PN": b"Quendolyn^Q ",
    "SH": b"Quendolyn ",
    "SL": struct.pack("<i", 4711),
    "SS": struct.pack("<h", 4711),
    "ST": b"Quendolyn ",
    "TM": b"093015",
    "UC": b"Quendolyn ",
    "UI": b"1.2.3.4.5.6.7",
    "UL": struct.pack("<I", 4711),
    "UN": b"Quendolyn ",
    "UR": b"http://quendolyn.example",
    "US": struct.pack("<H", 4711),
    "UT": b"Quendolyn ",
}
# What a data set cannot hold, or what is judged apart.
NOT_IN_A_DATA_SET = ("0000", "0002", "0004")


def table_test() -> ModuleType:
    """The expectations of the table's own test."""
    path = Path(__file__).parents[1] / "policy" / "test_table.py"
    spec = importlib.util.spec_from_file_location("table_expectations", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = table_test()


def planted_rows() -> dict[int, dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for row in TABLE.ROWS:
        if row["tag"][:4] not in NOT_IN_A_DATA_SET:
            rows |= dict.fromkeys(TABLE.tags_of(row["tag"]), row)
    return rows


def planted(tag: int, vr: str) -> bytes:
    vr = vr.split(" or ")[0] or "UN"
    if vr == "SQ":
        return WRITER.sequence(tag, WRITER.element(0x00104000, "LT", b"Quendolyn "))
    return WRITER.element(tag, vr, PLANTED[vr])


def types_of_ct() -> dict[int, str]:
    with (STANDARDS / "iod_required_types_top.csv").open(encoding="utf-8", newline="") as stream:
        return {int(row["tag"], 16): row["type"] for row in csv.DictReader(stream) if row["sop_class_uid"] == CT}


def is_carried_out(action: str, vr: str, found: Element | None, value: bytes, tag: int) -> bool:
    if action == "X" or found is None:
        return (action == "X") is (found is None)
    before = PLANTED.get(vr, b"").rstrip(b" \0")
    after = value.rstrip(b" \0")
    if vr == "SQ":
        return {"K": bool(found.items), "D": bool(found.items), "Z": not found.items}[action] and (
            b"Quendolyn" not in value
        )
    wanted = {
        "K": after == before,
        "Z": found.length == 0,
        "D": found.length > 0 and after != before,
        "U": after.decode("latin-1") == PSEUDONYMS.uid(before.decode("latin-1")),
        "P": after.decode() == subject_of().patient_code or (tag == 0x00100020 and after.startswith(b"P-")),
    }
    return wanted[action]


@pytest.mark.skipif(not STANDARDS.is_dir(), reason="the standard's tables lie beside the project, not in it")
@pytest.mark.parametrize("place", ["top", "three deep"])
def test_H02_H09_every_row_of_the_table_in_one_file(place: str) -> None:
    rows = planted_rows()
    assert len({row["tag"] for row in rows.values()}) > 640
    is_deep = place != "top"
    elements = {tag: planted(tag, row["vr"]) for tag, row in rows.items()}
    types = {} if is_deep else types_of_ct()
    if is_deep:
        content = b"".join(elements[tag] for tag in sorted(elements))
        output = written(WRITER.file({DEEP[0]: WRITER.nested(DEEP, content)}))
    else:
        # The identity of the file is not the table's to plant.
        elements = {tag: content for tag, content in elements.items() if tag not in (0x00100020, 0x00080018)}
        output = written(WRITER.file(elements))
    data_set = parse(output)
    level = data_set.elements
    for tag in DEEP if is_deep else ():
        (item,) = next(one for one in level if one.tag == tag).items or ()
        level = item.elements
    by_tag = {one.tag: one for one in level}
    wrong = []
    for tag in elements:
        row = rows[tag]
        vr = row["vr"].split(" or ")[0] or "UN"
        # At the top level what a known IOD does not list is an extension, and so optional.
        attribute_type = "" if is_deep else types.get(tag, "3")
        wanted = TABLE.expected(row, (), attribute_type)
        found = by_tag.get(tag)
        if tag in (0x00120063, 0x00120064) or (tag == 0x00100010 and not is_deep):
            continue
        if not is_carried_out(wanted, vr, found, data_set.raw(found) if found else b"", tag):
            wrong.append((f"{tag:08X}", row["keyword"], vr, wanted, found is not None))
    assert wrong == []
    assert b"Quendolyn" not in output
    assert b"20200115" not in output


@pytest.mark.parametrize("depth", range(1, 9))
def test_H09_at_any_depth_inside_any_sequence(depth: int) -> None:
    path = (0x00081115, 0x00081140, 0x0040A730, 0x00400555, 0x00082218, 0x52009229, 0x00081199, 0x00400275)[:depth]
    content = WRITER.element(0x00100010, "PN", b"Quendolyn^Q ") + WRITER.element(0x00104000, "LT", b"Quendolyn ")
    for syntax_path in (path, path[::-1]):
        assert b"Quendolyn" not in written(WRITER.file({syntax_path[0]: WRITER.nested(syntax_path, content)}))


@pytest.mark.parametrize("number", range(0, 0x20, 2), ids="{:02X}".format)
def test_H07_repeating_groups_go_in_every_even_group(number: int) -> None:
    groups = {
        tag | number << 16: WRITER.element(tag | number << 16, vr, b"Quendolyn ")
        for tag, vr in ((0x50002500, "LO"), (0x50003000, "OW"), (0x60003000, "OW"), (0x60004000, "LT"))
    }
    output = read(written(WRITER.file(groups)))
    assert [element.tag for element in output if element.tag.group >> 8 in (0x50, 0x60)] == []


def test_H08_command_and_directory_groups_go_and_the_file_meta_is_new() -> None:
    elements = {
        0x00041130: WRITER.element(0x00041130, "CS", b"QUENDOLYN "),
        0x00041511: WRITER.element(0x00041511, "UI", b"1.2.3.4.5 "),
    }
    output = read(written(WRITER.file(elements, meta=WRITER.element(0x00020016, "AE", b"QUENDOLYN "))))
    assert [element.tag for element in output if element.tag.group < 8] == []
    assert output.file_meta.MediaStorageSOPInstanceUID == output.SOPInstanceUID != "1.2.3.4.5"
    assert "SourceApplicationEntityTitle" not in output.file_meta


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_H08_a_command_group_is_refused_or_goes(syntax: str) -> None:
    writer = Writer(syntax)
    data = writer.file({0x00001000: writer.element(0x00001000, "UI", b"1.2.3.4.5 ")})
    assert not [element for element in parse(written(data)).elements if element.tag >> 16 == 0]


@pytest.mark.parametrize("form", ["known length", "undefined length", "implicit file"])
def test_H10_sequences_written_as_UN_are_entered(form: str) -> None:
    inner, outer = Writer(IMPLICIT), Writer(IMPLICIT if form == "implicit file" else EXPLICIT)
    content = inner.element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2") + inner.element(
        0x00081155, "UI", b"1.2.3.4.99"
    )
    content += inner.element(0x00104000, "LT", b"Quendolyn ")
    sequence = (
        outer.open_sequence(0x00081140, content, vr="UN")
        if form == "undefined length"
        else outer.element(0x00081140, "UN", inner.item(content))
    )
    output = written(outer.file({0x00081140: sequence}))
    assert b"Quendolyn" not in output
    assert b"1.2.3.4.99" not in output
    (item,) = next(one for one in parse(output).elements if one.tag == 0x00081140).items or ()
    assert PSEUDONYMS.uid("1.2.3.4.99").encode() in output
    assert [one.tag for one in item.elements] == [0x00081150, 0x00081155]


def test_H10_what_is_no_sequence_behind_UN_goes() -> None:
    output = read(written(WRITER.file({0x00081140: WRITER.element(0x00081140, "UN", b"Quendolyn was here")})))
    assert not output.get("ReferencedImageSequence")


def test_H11_K_on_a_sequence_cleans_what_is_inside() -> None:
    inside = WRITER.element(0x00081155, "UI", b"1.2.3.4.99") + WRITER.element(0x00104000, "LT", b"Quendolyn ")
    data = WRITER.file({0x00081140: WRITER.sequence(0x00081140, inside)})
    for options in ((), ("retain-uids",), ("retain-device-identity",)):
        (item,) = read(written(data, *options)).ReferencedImageSequence
        assert "PatientComments" not in item
        assert item.ReferencedSOPInstanceUID == (
            "1.2.3.4.99" if "retain-uids" in options else PSEUDONYMS.uid("1.2.3.4.99")
        )


@pytest.mark.skipif(not STANDARDS.is_dir(), reason="the standard's tables lie beside the project, not in it")
def test_H12_compound_codes_follow_the_type_in_the_real_sop_class() -> None:
    with (STANDARDS / "iod_required_types_top.csv").open(encoding="utf-8", newline="") as stream:
        types = {(row["sop_class_uid"], row["tag"]): row["type"] for row in csv.DictReader(stream)}
    by_tag = {row["tag"]: row for row in TABLE.ROWS}
    compound = [tag for tag, row in by_tag.items() if "/" in row["basic"] and row["vr"] in PLANTED and "x" not in tag]
    classes = (CT, "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3")
    differing = set()
    for sop_class in classes:
        elements = {int(tag, 16): planted(int(tag, 16), by_tag[tag]["vr"]) for tag in compound if tag != "00100020"}
        data_set = parse(written(WRITER.file(elements, sop_class=sop_class)))
        for tag in compound:
            if tag == "00100020":
                continue
            found = data_set.first(int(tag, 16))
            wanted = TABLE.expected(by_tag[tag], (), types.get((sop_class, tag), "3"))
            value = data_set.raw(found) if found else b""
            assert is_carried_out(wanted, by_tag[tag]["vr"], found, value, int(tag, 16)), (tag, sop_class, wanted)
            differing.add((tag, wanted))
    assert len(differing) - len({tag for tag, _ in differing}) >= 5


def test_H13_plain_X_on_a_type_1_attribute_becomes_a_declared_stand_in() -> None:
    presentation_state = "1.2.840.10008.5.1.4.1.1.11.1"
    elements = {
        0x00700082: WRITER.element(0x00700082, "DA", b"20200115"),
        0x00700083: WRITER.element(0x00700083, "TM", b"093015"),
    }
    done = made(WRITER.file(elements, sop_class=presentation_state))
    output = read(b"".join(done.chunks))
    assert (output.PresentationCreationDate, output.PresentationCreationTime) == ("19000101", "000000")
    assert {rule for rule, _ in done.applied if rule.startswith("basic/type-1")} == {
        "basic/type-1/00700082",
        "basic/type-1/00700083",
    }
    assert "PresentationCreationDate" not in read(written(WRITER.file(elements)))


@pytest.mark.parametrize("is_open", [True, False])
def test_H14_D_on_a_sequence_keeps_one_item_and_Z_none(is_open: bool) -> None:
    person = (
        WRITER.element(0x00080100, "SH", b"QUENDO")
        + WRITER.element(0x00080102, "SH", b"99QUENDO")
        + WRITER.element(0x00080104, "LO", b"Quendolyn ")
    )
    wrap = WRITER.open_sequence if is_open else WRITER.sequence
    elements = {
        0x0040A073: wrap(0x0040A073, WRITER.element(0x0040A075, "PN", b"Quendolyn^Q "), b""),
        0x00400562: wrap(0x00400562, WRITER.element(0x00400031, "UT", b"Quendolyn ")),
        0x00401101: wrap(0x00401101, person),
    }
    output = written(WRITER.file(elements, sop_class="1.2.840.10008.5.1.4.1.1.88.33"))
    dataset = read(output)
    assert b"uendolyn" not in output and b"QUENDO" not in output
    assert len(dataset.VerifyingObserverSequence) == len(dataset.PersonIdentificationCodeSequence) == 1
    assert str(dataset.VerifyingObserverSequence[0].VerifyingObserverName) != ""
    assert len(dataset.IssuerOfTheSpecimenIdentifierSequence) == 0


@pytest.mark.parametrize("sop_class", ["1.2.3.4.5.6", "1.3.12.2.1107.5.9.1", "1.2.840.10008.1.1", ""])
def test_H15_an_unknown_or_private_class_is_quarantined(sop_class: str) -> None:
    with pytest.raises(ItemError) as caught:
        instance_facts(WRITER.file({}, sop_class=sop_class), reference="", content_id="", policy=policy())
    assert caught.value.reason in (Reason.UNSUPPORTED_OBJECT, Reason.MALFORMED)


@pytest.mark.parametrize("vr", sorted(KNOWN_VRS - {"SQ", "UI"}))
def test_H18_a_stand_in_is_legal_in_its_vr_and_plainly_artificial(vr: str) -> None:
    value = dummy(vr)
    assert value
    if vr not in PLANTED or vr.startswith("O") or vr in ("FD", "FL", "SL", "SS", "UL", "US", "UN"):
        assert not any(value)
        return
    text = value.decode("ascii")
    validate_value(VR(vr), text, RAISE)
    assert dummy(vr) == value
    assert text in ("REMOVED", "REMOVED^", "000Y", "0", "19000101", "19000101000000", "000000", "urn:removed")


def test_H18_a_stand_in_uid_is_keyed() -> None:
    data = WRITER.file({0x00081155: WRITER.element(0x00081155, "UI", b"1.2.3.4.99")})
    assert read(written(data)).ReferencedSOPInstanceUID == PSEUDONYMS.uid("1.2.3.4.99")


@pytest.mark.parametrize(
    ("keyword", "legal"),
    [
        ("PatientSex", {"M", "F", "O", ""}),
        ("LongitudinalTemporalInformationModified", {"REMOVED"}),
        ("PatientIdentityRemoved", {"YES"}),
        ("ReasonForTheAttributeModification", {"CORRECT", "COERCE", None}),
    ],
)
def test_H19_enumerated_values_are_legal_or_empty(keyword: str, legal: set[str | None]) -> None:
    elements = {
        0x00100040: WRITER.element(0x00100040, "CS", b"M "),
        0x00280303: WRITER.element(0x00280303, "CS", b"UNMODIFIED"),
        0x00120062: WRITER.element(0x00120062, "CS", b"NO"),
        0x04000565: WRITER.element(0x04000565, "CS", b"CORRECT "),
    }
    assert read(written(WRITER.file(elements))).get(keyword) in legal


def test_H01_an_altered_table_is_refused(tmp_path: Path) -> None:
    for name in ("header", "profiles"):
        shutil.copytree(bundled_folder("rules") / name, tmp_path / name)
    for table in ("basic_profile.csv", "safe_private.csv"):
        path = tmp_path / "header" / table
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b",X,", b",K,", 1).replace(b",DS,", b",LO,", 1))
        with pytest.raises(IntegrityError):
            load_header_policy(tmp_path)
        path.write_bytes(whole)
    assert load_header_policy(tmp_path).edition == "2026d"


def test_H06_implicit_tags_that_pydicom_does_not_know_are_read_by_our_own_dictionary() -> None:
    rows = [row for row in TABLE.ROWS if "x" not in row["tag"] and row["tag"] != "ggggeeee"]
    unknown = [int(row["tag"], 16) for row in rows if not TABLE.is_known(row["tag"])]
    assert len(unknown) == 26
    assert {dictionary_vr(tag) for tag in unknown} == {"SQ", "LT", "UT", "UR", "UC", "DT", "LO"}
    writer = Writer(IMPLICIT)
    elements = {
        tag: writer.sequence(tag, writer.element(0x00104000, "LT", b"Quendolyn "))
        if dictionary_vr(tag) == "SQ"
        else writer.element(tag, "LO", b"Quendolyn ")
        for tag in unknown
    }
    assert b"Quendolyn" not in written(writer.file(elements))


def test_H06_a_newer_sequence_in_implicit_vr_is_entered_where_it_stays() -> None:
    writer = Writer(IMPLICIT)
    inside = writer.element(0x00104000, "LT", b"Quendolyn ") + writer.element(0x00280010, "US", b"\2\0")
    for form in (writer.sequence, writer.open_sequence):
        data = writer.file({0x00100043: form(0x00100043, inside)})
        output = written(data, "retain-patient-characteristics")
        assert b"Quendolyn" not in output
        (item,) = next(one for one in parse(output).elements if one.tag == 0x00100043).items or ()
        assert [one.tag for one in item.elements] == [0x00280010]
