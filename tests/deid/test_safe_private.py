"""Private elements: all go by default; under retain-safe-private exactly the rows of Table E.3.10-1 stay."""

import csv
import shutil
import struct
from functools import partial
from pathlib import Path

import pytest
from deid_samples import BIG, EXPLICIT, IMPLICIT, PSEUDONYMS, Writer, policy, read, subject_of, written
from pydicom import Dataset

from curator.bundled import bundled_folder
from curator.deid.instance import allows_private, deidentify, keeps_uid
from curator.deid.verify import Defect, residuals
from curator.errors import ConfigurationError
from curator.identity.search import needles_of
from curator.ingest.facts import instance_facts
from curator.model.decision import ElementRef
from curator.policy.header import decide, load_header_policy

SAFE = "retain-safe-private"
WRITER = Writer()
with (bundled_folder("rules") / "header" / "safe_private.csv").open(encoding="utf-8", newline="") as stream:
    ROWS = list(csv.DictReader(stream))
# One legal value for each VR of the table.
LEGAL = {
    "AT": struct.pack("<HH", 0x0010, 0x0020),
    "CS": b"HEAD_1",
    "DS": b"1.5 ",
    "FD": struct.pack("<d", 0.25),
    "FL": struct.pack("<f", 0.25),
    "IS": b"12",
    "LO": b"V1.2",
    "LT": b"V1.2",
    "SH": b"1.375:1 ",
    "SL": struct.pack("<i", -3),
    "SS": struct.pack("<h", -3),
    "ST": b"V1.2",
    "UI": b"1.2.3.4.1.77",
    "UL": struct.pack("<I", 3),
    "US": struct.pack("<H", 3),
}
PET = "Philips PET Private Group"
BLOCKS = (0x10, 0x11, 0xAA, 0xF9)


def block(creator: str, group: int, content: dict[int, tuple[str, bytes]], number: int = 0x10) -> dict[int, bytes]:
    """A creator and elements of its block by low byte."""
    at = group << 16
    made = {at | number: WRITER.element(at | number, "LO", creator.encode())}
    for low, (vr, value) in content.items():
        tag = at | number << 8 | low
        made[tag] = WRITER.element(tag, vr, value) if vr != "SQ" else WRITER.sequence(tag, value)
    return made


def kept(data: bytes, *options: str) -> Dataset:
    """The private elements of what the engine writes."""
    private = Dataset()
    for element in read(written(data, *(options or (SAFE,)))):
        if element.tag.is_private:
            private.add(element)
    return private


def suv(value: bytes = b"1.5 ", vr: str = "DS", creator: str = PET, number: int = 0x10) -> dict[int, bytes]:
    return block(creator, 0x7053, {0x00: (vr, value)}, number)


def test_P01_by_default_all_private_elements_go_with_their_creators_nested_ones_too() -> None:
    nested = WRITER.sequence(0x00082218, b"".join(suv().values()))
    out = read(written(WRITER.file(suv() | {0x00082218: nested})))
    assert [element.tag for element in out.iterall() if element.tag.is_private] == []
    assert len(out.AnatomicRegionSequence) == 1


def test_P02_the_table_is_whole_and_the_option_is_claimed() -> None:
    assert len(ROWS) == 479
    assert "113111" in {method.code_value for method in policy(SAFE).methods}
    out = read(written(WRITER.file(suv()), SAFE))
    assert "113111" in {item.CodeValue for item in out.DeidentificationMethodCodeSequence}


@pytest.mark.parametrize("first", BLOCKS, ids="{:02X}".format)
def test_P02_every_row_stays_in_any_block_and_nothing_beside_it(first: int) -> None:
    numbers: dict[tuple[str, int], int] = {}
    elements: dict[int, bytes] = {}
    expected: dict[int, str] = {}
    for row in ROWS:
        creator, group, low, vr = row["private_creator"], int(row["group"], 16), int(row["element"], 16), row["vr"]
        taken = sum(1 for _, other in numbers if other == group)
        number = numbers.setdefault((creator, group), first + taken)
        written_vr = vr.split(" ")[0] or "UN"
        elements |= block(creator, group, {low: (written_vr, LEGAL.get(vr, b"" if vr == "SQ" else bytes(2)))}, number)
        if vr not in ("", "OB", "OW", "OB or OW", "OW or OB"):
            expected[group << 16 | number << 8 | low] = vr
            expected[group << 16 | number] = "LO"
    assert {int(element.tag): element.VR for element in kept(WRITER.file(elements))} == expected


def test_P02_what_the_table_does_not_name_goes_and_the_rest_of_the_block_stays() -> None:
    data = WRITER.file(block(PET, 0x7053, {0x00: ("DS", b"1.5 "), 0x01: ("DS", b"1.5 "), 0x09: ("DS", b"2 ")}))
    assert [int(element.tag) for element in kept(data)] == [0x70530010, 0x70531000, 0x70531009]


def test_P02_a_creator_goes_where_nothing_of_its_block_stays() -> None:
    assert len(kept(WRITER.file(block(PET, 0x7053, {0x01: ("DS", b"1.5 ")})))) == 0


@pytest.mark.parametrize(
    "elements",
    [
        suv(creator="Philips Pet Private Group"),
        suv(creator=" Philips PET Private Group"),
        suv(creator="PHILIPS PET PRIVATE GROUP"),
        suv(creator="ACME"),
        suv(creator=PET + "\\ACME"),
        {tag: content for tag, content in suv().items() if tag != 0x70530010},
        # One creator for two blocks, and an element in a block that another creator reserved.
        suv() | suv(number=0x11),
        suv(number=0x11) | block("ACME", 0x7053, {0x00: ("DS", b"1.5 ")}),
        suv() | {0x70530010: WRITER.element(0x70530010, "CS", PET.encode())},
    ],
    ids=["case", "blank", "capitals", "wrong", "two values", "missing", "duplicated", "other block", "VR"],
)
def test_P03_a_creator_that_is_not_spelt_so_owns_nothing(elements: dict[int, bytes]) -> None:
    left = kept(WRITER.file(elements))
    # Of the two blocks only the one whose owner is right.
    expected = [0x70530011, 0x70531100] if b"ACME" in elements.get(0x70530010, b"") and 0x70530011 in elements else []
    assert [int(element.tag) for element in left] == expected


def test_P03_a_creator_outside_an_item_owns_nothing_inside_it() -> None:
    inside = {tag: content for tag, content in suv().items() if tag != 0x70530010}
    data = WRITER.file(suv() | {0x00082218: WRITER.sequence(0x00082218, b"".join(inside.values()))})
    out = read(written(data, SAFE))
    assert len(out.AnatomicRegionSequence[0]) == 0
    assert 0x70531000 in out


def test_P02_nested_blocks_resolve_within_their_item() -> None:
    data = WRITER.file({0x00082218: WRITER.sequence(0x00082218, b"".join(suv(number=0x42).values()))})
    (item,) = read(written(data, SAFE)).AnatomicRegionSequence
    assert [int(element.tag) for element in item] == [0x70530042, 0x70534200]


@pytest.mark.parametrize(
    ("vr", "value", "stays"),
    [
        ("UN", b"1.5 ", True),
        ("LO", b"1.5 ", True),
        ("DS", b"JONSSON ", False),
        ("UN", b"JONSSON ", False),
        ("LO", b"JONSSON ", False),
        ("DS", b"1.5\\2.5 ", False),
        ("FD", struct.pack("<d", 1.5), False),
        ("OB", b"1.5 ", False),
        ("PN", b"1.5 ", False),
        ("DS", b"", True),
    ],
)
def test_P04_a_value_has_to_be_what_the_row_promises_however_it_was_written(vr: str, value: bytes, stays: bool) -> None:
    assert (0x70531000 in kept(WRITER.file(suv(value, vr)))) is stays


@pytest.mark.parametrize(
    ("vr", "value", "stays"),
    [
        ("FL", struct.pack("<f", 1.5), True),
        ("UN", struct.pack("<f", 1.5), True),
        ("UN", b"JONS", False),
        ("FL", struct.pack("<2f", 1.5, 2.5), False),
        ("FL", b"abcdef", False),
        ("LO", b"JONS", False),
    ],
)
def test_P04_binary_values_are_checked_too(vr: str, value: bytes, stays: bool) -> None:
    data = WRITER.file(block("Philips Imaging DD 001", 0x2001, {0x01: (vr, value)}))
    assert (0x20011001 in kept(data)) is stays


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_P04_in_every_syntax(syntax: str) -> None:
    writer = Writer(syntax)
    number = struct.pack(">f" if syntax == BIG else "<f", 1.5)
    elements = {
        0x20010010: writer.element(0x20010010, "LO", b"Philips Imaging DD 001"),
        0x20011001: writer.element(0x20011001, "FL", number),
    }
    assert read(written(writer.file(elements), SAFE))[0x20011001].value in (1.5, number)
    elements[0x20011001] = writer.element(0x20011001, "UN", number)
    assert (0x20011001 in read(written(writer.file(elements), SAFE))) is (syntax != BIG)


@pytest.mark.parametrize("value", [b"FSE_XL", b"efgre3d ", b"1H", b"1.375:1 "])
def test_P04_text_stays_where_it_is_a_number_or_a_code(value: bytes) -> None:
    assert 0x0019109E in kept(WRITER.file(block("GEMS_ACQU_01", 0x0019, {0x9E: ("LO", value)})))


@pytest.mark.parametrize(
    "value", [b"Jonsson ", b"JONSSON ", b"for Dr. X", b"20200101", b"AB1234567 ", "Jönßon".encode()]
)
def test_P04_text_that_could_be_typed_goes(value: bytes) -> None:
    assert 0x0019109E not in kept(WRITER.file(block("GEMS_ACQU_01", 0x0019, {0x9E: ("LO", value)})))


def stack(writer: Writer = WRITER) -> bytes:
    return b"".join(
        (
            writer.element(0x00080080, "LO", b"St. Nowhere "),
            writer.element(0x00100010, "PN", b"Jonsson^Jon "),
            writer.element(0x00280010, "US", b"\x02\x00"),
            writer.element(0x20010010, "LO", b"Philips Imaging DD 001"),
            writer.element(0x20011032, "FL", struct.pack("<f", 1.5)),
            writer.element(0x20011099, "LO", b"Jonsson "),
        )
    )


@pytest.mark.parametrize("form", ["explicit", "implicit", "UN with a length", "UN without"])
def test_P05_a_safe_sequence_is_entered_and_all_inside_judged_on_its_own(form: str) -> None:
    writer = Writer(IMPLICIT if form == "implicit" else EXPLICIT)
    inner = Writer(IMPLICIT if form.startswith(("UN", "implicit")) else EXPLICIT)
    made = inner.item(stack(inner))
    sequence = (
        writer.open_sequence(0x2001105F, stack(inner), vr="UN")
        if form == "UN without"
        else writer.element(0x2001105F, "SQ" if form == "explicit" else "UN", made)
    )
    data = writer.file({0x20010010: writer.element(0x20010010, "LO", b"Philips Imaging DD 001"), 0x2001105F: sequence})
    out = written(data, SAFE)
    assert b"onsson" not in out
    assert b"Nowhere" not in out
    value = read(out)[0x2001105F].value
    assert b"\x28\x00\x10\x00" in out
    if not isinstance(value, bytes):
        (item,) = value
        assert item.Rows == 2
        assert [int(element.tag) for element in item if element.tag.is_private] == [0x20010010, 0x20011032]
        assert item.PatientName == read(out).PatientName


def test_P05_what_is_written_as_a_sequence_and_is_none_goes() -> None:
    data = WRITER.file(block("Philips Imaging DD 001", 0x2001, {0x5F: ("UN", b"Jonsson was here")}))
    assert len(kept(data)) == 0


def test_P06_bytes_are_off_by_default() -> None:
    bulk = [row for row in ROWS if row["vr"].startswith(("OB", "OW")) or not row["vr"]]
    assert len(bulk) == 25
    for row in bulk:
        tag = int(row["group"], 16) << 16 | 0x1000 | int(row["element"], 16)
        for vr in ("OB", "OW", "UN"):
            element = ElementRef(tag, vr, private_creator=row["private_creator"])
            assert decide(policy(SAFE), element).action.value == "X"
            assert not allows_private(policy(SAFE), row["private_creator"], tag)


def test_P06_a_steward_allows_a_row_of_bytes_after_review(tmp_path: Path) -> None:
    for name in ("header", "profiles"):
        shutil.copytree(bundled_folder("rules") / name, tmp_path / name)
    review = '[[reviewed_bulk]]\nprivate_creator = "{}"\ngroup = "7E01"\nelement = "{}"\nwhy = "w"\nreviewed_by = "r"\n'
    rules = tmp_path / "header" / "private.toml"
    shipped = rules.read_text(encoding="utf-8")
    rules.write_text(shipped + review.format("HOLOGIC, Inc.", "12"), encoding="utf-8")
    allowing = load_header_policy(tmp_path, options=[SAFE])
    element = ElementRef(0x7E011012, "OB", private_creator="HOLOGIC, Inc.")
    decision = decide(allowing, element)
    assert (decision.action.value, decision.rule_id) == ("K", "safe-private/reviewed-bytes/7E01xx12")
    assert allows_private(allowing, "HOLOGIC, Inc.", 0x7E011012)
    assert allowing.digest != policy(SAFE).digest
    assert decide(load_header_policy(tmp_path), element).action.value == "X"
    data = WRITER.file(block("HOLOGIC, Inc.", 0x7E01, {0x12: ("OB", bytes(range(8)))}))
    source = instance_facts(data, reference="", content_id="", policy=allowing)
    done = deidentify(data, source, subject=subject_of(), policy=allowing, pseudonyms=PSEUDONYMS)
    assert read(b"".join(done.chunks))[0x7E011012].value == bytes(range(8))
    for wrong in (review.format("HOLOGIC, Inc.", "01"), review.format("ACME", "12")):
        rules.write_text(shipped + wrong, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="names no row of bytes"):
            load_header_policy(tmp_path)


def test_P07_what_a_file_declares_safe_itself_is_never_believed() -> None:
    declared = b"".join(
        (
            WRITER.element(0x00080301, "US", b"\x09\x00"),
            WRITER.element(0x00080302, "LO", b"ACME"),
            WRITER.element(0x00080303, "CS", b"SAFE"),
        )
    )
    data = WRITER.file(
        {0x00080300: WRITER.sequence(0x00080300, declared)} | block("ACME", 0x0009, {0x01: ("DS", b"1.5 ")})
    )
    assert len(kept(data)) == 0
    assert 0x00080300 not in read(written(data, SAFE))


@pytest.mark.parametrize(
    ("creator", "group", "low"),
    [
        ("SIEMENS CSA HEADER", 0x0029, 0x10),
        ("SIEMENS CSA HEADER", 0x0029, 0x20),
        ("SIEMENS MEDCOM HEADER", 0x0029, 0x10),
        ("SIEMENS MR HEADER", 0x0021, 0x19),
        ("SIEMENS MR SDS 01", 0x0021, 0x19),
    ],
)
def test_P08_vendor_headers_and_protocols_go(creator: str, group: int, low: int) -> None:
    protocol = b"tPatientName = Jonsson  ### ASCCONV BEGIN ###"
    assert len(kept(WRITER.file(block(creator, group, {low: ("OB", protocol)})))) == 0
    assert len(kept(WRITER.file(block(creator, group, {low: ("UN", protocol)})))) == 0


def test_U01_private_uids_that_stay_are_replaced() -> None:
    data = WRITER.file(block("NQHeader", 0x0099, {0x02: ("UI", b"1.2.3.4.2")}))
    out = read(written(data, SAFE))
    assert out[0x00991002].value == out.SeriesInstanceUID
    assert out.SeriesInstanceUID.startswith("2.25.")
    assert read(written(data, SAFE, "retain-uids"))[0x00991002].value == "1.2.3.4.2"


@pytest.mark.parametrize("options", [(), (SAFE,)])
def test_P02_the_proof_accepts_exactly_what_the_table_has(options: tuple[str, ...]) -> None:
    def found(elements: dict[int, bytes]) -> set[str]:
        data = WRITER.file(elements)
        return {
            residual.place
            for residual in residuals(
                data,
                needles_of(()),
                keeps_uid=partial(keeps_uid, policy(*options)),
                allows_private=partial(allows_private, policy(*options)),
            )
            if residual.defect is Defect.PRIVATE_ELEMENT
        }

    both = {"(7053,0010)", "(7053,1000)"}
    assert found(suv()) == (set() if options else both)
    assert found(suv(creator="Philips Pet Private Group")) == both
    assert found({0x70530010: WRITER.element(0x70530010, "LO", PET.encode())}) == {"(7053,0010)"}
    assert found(suv() | block(PET, 0x7053, {0x05: ("DS", b"1 ")})) >= {"(7053,1005)"}
    unread = Writer(IMPLICIT).item(Writer(IMPLICIT).element(0x00091001, "LO", b"ACME"))
    hidden = block("Philips Imaging DD 001", 0x2001, {0x5F: ("UN", unread)})
    assert "(0009,1001)" in found(hidden)
